"""Mount points: found whatever their names, never covered, cleared only when they are ours and dead."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from envfs.errors import MountFailed
from envfs.host import mounts
from envfs.host.mounts import Mounted

NAMES = {
    "plain": "plain",
    "a blank": "with blank",
    "a tab": "with\ttab",
    "a line feed": "with\nline",
    "a backslash": "with\\backslash",
    "an escape's text": "with\\040text",
    "an escaped escape": "with\\134040text",
    "a carriage return": "with\rreturn",
    "a form feed": "with\x0cfeed",
    "a vertical tab": "with\x0btab",
    "separators": "with\x1c\x1d\x1eseparators",
    "a next line": "with\x85next",
    "a line separator": "with\u2028line",
    "a hash": "with#hash",
    "a dash": "with - dash",
    "no utf-8": os.fsdecode(b"with\xff\xfebytes"),
    "umlauts": "mit Ümläuten",
}

# in a mount namespace of its own, so that nothing of it is left, and nobody else sees it
_MOUNT_ALL = """
import os, subprocess, sys
from envfs.host import mounts
base = sys.argv[1]
paths = [os.path.join(base, os.fsdecode(bytes.fromhex(name))) for name in sys.argv[2:]]
for path in paths:
    os.mkdir(path)
    subprocess.run(["mount", "-t", "tmpfs", "envfs-test", path], check=True)
for path in paths:
    found = mounts.mounted_at(path)
    print(found is not None and found.path == path and found.kind == "tmpfs", mounts.mounted_at(path + "x") is None)
"""


def test_a_mount_is_found_whatever_its_name_and_beside_any_other(tmp_path: Path) -> None:
    words = [os.fsencode(name).hex() for name in NAMES.values()]
    command = ["unshare", "--user", "--map-root-user", "--mount", sys.executable, "-c", _MOUNT_ALL, str(tmp_path)]
    if os.geteuid() == 0:
        command = ["unshare", "--mount", *command[4:]]
    done = subprocess.run([*command, *words], capture_output=True, text=True, check=False)
    if "unshare" in done.stderr and "Operation not permitted" in done.stderr:
        pytest.skip("no mount namespaces here")
    assert done.stderr == ""
    found = dict(zip(NAMES, done.stdout.splitlines(), strict=True))
    assert found == dict.fromkeys(NAMES, "True True")


def test_the_topmost_of_several_mounts_is_found() -> None:
    found = mounts.mounted_at("/proc")
    assert found is not None
    assert found.path == "/proc"
    assert found.kind in ("proc", "autofs")
    assert mounts.mounted_at("/proc/self") is None


@pytest.mark.parametrize("name", ["new", "a/b/c"])
def test_a_folder_is_made_ready(tmp_path: Path, name: str) -> None:
    assert mounts.prepare_mount_point(str(tmp_path / name)) is False
    assert (tmp_path / name).is_dir()
    assert mounts.prepare_mount_point(str(tmp_path / name)) is False


def test_a_folder_with_something_in_it_is_never_covered(tmp_path: Path) -> None:
    (tmp_path / ".hidden").write_text("")
    with pytest.raises(MountFailed, match="not empty"):
        mounts.prepare_mount_point(str(tmp_path))


@pytest.mark.parametrize("inside", ["", "/below"])
def test_a_file_is_no_place_to_mount(tmp_path: Path, inside: str) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(MountFailed):
        mounts.prepare_mount_point(str(tmp_path / "file") + inside)


def test_somebody_elses_mount_is_left_alone() -> None:
    with pytest.raises(MountFailed, match="mount point of proc"):
        mounts.prepare_mount_point("/proc")


def test_a_mount_of_ours_that_answers_is_left_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(mounts, "mounted_at", lambda path: Mounted(path, "fuse.envfs"))
    monkeypatch.setattr(mounts, "clear_mount", lambda path: pytest.fail("it was cleared"))
    with pytest.raises(MountFailed, match="another envfs"):
        mounts.prepare_mount_point(str(tmp_path))


def test_a_dead_mount_of_ours_is_cleared_as_often_as_there_are(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    dead = [Mounted(str(tmp_path), "fuse.envfs")] * 3
    monkeypatch.setattr(mounts, "mounted_at", lambda path: dead[-1] if dead else None)
    monkeypatch.setattr(mounts, "_alive", lambda path: False)
    monkeypatch.setattr(mounts, "clear_mount", lambda path: dead.pop())
    assert mounts.prepare_mount_point(str(tmp_path)) is True
    assert dead == []


@pytest.mark.skipif(os.geteuid() != 0, reason="fusermount3 says it otherwise")
def test_what_is_no_mount_cannot_be_taken_away(tmp_path: Path) -> None:
    with pytest.raises(MountFailed, match="cannot unmount"):
        mounts.clear_mount(str(tmp_path))


@pytest.mark.parametrize(("text", "is_open"), [("N\n", False), ("0\n", False), ("Y\n", True)])
def test_a_kernel_says_whether_root_may_use_the_mounts_of_users(tmp_path: Path, text: str, is_open: bool) -> None:
    parameter = tmp_path / "allow_sys_admin_access"
    assert not mounts.are_open_to_root(parameter)  # an older kernel, which lets root in never
    parameter.write_text(text)
    assert mounts.are_open_to_root(parameter) is is_open

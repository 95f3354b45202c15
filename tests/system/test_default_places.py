"""Without ENVFS_HOME: a user's things are in the XDG folders, root's in the system's, and users reach root's daemon."""

import fcntl
import json
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.home import ENVFS, OWNER, SECONDS, as_user


@pytest.fixture
def folder(ground: Path) -> Iterator[Path]:
    """Give the home folder of a user, who has one place to mount at by default: one test at a time."""
    turn = os.open(f"/tmp/envfs-test-{OWNER}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(turn, fcntl.LOCK_EX)
    path = Path(tempfile.mkdtemp(prefix="person-", dir=ground))
    os.chown(path, OWNER, OWNER)
    path.chmod(0o755)
    yield path
    subprocess.run(["umount", "-l", f"/tmp/envfs-{OWNER}/mnt"], check=False, capture_output=True)
    os.close(turn)


def _envfs(folder: Path, extra: dict[str, str], *words: str, given: bytes = b"") -> bytes:
    done = _ended(folder, extra, *words, given=given)
    assert done.returncode == 0, done
    return done.stdout


def _ended(
    folder: Path, extra: dict[str, str], *words: str, given: bytes = b""
) -> "subprocess.CompletedProcess[bytes]":
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder), "LC_ALL": "C.UTF-8", **extra}
    command = [*as_user(OWNER), ENVFS, *words]
    return subprocess.run(command, input=given, capture_output=True, check=False, timeout=SECONDS, env=environ, cwd="/")


@pytest.mark.parametrize("runtime", ["", "runtime"])
def test_a_users_things_are_where_they_are_expected(folder: Path, runtime: str) -> None:
    extra = {}
    if runtime:
        (folder / runtime).mkdir(mode=0o700)
        os.chown(folder / runtime, OWNER, OWNER)
        extra = {"XDG_RUNTIME_DIR": str(folder / runtime)}
    _envfs(folder, extra, "init", "--identity-file", str(folder / "identity.txt"))
    _envfs(folder, extra, "set", "/app", "A", given=b"1")
    _envfs(folder, extra, "mount")
    try:
        report = json.loads(_envfs(folder, extra, "status", "--json"))
        assert report["mount"] == (f"{folder}/{runtime}/envfs/mnt" if runtime else f"/tmp/envfs-{OWNER}/mnt")
        assert (folder / "envfs").readlink() == Path(report["mount"])
        assert report["vault_folder"] == f"{folder}/.local/share/envfs/vault"
        assert report["log"] == f"{folder}/.local/state/envfs/access.jsonl"
        assert (folder / ".config/envfs/envfs.toml").stat().st_uid == OWNER
        socket = folder / runtime / "envfs" if runtime else folder / ".local/state/envfs"
        assert list(socket.rglob("control.sock"))
        if runtime:  # a session without that variable, as that of cron, reaches the same daemon
            assert json.loads(_envfs(folder, {}, "status", "--json"))["mount"] == report["mount"]
            assert _envfs(folder, {}, "get", "/app", "A") == b"1\n"
            assert b"a daemon runs here already" in _ended(folder, {}, "mount").stderr
        done = subprocess.run(
            [*as_user(OWNER), "cat", folder / "envfs/app/.env"], check=True, capture_output=True, timeout=SECONDS
        )
        assert done.stdout == b"A=1\n"
        tar = ["tar", "--create", "--file", "/dev/null", "--exclude", "runtime", "--directory", folder, "."]
        assert subprocess.run(tar, check=False, timeout=SECONDS).returncode == 0  # as root, whom the mount refuses
    finally:
        _envfs(folder, extra, "unmount")
    assert not os.path.lexists(folder / "envfs")


def _mounted(folder: Path) -> str:
    """Mount by default, and return what was said and where the link leads."""
    done = _ended(folder, {}, "mount")
    assert done.returncode == 0, done
    try:
        leads = os.readlink(folder / "envfs") if (folder / "envfs").is_symlink() else ""
    finally:
        _envfs(folder, {}, "unmount")
    return f"{done.stderr.decode()}{leads}"


def test_only_an_empty_folder_or_a_link_of_ours_makes_way_for_the_link(folder: Path) -> None:
    _envfs(folder, {}, "init", "--identity-file", str(folder / "identity.txt"))
    mine, mount = folder / "envfs", f"/tmp/envfs-{OWNER}/mnt"
    for target in (mount, "/run/user/4/envfs/mnt"):
        mine.symlink_to(target)
        os.chown(mine, OWNER, OWNER, follow_symlinks=False)
        assert _mounted(folder) == mount
    mine.mkdir()
    os.chown(mine, OWNER, OWNER)
    assert _mounted(folder) == mount
    for make in (lambda: mine.write_text("mine", encoding="utf-8"), lambda: mine.symlink_to("/somewhere/else")):
        make()
        said = _mounted(folder)
        assert f"envfs: note: {mine} is not a link to the mount" in said
        assert said.endswith("\n" if mine.is_file() else "/somewhere/else")
        mine.unlink()
    mine.mkdir()
    (mine / "file").touch()
    assert f"note: {mine} is not a link to the mount" in _mounted(folder)
    assert (mine / "file").exists()


def test_a_folder_of_somebody_elses_is_not_mounted_in(folder: Path) -> None:
    _envfs(folder, {}, "init", "--identity-file", str(folder / "identity.txt"))
    place = Path(f"/tmp/envfs-{OWNER}")
    place.mkdir(exist_ok=True)
    os.chown(place, 1002, 1002)
    try:
        done = _ended(folder, {}, "mount")
        assert (done.returncode, f"{place} is not a folder of this user alone" in done.stderr.decode()) == (117, True)
    finally:
        os.chown(place, OWNER, OWNER)


# in a world of its own, so that nothing of this machine is touched: fresh /run, /mnt, and layers over /etc and /var/lib
_ROOTS_WORLD = """
set -eu
umask 022
mount -t tmpfs -o mode=755 world "$1"
for place in etc var/lib; do
    mkdir -p "$1/$place/upper" "$1/$place/work"
    mount -t overlay -o "lowerdir=/$place,upperdir=$1/$place/upper,workdir=$1/$place/work" over "/$place"
done
mount -t tmpfs -o mode=755 fresh /run
mount -t tmpfs -o mode=755 fresh /mnt
rm -rf /etc/envfs /var/lib/envfs
unset ENVFS_HOME
envfs init --identity-file /etc/envfs/identity.txt >/dev/null
echo one | envfs set /app A
envfs grant /app --uid 1001
envfs mount
trap 'envfs unmount' EXIT
envfs status --json
cat /mnt/envfs/app/.env
setpriv --reuid 1001 --regid 1001 --clear-groups cat /mnt/envfs/app/.env
setpriv --reuid 1001 --regid 1001 --clear-groups env -u HOME envfs exec /app -- printenv A
for _ in 1 2 3 4 5 6 7 8 9; do # a machine that stands still for seconds makes it Python's
    setpriv --reuid 1001 --regid 1001 --clear-groups env HOME=/nonexistent envfs exec /app -- true
    if tail -n 1 /var/lib/envfs/state/access.jsonl | grep -o 'bin/envfs"'; then break; fi
done
if setpriv --reuid 1002 --regid 1002 --clear-groups env -u HOME envfs get /app A; then exit 9; else echo $?; fi
stat -c '%a %n' /etc/envfs /etc/envfs/envfs.toml /var/lib/envfs/vault /run/envfs /run/envfs/control.sock
"""


def test_roots_things_are_the_systems_and_users_reach_its_daemon(ground: Path) -> None:
    world = ground / "world"
    world.mkdir()
    environ = {"PATH": f"{Path(ENVFS).parent}:{os.environ['PATH']}", "HOME": "/root", "LC_ALL": "C.UTF-8"}
    done = subprocess.run(
        ["unshare", "--mount", "--propagation", "private", "sh", "-c", _ROOTS_WORLD, "sh", str(world)],
        capture_output=True,
        check=False,
        timeout=3 * SECONDS,
        env=environ,
        cwd="/",
        text=True,
    )
    assert done.returncode == 0, done
    report, *lines = done.stdout.splitlines()
    found = json.loads(report)
    assert (found["mount"], found["vault_folder"]) == ("/mnt/envfs", "/var/lib/envfs/vault")
    assert lines[:5] == ["A=one", "A=one", "one", 'bin/envfs"', "102"]  # the last value without an interpreter
    modes = {path: mode for mode, path in (line.split(" ") for line in lines[5:])}
    assert modes["/etc/envfs/envfs.toml"] == "600"
    assert modes["/var/lib/envfs/vault"] == "700"
    assert (modes["/run/envfs"], modes["/run/envfs/control.sock"]) == ("755", "666")

"""Private files: whole or not there, and trusted only if nobody else could have written them."""

import os
import resource
import stat
from pathlib import Path

import pytest

from envfs.errors import StoreUnavailable
from envfs.host import private_files


def test_a_file_is_written_whole_and_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "file"
    private_files.write_private(path, b"one")
    assert path.read_bytes() == b"one"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_file_is_replaced_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"a longer text than the next")
    path.chmod(0o644)
    private_files.write_private(path, b"two")
    assert path.read_bytes() == b"two"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert os.listdir(tmp_path) == ["file"]


def test_what_somebody_who_was_killed_left_is_used_up_or_removed(tmp_path: Path) -> None:
    path, left = tmp_path / "file", tmp_path / ".file.new"
    for number in range(3):
        left.write_bytes(b"half of what somebody wrote, and longer")
        private_files.write_private(path, b"%d" % number)
        assert os.listdir(tmp_path) == ["file"]
    left.write_bytes(b"half")
    for _ in range(2):
        private_files.drop_unfinished(path)
        assert os.listdir(tmp_path) == ["file"]
    assert path.read_bytes() == b"2"


def test_readers_of_the_old_file_keep_it_whole(tmp_path: Path) -> None:
    path = tmp_path / "file"
    private_files.write_private(path, b"old")
    with path.open("rb") as file:
        private_files.write_private(path, b"new")
        assert file.read() == b"old"


@pytest.mark.parametrize("mode", [0o600, 0o640])
def test_the_umask_can_only_take_rights_away(tmp_path: Path, mode: int) -> None:
    before = os.umask(0o077)
    try:
        private_files.write_private(tmp_path / "file", b"", mode)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o600


def test_where_it_cannot_be_written_the_error_names_file_and_reason(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StoreUnavailable, match=r"cannot write .*/file/inside: /.*/file is not a folder"):
        private_files.write_private(tmp_path / "file" / "inside", b"")


def test_a_link_planted_in_the_way_is_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    for name in (".file.new", "file"):
        (tmp_path / name).unlink(missing_ok=True)
        (tmp_path / name).symlink_to(victim)
        private_files.write_private(tmp_path / "file", b"x")
        assert victim.read_bytes() == b"precious"
        assert (tmp_path / "file").read_bytes() == b"x"
        assert not (tmp_path / "file").is_symlink()


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "file"
    private_files.write_private(path, b"old")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))  # the nearest to a full disk that needs no disk
    try:
        with pytest.raises(StoreUnavailable):
            private_files.write_private(path, b"x" * 2000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize(
    ("mode", "safe", "private"),
    [
        (0o600, True, True),
        (0o400, True, True),
        (0o700, True, True),
        (0o644, True, False),
        (0o604, True, False),
        (0o640, True, False),
        (0o620, False, False),
        (0o602, False, False),
        (0o601, True, False),
        (0o777, False, False),
    ],
)
def test_the_mode_decides_whether_a_file_is_trusted(tmp_path: Path, mode: int, safe: bool, private: bool) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"")
    path.chmod(mode)
    reason = "" if safe else f"its mode is {mode:04o}"
    assert private_files.unsafe(path.stat()) == reason
    assert private_files.unsafe(path.stat(), private=True) == ("" if private else f"its mode is {mode:04o}")


def test_what_is_no_regular_file_is_not_trusted(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "link").symlink_to("file")
    assert private_files.unsafe(tmp_path.stat()) == "it is not a regular file"
    assert private_files.unsafe((tmp_path / "link").lstat()) == "it is not a regular file"
    assert private_files.unsafe(os.stat(os.devnull)) == "it is not a regular file"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_file_of_somebody_else_is_not_trusted(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"")
    path.chmod(0o600)
    os.chown(path, 1234, 1234)
    assert private_files.unsafe(path.stat()) == "it belongs to uid 1234, not to uid 0"


def test_a_folder_that_is_not_there_cannot_be_put_on_the_disk(tmp_path: Path) -> None:
    private_files.sync_folder(tmp_path)
    with pytest.raises(OSError, match="No such file"):
        private_files.sync_folder(tmp_path / "missing")


def test_a_file_and_its_folder_are_on_the_disk_before_it_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    real_fsync, real_replace = os.fsync, Path.replace

    def fsync(handle: int) -> None:
        steps.append("fsync folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "fsync file")
        real_fsync(handle)

    def replace(source: Path, target: Path) -> Path:
        steps.append("replace")
        return real_replace(source, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(Path, "replace", replace)
    private_files.write_private(tmp_path / "file", b"x")
    assert steps == ["fsync file", "replace", "fsync folder"]

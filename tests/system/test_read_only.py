"""The mount is for reading: a write of any kind is EROFS to who is approved, and no question is ever ENOSYS."""

import errno
import mmap
import os
from pathlib import Path

import pytest

from tests.system.home import Home
from tests.system.probing import Ended, attempt, attempts

_STRANGER, _APPROVED = 4711, 1002
_ON_A_VIEW = ("unlink", "chmod", "chown", "utime", "truncate", "setxattr", "removexattr")
_READING = ("open", "read", "stat", "listdir", "access", "readlink", "getxattr", "listxattr", "statvfs")
_NEW = ("create", "mkdir", "symlink", "mknod")
_FLAGS = {
    "O_WRONLY": os.O_WRONLY,
    "O_RDWR": os.O_RDWR,
    "O_RDONLY|O_TRUNC": os.O_RDONLY | os.O_TRUNC,
    "O_WRONLY|O_APPEND": os.O_WRONLY | os.O_APPEND,
    "O_WRONLY|O_CREAT": os.O_WRONLY | os.O_CREAT,
    "O_RDWR|O_CREAT|O_TRUNC": os.O_RDWR | os.O_CREAT | os.O_TRUNC,
}


def _views(home: Home) -> list[Path]:
    return [home.view("/"), home.view("/shop/prod"), home.history_view("/shop", 1)]


@pytest.mark.parametrize("what", _ON_A_VIEW)
def test_changing_a_view_is_erofs(shared: Home, what: str) -> None:
    found = {str(path): ended.how for path, ended in zip(*_tried(shared, what), strict=True)}
    assert set(found.values()) == {"EROFS"}, found


def _tried(home: Home, what: str) -> tuple[list[Path], list[Ended]]:
    paths = _views(home)
    return paths, list(attempts(0, [[what, path] for path in paths]))


@pytest.mark.parametrize("what", ["chmod", "chown", "utime", "setxattr"])
def test_changing_a_folder_is_erofs(shared: Home, what: str) -> None:
    folders = [shared.mnt, shared.mnt / "shop", shared.mnt / ".history", shared.mnt / ".history" / "1"]
    assert {ended.how for ended in attempts(0, [[what, path] for path in folders])} == {"EROFS"}


@pytest.mark.parametrize("what", _NEW)
@pytest.mark.parametrize("place", ["", "shop", "shop/prod", ".history", "shop/.history/1"])
def test_making_something_new_is_erofs(shared: Home, what: str, place: str) -> None:
    assert attempt(0, what, shared.mnt / place / "new").how == "EROFS"


@pytest.mark.parametrize("name", _FLAGS)
def test_opening_for_writing_is_erofs(shared: Home, name: str) -> None:
    for path in _views(shared):
        assert attempt(0, "open", path, _FLAGS[name]).how == "EROFS", path


def test_moving_linking_and_removing_folders_is_erofs(shared: Home) -> None:
    view, folder = shared.view("/shop"), shared.mnt / "shop"
    wishes = [
        ["rename", view, shared.mnt / "moved"],
        ["rename", view, shared.view("/shop/prod")],
        ["rename", folder, shared.mnt / "moved"],
        ["link", view, shared.mnt / "linked"],
        ["rmdir", folder],
        ["rmdir", shared.mnt / "shop" / ".history"],
    ]
    assert [ended.how for ended in attempts(0, wishes)] == ["EROFS"] * len(wishes)


def test_moving_something_in_is_refused(shared: Home, tmp_path: Path) -> None:
    file = tmp_path / "plain.env"
    file.write_text("A=1\n", encoding="utf-8")
    assert attempt(0, "rename", file, shared.view("/shop")).how == "EXDEV"
    assert attempt(0, "link", file, shared.mnt / "linked").how == "EXDEV"


def test_a_stranger_who_tries_to_write_is_refused_too(shared: Home) -> None:
    wishes = [[what, shared.view("/shop")] for what in _ON_A_VIEW] + [[what, shared.mnt / "new"] for what in _NEW]
    found = {ended.how for ended in attempts(_STRANGER, wishes)}
    assert found <= {"EACCES", "EROFS", "EPERM"}
    assert attempt(_STRANGER, "open", shared.view("/shop"), os.O_RDONLY | os.O_TRUNC).how in ("EACCES", "EROFS")


def test_all_that_left_the_vault_as_it_was(shared: Home) -> None:
    assert {row["version"] for row in shared.rows("ls")} == {1}
    assert shared.envfs("verify").text.endswith(" 0 failed\n")


def test_access_says_that_a_view_may_be_read_and_no_more(shared: Home) -> None:
    shared.envfs("grant", "/", "--uid", str(_APPROVED))
    path, folder = shared.view("/shop"), shared.mnt / "shop"
    # to root the kernel says yes whatever the bits are; a write is EROFS all the same
    for uid, may_write in ((_APPROVED, "EACCES"), (0, "ok")):
        wishes = [("access", path, os.R_OK), ("access", folder, os.R_OK | os.X_OK), ("access", path, os.X_OK)]
        wishes += [("access", path, os.W_OK), ("access", folder, os.W_OK)]
        assert [ended.how for ended in attempts(uid, wishes)] == ["ok", "ok", "EACCES", may_write, may_write]


def test_a_user_that_is_approved_and_not_root_writes_nothing_either(shared: Home) -> None:
    shared.envfs("grant", "/", "--uid", str(_APPROVED))
    for path in _views(shared):
        whats = ("unlink", "chmod", "chown", "utime", "truncate")
        hows = {ended.how for ended in attempts(_APPROVED, [(what, path) for what in whats])}
        assert hows <= {"EROFS", "EACCES", "EPERM"}
        for flags in _FLAGS.values():
            assert attempt(_APPROVED, "open", path, flags).how in ("EROFS", "EACCES")


def test_no_question_is_ever_enosys(shared: Home) -> None:
    """One ENOSYS from `open` or `opendir`, and the kernel would let everybody in for the life of the mount."""
    for uid in (_STRANGER, 0, _STRANGER, 0):
        for path in (shared.view("/shop/prod"), shared.mnt / "shop", shared.mnt / ".history" / "1" / ".env"):
            whats = (*_READING, *_ON_A_VIEW, "rmdir")
            ended = attempts(uid, [[what, path] for what in whats])
            found = {what: answer.how for what, answer in zip(whats, ended, strict=True)}
            assert "ENOSYS" not in found.values(), found
            assert "EIO" not in found.values(), found
            expected = {0: ("ok", "EISDIR"), _STRANGER: ("EACCES",)}[uid]
            assert found["open"] in expected
            assert found["read"] in expected


def test_reading_by_mapping_works_privately_and_not_shared(shared: Home) -> None:
    whole = shared.view("/shop").read_bytes()
    with shared.view("/shop").open("rb") as file:
        with mmap.mmap(file.fileno(), 0, mmap.MAP_PRIVATE, mmap.PROT_READ) as mapped:
            assert mapped[:] == whole
        with pytest.raises(OSError, match="No such device") as raised:
            mmap.mmap(file.fileno(), 0, mmap.MAP_SHARED, mmap.PROT_READ)
        assert raised.value.errno == errno.ENODEV


@pytest.mark.parametrize(
    "name", ["nothing", ".envrc", ".env.local", "shop/.env/x", "shop/..env", "x" * 255, "é", ".ENV"]
)
def test_what_is_not_there_is_enoent(shared: Home, name: str) -> None:
    assert attempt(0, "stat", shared.mnt / name).how in ("ENOENT", "ENOTDIR")
    assert attempt(0, "read", shared.mnt / name).how in ("ENOENT", "ENOTDIR")


@pytest.mark.parametrize("version", ["0", "2", "01", "-1", "99999999", "999999999999999999999999", "x", "1 "])
def test_a_version_that_never_was_is_enoent(shared: Home, version: str) -> None:
    assert attempt(0, "read", shared.mnt / "shop" / ".history" / version / ".env").how == "ENOENT"

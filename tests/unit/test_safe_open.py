"""A path from outside is opened without waiting, refused by its kind, and read up to a limit."""

import errno
import io
import os
from pathlib import Path

import pytest

from envfs import safe_open
from envfs.safe_open import NotRegular, OverLimit
from envfs_cli.daemon import background
from envfs_cli.shell.history import History
from tests.system.odd_files import KINDS, plant

_ODD = sorted(set(KINDS) - {"sparse terabyte"})


@pytest.mark.parametrize("kind", _ODD)
@pytest.mark.parametrize("flags", [os.O_RDONLY, os.O_WRONLY, os.O_RDWR, os.O_WRONLY | os.O_APPEND])
@pytest.mark.parametrize("follow", [False, True])
def test_what_is_not_a_regular_file_is_refused(tmp_path: Path, kind: str, flags: int, *, follow: bool) -> None:
    plant(tmp_path / "file", kind)
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(OSError, match=r".") as caught:
        safe_open.open_file(tmp_path / "file", flags, follow=follow)
    assert len(os.listdir("/proc/self/fd")) <= before
    if kind in ("FIFO", "socket", "folder"):
        assert isinstance(caught.value, NotRegular)
        assert safe_open.error_words(caught.value) == f"it is a {kind}, not a regular file"


def test_a_link_is_followed_only_where_that_is_allowed(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    (tmp_path / "link").symlink_to("file")
    assert safe_open.read_file(tmp_path / "link", 10, follow=True) == b"x"
    with pytest.raises(NotRegular, match="a symbolic link"):
        safe_open.read_file(tmp_path / "link", 10)


@pytest.mark.parametrize(("size", "fits"), [(0, True), (9, True), (10, True), (11, False), (1 << 40, False)])
def test_no_more_than_the_limit_is_read(tmp_path: Path, size: int, *, fits: bool) -> None:
    path = tmp_path / "file"
    path.touch()
    os.truncate(path, size)
    if fits:
        assert safe_open.read_file(path, 10) == bytes(size)
        return
    with pytest.raises(OverLimit, match="it is over 10 bytes") as caught:
        safe_open.read_file(path, 10)
    assert caught.value.errno == errno.EFBIG


def test_a_file_that_grows_while_it_is_read_is_read_to_the_limit() -> None:
    # its size says 0, as that of a file which somebody is about to fill does
    handle = os.open("/dev/zero", os.O_RDONLY)
    try:
        with pytest.raises(OverLimit):
            safe_open.read_handle(handle, 1 << 22)
    finally:
        os.close(handle)


def test_a_line_without_an_end_is_refused() -> None:
    assert list(safe_open.read_lines(io.BytesIO(b"a\nbc\nd"), 3)) == [b"a\n", b"bc\n", b"d"]
    with pytest.raises(OverLimit, match="a line of it is over 3 bytes"):
        list(safe_open.read_lines(io.BytesIO(b"a\nbcde\n"), 3))


def test_a_new_file_is_created_with_its_mode(tmp_path: Path) -> None:
    os.close(safe_open.open_file(tmp_path / "file", os.O_WRONLY | os.O_CREAT, 0o640))
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o640
    with pytest.raises(FileNotFoundError):
        safe_open.open_file(tmp_path / "none")


def test_a_dead_file_system_is_named() -> None:
    assert "has ended" in safe_open.error_words(OSError(errno.ENOTCONN, os.strerror(errno.ENOTCONN)))
    assert safe_open.error_words(OSError(errno.EACCES, os.strerror(errno.EACCES))) == "permission denied"
    assert safe_open.error_words(OSError()) == "input/output error"


@pytest.mark.parametrize("kind", KINDS)
def test_the_shells_history_and_the_daemons_log_do_without_their_file(tmp_path: Path, kind: str) -> None:
    plant(tmp_path / "file", kind)
    history = History(str(tmp_path / "file"))
    assert history.lines == []
    history.remember("ls")
    assert history.lines == ["ls"]
    os.close(background._daemon_log(str(tmp_path / "file")))

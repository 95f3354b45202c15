"""A file that a person names is that file, and no descriptor that has the same number."""

import os
import socket
from pathlib import Path

import pytest

from envfs_cli import files


@pytest.mark.parametrize("path", ["0", "1", "/dev/fd/" + "9" * 5000, "x/dev/fd/0", "/dev/fd/-1", "9" * 5000])
def test_what_is_not_there_is_not_read(path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OSError, match=r"No such file|name too long"):
        files.open_input(path)


@pytest.mark.parametrize("folder", ["/dev/fd", "/proc/self/fd"])
def test_a_descriptor_that_cannot_be_opened_by_its_name_is_read_all_the_same(folder: str) -> None:
    ours, theirs = socket.socketpair()
    theirs.close()
    with ours:
        handle, _ = files.open_input(f"{folder}/{ours.fileno()}")
    assert os.read(handle, 9) == b""
    os.close(handle)

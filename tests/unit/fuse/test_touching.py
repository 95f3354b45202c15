"""Who is let through while a file is touched: the touching thread, on its way to that file, and nobody else."""

import errno
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from pyfuse3 import EntryAttributes, FUSEError

from envfs.core.access.caller import Caller
from envfs.fuse import touching
from envfs.fuse.kernel_table import Inode, InodeIdentity
from envfs.fuse.nodes import Node, NodeKind
from envfs.fuse.touch_plan import Step, Touch
from envfs.fuse.touching import Touching

ROOT = 1
SHOP, ENV = (
    Inode(number, InodeIdentity(node, 0), Caller(0, 0, 1), EntryAttributes())
    for number, node in ((7, Node(NodeKind.FOLDER, "/shop")), (8, Node(NodeKind.DOTENV, "/shop")))
)
TOUCH = Touch((Step(ROOT, "shop", SHOP), Step(SHOP.number, ".env", ENV)))


class Asks(NamedTuple):
    """Who asks, as pyfuse3 tells it."""

    pid: int
    uid: int = 0


class Fields(NamedTuple):
    """What is to be set."""

    update_mtime: bool = True
    update_atime: bool = False
    update_size: bool = False
    update_mode: bool = False
    update_uid: bool = False
    update_gid: bool = False


@pytest.fixture
def under_way(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[Touching], None]], None]:
    """Run a look while ENV is touched, in the place of the kernel."""

    def run(look: Callable[[Touching], None]) -> None:
        made = Touching()

        monkeypatch.setattr(touching, "_set_time", lambda *_: look(made))
        made.touch(TOUCH, -1)

    return run


def me() -> Asks:
    return Asks(threading.get_native_id())


def test_the_touching_thread_walks_to_the_inode_and_nowhere_else(under_way: Callable[..., None]) -> None:
    def look(made: Touching) -> None:
        assert made.is_by(me())  # type: ignore[arg-type]
        assert made.step(ROOT, b"shop") is SHOP
        assert made.step(7, b".env") is ENV
        for folder, name in ((ROOT, b".env"), (ROOT, b"blog"), (7, b".env.json"), (7, b"prod"), (7, b".vars")):
            with pytest.raises(FUSEError) as raised:
                made.step(folder, name)
            assert raised.value.errno == errno.EACCES

    under_way(look)


@pytest.mark.parametrize("pid", [0, 1, os.getppid(), 2**22], ids=["the kernel", "init", "the parent", "none"])
def test_no_other_thread_or_process_is_taken_for_it(under_way: Callable[..., None], pid: int) -> None:
    def look(made: Touching) -> None:
        assert not made.is_by(Asks(pid))  # type: ignore[arg-type]
        assert not made.allows(8, Fields(), None, Asks(pid))  # type: ignore[arg-type]

    under_way(look)


def test_it_sets_one_time_of_that_one_inode_and_nothing_else(under_way: Callable[..., None]) -> None:
    def look(made: Touching) -> None:
        assert made.allows(8, Fields(), None, me())  # type: ignore[arg-type]
        assert not made.allows(7, Fields(), None, me())  # type: ignore[arg-type]
        assert not made.allows(8, Fields(), 3, me())  # type: ignore[arg-type]
        assert not made.allows(8, Fields(update_mtime=False), None, me())  # type: ignore[arg-type]
        for other in Fields._fields[1:]:
            assert not made.allows(8, Fields()._replace(**{other: True}), None, me())  # type: ignore[arg-type]

    under_way(look)


def test_afterwards_the_thread_is_nobody_again(under_way: Callable[..., None]) -> None:
    seen: list[Touching] = []
    under_way(seen.append)
    assert not seen[0].is_by(me())  # type: ignore[arg-type]
    assert not seen[0].allows(ENV, Fields(), None, me())  # type: ignore[arg-type]
    with pytest.raises(FUSEError):
        seen[0].step(ROOT, b"shop")


def test_the_kernels_words_for_one_time_alone_are_what_we_send(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    os.utime(file, (1, 1))
    folder = os.open(tmp_path, os.O_PATH)
    touching._set_time(folder, b"file")
    os.close(folder)
    assert (file.stat().st_atime, file.stat().st_mtime > 1) == (1, True)


@pytest.mark.parametrize("path", [b"link", b"linked/file", b"../other/file"])
def test_no_link_and_no_other_mount_is_on_the_way(tmp_path: Path, path: bytes) -> None:
    other, root = tmp_path / "other", tmp_path / "root"
    other.mkdir()
    root.mkdir()
    file = other / "file"
    file.touch()
    os.utime(file, (1, 1))
    (root / "link").symlink_to(file)
    (root / "linked").symlink_to(other)
    folder = os.open(root, os.O_PATH)
    touching._set_time(folder, path)
    os.close(folder)
    assert file.stat().st_mtime == 1

"""Change events: the daemon touches files of its own mount, for the kernel tells watchers of nothing else.

A thread sets the time of a file, and of that alone. The kernel walks there, asks `setattr`, and has one IN_MODIFY for
those who watch the file and one for those who watch its folder. Nothing is changed by it, and no content is asked for.

Laws: only the touching thread is let through, known by its id while it touches, only on the way to the one inode, and
nothing else is answered to it. That is no access and is not on the log. The loop never waits for a touch: the kernel
waits for the loop. Other mounts at the path, or below it, are left alone.
"""

import ctypes
import errno
import os
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import NamedTuple, Protocol

import trio
from pyfuse3 import FUSEError, RequestContext, SetattrFields

from envfs.core.differences import Difference
from envfs.fuse.kernel_table import Inode
from envfs.fuse.touch_plan import Touch
from envfs.host.libc import LIBC

_UTIME_NOW, _UTIME_OMIT = (1 << 30) - 1, (1 << 30) - 2
_AT_EMPTY_PATH = 0x1000
_OPENAT2 = 437  # its number on every machine
_NO_XDEV, _NO_SYMLINKS, _BENEATH = 0x01, 0x04, 0x08


class _Time(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


# the modification time alone: with both times it would be an IN_ATTRIB, which editors do not take for a change
_NOW = (_Time * 2)(_Time(0, _UTIME_OMIT), _Time(0, _UTIME_NOW))


class _How(ctypes.Structure):
    _fields_ = (("flags", ctypes.c_uint64), ("mode", ctypes.c_uint64), ("resolve", ctypes.c_uint64))


# without content and without asking us for it; what is mounted on one of our folders ends the way
_FOUND = _How(os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, 0, _NO_XDEV | _NO_SYMLINKS | _BENEATH)


class _UnderWay(NamedTuple):
    """A touch under way: by which thread, of which inode, over which steps by folder and name."""

    thread: int
    target: int
    steps: dict[tuple[int, bytes], Inode]


class Touching:
    """The permission to touch, at this moment: the loop asks, the touching thread says.

    `before` is called in that thread ahead of each touch: the kernel has to ask for each step of the way.
    """

    def __init__(self) -> None:
        """Start with nobody touching anything."""
        self._touch: _UnderWay | None = None
        self.before: Callable[[], None] = _nothing

    @property
    def is_under_way(self) -> bool:
        """Tell whether something is touched at this moment."""
        return self._touch is not None

    def is_by(self, ctx: RequestContext) -> bool:
        """Tell whether it is the touching thread that asks."""
        touch = self._touch
        return touch is not None and ctx.pid == touch.thread

    def step(self, folder: int, name: bytes) -> Inode:
        """Return the inode that the touching thread walks over. EACCES: it has no other way."""
        touch = self._touch
        inode = touch.steps.get((folder, name)) if touch is not None else None
        if inode is None:
            raise FUSEError(errno.EACCES)
        return inode

    def allows(self, inode: int, fields: SetattrFields, fh: int | None, ctx: RequestContext) -> bool:
        """Tell whether this is the touching thread, and what it does the touch of this inode."""
        touch = self._touch
        if touch is None or ctx.pid != touch.thread or inode != touch.target or fh is not None:
            return False
        others = fields.update_size, fields.update_mode, fields.update_uid, fields.update_gid, fields.update_atime
        return fields.update_mtime and not any(others)

    def touch(self, touch: Touch, root: int) -> None:
        """Touch one inode below the opened folder `root`. For a thread."""
        steps = {(step.folder, os.fsencode(step.name)): step.inode for step in touch.steps}
        self._touch = _UnderWay(threading.get_native_id(), touch.target, steps)
        try:
            self.before()
            _set_time(root, b"/".join(name for _, name in steps))
        finally:
            self._touch = None


def _nothing() -> None:
    """The kernel asks for each step anyhow."""


def _set_time(root: int, path: bytes) -> None:
    # if it fails, there is nobody left to tell
    file = LIBC.syscall(_OPENAT2, root, path, ctypes.byref(_FOUND), ctypes.sizeof(_FOUND))
    if file >= 0:
        try:
            LIBC.utimensat(file, b"", _NOW, _AT_EMPTY_PATH)
        finally:
            os.close(file)


class HeldInodes(Protocol):
    """The kernel's picture of the mount, as far as touching needs it."""

    touching: Touching

    def levels_held(self) -> set[str]:
        """Return the levels of which the kernel holds something that can change."""
        ...

    def touches(self, differing: Mapping[str, Difference]) -> list[Touch]:
        """Plan what to touch so that every watch is told of these differences."""
        ...


class Toucher:
    """Touches what changed in the mount at `path`, one thread at a time."""

    def __init__(self, held: HeldInodes, path: str) -> None:
        """Touch what is `held` of the mount."""
        self._held = held
        self._path = path
        self._device = 0
        self._turn = trio.CapacityLimiter(1)

    async def begin(self) -> None:
        """Wait until the mount answers, and remember it: nothing else is touched that may be found at its path."""
        self._device = (await trio.to_thread.run_sync(os.stat, self._path)).st_dev

    @property
    def device(self) -> int:
        """The mount's device number, once it has answered."""
        return self._device

    def levels(self) -> set[str]:
        """Return the levels that the kernel knows something of."""
        return self._held.levels_held()

    async def touch(self, differing: Mapping[str, Difference]) -> None:
        """Touch what shows these differences, by level."""
        touches = self._held.touches(differing)
        # a thread that the kernel keeps waiting at the end is left behind: it goes with the mount
        await trio.to_thread.run_sync(self._touch, touches, abandon_on_cancel=True, limiter=self._turn)

    def _touch(self, touches: list[Touch]) -> None:
        with suppress(OSError):  # the mount is gone, or hidden from this process
            root = os.open(self._path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                if os.fstat(root).st_dev == self._device:
                    for touch in touches:
                        self._held.touching.touch(touch, root)
            finally:
                os.close(root)

"""Memory for secrets that other parts of the system cannot get at.

`memfd_secret` takes the pages out of the kernel's own map, so that not even root can read them through /proc or the
kernel. Where it is missing, forbidden or over the limit, an ordinary memfd stands in, locked if it may be, and never in
a core dump. A region can be handed to another process as a descriptor.

Laws: what protects each region is known, and the weakest of them is told. A region is not wiped in a forked child, as
shared memory cannot be (madvise(2)), and the keyholder's children write their results into it.
"""

import contextlib
import ctypes
import errno
import mmap
import os
import resource
import weakref
from typing import NamedTuple

from envfs.core.protection import MemoryKind
from envfs.host.libc import LIBC, last_error

_FROM_STRONG_TO_WEAK = tuple(MemoryKind)
_MADV_WIPEONFORK = 18
_MEMFD_SECRET = 447  # the same number on every architecture that has the call
_WHY = {
    errno.ENOSYS: "the kernel has no memfd_secret, or it is switched off",
    errno.EPERM: "memfd_secret is forbidden here, as in some containers",
}


class Kept(NamedTuple):
    """How memory is kept from others, and why it is not secret memory, or the empty string."""

    kind: MemoryKind
    reason: str = ""


class Region:
    """A shared mapping that holds secrets. `wipe` overwrites it, `close` wipes it first."""

    def __init__(self, descriptor: int, size: int) -> None:
        """Map `size` bytes of a descriptor and take it over."""
        self.size = size
        self.kept = Kept(MemoryKind.SECRET)
        self._open = True
        self._descriptor = descriptor
        self._map = mmap.mmap(descriptor, max(size, 1), mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE)
        _held.add(self)

    @classmethod
    def create(cls, size: int, *, ordinary: bool = False) -> "Region":
        """Make a new region of `size` bytes, in secret memory unless `ordinary` or it cannot be had.

        Raises:
            OSError: there is no memory for it
        """
        reason = "there was no room for more of it"
        if not ordinary:
            try:
                return cls._made(_secret_descriptor(), size)
            except OSError as error:
                reason = _why(error)
        region = cls._made(os.memfd_create("envfs", os.MFD_CLOEXEC), size)
        _lock(region, reason)
        return region

    @classmethod
    def received(cls, descriptor: int, size: int) -> "Region":
        """Take a region over that another process made. It is not handed on, so the mapping alone is kept.

        Raises:
            OSError: it cannot be mapped, as secret memory counts for the one who maps it. The descriptor is closed
        """
        secret = os.readlink(f"/proc/self/fd/{descriptor}").startswith("/secretmem")
        try:
            region = cls(descriptor, size)
        except OSError:
            os.close(descriptor)
            raise
        region._forget_descriptor()
        if not secret:
            _lock(region, "there was no room for more of it")
        return region

    @classmethod
    def _made(cls, descriptor: int, size: int) -> "Region":
        try:
            os.ftruncate(descriptor, max(size, 1))
            return cls(descriptor, size)
        except OSError:
            os.close(descriptor)
            raise

    @property
    def descriptor(self) -> int:
        """The descriptor to hand to another process."""
        return self._descriptor

    @property
    def map(self) -> mmap.mmap:
        """The mapping itself, for reading and writing in place."""
        return self._map

    def begins_as(self, other: "Region", size: int) -> bool:
        """Tell whether the first `size` bytes are those of another region, without a copy of any."""
        here, there = (ctypes.addressof(ctypes.c_char.from_buffer(region.map)) for region in (self, other))
        return size <= min(self.size, other.size) and LIBC.memcmp(here, there, size) == 0

    def has_as(self, start: int, other: "Region", other_start: int, size: int) -> bool:
        """Tell whether `size` bytes from `start` on are those of another region, without a copy of any."""
        if start + size > self.size or other_start + size > other.size:
            return False
        here, there = (ctypes.addressof(ctypes.c_char.from_buffer(region.map)) for region in (self, other))
        return bool(LIBC.memcmp(here + start, there + other_start, size) == 0)

    def wipe(self) -> None:
        """Overwrite the whole region with zeros."""
        ctypes.memset(ctypes.addressof(ctypes.c_char.from_buffer(self._map)), 0, max(self.size, 1))

    def close(self) -> None:
        """Wipe the region and give it back. Calling it again does nothing."""
        if self._open:
            self._open = False
            _held.discard(self)
            self.wipe()
            with contextlib.suppress(BufferError):  # somebody still looks, at zeros now. It goes with the last of them
                self._map.close()
            self._forget_descriptor()

    def _forget_descriptor(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __repr__(self) -> str:
        """Show the size and nothing of the content."""
        return f"Region({self.size} bytes)"


class ReplyBuffer:
    """Locked pages for what is on its way to the kernel, which cannot take it from secret memory (EFAULT).

    Filled for one reply, wiped when the file is closed. Not in a core dump, not in a forked child. `kept` says whether
    they could be locked.
    """

    def __init__(self, size: int) -> None:
        """Take `size` bytes."""
        self._map = mmap.mmap(-1, size, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        self._map.madvise(mmap.MADV_DONTDUMP)
        self._map.madvise(_MADV_WIPEONFORK)
        self._address = ctypes.addressof(ctypes.c_char.from_buffer(self._map))
        self.kept = _locked(self._address, size, "the kernel takes replies from ordinary memory alone")
        _held.add(self)
        self.view = memoryview(self._map)
        self._used = 0

    def filled(self, size: int) -> memoryview:
        """Return the first `size` bytes, which were filled through `view`."""
        self._used = max(self._used, size)
        return self.view[:size]

    def wipe(self) -> None:
        """Overwrite what was filled."""
        ctypes.memset(self._address, 0, self._used)
        self._used = 0


_held: weakref.WeakSet[Region | ReplyBuffer] = weakref.WeakSet()


def protection() -> Kept:
    """Return the weakest of what protects secrets in this process now, a new region's included.

    Replies on their way count only if they could not be locked: no machine keeps them in secret memory.
    """
    new = Region.create(1)
    protections = [one.kept for one in _held if isinstance(one, Region) or one.kept.kind is MemoryKind.UNLOCKED]
    new.close()
    return max(protections, key=lambda kept: _FROM_STRONG_TO_WEAK.index(kept.kind))


def _lock(region: Region, reason: str) -> None:
    region.map.madvise(mmap.MADV_DONTDUMP)
    region.kept = _locked(ctypes.addressof(ctypes.c_char.from_buffer(region.map)), max(region.size, 1), reason)


def _locked(address: int, size: int, reason: str) -> Kept:
    if LIBC.mlock(address, size) == 0:
        return Kept(MemoryKind.LOCKED, reason)
    return Kept(MemoryKind.UNLOCKED, _too_small())


def _why(error: OSError) -> str:
    if error.errno == errno.EAGAIN:
        return _too_small()
    return _WHY.get(error.errno or 0, f"memfd_secret: {os.strerror(error.errno or errno.EIO).lower()}")


def _too_small() -> str:
    limit = resource.getrlimit(resource.RLIMIT_MEMLOCK)[0]
    return f"at most {limit >> 10} KiB may be locked (RLIMIT_MEMLOCK)"


def _secret_descriptor() -> int:
    descriptor: int = LIBC.syscall(_MEMFD_SECRET, os.O_CLOEXEC)
    if descriptor < 0:
        raise last_error("memfd_secret")
    return descriptor

"""Memory for secrets that other parts of the system cannot get at.

`memfd_secret` takes the pages out of the kernel's own map, so that not even root can read them through /proc or the
kernel; where it is missing, an ordinary memfd with locked pages stands in. A region can be handed to another process
as a descriptor.
"""

import contextlib
import ctypes
import mmap
import os

_MADV_WIPEONFORK = 18
_MEMFD_SECRET = 447  # the same number on every architecture that has the call
_libc = ctypes.CDLL(None, use_errno=True)
_libc.mlock.argtypes = (ctypes.c_void_p, ctypes.c_size_t)


class Region:
    """A shared mapping that holds secrets; `wipe` overwrites it, `close` wipes it first."""

    def __init__(self, descriptor: int, size: int) -> None:
        """Map `size` bytes of a descriptor and take it over."""
        self.size = size
        self._open = True
        self._descriptor = descriptor
        self._map = mmap.mmap(descriptor, max(size, 1), mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE)

    @classmethod
    def create(cls, size: int) -> "Region":
        """Make a new region of `size` bytes.

        Raises:
            OSError: no memory may be locked
        """
        descriptor = _secret_descriptor()
        try:
            os.ftruncate(descriptor, max(size, 1))
            region = cls(descriptor, size)
        except OSError:
            os.close(descriptor)
            raise
        region._lock()
        return region

    @classmethod
    def received(cls, descriptor: int, size: int) -> "Region":
        """Take a region over that another process made; it is not handed on, so the mapping alone is kept."""
        region = cls(descriptor, size)
        region._forget_descriptor()
        return region

    @property
    def descriptor(self) -> int:
        """The descriptor to hand to another process."""
        return self._descriptor

    @property
    def map(self) -> mmap.mmap:
        """The mapping itself, for reading and writing in place."""
        return self._map

    def wipe(self) -> None:
        """Overwrite the whole region with zeros."""
        ctypes.memset(ctypes.addressof(ctypes.c_char.from_buffer(self._map)), 0, max(self.size, 1))

    def close(self) -> None:
        """Wipe the region and give it back; calling it again does nothing."""
        if self._open:
            self._open = False
            self.wipe()
            with contextlib.suppress(BufferError):  # somebody still looks, at zeros now; it goes with the last of them
                self._map.close()
            self._forget_descriptor()

    def _forget_descriptor(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _lock(self) -> None:
        # best effort: memfd_secret pages are locked already, and a user's limit may be too low for the stand-in
        _libc.mlock(ctypes.addressof(ctypes.c_char.from_buffer(self._map)), max(self.size, 1))

    def __repr__(self) -> str:
        """Show the size and nothing of the content."""
        return f"Region({self.size} bytes)"


class ReplyBuffer:
    """Locked pages for what is on its way to the kernel, which cannot take it from secret memory (EFAULT).

    Filled for one reply, wiped when the file is closed; not in a core dump, not in a forked child.
    """

    def __init__(self, size: int) -> None:
        """Take `size` bytes."""
        self._map = mmap.mmap(-1, size, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        self._map.madvise(mmap.MADV_DONTDUMP)
        self._map.madvise(_MADV_WIPEONFORK)
        self._address = ctypes.addressof(ctypes.c_char.from_buffer(self._map))
        _libc.mlock(self._address, size)
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


def _secret_descriptor() -> int:
    descriptor: int = _libc.syscall(_MEMFD_SECRET, os.O_CLOEXEC)
    if descriptor >= 0:
        return descriptor
    return os.memfd_create("envfs", os.MFD_CLOEXEC)

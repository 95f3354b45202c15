"""One mount's device: mounted, asked, answered, told what is stale, and unmounted.

Root mounts by mount(2), anybody else by fusermount3 (which is setuid), and root too where the kernel does not let it.
Laws: the device does not block, since a question can be withdrawn between a look and the read. Its number stays taken
after the end, so that a thread that comes late writes to nobody.
"""

import errno
import os
import select
import socket
import stat
import subprocess
from collections.abc import Collection
from contextlib import suppress

from envfs.errors import MountFailed
from envfs.fuse.device.layout import INVALID_ENTRY, INVALID_ENTRY_OUT, INVALID_INODE, INVALID_INODE_OUT, OUT_HEADER
from envfs.host import mounts
from envfs.host.libc import LIBC, last_error

_NAME, _TYPE = "envfs", mounts.FILE_SYSTEM
_FLAGS = {"nosuid": 2, "nodev": 4, "noexec": 8, "noatime": 1024}  # mount(2)
_MOST = (1 << 17) + 4096  # bytes of a question: the longest is that of an extended attribute


class FuseDevice:
    """The device of one mount. It is ready from the start, and a question waits until it is read.

    The `question` that was read last is at the start of this.
    """

    def __init__(self, number: int, path: str = "") -> None:
        """Take over the open device `number` of the mount at `path`."""
        os.set_blocking(number, False)
        self.number, self._path = number, path
        self.question = memoryview(bytearray(_MOST))
        self._room = [self.question]
        poll = select.poll()
        poll.register(number, select.POLLIN)
        self.look = poll.poll  # waits for so many ms

    def read(self) -> int:
        """Read the next question. Returns its size, or 0 if there is none.

        Raises:
            EOFError: the mount is undone, or aborted
        """
        try:
            size = os.readv(self.number, self._room)
        except BlockingIOError:
            return 0
        except OSError as error:
            if error.errno == errno.ENOENT:  # it was withdrawn while it was read
                return 0
            if error.errno in (errno.ENODEV, errno.ECONNABORTED):
                raise EOFError from None
            raise
        if not size:
            raise EOFError
        return size

    def reply(self, head: bytes, body: bytes | bytearray | memoryview) -> None:
        """Answer a question. It may be withdrawn by now, or the mount gone: that is no error."""
        with suppress(OSError):
            os.writev(self.number, (head, body))

    def write(self, answer: bytes | bytearray) -> None:
        """As `reply`, with a head and a body that are together."""
        with suppress(OSError):
            os.write(self.number, answer)

    def is_asked(self) -> bool:
        """Tell whether the kernel has a question that nobody took yet. False once it was unmounted."""
        return any(event == select.POLLIN for _, event in self.look(0))

    # -- what is stale -------------------------------------------------------------------------------------------------

    def invalidate_inode(self, inode: int) -> None:
        """Have the kernel forget pages and attributes. For a thread: it may wait for a question that is under way.

        Raises:
            OSError: the kernel does not know it
        """
        self._notify(INVALID_INODE, INVALID_INODE_OUT.pack(inode, 0, 0))

    def invalidate_entry(self, folder: int, name: bytes) -> None:
        """As `invalidate_inode`, for a name in a folder."""
        self._notify(INVALID_ENTRY, INVALID_ENTRY_OUT.pack(folder, len(name), 0) + name + b"\0")

    def _notify(self, code: int, body: bytes) -> None:
        os.writev(self.number, (OUT_HEADER.pack(OUT_HEADER.size + len(body), code, 0), body))

    # -- the end -------------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Undo the mount, unless it is gone. One that was aborted stays, for whoever looks after that."""
        is_gone = any(event & select.POLLERR for _, event in self.look(0))
        nobody = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        os.dup2(nobody, self.number, inheritable=False)  # first, or the unmounting would ask it
        os.close(nobody)
        if not is_gone:
            with suppress(MountFailed):
                mounts.clear_mount(self._path)


def mount(path: str, *, options: Collection[str] = ()) -> FuseDevice:
    """Mount at `path`, with more `options` of fuse(4).

    Raises:
        OSError: the kernel or fusermount3 refuses
    """
    if os.geteuid() == 0:
        with suppress(PermissionError):
            return FuseDevice(_mounted_by_kernel(path, options), path)
    return FuseDevice(_mounted_by_fusermount(path, options), path)


def _mounted_by_kernel(path: str, options: Collection[str]) -> int:
    device = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
    kind = stat.S_IFMT(os.stat(path).st_mode)
    words = (*options, f"fd={device}", f"rootmode={kind:o}", f"user_id={os.getuid()}", f"group_id={os.getgid()}")
    flags, text = sum(_FLAGS.values()), ",".join(words).encode()
    if LIBC.mount(_NAME.encode(), os.fsencode(path), _TYPE.encode(), flags, text) != 0:
        os.close(device)
        raise last_error(f"mount {path}")
    return device


def _mounted_by_fusermount(path: str, options: Collection[str]) -> int:
    mine, its = socket.socketpair()
    words = ",".join((*_FLAGS, *options, f"fsname={_NAME}", f"subtype={_TYPE.rpartition('.')[2]}"))
    with mine, its:
        environ = {**os.environ, "_FUSE_COMMFD": str(its.fileno())}
        command = ("fusermount3", "-o", words, "--", path)
        done = subprocess.run(command, env=environ, pass_fds=(its.fileno(),), check=False)
        its.close()
        _, devices, _, _ = socket.recv_fds(mine, 1, 1)
    if done.returncode or not devices:
        raise PermissionError(errno.EPERM, "fusermount3 refuses")
    os.set_inheritable(devices[0], False)
    return devices[0]

"""A file as the standard input of a fence: the command gets a pipe with its content, and not the file.

By a descriptor of the file it could be opened for writing, and its mode be changed: mounts of a fence do not hold what
was opened outside of it.

Law: at the end the file's position is behind what the command took, as it would be without a fence.
"""

import fcntl
import os
import select
import stat
import struct
import termios
import threading

_PIECE = 4096  # PIPE_BUF: a write is whole, or waits (pipe(7))


class FileInput:
    """The pipe, and a thread that fills it until this process ends. `descriptor` is the end for the command."""

    def __init__(self) -> None:
        """Take over the standard input. It is used for this alone."""
        self.descriptor, self._filled = os.pipe()
        os.set_blocking(self._filled, False)
        self._position = os.lseek(0, 0, os.SEEK_CUR)  # behind what is in the pipe
        self._lock = threading.Lock()

    def start(self) -> None:
        """Begin to fill it, once the command's process has its end."""
        threading.Thread(target=self._fill, daemon=True).start()

    def end(self) -> None:
        """Set the position of the file, once the command has ended."""
        with self._lock:
            unread = struct.unpack("i", fcntl.ioctl(self.descriptor, termios.FIONREAD, bytes(4)))[0]
            os.lseek(0, self._position - unread, os.SEEK_SET)

    def _fill(self) -> None:
        try:
            while piece := os.pread(0, _PIECE, self._position):
                select.select((), (self._filled,), ())
                with self._lock:
                    self._position += os.write(self._filled, piece)
        except OSError:
            pass  # it cannot be read any more: then this is its end
        os.close(self._filled)


def file_input() -> "FileInput | None":
    """Return what takes the place of the standard input, if that is a file or a disk."""
    try:
        mode = os.fstat(0).st_mode
        os.pread(0, 0, 0)  # not of one that is open for writing alone, or as a path
    except OSError:
        return None
    return FileInput() if stat.S_ISREG(mode) or stat.S_ISBLK(mode) else None

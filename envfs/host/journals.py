"""One line to the machine's own log: systemd's journal where there is one, else the syslog socket.

Law: nothing here waits, and a log that is missing or full is no error.
"""

import contextlib
import socket
from typing import assert_never

from envfs.core.audit_settings import Copies

_JOURNAL, _SYSLOG = "/run/systemd/journal/socket", "/dev/log"
_NOTICE, _INFO = 5, 6
_AUTHPRIV = 10 << 3


def tell(text: str) -> None:
    """Send one line without line feeds, as `envfs`."""
    journal = f"MESSAGE={text}\nPRIORITY={_NOTICE}\nSYSLOG_IDENTIFIER=envfs\n".encode()
    _send(_JOURNAL, journal) or _send(_SYSLOG, f"<{_AUTHPRIV | _NOTICE}>envfs: {text}".encode())


def _send(path: str, data: bytes) -> bool:
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
        sock.setblocking(False)
        sock.sendto(data, path)
        return True
    return False


class LogCopies:
    """Sends copies of log entries. `dropped` counts those that were not taken: nothing here waits."""

    def __init__(self) -> None:
        """Connect to nothing yet."""
        self.dropped = 0
        self._sockets: dict[Copies, socket.socket] = {}

    def send(self, to: Copies, line: bytes) -> None:
        """Send one entry, a line of JSON."""
        if to is Copies.NONE:
            return
        text = line.rstrip(b"\n")
        match to:
            case Copies.JOURNALD:
                data = b"MESSAGE=%b\nPRIORITY=%d\nSYSLOG_IDENTIFIER=envfs-log\n" % (text, _INFO)
            case Copies.SYSLOG:
                data = b"<%d>envfs-log: %b" % (_AUTHPRIV | _INFO, text)
            case _:
                assert_never(to)
        if not (
            self._try(to, data) or self._try(to, data)
        ):  # again: a journal that was started again has another socket
            self.dropped += 1

    def close(self) -> None:
        """Let go of the sockets."""
        for to in tuple(self._sockets):
            self._close(to)

    def _try(self, to: Copies, data: bytes) -> bool:
        try:
            self._connected(to).send(data)
        except BlockingIOError:
            return False
        except OSError:
            self._close(to)
            return False
        return True

    def _connected(self, to: Copies) -> socket.socket:
        if to not in self._sockets:
            sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)
            self._sockets[to] = sock
            sock.connect(_JOURNAL if to is Copies.JOURNALD else _SYSLOG)
        return self._sockets[to]

    def _close(self, to: Copies) -> None:
        sock = self._sockets.pop(to, None)
        if sock is not None:
            sock.close()

"""Reports to a service manager: that the daemon serves, that it is well, that it ends (sd_notify(3)).

Law: a service manager that does not listen changes nothing. Nothing here waits, and nothing here fails.
"""

import contextlib
import socket
from collections.abc import Mapping

_MICROSECONDS = 1_000_000


class ServiceManager:
    """The service manager at NOTIFY_SOCKET, a path or (`@…`) an abstract name, or nobody, if that is not set."""

    def __init__(self, environ: Mapping[str, str], pid: int) -> None:
        """Find out whether there is one, and how often it wants to hear that the process `pid` is well."""
        name = environ.get("NOTIFY_SOCKET", "")
        self._address = f"\0{name[1:]}" if name.startswith("@") else name
        self.patience = _patience(environ, pid) if name else 0.0

    def tell(self, *words: str) -> None:
        """Send assignments such as `READY=1`."""
        if not self._address.startswith(("/", "\0")):
            return
        with (
            contextlib.suppress(OSError),
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end,
        ):
            end.setblocking(False)
            end.sendto("\n".join(words).encode(errors="surrogateescape"), self._address)


def _patience(environ: Mapping[str, str], pid: int) -> float:
    # in seconds. 0 if it does not want to hear from this process
    try:
        for_me = int(environ.get("WATCHDOG_PID") or pid) == pid
        return int(environ.get("WATCHDOG_USEC", "0")) / _MICROSECONDS if for_me else 0.0
    except ValueError:
        return 0.0

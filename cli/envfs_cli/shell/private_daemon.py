"""The private daemon that the shell keeps when no other runs, so that the passphrase is asked for once.

Law: its link is used by one process at a time, the shell or the command that it waits for. A link that was left in the
middle of an answer is closed, not used again. An answer without an end is ended first.
"""

import mmap
import os
import signal
import time
from contextlib import suppress

from envfs.errors import EnvFSError, KeyholderGone
from envfs.protocol import control
from envfs_cli.daemon import client
from envfs_cli.daemon.client import Link
from envfs_cli.daemon.session import share_link, shared_link

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NamedTuple, NoReturn

_FROM_KEYS = (signal.SIGINT, signal.SIGQUIT)
_ENDS_IN = 5.0
_STEP = 0.01


class SharedLink(Link):
    """A link that tells, to all processes that share it, whether one of them left it in the middle of an answer."""

    private = True

    def __init__(self, link: Link) -> None:
        """Share `link`."""
        self._link = link
        self._spoilt = mmap.mmap(-1, 1)

    @property
    def heard(self) -> int:  # type: ignore[override]
        """Bytes that came over the link that is shared, as far as this process read them."""
        return self._link.heard

    def ask(
        self,
        request: "NamedTuple",
        descriptors: "tuple[int, ...]" = (),
        on_row: "Callable[[object], None] | None" = None,
    ) -> "tuple[object, bytes]":
        """As `Link.ask`."""
        self._spoilt[0] = 1
        try:
            if isinstance(request, control.ReadLog) and request.follow:
                self._follow(request, on_row)
            answer = self._link.ask(request, descriptors, on_row)
        except KeyholderGone:
            raise
        except EnvFSError:
            self._spoilt[0] = 0  # a refusal is a whole answer
            raise
        self._spoilt[0] = 0
        return answer

    def _follow(self, request: "NamedTuple", on_row: "Callable[[object], None] | None") -> "NoReturn":
        # ctrl-C has the daemon end what it sends, so that this link, and the keys behind it, can be used again
        def end(*_: object) -> None:
            signal.signal(signal.SIGINT, old_handler)  # the next one ends this process
            self._link.begin(control.Status())  # a request that lasts ends when another one comes

        old_handler = signal.signal(signal.SIGINT, end)
        self._link.ask(request, (), on_row)
        for message, _ in self._link._messages():  # noqa: SLF001 - of its own kind
            if isinstance(message, control.StatusReport):
                break
        self._spoilt[0] = 0
        raise KeyboardInterrupt

    @property
    def spoilt(self) -> bool:
        """Whether the next answer cannot be read any more."""
        return bool(self._spoilt[0])

    def close(self) -> None:
        """Leave, in this process."""
        self._link.close()


def borrow_link() -> Link:
    """Return a link to ask through, the shared one if it can be. Give it back with `done_with`."""
    if (link := shared_link()) is not None:
        return link
    daemon = _reach()
    # without a vault the daemon locks nothing, and must not live to see one made by another
    if daemon.private and os.path.exists(client.user_locations().vault):
        daemon = SharedLink(daemon)
        share_link(daemon)
    return daemon


def done_with(used: Link) -> None:
    """Take a link from `borrow_link` back: close it, unless it is shared and may be used again."""
    if used is not shared_link():
        used.close()
        _reap()
    elif isinstance(used, SharedLink) and used.spoilt:
        release_daemon()


def hold_daemon() -> bool:
    """See that a private daemon is kept if none runs. Tell whether one is."""
    done_with(borrow_link())
    return shared_link() is not None


def release_daemon() -> None:
    """End the private daemon if one is kept, and wait until it has gone and its lock with it."""
    if (link := shared_link()) is not None:
        link.close()
        share_link(None)
        _reap()


def _reap() -> None:
    until = time.monotonic() + _ENDS_IN
    with suppress(ChildProcessError):  # there is no child left
        while time.monotonic() < until:
            if os.waitpid(-1, os.WNOHANG) == (0, 0):
                time.sleep(_STEP)


def _reach() -> Link:
    # ctrl-C goes to all who share the terminal, and must not end a daemon that outlives the command
    old_handlers = [(key, signal.signal(key, signal.SIG_IGN)) for key in _FROM_KEYS]
    try:
        return client.reach_daemon()
    finally:
        for key, handler in old_handlers:
            signal.signal(key, handler)

"""Requests whose answers are waited for while keys go on to be taken.

Laws: one request at a time is on the link. One that is given up closes the link, so that its answer is not taken for
that of the next. The private daemon of this browser, which answers nobody else, is asked without a pause.
"""

import asyncio

from envfs.errors import EnvFSError, KeyholderGone, NotRunning
from envfs.protocol import control
from envfs.tuples import NamedTuple
from envfs_cli.browser.readiness import wait_until_readable
from envfs_cli.daemon import client, silence
from envfs_cli.daemon.session import shared_link
from envfs_cli.shell import private_daemon

TYPE_CHECKING = False
if TYPE_CHECKING:
    from envfs_cli.daemon.client import Link

_PATIENCE = 60.0  # seconds without a word. A daemon that works says so every few


class ReplyWithRows(NamedTuple):
    """The rows that came, and the reply behind them."""

    rows: "tuple[object, ...]"
    reply: object


class DaemonAsker:
    """Asks the daemon. `keeps_vault`: where none runs, one of this process's own is started, as for `envfs shell`."""

    def __init__(self, *, keeps_vault: bool) -> None:
        """Ask nothing yet."""
        self.keeps_vault = keeps_vault
        self._link: Link | None = None
        self._turn = asyncio.Lock()

    async def ask(self, request: "NamedTuple") -> ReplyWithRows:
        """Send a request, and wait for its answer.

        Raises:
            EnvFSError: what the daemon refuses with, or that there is none
        """
        async with self._turn:
            if self.keeps_vault:
                return _ask_private(request)
            if self._link is not None:
                try:
                    return await self._converse(self._link, request)
                except KeyholderGone:
                    pass  # it was started again meanwhile, perhaps
            return await self._converse(self._reach(), request)

    def _reach(self) -> "Link":
        self._link = client.running_daemon()
        if self._link is None:
            raise NotRunning("no daemon runs here", "start it with `envfs mount`")
        return self._link

    async def _converse(self, link: "Link", request: "NamedTuple") -> ReplyWithRows:
        rows: list[object] = []
        is_answered = False
        try:
            link.begin(request)
            while True:
                await _something_comes(link.fileno())
                try:
                    messages = link.come()
                except KeyholderGone:
                    raise
                except EnvFSError:
                    is_answered = True  # a refusal is a whole answer
                    raise
                if messages is None:
                    raise KeyholderGone("the daemon disconnected", "`envfs status` and the daemon's log may say why")
                for message in messages:
                    if not isinstance(message, control.ROWS):
                        is_answered = True
                        return ReplyWithRows(tuple(rows), message)
                    rows.append(message)
        finally:
            if not is_answered:
                self.close()

    def close(self) -> None:
        """Leave the daemon. The next request reaches it again."""
        if self._link is not None:
            self._link.close()
            self._link = None


def _ask_private(request: "NamedTuple") -> ReplyWithRows:
    rows: list[object] = []
    link = private_daemon.borrow_link()
    try:
        reply, _ = link.ask(request, (), rows.append)
    finally:
        private_daemon.done_with(link)
    return ReplyWithRows(tuple(rows), reply)


def is_private() -> bool:
    """Tell whether this process keeps a daemon of its own."""
    return shared_link() is not None


async def _something_comes(descriptor: int) -> None:
    try:
        await wait_until_readable(descriptor, _PATIENCE)
    except TimeoutError:
        raise silence.silent_daemon(None) from None

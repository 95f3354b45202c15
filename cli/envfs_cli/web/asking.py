"""Asking the daemon for the page: the one place from which its requests go.

Laws: a request that is not of LOOKS or ANSWERS is never sent, and none of these is answered by a value. The daemon
answers with rows and a reply of REPLIES: anything else, and every blob, is an error. Texts that authors wrote freely
(messages of versions, commands of rotations) are left out, as somebody may have put a value into them. Nothing is
unlocked.
"""

import threading
import time

from envfs.errors import BadRequest
from envfs.protocol import control
from envfs.tuples import NamedTuple
from envfs_cli.daemon import client

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeVar

    from envfs_cli.daemon.client import Link

    Row = TypeVar("Row")
    Request = tuple[object, ...]

LOOKS: "frozenset[type]" = frozenset(
    (
        control.Status,
        control.Diagnose,
        control.DescribeSharing,
        control.ListLevels,
        control.ListPresence,
        control.ListHistory,
        control.ListRotations,
        control.ListGrants,
        control.ListReaders,
        control.ReadLog,
        control.ListApprovals,
        control.ShowApproval,
        control.WatchApprovals,
    )
)
ANSWERS: "frozenset[type]" = frozenset((control.RespondApproval,))
REPLIES = (control.Done, control.StatusReport, control.SharingReport)
_REMEMBERED = (control.ListPresence, control.ListHistory, control.ListRotations)  # each look is in the access log
_SECONDS, _MOST_REMEMBERED = 600.0, 64


class PageReply(NamedTuple):
    """The answer of the daemon: its rows, and its reply."""

    rows: "list[object]"
    end: object

    def of(self, kind: "type[Row]") -> "list[Row]":
        """Return the rows of one kind."""
        return [row for row in self.rows if isinstance(row, kind)]


class PageAsker:
    """Asks for a page. Without `takes_answers` it answers no question."""

    def __init__(self, *, takes_answers: bool = True) -> None:
        """Ask nothing yet."""
        self.takes_answers = takes_answers
        self._remembered: dict[Request, tuple[float, PageReply]] = {}
        self._lock = threading.Lock()

    def ask(self, request: "NamedTuple", *, fresh: bool = True) -> PageReply:
        """Send a request. If it need not be `fresh`, an answer of before will do where the log notes each look.

        Raises:
            EnvFSError: what the daemon refuses with, or the page may not ask for that
        """
        key: Request = (type(request), *request)
        if not fresh and (reply := self._recall(key)) is not None:
            return reply
        self._check(request)
        reply = _sent(request)
        if isinstance(request, _REMEMBERED):
            with self._lock:
                if len(self._remembered) >= _MOST_REMEMBERED:
                    self._remembered.clear()
                self._remembered[key] = (time.monotonic(), reply)
        return reply

    def begin(self, request: "NamedTuple") -> "Link":
        """Send a request whose rows come as long as the link is open.

        Raises:
            EnvFSError: no daemon runs, or the page may not ask for that
        """
        self._check(request)
        link = client.need_running()
        link.begin(request)
        return link

    def forget(self) -> None:
        """Ask again for everything: something has changed."""
        with self._lock:
            self._remembered.clear()

    def _recall(self, key: "Request") -> "PageReply | None":
        with self._lock:
            moment, reply = self._remembered.get(key, (0.0, None))
        return reply if moment and time.monotonic() - moment < _SECONDS else None

    def _check(self, request: "NamedTuple") -> None:
        if type(request) not in (LOOKS | ANSWERS if self.takes_answers else LOOKS):
            raise BadRequest(f"the page does not send {type(request).__name__}")


def _sent(request: "NamedTuple") -> PageReply:
    rows: list[object] = []
    link = client.need_running()
    try:
        end, blob = link.ask(request, (), lambda row: rows.append(without_free_text(row)))
    finally:
        link.close()
    if blob or not isinstance(end, REPLIES):
        raise BadRequest("the daemon answered with more than a page may have")
    return PageReply(rows, end)


def without_free_text(row: object) -> object:
    """Return a row without what its author may have put anything into."""
    match row:
        case control.VersionRow():
            return row._replace(message="")
        case control.RotationRow():
            return row._replace(with_command="", from_command="")
        case _:
            return row

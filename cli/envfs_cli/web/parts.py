"""The parts of a page, each with its rows, or with the reason why the daemon gives none.

Law: a part that is refused takes no other with it.
"""

import time

from envfs.errors import EnvFSError
from envfs.protocol import control
from envfs.tuples import NamedTuple
from envfs_cli.web import activity

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from envfs_cli.web.activity import Activity
    from envfs_cli.web.asking import PageAsker, PageReply

_TOP = "/"
_ORDER = ("expired", "due", "over", "begun", "soon", "good")
_MOST_VERSIONS, _UID_DIGITS = 50, 10


class PagePart(NamedTuple):
    """A part of a page: rows of one kind and the reply behind them, or a refusal with a hint."""

    rows: "list[object]"
    end: object = None
    refusal: str = ""
    hint: str = ""


class PageLooker:
    """Looks for one page. If it need not be `fresh`, the log gets no new entry for what was looked at before."""

    def __init__(self, asker: "PageAsker", *, fresh: bool) -> None:
        """Ask through `asker`."""
        self._asker = asker
        self._fresh = fresh

    def settled(self) -> "PageLooker":
        """Return one that is content with what was looked at before, as long as nothing was changed."""
        return PageLooker(self._asker, fresh=False)

    def rows(self, request: "NamedTuple", kind: type) -> PagePart:
        """Return the rows of a kind that answer a request."""
        return _attempt(lambda: self._asker.ask(request, fresh=self._fresh), kind)

    def levels(self) -> PagePart:
        """Return the levels that this user may know of."""
        return self.rows(control.ListLevels(), control.LevelRow)

    def names(self, level: str) -> PagePart:
        """Return the variables of a level's view: whether each is set, by which level, and since when."""
        return self.rows(control.ListPresence(level, ages=True), control.PresenceRow)

    def versions(self, level: str) -> PagePart:
        """Return the newest versions of a level."""
        return self.rows(control.ListHistory(level, _MOST_VERSIONS), control.VersionRow)

    def rotations(self, level: str = _TOP) -> PagePart:
        """Return the variables of which a text says how often they are rotated, the most urgent first."""
        part = self.rows(control.ListRotations(level, every=True), control.RotationRow)
        rows = [row for row in part.rows if isinstance(row, control.RotationRow)]
        rows.sort(key=lambda row: (_ORDER.index(row.state) if row.state in _ORDER else 0, row.due))
        return part._replace(rows=list(rows))

    def rules(self) -> PagePart:
        """Return the rules."""
        return self.rows(control.ListGrants(), control.GrantRow)

    def readers(self, level: str) -> PagePart:
        """Return the processes that have values of a level open, or read them."""
        part = self.rows(control.ListReaders(level), control.ReaderRow)
        rows = [row for row in part.rows if isinstance(row, control.ReaderRow)]
        return part._replace(rows=[row for row in rows if row.format in activity.VALUES])

    def questions(self) -> PagePart:
        """Return the questions that wait for a person."""
        return self.rows(control.ListApprovals(), control.QuestionRow)

    def question(self, name: str) -> PagePart:
        """Return one question."""
        return self.rows(control.ShowApproval(name), control.QuestionRow)

    def status(self) -> PagePart:
        """Return the state of the daemon, as the reply."""
        return self.rows(control.Status(), object)

    def sharing(self) -> PagePart:
        """Return what waits or is wrong between this machine and the engine, and the engine's state as the reply."""
        return self.rows(control.DescribeSharing(), control.SharingRow)

    def findings(self) -> PagePart:
        """Return what protects the vault, and what is wrong."""
        return self.rows(control.Diagnose(), control.FindingRow)

    def activity(self, days: int, chosen: "dict[str, str]") -> "tuple[PagePart, Activity]":
        """Return the entries of the last days that are `chosen` (fields of ReadLog), and what they say."""
        now = time.time()
        since = activity.time_before(days, now)
        uid = int(chosen["uid"]) if chosen.get("uid", "").isdecimal() and len(chosen["uid"]) <= _UID_DIGITS else -1
        level, exe, event = (chosen.get(name, "") for name in ("level", "exe", "event"))
        request = control.ReadLog(activity.MOST_ENTRIES, level=level, uid=uid, exe=exe, event=event, since=since)
        part = self.rows(request, control.LogRow)
        lines = [row.line for row in part.rows if isinstance(row, control.LogRow)]
        return part, activity.sum_up(lines, days, now)


def _attempt(ask: "Callable[[], PageReply]", kind: type) -> PagePart:
    try:
        reply = ask()
    except EnvFSError as error:
        return PagePart([], None, error.text, error.hint)
    return PagePart(list(reply.of(kind)), reply.end)

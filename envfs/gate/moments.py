"""When each view last changed, for those who look at a file's time to see whether it did.

Laws: what a reader gets and its time change together; a view that was made anew and reads as before keeps its time; of
two changes the later one has the later time, whatever the clock says.
"""

from typing import NamedTuple

from envfs.gate.view import View

_STEP_NS = 1_000  # what two changes of one tick differ by: as fine as the times of records
_KEPT = 4096


class _Moment(NamedTuple):
    """The records that a view was made of, and its time."""

    fingerprint: tuple[str, ...]
    changed_ns: int


class Moments:
    """The times of views, kept for longer than the views; without one, the time of the newest record has to do."""

    def __init__(self) -> None:
        """Start knowing nothing."""
        self._of: dict[str, dict[str, _Moment]] = {}  # by level, and by the dialect that was asked for

    def date(self, view: View, dialect: str, before: View | None) -> None:
        """Give a view that was just made its time; `before` is the one that it replaces, if that is still there."""
        moments = self._of.pop(view.level, {})
        known = moments.get(dialect)
        if known is not None:
            same = known.fingerprint == view.fingerprint or (before is not None and view.reads_as(before))
            view.changed_ns = known.changed_ns if same else max(view.changed_ns, known.changed_ns + _STEP_NS)
        moments[dialect] = _Moment(view.fingerprint, view.changed_ns)
        while len(self._of) >= _KEPT:
            del self._of[next(iter(self._of))]
        self._of[view.level] = moments

    def carry(self, level: str, before: tuple[str, ...], now: tuple[str, ...]) -> None:
        """Remember that the view of other records reads as that of those before, which is not there any more."""
        for dialect, known in self._of.get(level, {}).items():
            if known.fingerprint == before:
                self._of[level][dialect] = _Moment(now, known.changed_ns)

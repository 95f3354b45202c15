"""When each view last changed, for those who look at a file's time to see whether it did, and what it then became.

Laws: what a reader gets and its time change together. A view that is made again and reads as before keeps its time. Of
two changes the later one has the later time, whatever the clock says. A form of a view keeps the number of its content
as long as it reads as before, or only has more behind it. No number is used twice. A record whose writer may not know
the values makes each view a changed one, whatever it reads as: the time would tell whether a guess was right.
"""

import itertools
from collections.abc import Mapping
from typing import NamedTuple

from envfs.core.access.face import Face
from envfs.core.access_request import Format
from envfs.gate.views.view import CONTENTS, View

_STEP_NS = 1_000  # what two changes of one tick differ by: as fine as the times of records
_KEPT = 4096
_MOST_COUNTED = 1 << 15


class _Moment(NamedTuple):
    """The records that a view was made of, its time, and the number of its content in each format."""

    fingerprint: tuple[str, ...]
    changed_ns: int
    contents: Mapping[Format | None, int]


class ViewTimes:
    """The times of views, kept for longer than the views. Without one, the time of the newest record has to do."""

    def __init__(self) -> None:
        """Start knowing nothing."""
        self._of: dict[str, dict[Face, _Moment]] = {}  # by level, and by face
        self._contents = itertools.count(1)
        self._counted: dict[str, None] = {}  # digests of records that count as changes, the oldest first

    def count_as_changed(self, digest: str) -> None:
        """Let every view that this record is new in count as changed."""
        if len(self._counted) >= _MOST_COUNTED:
            del self._counted[next(iter(self._counted))]
        self._counted[digest] = None

    def counts_as_changed(self, before: tuple[str, ...], now: tuple[str, ...]) -> bool:
        """Tell whether a view counts as changed, however it reads."""
        return bool(self._counted) and any(digest in self._counted for digest in set(now) - set(before))

    def date(self, view: View, face: Face, before: View | None) -> None:
        """Give a view that was just made its time and its numbers.

        `before` is the one that it replaces, if that is still there.
        """
        moments = self._of.pop(view.level, {})
        last = moments.get(face)
        same = last is not None and (
            last.fingerprint == view.fingerprint
            or (
                before is not None
                and not self.counts_as_changed(last.fingerprint, view.fingerprint)
                and view.reads_as(before)
            )
        )
        if last is not None:
            view.changed_ns = last.changed_ns if same else max(view.changed_ns, last.changed_ns + _STEP_NS)
        contents = last.contents if last is not None and same else self._continued(view, last, before)
        view.contents = contents
        moments[face] = _Moment(view.fingerprint, view.changed_ns, contents)
        while len(self._of) >= _KEPT:
            del self._of[next(iter(self._of))]
        self._of[view.level] = moments

    def _continued(self, view: View, last: _Moment | None, before: View | None) -> Mapping[Format | None, int]:
        if last is None or before is None or before.contents != last.contents:
            return {text: next(self._contents) for text in CONTENTS}
        continued = {text: view.continues(before, text) for text in CONTENTS}
        return {text: last.contents[text] if continued[text] else next(self._contents) for text in CONTENTS}

    def carry(self, level: str, before: tuple[str, ...], now: tuple[str, ...]) -> None:
        """Remember that the view of other records reads as that of those before, which is not there any more."""
        for face, known in self._of.get(level, {}).items():
            if known.fingerprint == before:
                self._of[level][face] = known._replace(fingerprint=now)

"""The versions of a level: who wrote each, when and why, and the names that it changed or that differ between two."""

import sys

from envfs.errors import EnvFSError
from envfs.protocol import control
from envfs_cli import output
from envfs_cli.browser.listing import ListRow
from envfs_cli.browser.pane import Pane, labelled_line
from envfs_cli.browser.short_times import find_today, shorten_time
from envfs_cli.replies import versions

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from envfs_cli.browser.asker import DaemonAsker
    from envfs_cli.browser.pane import Line

_AT_ONCE = 100  # versions. The ones before them are read when the last row is come to
_SIGNS = {"added": "+", "changed": "~", "removed": "-"}
_STYLES = {"added": "good", "changed": "warn", "removed": "bad"}


class HistoryPane(Pane):
    """The versions, the newest first. `marked` is the one that the selected one is compared with, 0 for none."""

    title = "History"
    heads = ("", "VERSION", "TIME", "AUTHOR", "CHANGES", "MESSAGE")

    def __init__(self) -> None:
        """Begin without a version."""
        super().__init__()
        self.marked = 0
        self._versions: dict[int, control.VersionRow] = {}
        self._compared: tuple[int, int] = (0, 0)
        self._difference: list[Line] = []

    async def read_rows(self, asker: "DaemonAsker", level: str) -> list[ListRow]:
        """Return a row for each of the newest versions."""
        if level != self.level:
            self.marked = 0
        answer = await asker.ask(control.ListHistory(level, _AT_ONCE))
        self._versions, self._compared, self._difference = {}, (0, 0), []
        return self._rows(answer.rows)

    def words_for_none(self, level: str) -> str:
        """Return what is said of a level without a version."""
        return f"{level} has no text of its own, so it has no versions"

    async def load_more(self, asker: "DaemonAsker") -> None:
        """Read older versions, if the last row is selected and there are some."""
        oldest = min(self._versions, default=0)
        is_last = self.listing.key == str(oldest) and len(self._versions) % _AT_ONCE == 0
        if not is_last or oldest <= 1:
            return
        level = self.level
        try:
            answer = await asker.ask(control.ListHistory(level, _AT_ONCE, oldest - 1))
        except EnvFSError:
            return
        if level == self.level:
            self.listing.set_rows(self._rows(answer.rows))

    async def load_difference(self, asker: "DaemonAsker") -> None:
        """Read the names that differ between the marked version and the selected one."""
        level, pair = self.level, self._pair()
        if not all(pair) or pair == self._compared:
            return
        try:
            answer = await asker.ask(control.CompareLevels(level, pair[0], other_version=pair[1], own=True))
        except EnvFSError as error:
            lines: list[Line] = [[("bad", error.text)]]
        else:
            rows = [row for row in answer.rows if isinstance(row, control.DifferenceRow)]
            lines = [_signed([(row.change, row.name) for row in rows]) or [("dim", "no name differs")]]
        if level == self.level and pair == self._pair():
            self._compared, self._difference = pair, lines

    def toggle_mark(self) -> None:
        """Mark the selected version, or mark none again."""
        self.marked = 0 if self.marked == self.version else self.version
        self.listing.set_rows(self._rows(()))

    @property
    def version(self) -> int:
        """Return the number of the selected version, or 0."""
        return int(self.listing.key or 0)

    @property
    def newest(self) -> control.VersionRow | None:
        """Return the newest version, or None if none was read."""
        return self._versions[max(self._versions)] if self._versions else None

    def details(self) -> "list[Line]":
        """Return what is known of the selected version."""
        row = self._versions.get(self.version)
        if row is None:
            return []
        lines = [
            labelled_line(
                "version", f"{row.version}, {versions.operation_words(row)}, by {row.author_name or row.author}"
            ),
            labelled_line("written", output.local_time(row.time) if row.time else "nobody can say any more"),
            *(labelled_line("message", output.clean(text)) for text in row.message.splitlines()),
        ]
        if all(self._pair()):
            lines.append(
                [("label", f"{'differs':<10}"), ("", f"from version {min(self._pair())} to {max(self._pair())}")]
            )
            return [*lines, *(self._difference if self._compared == self._pair() else [[("dim", "comparing …")]])]
        changes = versions.change_words(row, sys.maxsize)
        return [*lines, labelled_line("changes", output.clean(changes))]

    def clear(self, note: str = "", style: str = "dim") -> None:
        """Forget all that was read."""
        self._versions, self._compared, self._difference = {}, (0, 0), []
        super().clear(note, style)

    def _pair(self) -> tuple[int, int]:
        if not self.marked or self.marked == self.version:
            return (0, 0)
        return min(self.marked, self.version), max(self.marked, self.version)

    def _rows(self, fresh: "Iterable[object]") -> list[ListRow]:
        self._versions.update((row.version, row) for row in fresh if isinstance(row, control.VersionRow))
        today = find_today()
        ordered = sorted(self._versions.values(), key=lambda row: -row.version)
        return [
            ListRow(
                str(row.version), ("*" if row.version == self.marked else "", *map(output.clean, _cells(row, today)))
            )
            for row in ordered
        ]


def _cells(row: control.VersionRow, today: str) -> "tuple[str, ...]":
    number, _, author, changes, _, message = versions.version_cells(row)
    return number, shorten_time(row.time, today) if row.time else "-", author, changes, message


def _signed(pairs: "list[tuple[str, str]]") -> "Line":
    return [
        (_STYLES.get(change, ""), f"{_SIGNS.get(change, '?')}{name} ")
        for change, name in sorted(pairs, key=lambda pair: pair[1])
    ]

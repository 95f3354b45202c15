"""The readers of a level: the rules, the processes that have it open, and the newest of the access log.

Law: what this browser itself asks for is left out, or each look would be the newest entry.
"""

import os

from envfs.core import names
from envfs.errors import EnvFSError
from envfs.protocol import control
from envfs_cli import output
from envfs_cli.browser.listing import ListRow
from envfs_cli.browser.pane import Pane
from envfs_cli.browser.short_times import find_today, shorten_time
from envfs_cli.replies import log_entries, readers, rules

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from envfs_cli.browser.asker import DaemonAsker
    from envfs_cli.browser.pane import Line

LOG_LINES = 100
RULE = "rule "  # the keys of rules begin so, and their ids follow
_CELLS = 4
_OTHERS = ("grant", "revoke", "read")  # events after which rules or processes may be others


class ReadersPane(Pane):
    """Three lists, one below the other."""

    title = "Readers"
    heads = ("WHO", "WHAT", "WHEN", "MORE")

    def __init__(self) -> None:
        """Begin without a reader."""
        super().__init__()
        self._rules: list[ListRow] = []
        self._processes: list[ListRow] = []
        self._entries: list[dict[str, object]] = []
        self._log_note = ""
        self._words: dict[str, str] = {}

    async def read_rows(self, asker: "DaemonAsker", level: str) -> list[ListRow]:
        """Return the rules, the processes and the entries that are there already."""
        self._words = {}
        self._rules = await self._ask(asker, control.ListGrants(), level)
        self._processes = await self._ask(asker, control.ListReaders(level), level)
        return self._all_rows()

    def take_entries(self, rows: "Iterable[object]") -> bool:
        """Add entries of the log. Tell whether rules and processes are to be read again."""
        lines = [row.line for row in rows if isinstance(row, control.LogRow)]
        parsed = [log_entries.parse_entry(line) for line in lines[-LOG_LINES:]]
        fresh = [facts for facts in parsed if facts is not None and facts.get("pid") != os.getpid()]
        self._entries = [*self._entries, *fresh][-LOG_LINES:]
        if self.level:  # else they are listed with what is read just now
            self.listing.set_rows(self._all_rows())
        return any(facts.get("event") in _OTHERS for facts in fresh)

    def note_log(self, note: str) -> None:
        """Say in the place of entries why there are none."""
        self._log_note = note
        if self.level:
            self.listing.set_rows(self._all_rows())

    def details(self) -> "list[Line]":
        """Return all that is known of the selected row."""
        words = self._words.get(self.listing.key)
        return [[("", words)]] if words else []

    def clear(self, note: str = "", style: str = "dim") -> None:
        """Forget all that was read."""
        self._rules, self._processes, self._entries, self._log_note = [], [], [], ""
        super().clear(note, style)

    @property
    def rule_id(self) -> str:
        """Return the id of the selected rule, or an empty text."""
        return self.listing.key.removeprefix(RULE) if self.listing.key.startswith(RULE) else ""

    async def _ask(
        self, asker: "DaemonAsker", request: control.ListGrants | control.ListReaders, level: str
    ) -> list[ListRow]:
        try:
            answer = await asker.ask(request)
        except EnvFSError as error:
            return [self._refusal(type(request).__name__, error.text)]
        if isinstance(request, control.ListGrants):
            return self._rule_rows([row for row in answer.rows if isinstance(row, control.GrantRow)], level)
        return self._process_rows(
            [row for row in answer.rows if isinstance(row, control.ReaderRow) and row.pid != os.getpid()]
        )

    def _refusal(self, key: str, text: str) -> ListRow:
        self._words[key] = text
        return ListRow(key, (output.clean(text), *[""] * (_CELLS - 1)), "dim", is_wide=True)

    def _rule_rows(self, rows: "Sequence[control.GrantRow]", level: str) -> list[ListRow]:
        listed = []
        for row in rows:
            if not names.within(level, row.level):
                continue
            rule, at, end = row.id, row.level, output.shown_time(row.until)
            who, decision, can, until, more = map(output.clean, rules.rule_cells(row, end))
            listed.append(
                ListRow(RULE + rule, (who, f"{decision} {can}", f"until {until}" if row.until else until, at))
            )
            self._words[RULE + rule] = f"{rule} at {at} and below: {decision} {can} for {who}, {until}; {more}"
        return listed

    def _process_rows(self, rows: "Sequence[control.ReaderRow]") -> list[ListRow]:
        listed = []
        for number, row in enumerate(rows):
            state, level, version, form, user, pid, program, seconds = map(output.clean, readers.reader_cells(row))
            key = f"process {pid} {number}"
            listed.append(ListRow(key, (f"{user} {pid}", f"{state} {form}", f"{seconds} s ago", program)))
            self._words[key] = f"{user}, process {pid}, {program}: {state} {level}@{version} as {form} {seconds} s ago"
        return listed

    def _all_rows(self) -> list[ListRow]:
        return [
            *_under("who may read it: rules", self._rules, "no rule names this level or one above"),
            *_under("other processes that have it open or read it", self._processes, "no process that lives"),
            *_under(
                "access log without this browser, the newest first", self._entry_rows(), self._log_note or "no entry"
            ),
        ]

    def _entry_rows(self) -> list[ListRow]:
        listed = [self._refusal("log", self._log_note)] if self._log_note else []
        today = find_today()
        for facts in reversed(self._entries):
            key = f"entry {facts.get('seq', len(listed))}"
            parts = [(text.strip(), style) for text, style in log_entries.entry_parts(facts)]
            who = output.clean(f"uid {facts['uid']}" if "uid" in facts else "-")
            event = output.clean(f"{facts.get('event', '')} {facts.get('format', '') or facts.get('operation', '')}")
            program = output.clean(str(facts.get("script") or facts.get("executable") or facts.get("level") or ""))
            style = "bad" if facts.get("event") in ("refuse", "canary") else ""
            listed.append(
                ListRow(key, (who, event.strip(), shorten_time(str(facts.get("time", "")), today), program), style)
            )
            self._words[key] = "  ".join(text for text, _ in parts)
        return listed


def _under(heading: str, rows: list[ListRow], none: str) -> list[ListRow]:
    return [ListRow("", (heading, *[""] * (_CELLS - 1)), "heading", is_heading=True), *(rows or [_remark(none)])]


def _remark(text: str) -> ListRow:
    return ListRow("", (text, *[""] * (_CELLS - 1)), "dim", is_heading=True)

"""The names of a level's view, inherited ones too: whether each is set, by which level and since when. No value."""

from envfs.errors import EnvFSError
from envfs.protocol import control
from envfs_cli import output
from envfs_cli.browser.listing import ListRow
from envfs_cli.browser.pane import Pane, labelled_line
from envfs_cli.browser.short_times import find_today, shorten_time
from envfs_cli.replies import facts, presence

TYPE_CHECKING = False
if TYPE_CHECKING:
    from envfs_cli.browser.asker import DaemonAsker
    from envfs_cli.browser.pane import Line


class NamesPane(Pane):
    """The names. Their references are asked for once a level, when the pane is gone into."""

    title = "Names"
    heads = ("NAME", "STATE", "SET BY", "SINCE")

    def __init__(self) -> None:
        """Begin without a name."""
        super().__init__()
        self.wanted = ""  # the name that is to be selected once the names were read
        self._sources: dict[str, str] = {}
        self._facts: dict[str, control.FactsRow] = {}
        self._dangling: list[control.DanglingRow] = []

    async def read_rows(self, asker: "DaemonAsker", level: str) -> list[ListRow]:
        """Return a row for each name. Those that the level itself sets stand out."""
        answer = await asker.ask(control.ListPresence(level, ages=True))
        rows = [row for row in answer.rows if isinstance(row, control.PresenceRow)]
        self._facts, self._dangling = {}, []
        self._sources = {row.name: row.source for row in rows}
        today = find_today()
        return [ListRow(row.name, _cells(row, today), "" if row.source == level else "inherited") for row in rows]

    async def load(self, asker: "DaemonAsker", level: str) -> None:
        """Read the names."""
        await super().load(asker, level)
        if self.wanted and self.listing.select(self.wanted):
            self.wanted = ""

    def words_for_none(self, level: str) -> str:
        """Return what is said of a level without a variable."""
        return f"{level} has no variable: n makes one"

    async def load_facts(self, asker: "DaemonAsker") -> None:
        """Read what the variables refer to, and where they are overridden. A refusal is passed over."""
        if self._facts or not self._sources or not self.level:
            return
        level = self.level
        try:
            answer = await asker.ask(control.DescribeView(level))
        except EnvFSError:
            return
        if level == self.level:
            self._facts = {row.name: row for row in answer.rows if isinstance(row, control.FactsRow)}
            self._dangling = [row for row in answer.rows if isinstance(row, control.DanglingRow)]

    def details(self) -> "list[Line]":
        """Return what is known of the selected variable."""
        name = self.listing.key
        row = self._facts.get(name)
        if row is None:
            return []
        chains = [chain for chain in self._dangling if facts.is_of_variable(chain, name)]
        return [
            labelled_line(label, output.clean(text), style or "")
            for label, text, style in facts.fact_lines(row, chains)
        ]

    def source_of(self, name: str) -> str:
        """Return the level that sets a variable, or an empty text."""
        return self._sources.get(name, "")

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names that are listed."""
        return tuple(self._sources)

    def clear(self, note: str = "", style: str = "dim") -> None:
        """Forget all that was read."""
        super().clear(note, style)
        self._sources, self._facts, self._dangling = {}, {}, []


def _cells(row: control.PresenceRow, today: str) -> "tuple[str, ...]":
    *cells, _ = presence.presence_cells(row)
    return *cells, f"{'' if row.exact else '≤'}{shorten_time(row.since, today)}" if row.since else "-"

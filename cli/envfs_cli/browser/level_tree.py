"""The levels as a tree of which parts are open. No terminal and no daemon is in here.

Law: every level has its place. Those above it that the caller may not know of are in the tree too, without facts.
"""

from envfs.core import names
from envfs.protocol import control
from envfs_cli.browser.listing import ListRow

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from envfs_cli.browser.signs import Signs


class LevelTree:
    """Levels, and which of them are open."""

    def __init__(self, signs: "Signs") -> None:
        """Begin with the top alone, which is open."""
        self._signs = signs
        self._facts: dict[str, control.LevelRow] = {}
        self._children: dict[str, list[str]] = {names.ROOT: []}
        self._open = {names.ROOT}

    def set_levels(self, rows: "Iterable[control.LevelRow]") -> None:
        """Have other levels. Open levels stay open."""
        self._facts = {row.level: row for row in rows}
        children: dict[str, set[str]] = {names.ROOT: set()}
        for level in self._facts:
            above = names.ROOT
            for place in names.chain(level)[1:]:
                children.setdefault(above, set()).add(place)
                children.setdefault(place, set())
                above = place
        self._children = {level: sorted(below) for level, below in children.items()}

    def add_levels(self, levels: "Iterable[str]") -> bool:
        """Add levels that were written. Tell whether one of them is a new one."""
        fresh = [control.LevelRow(level, 0, "", allowed=True) for level in levels if level not in self._facts]
        if fresh:
            self.set_levels([*self._facts.values(), *fresh])
        return bool(fresh)

    def __contains__(self, level: str) -> bool:
        return level in self._children

    @property
    def levels(self) -> tuple[str, ...]:
        """Return all levels, sorted."""
        return tuple(sorted(self._children))

    def facts_of(self, level: str) -> control.LevelRow | None:
        """Return what is known of a level, or None."""
        return self._facts.get(level)

    def levels_below(self, level: str) -> int:
        """Return how many levels there are below one."""
        return sum(other != level and names.within(other, level) for other in self._children)

    def is_open(self, level: str) -> bool:
        """Tell whether the levels below one are shown."""
        return level in self._open

    def open_level(self, level: str) -> None:
        """Show the levels below one."""
        self._open.add(level)

    def close_level(self, level: str) -> str:
        """Hide the levels below one. If there is nothing to hide, return the level above, otherwise the level."""
        if level in self._open and self._children.get(level):
            self._open.discard(level)
            return level
        return parent_of(level)

    def reveal_level(self, level: str) -> None:
        """Show a level: open all above it."""
        self._open.update(names.chain(level)[:-1])

    def tree_rows(self) -> list[ListRow]:
        """Return a row for each level that is shown, indented as deep as it stands."""
        return [self._row(level, depth) for level, depth in self._walk()]

    def flat_rows(self) -> list[ListRow]:
        """Return a row for each level, with its whole path."""
        return [ListRow(level, (level,), self._style(level)) for level in self.levels]

    def _walk(self) -> "Iterator[tuple[str, int]]":
        waiting = [(names.ROOT, 0)]
        while waiting:
            level, depth = waiting.pop()
            yield level, depth
            if level in self._open:
                waiting += [(child, depth + 1) for child in reversed(self._children[level])]

    def _row(self, level: str, depth: int) -> ListRow:
        name = level if level == names.ROOT else level.rpartition("/")[2]
        mark = self._signs.leaf
        if self._children[level]:
            mark = self._signs.opened if level in self._open else self._signs.closed
        return ListRow(level, (f"{'  ' * depth}{mark} {name}",), self._style(level))

    def _style(self, level: str) -> str:
        facts = self._facts.get(level)
        return "" if facts is not None and facts.allowed else "dim"


def parent_of(level: str) -> str:
    """Return the level one step above. Above the top there is none."""
    return level.rpartition("/")[0] or names.ROOT

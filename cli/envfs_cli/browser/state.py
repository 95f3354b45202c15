"""The state of the browser at a moment. No terminal, no daemon and no clock is in here."""

from enum import Enum

from envfs.core import names
from envfs.protocol import control
from envfs.tuples import NamedTuple
from envfs_cli import output
from envfs_cli.browser.approvals_pane import ApprovalsPane
from envfs_cli.browser.history_pane import HistoryPane
from envfs_cli.browser.level_tree import LevelTree
from envfs_cli.browser.listing import RowList
from envfs_cli.browser.names_pane import NamesPane
from envfs_cli.browser.readers_pane import ReadersPane

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from envfs_cli.browser.pane import Line, Pane
    from envfs_cli.browser.signs import Signs


class Mode(Enum):
    """The use of keys: the lists, a line that is typed, a question of yes or no, or a text over the lists."""

    LISTS = "lists"
    ENTRY = "entry"
    CHOICE = "choice"
    TEXT = "text"


class KeyChoice(NamedTuple):
    """A question, and what each key that answers it does. Any other key changes nothing."""

    question: str
    answers: "dict[str, Callable[[], None]]"


class ShownText(NamedTuple):
    """A text over the lists, and which question it shows, if it shows one."""

    title: str
    lines: "tuple[Line, ...]"
    question: str = ""


class Revealed(NamedTuple):
    """The value that is shown, and of which variable."""

    name: str
    value: bytearray


class BrowserState:
    """The tree, the panes, and what is said below them."""

    def __init__(self, signs: "Signs", level: str) -> None:
        """Begin at a level."""
        self.signs = signs
        self.level = level
        self.tree = LevelTree(signs)
        self.tree.reveal_level(level)
        self.levels = RowList()
        self.names, self.history, self.readers, self.approvals = (
            NamesPane(),
            HistoryPane(),
            ReadersPane(),
            ApprovalsPane(),
        )
        self.panes: tuple[Pane, ...] = (self.names, self.history, self.readers, self.approvals)
        self.tab = 0
        self.in_pane = False
        self.mode = Mode.LISTS
        self.choice: KeyChoice | None = None
        self.text: ShownText | None = None
        self.text_top = 0
        self.revealed: Revealed | None = None
        self.message, self.message_style = "", ""
        self.is_gone = self.is_silent = self.is_private = False
        self.row: control.StatusRow | None = None

    @property
    def pane(self) -> "Pane":
        """Return the pane that is shown."""
        return self.panes[self.tab]

    @property
    def listing(self) -> RowList:
        """Return the list that keys move in."""
        return self.pane.listing if self.in_pane else self.levels

    @property
    def is_locked(self) -> bool:
        """Tell whether the daemon says that the vault is locked."""
        return self.row is not None and self.row.audience != "other" and not self.row.unlocked

    def say(self, text: str, style: str = "") -> None:
        """Say something in the line below the lists."""
        self.message, self.message_style = "\n".join(map(output.clean, text.split("\n"))), style

    def refresh_tree(self) -> None:
        """List the levels again, and select the one that was."""
        self.levels.set_rows(self.tree.flat_rows() if self.levels.filter else self.tree.tree_rows())

    def go_to_level(self, level: str) -> bool:
        """Select a level of the tree. Tell whether it is there."""
        if level not in self.tree:
            return False
        self.tree.reveal_level(level)
        self.levels.filter = ""
        self.refresh_tree()
        self.levels.select(level)
        self.level = level
        return True

    def hide_value(self) -> None:
        """Show no value any more, and wipe it."""
        if self.revealed is not None:
            self.revealed.value[:] = bytes(len(self.revealed.value))
            self.revealed = None

    def forget_contents(self, why: str) -> None:
        """Forget all that was read of a level, and say why."""
        self.hide_value()
        for pane in self.panes:
            pane.clear(why, "warn")

    def status_words(self) -> "list[tuple[str, str]]":
        """Return the state of vault, daemon, engine and questions as styles and texts."""
        row = None if self.is_gone else self.row
        words = [self._daemon_words(), *(_status_words(row, self.level) if row is not None else ())]
        if waiting := len(self.approvals.questions):
            words.append(("warn", f"{waiting} to approve (!)"))
        return [(style, text) for style, text in words if text]

    def _daemon_words(self) -> "tuple[str, str]":
        if self.is_gone:
            return "bad", "no daemon"
        if self.is_silent:
            return "bad", "daemon silent"
        return ("warn", "own daemon") if self.is_private else ("", "")


def _status_words(row: control.StatusRow, level: str) -> "Iterator[tuple[str, str]]":
    if row.audience != "other" and not row.unlocked:
        yield "bad", "LOCKED (U)"
    elif names.project(level) in row.locked:
        yield "bad", "project LOCKED (U)"
    elif row.audience != "other":
        yield "good", "unlocked"
    if row.engine:
        yield "good" if row.engine == "connected" else "warn", f"sync {row.engine}"
    if row.conflicts:
        yield "bad", f"{row.conflicts} in conflict (:sync status)"
    if row.problems and row.unlocked:
        yield "bad", f"{len(row.problems)} problem{'s' * (len(row.problems) > 1)} (:status)"


def level_of_project(level: str) -> str:
    """Return the name by which commands know the project of a level."""
    return names.project(level).removeprefix("/") or names.ROOT

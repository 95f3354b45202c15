"""A pane at the right of the tree: a list about one level, and lines about its selected row."""

from envfs.errors import EnvFSError, Locked
from envfs_cli import output
from envfs_cli.browser.listing import ListRow, RowList

TYPE_CHECKING = False
if TYPE_CHECKING:
    from envfs_cli.browser.asker import DaemonAsker

    Fragment = tuple[str, str]  # the class of a style, and a text
    Line = list[Fragment]

_UNLOCK = "U unlocks it"


class Pane:
    """A list about the level `level`, which is empty as long as nothing was read. `note` says why there are no rows."""

    title = ""
    heads: tuple[str, ...] = ()

    def __init__(self) -> None:
        """Begin without a row."""
        self.listing = RowList()
        self.level = ""
        self.note = ""
        self.note_style = "dim"

    async def load(self, asker: "DaemonAsker", level: str) -> None:
        """Read what there is about a level. A refusal becomes the note."""
        try:
            rows = await self.read_rows(asker, level)
        except EnvFSError as error:
            hint = _UNLOCK if isinstance(error, Locked) else error.hint
            self.clear(f"{error.text}; {hint}" if hint else error.text, "bad")
            self.level = level
            return
        self.level, self.note, self.note_style = level, "" if rows else self.words_for_none(level), "dim"
        self.listing.set_rows(rows)

    async def read_rows(self, asker: "DaemonAsker", level: str) -> list[ListRow]:
        """Return the rows about a level.

        Raises:
            EnvFSError: what the daemon refuses with
        """
        raise NotImplementedError

    def words_for_none(self, level: str) -> str:
        """Return what is said if there is no row."""
        return f"nothing about {level}"

    def details(self) -> "list[Line]":
        """Return lines about the selected row."""
        return []

    def clear(self, note: str = "", style: str = "dim") -> None:
        """Forget all that was read."""
        self.level, self.note, self.note_style = "", output.clean(note), style
        self.listing.set_rows(())


def labelled_line(label: str, text: str, style: str = "") -> "Line":
    """Return a line of a label and a text."""
    return [(style or "label", f"{label:<10}"), ("", text)]

"""A line that is typed at the foot of the screen, and what Tab offers in it. Never a value: those are typed unseen.

Law: a line that was typed is forgotten once it is taken.
"""

import shlex

from prompt_toolkit.completion import Completer, Completion
from prompt_toolkit.document import Document

from envfs.errors import EnvFSError
from envfs.tuples import NamedTuple
from envfs_cli import level_paths

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from prompt_toolkit.completion import CompleteEvent
    from prompt_toolkit.history import History


class EntryRequest(NamedTuple):
    """A line that is asked for: the label before it, what is done with it, and the text that it begins with.

    `on_change` hears each letter, `offers` says how a word may go on, and `history` has lines that may be recalled.
    """

    label: str
    on_done: "Callable[[str], None]"
    text: str = ""
    on_change: "Callable[[str], None] | None" = None
    offers: "Callable[[str], list[str]] | None" = None
    completer: "Completer | None" = None
    history: "History | None" = None


class WordCompleter(Completer):
    """Completes the last word of a line by what `offers` says."""

    def __init__(self, offers: "Callable[[str], list[str]]") -> None:
        """Offer what `offers` returns for a word."""
        self._offers = offers

    def get_completions(self, document: Document, complete_event: "CompleteEvent") -> "Iterable[Completion]":  # noqa: ARG002
        """Yield the ways in which the word at the cursor may go on."""
        text = document.text_before_cursor
        typed = "" if not text or text[-1].isspace() else text.split()[-1]
        for offer in self._offers(typed):
            yield Completion(offer, -len(typed))


def level_offers(levels: tuple[str, ...], current: str) -> "Callable[[str], list[str]]":
    """Return a function that says how a level may go on."""

    def offers(typed: str) -> list[str]:
        try:
            return level_paths.levels_below(levels, current, typed)
        except EnvFSError:
            return []

    return offers


def name_offers(names: tuple[str, ...]) -> "Callable[[str], list[str]]":
    """Return a function that says how a name may go on."""
    return lambda typed: [name for name in names if name.startswith(typed)]


def split_words(text: str) -> list[str]:
    """Return the words of a line, as a shell has them.

    Raises:
        EnvFSError: a quote is not closed
    """
    try:
        return shlex.split(text)
    except ValueError:
        raise EnvFSError("a quote is not closed") from None

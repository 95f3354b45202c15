"""The options that say what kind of value is made: the same ones for `envfs generate` and `envfs rotate`."""

from envfs_cli import output
from envfs_cli.arguments import Mistake
from envfs_cli.generating import new_values

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NamedTuple
else:
    from envfs.tuples import NamedTuple


class KindOptions(NamedTuple):
    """The options as they were given."""

    length: "int | None"
    alphabet: "str | None"
    words: bool
    uuid: bool
    bytes: "str | None"
    key: "str | None"

    @property
    def are_given(self) -> bool:
        """Tell whether any was."""
        return any(option not in (None, False) for option in self)


def kind_options(arguments: tuple[object, ...]) -> KindOptions:
    """Return those of a command's arguments that say what is made."""
    return KindOptions(*(getattr(arguments, field) for field in KindOptions._fields))


def chosen_kind(given: KindOptions) -> new_values.ValueKind:
    """Return the kind that the options mean.

    Raises:
        Mistake: they mean two, or a length of nothing
    """
    flags = [name for name in ("words", "uuid") if getattr(given, name)]
    kinds = [*flags, *filter(None, (given.bytes, given.key))]
    if len(kinds) > 1:
        raise Mistake("a value is of one kind", "name one of --words, --uuid, --bytes and --key")
    if given.length is not None and given.length < 1:
        raise Mistake("--length counts from 1")
    return new_values.ValueKind(kinds[0] if kinds else "password", given.length or 0, given.alphabet or "")


def note_strength(made: new_values.NewValue) -> None:
    """Say what a value is worth: to a person, and to everybody if it can be guessed."""
    if made.bits < new_values.WEAK_BITS:
        output.note(f"{new_values.bits_words(made)} alone: make it longer, unless guesses are counted where it is used")
    else:
        output.done(new_values.bits_words(made))

"""Which lines may be recalled later: never one that may hold a value.

Laws:
- A line that does not parse, comes after a space, or names something that is not there is forgotten: it may be a value
  that was pasted. So is one with an assignment, or with a word that has the shape of a credential.
- On the disk come no names of variables, no messages, and no words of a command but plain ones.
"""

import re

from envfs.errors import BadName, BadRequest, EnvFSError, Malformed, NoSuchLevel, NoSuchVariable
from envfs_cli import arguments
from envfs_cli.arguments import Mistake

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from envfs_cli.arguments import Values
    from envfs_cli.grammar import Command

_ASSIGNMENT = re.compile(r"(?:^|[\s;&|'\"(])[A-Za-z_][A-Za-z0-9_]*=.")
_PARTS = re.compile(r"[\s'\"=,;:()]+")
_RANDOM = re.compile(r"(?=[A-Za-z_-]*\d)(?=\d*[A-Za-z_-])[\w+-]{16,}", re.ASCII)  # letters and digits, and long
_PLAIN = re.compile(r"-{0,2}[a-z][a-z_-]*|[a-z0-9_.-]{0,24}(?:[./:][a-z_.-]{1,24})+", re.ASCII)
_FAILED: "tuple[type[EnvFSError], ...]" = (Mistake, BadRequest, NoSuchLevel, NoSuchVariable, BadName, Malformed)
_UNKNOWN = frozenset(failure.status for failure in _FAILED)
_SAID = ("message", "reason")


def may_be_recalled(text: str, words: "Iterable[str]") -> bool:
    """Tell whether a line that parsed may be remembered at all."""
    return not text.startswith(" ") and not any(map(_may_be_secret, words))


def names_nothing(status: int) -> bool:
    """Tell whether a line that ended so may have named what is not there."""
    return status in _UNKNOWN


def is_fit_for_disk(lines: "Iterable[tuple[Command, Values]]") -> bool:
    """Tell whether a line says no variable's name, no message, and nothing of a command that may be a value."""
    return not any(_has_private_words(command, values) for command, values in lines)


def _has_private_words(command: "Command", values: "Values") -> bool:
    if any(values.get(said) for said in _SAID) or any(named_variables(command, values)):
        return True
    typed = values.get("command") if any(argument.kind == "words" for argument in command.arguments) else ()
    return isinstance(typed, tuple) and not all(_PLAIN.fullmatch(word) for word in typed if word != "--")


def named_variables(command: "Command", values: "Values") -> "Iterator[str]":
    """Yield what stands in the places of variables' names."""
    places = [argument.name for argument in command.arguments if argument.kind == "name"]
    places += [arguments.value_key(option) for option in command.options if option.kind == "list"]
    for place in places:
        match values.get(place):
            case str(name):
                yield name
            case tuple(listed):
                yield from listed
            case _:
                continue


def _may_be_secret(word: str) -> bool:
    from envfs.dotenv.placeholders.redaction import redact_credentials
    from envfs_cli.fencing.ambient import has_credential

    if _ASSIGNMENT.search(word) or has_credential(word) or redact_credentials(word) != word:
        return True
    return any(_RANDOM.fullmatch(part) for part in _PARTS.split(word))

"""The values of several variables, for one version: each asked for, or all taken from one dotenv text.

Laws: a value is to the letter, as that of one variable is: a `$` in it is a dollar, unless `template` says otherwise.
The text may set other variables as well. Those are passed over.
"""

import os

from envfs.core import limits, names
from envfs.errors import EnvFSError, Malformed, NoSuchVariable
from envfs_cli import secrets
from envfs_cli.arguments import Mistake
from envfs_cli.terminal import prompts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from envfs.dotenv.scanner import Entry


def parse_names(text: str) -> tuple[str, ...]:
    """Read the names in `A,B,C`.

    Raises:
        Mistake: a name is there twice
        BadName: a name is none
    """
    several = tuple(names.parse_variable(part.strip()) for part in text.split(","))
    if len({*several}) < len(several):
        raise Mistake("a variable is named twice", "name each once, as in A,B,C")
    return several


def ask_values(several: tuple[str, ...]) -> int:
    """Ask a person for each value. Return all in a descriptor, each ended by a NUL.

    Raises:
        EnvFSError: one is empty, so nothing is to be changed
    """
    most = limits.VALUE_BYTES + limits.LINE_END_BYTES
    typed = [prompts.ask_hidden(f"value of {name}: ", "the value", most, lines=True) for name in several]
    return _joined({name: bytes(value) for name, value in zip(several, typed, strict=True)})


def take_values(several: tuple[str, ...], file: str, *, template: bool) -> int:
    """Take the values from a dotenv text in a file (`-`: standard input). Return them as `ask_values` does.

    Raises:
        Malformed: it is no dotenv text
        NoSuchVariable: it lacks one of the variables
    """
    from envfs.dotenv.document import parse_document

    handle = secrets.from_file(file, "the values", limits.TEXT_BYTES)
    try:
        document = parse_document(os.pread(handle, limits.TEXT_BYTES, 0).decode())
    except UnicodeDecodeError:
        raise Malformed("the text with the values is not UTF-8", "convert it first") from None
    finally:
        os.close(handle)
    document.check()
    entries = {entry.name: entry for entry in document.entries if entry.value is not None}
    missing = [name for name in several if name not in entries]
    if missing:
        raise NoSuchVariable(
            f"the text does not set {missing[0]}", "several values are read as lines of the form NAME=value"
        )
    return _joined({name: _to_the_letter(entries[name], template=template).encode() for name in several})


def _to_the_letter(entry: "Entry", *, template: bool) -> str:
    value = entry.value or ""
    if not template:
        return value
    # what is no reference in the text is not to be one here
    places = {place for place, sign in enumerate(value) if sign == "$"} if entry.quote == "'" else {*entry.literal}
    return "".join(f"\\{sign}" if place in places else sign for place, sign in enumerate(value))


def _joined(values: dict[str, bytes]) -> int:
    for name, value in values.items():
        if value in (b"", b"\n", b"\r\n"):
            raise EnvFSError(
                f"the value of {name} is empty, so nothing was changed", "if that is meant, set it alone with --empty"
            )
        if b"\0" in value:
            raise Malformed("the value holds a NUL character", "no environment can carry one")
    return secrets.from_bytes(b"".join(value + b"\0" for value in values.values()))

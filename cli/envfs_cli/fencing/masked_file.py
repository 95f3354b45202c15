"""The one view that a fenced command sees below a mount: the placeholders of its own level, as they are now."""

import os

from envfs.core import names
from envfs.dotenv import writing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_FIRST_LINE = "# masked by envfs: placeholders stand in the place of the values\n"


def masked_files(level: str, variables: bytes, mounts: "Iterable[str]") -> "dict[str, bytes]":
    """Return the file of a level below each mount, with its content. `variables` are NAME=value, with a NUL behind."""
    content = os.fsencode(_FIRST_LINE + writing.portable_text(_by_name(variables)))
    below = names.parse_level(level).rstrip("/")
    return {f"{mount}{below}/.env": content for mount in mounts}


def _by_name(variables: bytes) -> "dict[str, str]":
    pairs = (entry.partition(b"=") for entry in variables.split(b"\0")[:-1])
    return {os.fsdecode(name): os.fsdecode(value) for name, _, value in pairs}

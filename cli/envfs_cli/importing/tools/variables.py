"""The variables that another tool gives, and the names that they get where that tool has other ones.

Law: a note names names, and never a value.
"""

import re

from envfs_cli.importing.trees import NamedItems, Scalar

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NamedTuple
else:
    from envfs.tuples import NamedTuple

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_OTHERS = re.compile(r"[^A-Za-z0-9]+")
_LISTED = 5


class ToolVariables(NamedTuple):
    """Names with values, and what is to be said of them."""

    tree: NamedItems
    notes: "tuple[str, ...]" = ()


def as_tree(pairs: "list[tuple[str, str]]", notes: "tuple[str, ...]" = ()) -> ToolVariables:
    """Return what these names and values are together."""
    return ToolVariables(NamedItems(tuple((name, Scalar(value)) for name, value in pairs)), notes)


def variable_name(*words: str) -> str:
    """Return the name of a variable for what another tool calls by these words, such as an item and its field.

    The last word that is such a name already is taken as it is. Otherwise all are joined: `Stripe (live)` and `api key`
    give `STRIPE_LIVE_API_KEY`. An item with a level for a title is one that EnvFS exported: its names stay as they are.
    """
    if words and _NAME.fullmatch(words[-1]) and (words[-1].upper() == words[-1] or words[0].startswith("/")):
        return words[-1]
    joined = _OTHERS.sub("_", "_".join(word.strip() for word in words if word.strip())).strip("_").upper()
    return f"_{joined}" if joined[:1].isdigit() else joined


def left_out(names: "list[str]", why: str) -> "tuple[str, ...]":
    """Return the note that these are left out. None without any."""
    if not names:
        return ()
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return (f"left out: {', '.join(names[:_LISTED])}{more}: {why}",)

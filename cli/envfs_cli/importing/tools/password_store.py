"""pass, the password store: the entries below a folder of it, each opened by `pass` itself.

By the habit of pass, the first line of an entry is its password. One that begins as a PEM does is taken whole.
"""

import os

from envfs.errors import BadRequest
from envfs_cli.importing.tools.tool_output import tool_output
from envfs_cli.importing.tools.variables import ToolVariables, as_tree, left_out, variable_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_ENDING = ".gpg"
_WHOLE = "-----BEGIN "


def from_pass(source: str) -> ToolVariables:
    """Read the entry of that name, or all below a folder such as shop/prod.

    Raises:
        BadRequest: the store has neither
        EnvFSError: pass cannot be run, or does not open one
    """
    store = os.environ.get("PASSWORD_STORE_DIR") or os.path.expanduser("~/.password-store")
    entries = list(_entries(store, source.strip("/")))
    if not entries:
        raise BadRequest("the password store has neither an entry nor a folder of that name", "`pass ls` lists them")
    pairs, cut = [], []
    for entry in entries:
        text = tool_output(("pass", "show", entry))
        first, _, further = text.partition("\n")
        name = variable_name(entry.rpartition("/")[2])
        pairs.append((name, text.removesuffix("\n") if first.startswith(_WHOLE) else first))
        if further and not first.startswith(_WHOLE):
            cut.append(name)
    return as_tree(pairs, left_out([f"the lines behind the first of {name}" for name in cut], "they are no password"))


def _entries(store: str, source: str) -> "Iterator[str]":
    if os.path.isfile(f"{store}/{source}{_ENDING}"):
        yield source
        return
    top = f"{store}/{source}" if source not in (".", "") else store
    for folder, folders, files in os.walk(top):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        names = (name.removesuffix(_ENDING) for name in sorted(files) if name.endswith(_ENDING))
        yield from (os.path.relpath(f"{folder}/{name}", store) for name in names)

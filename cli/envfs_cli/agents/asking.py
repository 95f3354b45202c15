"""Asking the daemon for an agent: with the rights of this process, and without a person at a terminal.

Laws: nothing is unlocked and no passphrase is asked for, as the terminal may be the agent's. Of what the daemon answers
rows alone are looked at, so no view gets here.
"""

from envfs.core.visible_text import visible_text
from envfs.errors import EnvFSError
from envfs_cli.daemon import client

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NamedTuple, TypeVar

    Row = TypeVar("Row")


def rows_of(request: "NamedTuple", kind: "type[Row]") -> "list[Row]":
    """Return the rows of a kind that the daemon sends before its reply.

    Raises:
        EnvFSError: what the daemon refuses with
    """
    rows: list[object] = []
    link = client.need_running()
    try:
        link.ask(request, (), rows.append)
    finally:
        link.close()
    return [row for row in rows if isinstance(row, kind)]


def error_text(error: EnvFSError) -> str:
    """Return what an agent is told of a refusal."""
    lines = (f"{error.code}: {error.text}", *([f"hint: {error.hint}"] if error.hint else ()))
    return "\n".join(map(visible_text, lines))

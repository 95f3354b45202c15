"""`exec`: become a command with a view as its environment."""

import os

from envfs.errors import Malformed
from envfs.protocol import control
from envfs_cli.daemon import session
from envfs_cli.process import replacement

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NamedTuple

    from envfs_cli.arguments import Values

    Ask = Callable[[NamedTuple], tuple[object, bytes]]


def execute(values: "Values") -> int:
    """Fetch the view, then replace this process by the command: its exit status and signals are its own."""
    if values["watch"]:
        from envfs_cli.watch import watcher

        return watcher.watch(values, fetch, replacement.become)
    link = session.start(values)
    variables = fetch(link.ask, values)
    link.close()
    return replacement.become(values["command"], variables)  # type: ignore[arg-type]


def fetch(ask: "Ask", values: "Values") -> bytes:
    """Return the variables that the command is to have: NAME=value, each ended by a NUL.

    What they refer to and no level sets is taken from the environment that the command is going to have.
    """
    request = control.ReadView(str(values["level"]), "exec", "exec", values["only"] or ())  # type: ignore[arg-type]
    try:
        found = ask(request)[1]
    except Malformed:  # such as a name that is required: the environment may have it
        found = ask(request._replace(dialect="inheriting"))[1]
    variables, _, opened = found.partition(b"\0\0")
    if not opened:
        return found
    from envfs_cli.process import environment_references

    return environment_references.completed(variables + b"\0", opened, os.environb)

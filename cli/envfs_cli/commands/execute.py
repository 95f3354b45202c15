"""`exec`: become a command with a view as its environment."""

from envfs.protocol import control
from envfs_cli import becoming, session

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NamedTuple

    from envfs_cli.arguments import Values

    Ask = Callable[[NamedTuple], tuple[object, bytes]]


def execute(values: "Values") -> int:
    """Fetch the view, then replace this process by the command: its exit status and signals are its own."""
    if values["watch"]:
        from envfs_cli.commands import watching

        return watching.watch(values, fetch, becoming.become)
    link = session.start(values)
    variables = fetch(link.ask, values)
    link.close()
    return becoming.become(values["command"], variables)  # type: ignore[arg-type]


def fetch(ask: "Ask", values: "Values") -> bytes:
    """Return the variables that the command is to have: NAME=value, each ended by a NUL."""
    return ask(control.ReadView(str(values["level"]), "environ", "exec", values["only"] or ()))[1]  # type: ignore[arg-type]

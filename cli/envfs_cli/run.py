"""A command is run: the words of its line become the typed value that its own module declares.

Laws: the module bears the command's name, and what it declares bears it too: `envfs unset` is `run_unset`, given
`UnsetArguments`, in `commands/unset.py`. It is loaded when the command is run, so it costs no other command anything.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType
    from typing import NamedTuple

    from envfs_cli.arguments import Values
    from envfs_cli.grammar import Command

_KEYWORDS = ("import",)  # Python's own words, which no module can be named


def run_command(command: "Command", values: "Values") -> int:
    """Run a command whose line was read. Returns the exit status."""
    _, function, kind = parts_of(command)
    return function(kind(**values))


def parts_of(command: "Command") -> "tuple[ModuleType, Callable[[NamedTuple], int], Callable[..., NamedTuple]]":
    """Return the module of a command, its function and the type of what that is given."""
    name = command.name.strip("_").replace("-", "_")
    module = __import__(f"envfs_cli.commands.{name}{'_' * (name in _KEYWORDS)}", fromlist=[name])
    return module, getattr(module, f"run_{name}"), getattr(module, f"{name.title().replace('_', '')}Arguments")

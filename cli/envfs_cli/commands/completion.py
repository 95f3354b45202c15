"""`completion`: print the completion script of a shell."""

from envfs.tuples import NamedTuple
from envfs_cli import output
from envfs_cli.closed_sets import Unhandled

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal


class CompletionArguments(NamedTuple):
    """The arguments of `completion`."""

    shell: "Literal['bash', 'zsh', 'fish']"


def run_completion(arguments: CompletionArguments) -> int:
    """Print the script."""
    match arguments.shell:
        case "bash":
            from envfs_cli.completion.bash import bash_script

            script = bash_script()
        case "zsh":
            from envfs_cli.completion.zsh import zsh_script

            script = zsh_script()
        case "fish":
            from envfs_cli.completion.fish import fish_script

            script = fish_script()
        case _:
            raise Unhandled(arguments.shell)
    output.print_line(script)
    return 0

"""`shell`: walk the tree interactively."""

from envfs.tuples import NamedTuple


class ShellArguments(NamedTuple):
    """The arguments of `shell`."""

    level: str | None
    passphrase_file: str | None


def run_shell(arguments: ShellArguments) -> int:
    """Run the shell until the person leaves or the script ends."""
    from envfs_cli.shell import loop

    return loop.run_shell_loop(arguments.level, arguments.passphrase_file)

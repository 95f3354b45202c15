"""`shell`: walk the tree interactively."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from envfs_cli.arguments import Values


def shell(values: "Values") -> int:
    """Run the shell until the person leaves or the script ends."""
    from envfs_cli.commands import helping
    from envfs_cli.shell import loop

    return loop.run(values["passphrase_file"], helping.overview)

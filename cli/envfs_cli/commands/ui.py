"""`ui`: browse the vault on a full screen."""

from envfs.tuples import NamedTuple


class UiArguments(NamedTuple):
    """The arguments of `ui`."""

    level: str | None
    passphrase_file: str | None


def run_ui(arguments: UiArguments) -> int:
    """Run the browser until the person leaves."""
    from envfs_cli.browser import running

    return running.run_browser(arguments.level, arguments.passphrase_file)

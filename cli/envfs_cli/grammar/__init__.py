"""The command line's grammar: tables that feed argument parsing, the shell, completion, help and the manual.

Laws: nothing but data here, and nothing imported that costs the client time. A command costs the tables up to its own
group: so those of daily use come first.
"""

from envfs_cli.grammar import use
from envfs_cli.grammar.words import HIDDEN, PASSPHRASE, Argument, Command, Option

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["GROUPS", "HIDDEN", "PASSPHRASE", "Argument", "Command", "Option", "all_commands", "find_command"]

GROUPS = (
    ("use", "Use"),
    ("values", "Values"),
    ("versions", "Versions"),
    ("access", "Access"),
    ("vault", "Vault"),
)


def find_command(word: str) -> "Command | None":
    """Return the command of that name or synonym, or None."""
    for command in _in_order():
        if word == command.name or word in command.synonyms:
            return command
    return None


def all_commands() -> "tuple[Command, ...]":
    """Return every command, by group, those that only scripts call included."""
    return tuple(_in_order())


def _in_order() -> "Iterator[Command]":
    yield from use.COMMANDS
    from envfs_cli.grammar import values

    yield from values.COMMANDS
    from envfs_cli.grammar import rotation

    yield from rotation.COMMANDS
    from envfs_cli.grammar import versions

    yield from versions.COMMANDS
    from envfs_cli.grammar import access, agents, members, page, service, sharing, vault

    yield from (*access.COMMANDS, *members.COMMANDS, *agents.COMMANDS, *page.COMMANDS)
    yield from (*vault.COMMANDS, *sharing.COMMANDS, *service.COMMANDS)

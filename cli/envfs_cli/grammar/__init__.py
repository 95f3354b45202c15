"""The command line's grammar: one table that feeds argument parsing, the shell, completion, help and the manual.

Law: nothing but data here, and nothing imported that costs the client time.
"""

from envfs_cli.grammar import daily, keeping
from envfs_cli.grammar.words import HIDDEN, PASSPHRASE, Argument, Command, Option

__all__ = ["COMMANDS", "GROUPS", "HIDDEN", "PASSPHRASE", "Argument", "Command", "Option", "find"]

COMMANDS = (*daily.COMMANDS, *keeping.COMMANDS)
GROUPS = (
    ("use", "Use"),
    ("values", "Values"),
    ("versions", "Versions"),
    ("access", "Access"),
    ("vault", "Vault"),
)


def find(word: str) -> "Command | None":
    """Return the command of that name or synonym, or None."""
    for command in COMMANDS:
        if word == command.name or word in command.synonyms:
            return command
    return None

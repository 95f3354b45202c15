"""A join secret in the environment: it is for one command at a time, and what is about a home that stays is refused."""

import os

from envfs.errors import BadRequest, NotRunning

JOIN_VARIABLES = {"ENVFS_JOIN", "ENVFS_JOIN_FILE"}
_UNSET = "unset ENVFS_JOIN and ENVFS_JOIN_FILE"


def refuse_join_secret(what: str, instead: str = "exec and get need no mount") -> None:
    """Refuse what is about a home that stays. `instead` says what there is for such a command.

    Raises:
        BadRequest: this command would act by a join secret
    """
    if JOIN_VARIABLES & os.environ.keys():
        raise BadRequest(
            f"a join secret is for one command at a time, and {what}",
            f"{instead}; {_UNSET} for a home of your own",
        )


def no_daemon(hint: str) -> NotRunning:
    """Return the refusal of a command that needs a running daemon. `hint` is for who has a home."""
    if JOIN_VARIABLES & os.environ.keys():
        return NotRunning(
            "no daemon runs here: a command with a join secret starts and ends its own",
            f"exec and get need no other; {_UNSET} for a home's own daemon",
        )
    return NotRunning("no daemon runs here", hint)

"""A join secret in the environment: it is for one command at a time, and what is about a home that stays is refused."""

import os

from envfs.errors import BadRequest, NotRunning

JOIN_VARIABLES = {"ENVFS_JOIN", "ENVFS_JOIN_FILE"}
_UNSET = "unset ENVFS_JOIN and ENVFS_JOIN_FILE"


def refuse_join_secret(what: str) -> None:
    """Refuse what is about a home that stays.

    Raises:
        BadRequest: this command would act by a join secret
    """
    if JOIN_VARIABLES & os.environ.keys():
        raise BadRequest(
            f"a join secret is for one command at a time, and {what}",
            f"exec and get need no mount; {_UNSET} for a home's own daemon",
        )


def no_daemon() -> NotRunning:
    """Return the refusal of a command that needs a running daemon."""
    if JOIN_VARIABLES & os.environ.keys():
        return NotRunning(
            "no daemon runs here: a command with a join secret starts and ends its own",
            f"exec and get need no other; {_UNSET} for a home's own daemon",
        )
    return NotRunning("no daemon runs here", "start it with `envfs mount`")

"""To whom the daemon's state is reported, and with that how much of it."""

from contextlib import suppress
from enum import StrEnum

from envfs.core.access.caller import Caller
from envfs.errors import EnvFSError
from envfs.service.service import Service


class ReportAudience(StrEnum):
    """The one to whom the state is reported."""

    OWNER = "owner"  # all
    APPROVED = "approved"  # a user with a grant: what concerns them
    OTHER = "other"  # any other user: that a daemon runs


def audience_of(service: Service, caller: Caller) -> ReportAudience:
    """Return what `caller` is for this daemon."""
    if caller.is_user(service.owner):
        return ReportAudience.OWNER
    return ReportAudience.APPROVED if grants_of(service, caller) else ReportAudience.OTHER


def grants_of(service: Service, caller: Caller) -> int:
    """Return how many rules give `caller` something. None, where that cannot be told."""
    with suppress(EnvFSError):
        return service.open_vault.gate.grants(caller)
    return 0

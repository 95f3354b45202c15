"""Grants as they are made: with their end, in the clock of this run of the machine and in the wall's."""

from datetime import UTC, datetime, timedelta

from envfs.core.access.rule import Rule
from envfs.host import clocks


def new_grant(level: str, uid: int, seconds: int) -> Rule:
    """Make a grant that begins now. `seconds` 0 is without end."""
    if not seconds:
        return Rule(level, uid)
    until = clocks.time_text(datetime.now(UTC) + timedelta(seconds=seconds))
    return Rule(level, uid, until, clocks.boot_id(), clocks.boot_seconds() + seconds)

"""The rotation of a value: what its directives say of it, the steps of one, and when it is due.

Laws: times are UTC as records have them (RFC 3339, to the microsecond). Nothing here knows a value, or the clock.
"""

import re
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from envfs.core import version_choice
from envfs.errors import BadName

NEXT, PREVIOUS = "_NEXT", "_PREVIOUS"  # behind the name of a variable: its value to come, and the one before
NEVER = -1
_LAST = "9999-12-31T23:59:59.999999Z"
_TIME = "%Y-%m-%dT%H:%M:%S.%fZ"
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class Directives(NamedTuple):
    """The comments above a variable that are about its rotation. Empty and 0 where there are none.

    `every` is in seconds (NEVER: whatever stands at the top of the text). `expires`, `overlap_until` and `begun` are
    times. `with_command` applies a new value, `from_command` makes one, and `kind` says what `envfs rotate` makes.
    `has_wrong_command` if a directive of one of these two is there that is wrong, so that its command is not known.
    """

    every: int = 0
    expires: str = ""
    owner: str = ""
    with_command: str = ""
    from_command: str = ""
    kind: str = ""
    overlap_until: str = ""
    begun: str = ""
    has_wrong_command: bool = False

    @property
    def is_judged(self) -> bool:
        """Tell whether the variable can be due."""
        return bool(self.every > 0 or self.expires or self.overlap_until or self.begun)


class RotationPhase(StrEnum):
    """A step of a rotation, each one version of the level."""

    DIRECT = "direct"  # the variable gets the new value
    BEGIN = "begin"  # NAME_NEXT gets it, and the variable stays
    APPLY = "apply"  # the variable gets that of NAME_NEXT, which is unset
    ABORT = "abort"  # NAME_NEXT is unset
    FINISH = "finish"  # NAME_PREVIOUS is unset


class RotationState(StrEnum):
    """How urgent the rotation of a variable is."""

    EXPIRED = "expired"
    DUE = "due"
    OVER = "over"  # the overlap: the value before may go
    BEGUN = "begun"  # a rotation was not ended
    SOON = "soon"
    GOOD = "good"

    @property
    def is_due(self) -> bool:
        """Tell whether somebody should do something now."""
        return self not in (RotationState.SOON, RotationState.GOOD)


class Judgement(NamedTuple):
    """The state of a variable, and the time at which that became so, or will."""

    state: RotationState
    due: str


def parse_end(text: str) -> str:
    """Read a day, of which the end is meant, or a time. Both are UTC where they name no offset.

    Raises:
        ValueError: it is neither
    """
    try:
        if _DAY.fullmatch(text):
            return (datetime.fromisoformat(text) + timedelta(days=1)).strftime(_TIME)
        moment = version_choice.parse_version_choice(text, UTC).moment
    except (BadName, OverflowError, ValueError) as error:
        raise ValueError("not a day or a time") from error
    if not moment:
        raise ValueError("not a day or a time")
    return moment


def written_end(time: str) -> str:
    """Write a time as a directive has it: to the minute, rounded up."""
    moment = datetime.fromisoformat(time)
    if moment.second or moment.microsecond:
        moment = moment.replace(second=0, microsecond=0) + timedelta(minutes=1)
    return f"{moment:%Y-%m-%dT%H:%MZ}"


def later(time: str, seconds: int) -> str:
    """Return the time that is so many seconds after another one: the last there is, if there is none so late."""
    try:
        return (datetime.fromisoformat(time) + timedelta(seconds=seconds)).strftime(_TIME)
    except OverflowError:
        return _LAST


def judge_rotation(directives: Directives, since: str, now: str, within: int = 0) -> Judgement:
    """Say how urgent a rotation is. `since` is when the value was set, or empty. `within` seconds it is soon."""
    if directives.begun:
        return Judgement(RotationState.BEGUN, directives.begun)
    ends = [(directives.expires, RotationState.EXPIRED), (directives.overlap_until, RotationState.OVER)]
    if directives.every > 0 and since:
        ends.append((later(since, directives.every), RotationState.DUE))
    some = [(end, state) for end, state in ends if end]
    if not some:
        return Judgement(RotationState.GOOD, "")
    due, state = min(some)
    if due <= now:
        return Judgement(state, due)
    return Judgement(RotationState.SOON if within and due <= later(now, within) else RotationState.GOOD, due)

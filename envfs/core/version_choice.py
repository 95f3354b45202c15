"""Which version of a level is meant: `@7`, `@-1`, `@2026-11-01T10:00`. One type, and the one parser of its words.

Laws: a level path has no `@`, so `LEVEL@VERSION` has one reading. A time without an offset is in the zone that is
given, as a person means it. A time to the second means the end of that second, for `envfs history` shows seconds.
"""

from datetime import UTC, datetime, tzinfo

from envfs.errors import BadName
from envfs.tuples import NamedTuple

_HINT = (
    "a version is a number as in /shop@7, a step back from the newest as in /shop@-1, "
    "or a time as in /shop@2026-11-01T10:00 or /shop@2026-11-01T10:00+01:00"
)
_DIGITS = 12  # nobody writes so many versions
_TO_THE_DAY, _TO_THE_MINUTE, _TO_THE_SECOND = map(len, ("2026-11-01", "2026-11-01T10:00", "2026-11-01T10:00:00"))
_LAST_MICROSECOND = 999_999
_FIRST = datetime(1970, 1, 1, tzinfo=UTC)


class VersionChoice(NamedTuple):
    """A version by its number, or the state at a moment.

    `number` counts from 1. A negative one counts back from the newest, and 0 is the newest. `moment` is UTC as records
    have it (RFC 3339, to the microsecond), or empty. With a moment, the number is 0.
    """

    number: int = 0
    moment: str = ""

    @property
    def is_open(self) -> bool:
        """Tell whether it takes a look at the level to know the number."""
        return self.number < 0 or bool(self.moment)


NEWEST = VersionChoice()


def split_dated_level(text: str) -> "tuple[str, str]":
    """Return the level of `LEVEL@VERSION`, and the word for the version. Without an `@` that is empty."""
    level, _, word = text.partition("@")
    return level, word


def parse_version_choice(word: str, zone: tzinfo | None = None) -> VersionChoice:
    """Read the word for a version, with or without its `@`.

    A time without an offset is in `zone` (None: that of this process).

    Raises:
        BadName: it is none
    """
    text = word.removeprefix("@")
    digits = text.removeprefix("-")
    if digits.isascii() and digits.isdigit() and len(digits) <= _DIGITS and int(digits):
        return VersionChoice(int(text))
    return VersionChoice(moment=_moment(text, zone))


def parse_begin(word: str, zone: tzinfo | None = None) -> str:
    """Read a time as `parse_version_choice` does, or a day. Return the moment at which it begins.

    Raises:
        BadName: it is none
    """
    text = word.removeprefix("@")
    return _moment(f"{text}T00:00" if len(text) == _TO_THE_DAY else text, zone, is_begin=True)


def _moment(text: str, zone: tzinfo | None, *, is_begin: bool = False) -> str:
    if not _is_time(text):
        raise _none()
    try:
        named = datetime.fromisoformat(text)
        moment = (named.replace(tzinfo=zone) if named.tzinfo is None and zone else named).astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        raise _none() from None
    is_second = len(text) >= _TO_THE_SECOND and text[_TO_THE_MINUTE] == ":" and "." not in text
    if is_second and not is_begin:
        moment = moment.replace(microsecond=_LAST_MICROSECOND)
    if moment < _FIRST:
        raise _none()
    return f"{moment:%Y-%m-%dT%H:%M:%S.%fZ}"


def _is_time(text: str) -> bool:
    # of what ISO 8601 allows, the form that people write
    shape = "".join("0" if letter.isascii() and letter.isdigit() else letter for letter in text[:_TO_THE_MINUTE])
    return shape.replace(" ", "T") == "0000-00-00T00:00" and set(text[_TO_THE_MINUTE:]) <= set("0123456789:.+-Z")


def _none() -> BadName:
    return BadName("not a version of a level", _HINT)

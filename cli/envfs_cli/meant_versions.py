"""The version that a person may have meant by a word that is none, in a command that works as it stands."""

import re
from datetime import datetime, timedelta

_NEWEST = ("newest", "latest", "last", "current", "now", "head", "HEAD")
_NUMBER = re.compile(r"[vV#]\.?(\d{1,9})", re.ASCII)
_STEPS = re.compile(r"(?:HEAD|head)?~(\d{1,9})", re.ASCII)  # as git counts back from its newest
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_AGO = re.compile(r"(\d{1,4})\s?([mhdw])(?:[ -]?ago)?", re.ASCII)
_RANGE = re.compile(r"@?(-?\d{1,9})?\.{2,3}@?(-?\d{1,9})?", re.ASCII)
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def version_hint(level: str, word: str, now: datetime) -> str:
    """Return a hint for `LEVEL@WORD`, where the word is none. `now` is in the person's zone."""
    history = f"`envfs history {level}` lists the versions"
    if word in ("", *_NEWEST):
        return f"did you mean {level}? without an @ it is the newest version; {history}"
    if choice := _choice(word, now):
        return f"did you mean {level}@{choice}? {history}"
    return (
        f"{history}; name a number as in {level}@2, a step back as in {level}@-1, or a time as in {level}@{_time(now)}"
    )


def range_hint(level: str, word: str) -> str:
    """Return a hint for two versions in one word, as git has them."""
    ends = _RANGE.fullmatch(word)
    both = " ".join(f"@{end}" for end in ends.groups() if end) if ends else ""
    return f"two versions are two words: `envfs diff {level} {both or '@-1'}`"


def _choice(word: str, now: datetime) -> str:
    if number := _NUMBER.fullmatch(word):
        return number[1]
    if steps := _STEPS.fullmatch(word):
        return f"-{steps[1]}"
    if _DAY.fullmatch(word):
        return f"{word}T00:00"
    if word == "yesterday":
        return _time(now - timedelta(days=1))
    if ago := _AGO.fullmatch(word):
        return _time(now - timedelta(**{_UNITS[ago[2]]: int(ago[1])}))
    return ""


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M}"

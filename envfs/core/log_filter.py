"""Choosing entries of the access log: by level, caller, program, decision, event and time.

Laws: a line that is no entry is always taken, so that whoever reads the log hears of it. Times are compared as the text
that entries have (UTC, RFC 3339), to the letter.
"""

import fnmatch
import json
from collections.abc import Callable
from typing import NamedTuple

from envfs.core import audit, names
from envfs.errors import LogBroken


class LogFilter(NamedTuple):
    """The criteria for entries. Empty text, and a uid of -1, ask for nothing.

    `level` takes the level and all below it. `exe` takes a program or a script, `under` a process above the caller, by
    path, by name or by a pattern of the shell's kind. `since` and `until` are times. `until` itself is not taken.
    """

    level: str = ""
    uid: int = -1
    exe: str = ""
    under: str = ""
    decision: str = ""
    event: str = ""
    since: str = ""
    until: str = ""


def acceptor(criteria: LogFilter) -> Callable[[bytes], bool]:
    """Return a function that tells whether a line is an entry that the criteria take."""
    needles = _needles(criteria)

    def accepts(line: bytes) -> bool:
        if not all(needle in line for needle in needles):  # most lines need no reading
            return not line.startswith(b'{"seq":')
        try:
            body = audit.parse_log_entry(line, 0)
        except LogBroken:
            return True
        return matches(criteria, body)

    return accepts


def _needles(criteria: LogFilter) -> list[bytes]:
    # as `audit` writes them: json's own encoding, without blanks
    texts = {"decision": criteria.decision, "event": criteria.event}
    needles = [f'"{name}":{json.dumps(text)}'.encode() for name, text in texts.items() if text]
    if criteria.uid >= 0:
        needles.append(b'"uid":%d,' % criteria.uid)
    return needles


def matches(criteria: LogFilter, body: dict[str, object]) -> bool:
    """Tell whether an entry is one of those that are asked for."""
    time = str(body.get("time", ""))
    return (
        (not criteria.level or _is_within(body.get("level"), criteria.level))
        and criteria.uid in (-1, body.get("uid"))
        and (not criteria.exe or _is_run_by(body, criteria.exe))
        and (not criteria.under or _is_under(body, criteria.under))
        and criteria.decision in ("", body.get("decision"))
        and criteria.event in ("", body.get("event"))
        and criteria.since <= time
        and (not criteria.until or time < criteria.until)
    )


def _is_within(level: object, top: str) -> bool:
    return isinstance(level, str) and names.within(level, top)


def _is_run_by(body: dict[str, object], pattern: str) -> bool:
    return any(_fits(str(body[name]), pattern) for name in ("executable", "script", "command") if name in body)


def _is_under(body: dict[str, object], pattern: str) -> bool:
    ancestors = body.get("ancestors")
    for ancestor in ancestors if isinstance(ancestors, list) else ():
        executable, _, name = str(ancestor).removesuffix(")").partition("(")
        if _fits(executable.strip(), pattern) or (name and _fits(name, pattern)):
            return True
    return False


def _fits(path: str, pattern: str) -> bool:
    return fnmatch.fnmatchcase(path, pattern) or fnmatch.fnmatchcase(path.rpartition("/")[2], pattern)

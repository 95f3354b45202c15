"""A pin of the access log: the number of an entry and its hash, kept in another place, to compare the log with.

Law: it is read from `17:HASH`, or from the line of a checkpoint that the machine's journal has, and from nothing else.
"""

import re

from envfs.core.audit import Tip
from envfs.errors import BadRequest

_PIN = re.compile(r"(\d{1,18}):([0-9a-f]{64})", re.ASCII)
_JOURNAL = re.compile(r"\bcheckpoint \d{1,18}: (\d{1,18}) entries, ([0-9a-f]{64})\b", re.ASCII)
_LONGEST = 4096


def render_pin(tip: Tip) -> str:
    """Write a pin."""
    return f"{tip.seq}:{tip.digest}"


def parse_pin(text: str) -> Tip:
    """Read a pin.

    Raises:
        BadRequest: it is none
    """
    text = text[:_LONGEST].strip()
    match = _PIN.fullmatch(text) or _JOURNAL.search(text)
    if match is None or not int(match[1]):
        raise BadRequest(
            "not a checkpoint of the access log",
            "give NUMBER:HASH as `envfs log verify` prints it, or a line of `journalctl -t envfs`",
        )
    return Tip(int(match[1]), match[2])

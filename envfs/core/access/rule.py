"""A rule: which callers get what of a level and of all below it, and until when.

Laws: a rule is data. A condition that a rule does not name is met by everybody, all that it names have to be met.
"""

import math
from datetime import datetime
from typing import NamedTuple

from envfs.core.access.roles import READER, Capability
from envfs.core.access.verdict import Decision


class Moment(NamedTuple):
    """Now, as rules count it: the run of the machine, the seconds since its boot, and the wall clock.

    `boot` is the kernel's boot id (a UUID), `wall` is UTC to the microsecond (RFC 3339). `wall` counts for rules that
    were given in another run.
    """

    boot: str
    seconds: float
    wall: str


class Pin(NamedTuple):
    """A program that a rule names: its path, and the SHA-256 of its content in hex. Empty: whatever is at the path."""

    path: str
    sha256: str = ""


class Rule(NamedTuple):
    """The callers that meet all conditions get `decision` on `level` and all below it, for what `can` lists.

    It ends `boot_until` seconds into the run of the machine called `boot`. In another run, at the wall clock's `until`.
    Empty for one without end. The dotenv texts that it shows are in `dialect`, empty for what the levels ask for. `id`
    is empty for a rule that a person wrote. `script` is what an interpreter runs, `under` an ancestor of the process.
    `birth` is for how many seconds after its exec a process meets the rule, `max_reads` how many processes read by it.
    """

    level: str
    uid: int | None = None
    until: str = ""
    boot: str = ""
    boot_until: float = 0.0
    dialect: str = ""
    id: str = ""
    gid: int | None = None
    exe: Pin | None = None
    script: Pin | None = None
    under: Pin | None = None
    cgroup: str = ""
    unit: str = ""
    only: tuple[str, ...] = ()
    decision: Decision = Decision.ALLOW
    can: frozenset[Capability] = READER
    max_reads: int = 0
    birth: float = 0.0


def end(rule: Rule, now: Moment) -> float:
    """Return when a rule ends, in seconds of this run of the machine. Infinity for one without end."""
    if not rule.until:
        return math.inf
    if rule.boot == now.boot:
        return rule.boot_until
    try:
        left = datetime.fromisoformat(rule.until) - datetime.fromisoformat(now.wall)
    except (ValueError, TypeError):
        return -math.inf  # an end that cannot be read has come
    return now.seconds + left.total_seconds()

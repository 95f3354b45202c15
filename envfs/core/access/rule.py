"""A rule: which callers get what of a level and of all below it, and until when.

Laws: a rule is data. A condition that a rule does not name is met by everybody, and all that it names have to be met.
"""

import hashlib
import math
from datetime import datetime
from typing import NamedTuple

from envfs.core.access.roles import READER, Capability
from envfs.core.access.verdict import Decision

_ID_DIGITS = 8
_FIRST_FIELDS = 20  # of a rule


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


class RuleProcess(NamedTuple):
    """A process with which a rule ends, as it is known for the length of one run of the machine, `boot`.

    `pidfd` is the inode of its pidfd, which is never given again. Where the kernel has none, 0: then the number counts
    and the `start`, in seconds since the boot.
    """

    boot: str
    pid: int
    pidfd: int = 0
    start: float = 0.0


class Rule(NamedTuple):
    """The callers that meet all conditions get `decision` on `level` and all below it, for what `can` lists.

    It ends `boot_until` seconds into the run of the machine called `boot`. In another run, at the wall clock's `until`.
    Empty for one without end. The dotenv texts that it shows are in `dialect`, empty for what the levels ask for. `id`
    is empty for a rule that a person wrote. `script` is what an interpreter runs, `under` an ancestor of the process.
    `birth` is for how many seconds after its exec a process meets the rule, `max_reads` how many processes read by it.
    `token` is the SHA-256 of a token in hex. `by` is the uid that gave the rule, none for the owner. With a `process`
    it ends when that does. `by_token` is the id of the token whose bearer gave it.
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
    token: str = ""
    by: int | None = None
    process: RuleProcess | None = None
    by_token: str = ""

    @property
    def maker(self) -> int | str | None:
        """The one who gave it, and may take it back: the bearers of a token, by its id, a uid, or none, the owner."""
        return self.by_token or self.by

    @property
    def key(self) -> str:
        """The id. For a rule that a person wrote, one that is made of its content."""
        if self.id:
            return self.id
        later = [(name, getattr(self, name)) for name in self._fields[_FIRST_FIELDS:]]
        named = [pair for pair in later if pair[1]]  # a key stays what it was as long as none of these is there
        content = repr((*self[:15], sorted(self.can), *self[16:_FIRST_FIELDS], *named))
        return "s" + hashlib.sha256(content.encode(errors="surrogateescape")).hexdigest()[:_ID_DIGITS]

    @property
    def condition(self) -> tuple[object, ...]:
        """The level and what has to be met there, whatever the programs' content. Two rules of one are one rule."""
        programs = tuple(pin.path if pin else "" for pin in (self.exe, self.script, self.under))
        return (self.level, self.uid, self.gid, *programs, self.cgroup, self.unit, self.token)

    @property
    def names_program(self) -> bool:
        """Tell whether it is for some processes of a user and not for others."""
        return bool(self.exe or self.script or self.under or self.cgroup or self.unit or self.token)

    @property
    def names_anybody(self) -> bool:
        """Tell whether it names any caller at all."""
        return self.names_program or self.uid is not None or self.gid is not None


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


def who(rule: Rule) -> str:
    """Say which callers a rule is for, in a few words."""
    parts = [
        (f"token {rule.id}".rstrip(), rule.token),
        (f"exe {rule.exe.path if rule.exe else ''}", rule.exe),
        (f"script {rule.script.path if rule.script else ''}", rule.script),
        (f"under {rule.under.path if rule.under else ''}", rule.under),
        (f"cgroup {rule.cgroup}", rule.cgroup),
        (f"unit {rule.unit}", rule.unit),
        (f"uid {rule.uid}", rule.uid is not None),
        (f"gid {rule.gid}", rule.gid is not None),
    ]
    return ", ".join(text for text, named in reversed(parts) if named) or "everybody"

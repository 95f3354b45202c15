"""The events of the access log, one maker for each kind (docs/format.md §7).

Law: an event never holds a value or a variable's name.
"""

import re
from enum import StrEnum
from typing import NamedTuple

from envfs.core import names
from envfs.core.access.roles import Capability
from envfs.core.access.verdict import Decision, Verdict
from envfs.core.access_request import AccessRequest, Channel, Format
from envfs.core.keyfile import Custody
from envfs.core.names import Project
from envfs.core.operations import KeyOperation, Operation
from envfs.core.scope import Scope

_LEVEL_CHARACTERS, _RECIPIENT_CHARACTERS = 256, 100  # a refused level may be any text. A hybrid recipient is pages long
_LONGEST_METHOD, _LONGEST_TARGET = 32, 4096  # characters of what a client of a proxy sent
_DROPPED = re.compile(r"entries (\d{1,18}) to (\d{1,18}) ([0-9a-f]{64})", re.ASCII)

_UNSIGNED_DROP = re.compile(
    r"entry (\d{1,18}) says that entries were removed, and was not signed: it counts for nothing", re.ASCII
)


class EventKind(StrEnum):
    """The kinds of events."""

    READ = "read"
    REFUSE = "refuse"
    WRITE = "write"
    KEY = "key"
    GRANT = "grant"
    REVOKE = "revoke"
    ASK = "ask"
    ANSWER = "answer"
    INIT = "init"
    START = "start"
    STOP = "stop"
    LOCK = "lock"
    UNLOCK = "unlock"
    ACCEPT = "accept"
    MEND = "mend"
    ROTATE = "rotate"
    RESTART = "restart"
    CHECKPOINT = "checkpoint"
    VOID = "void"
    DROP = "drop"
    CANARY = "canary"
    FORGET = "forget"
    FORWARD = "forward"
    ENGINE = "engine"


class Dropped(NamedTuple):
    """Entries that are not kept: from `first` to `last`, whose line has the SHA-256 `digest`, in hexadecimal."""

    first: int
    last: int
    digest: str


class Event(NamedTuple):
    """An event as the log has it. `format` is what was asked for of a level, `operation` what was done or refused.

    `operation` is an Operation, a KeyOperation, the name of a request that was refused, in a VOID the kind of the
    change, or in a READ for a push its target. `times` is for how many refusals the event stands.

    `version` and, where it was a view, `above` tell which texts were served: the versions of the levels above, the top
    first. `places` are those of single variables in the alphabetical order of its names, -1 for one that it has not.
    `past` is of a version of the past, and `some` of a caller to whom a rule shows some names alone.
    """

    kind: EventKind
    channel: Channel | None = None
    level: str = ""
    version: int = 0
    format: Format | None = None
    operation: str = ""
    decision: Decision | None = None
    rule: str = ""
    above: tuple[int, ...] = ()
    places: tuple[int, ...] = ()
    past: bool = False
    some: bool = False
    times: int = 1


class Served(NamedTuple):
    """The versions of the level and of those above that a caller gets, and the places of single variables."""

    version: int
    above: tuple[int, ...] = ()
    places: tuple[int, ...] = ()


# -- access ------------------------------------------------------------------------------------------------------------


def read(request: AccessRequest, served: Served, verdict: Verdict) -> Event:
    """A caller gets what it asked for."""
    return _served(EventKind.READ, request, served, verdict)


def refused(request: AccessRequest, rule: str) -> Event:
    """A caller does not get what it asked for."""
    level, channel, what, version = request[:4]
    return Event(EventKind.REFUSE, channel, level, version, what, "", Decision.DENY, rule)


def refused_request(name: str, level: str, capability: Capability) -> Event:
    """A request came from a caller whom no rule lets do that. `level` is as it was sent."""
    level, rule = level[:_LEVEL_CHARACTERS], f"not {capability}"
    return Event(EventKind.REFUSE, Channel.SOCKET, level, operation=name, decision=Decision.DENY, rule=rule)


def refused_token() -> Event:
    """A token was not one, or is one no more."""
    return Event(EventKind.REFUSE, Channel.SOCKET, operation="token", decision=Decision.DENY, rule="no such token")


def refused_passphrase(scope: Scope) -> Event:
    """A passphrase was wrong."""
    return Event(EventKind.REFUSE, Channel.SOCKET, scope.top, operation="unlock", rule="wrong passphrase")


def granted(level: str, rule: str) -> Event:
    """There is going to be a rule for a level and all below it. `rule` is its id and its callers."""
    return Event(EventKind.GRANT, Channel.SOCKET, level, rule=rule)


def revoked(level: str, rule: str) -> Event:
    """A rule for a level is going to be gone: nothing is served by it behind this entry."""
    return Event(EventKind.REVOKE, Channel.SOCKET, level, rule=rule)


def canary_read(request: AccessRequest, served: Served, verdict: Verdict) -> Event:
    """A caller gets the true value of a canary: an alarm. It comes before the READ of the same access."""
    return _served(EventKind.CANARY, request, served, verdict)


def _served(kind: EventKind, request: AccessRequest, served: Served, verdict: Verdict) -> Event:
    level, channel, what = request[:3]
    version, above, places = served
    past, some = request.version > 0 or request.moment != "", bool(verdict.face.only)
    return Event(
        kind,
        channel,
        level,
        version,
        what,
        request.target,
        verdict.decision,
        verdict.rule,
        above,
        places,
        past,
        some,
    )


def asked(request: AccessRequest, question: str) -> Event:
    """A person is asked whether a caller gets what it asked for. `question` is the name of the question."""
    level, channel, what, version = request[:4]
    return Event(EventKind.ASK, channel, level, version, what, rule=question)


def answered(request: AccessRequest, question: str, allowed: str, *, is_yes: bool) -> Event:
    """The caller of this entry answered a question. `allowed` is the scope of a yes."""
    level, _, what, version = request[:4]
    decision = Decision.ALLOW if is_yes else Decision.DENY
    return Event(EventKind.ANSWER, Channel.SOCKET, level, version, what, allowed, decision, question)


def refused_answer(request: AccessRequest, question: str, why: str) -> Event:
    """The caller of this entry may not answer a question."""
    level, _, what, version = request[:4]
    rule = f"{question}: {why}"
    return Event(EventKind.REFUSE, Channel.SOCKET, level, version, what, EventKind.ANSWER, Decision.DENY, rule)


def forwarded(request: AccessRequest, method: str, target: str, decision: Decision) -> Event:
    """A proxy is going to send a request. `target` is the rule by which it has values, the host and the path."""
    method, target = _told(method, _LONGEST_METHOD), _told(target, _LONGEST_TARGET)
    return Event(EventKind.FORWARD, Channel.PROXY, request.level, operation=method, decision=decision, rule=target)


def forward_refused(request: AccessRequest, method: str, reason: str) -> Event:
    """A proxy does not send a request."""
    method, reason = _told(method, _LONGEST_METHOD), _told(reason, _LONGEST_TARGET)
    return Event(EventKind.REFUSE, Channel.PROXY, request.level, operation=method, decision=Decision.DENY, rule=reason)


def _told(text: str, most: int) -> str:
    # what a client sent: whole, it would make a line that no reader of the log takes
    return text if len(text) <= most else f"{text[: most // 2]}\u2026{text[-(most // 2) :]}"


# -- changes of the vault ----------------------------------------------------------------------------------------------


def initialized() -> Event:
    """The vault is new."""
    return Event(EventKind.INIT, Channel.SOCKET, names.ROOT)


def written(level: str, version: int, operation: Operation, rule: str = "owner") -> Event:
    """A level is going to have a new version. `rule` is what lets the caller write it."""
    return Event(EventKind.WRITE, Channel.SOCKET, level, version, None, operation, Decision.ALLOW, rule)


def forgotten(level: str, first: int, last: int) -> Event:
    """The bytes of versions of a level are going to be forgotten: of those from `first` to `last` that have them."""
    return Event(EventKind.FORGET, Channel.SOCKET, level, rule=f"versions {first} to {last}")


def accepted(level: str, version: int) -> Event:
    """A person takes a level as it is."""
    return Event(EventKind.ACCEPT, Channel.SOCKET, level, version)


def losses_accepted(level: str, what: str) -> Event:
    """A person knows that the engine had lost records. `what` names their stream and numbers."""
    return Event(EventKind.ENGINE, Channel.SOCKET, level, operation="accept", rule=what)


def keys_changed(project: Project, version: int, operation: KeyOperation, custody: Custody) -> Event:
    """A project is going to have a new key file."""
    return Event(EventKind.KEY, Channel.SOCKET, project, version, operation=operation, rule=custody)


def identity_changed(operation: KeyOperation, rule: str) -> Event:
    """The identity, or who else can open the vault's keys, changed."""
    return Event(EventKind.KEY, Channel.SOCKET, names.ROOT, operation=operation, rule=rule[:_RECIPIENT_CHARACTERS])


def void(kind: EventKind, level: str, version: int, why: str) -> Event:
    """The change that the entry before names, a WRITE or a KEY, never took effect."""
    return Event(EventKind.VOID, Channel.DAEMON, level, version, operation=kind, rule=why)


# -- locks and the daemon ----------------------------------------------------------------------------------------------


def locked(scope: Scope, reason: str) -> Event:
    """A scope is locked."""
    return Event(EventKind.LOCK, Channel.SOCKET, scope.top, rule=reason)


def unlocked(scope: Scope, seconds: int) -> Event:
    """A scope is unlocked, for so long or (0) without end."""
    return Event(EventKind.UNLOCK, Channel.SOCKET, scope.top, rule=f"for {seconds} s" if seconds else "")


def started() -> Event:
    """The daemon serves."""
    return Event(EventKind.START, Channel.DAEMON)


def stopped() -> Event:
    """The daemon ends."""
    return Event(EventKind.STOP, Channel.DAEMON)


# -- the log itself ----------------------------------------------------------------------------------------------------


def mended(what: str) -> Event:
    """A fault of the log or of this machine's marks was repaired."""
    return Event(EventKind.MEND, Channel.DAEMON, rule=what)


def rotated(name: str) -> Event:
    """The entries before are in the file of that name."""
    return Event(EventKind.ROTATE, rule=name)


def dropped(entries: Dropped) -> Event:
    """Closed segments are going to be removed, as a setting says, or are gone."""
    return Event(EventKind.DROP, Channel.DAEMON, rule=f"entries {entries.first} to {entries.last} {entries.digest}")


def parse_dropped(rule: str) -> Dropped | None:
    """Read what a DROP says, or return None."""
    match = _DROPPED.fullmatch(rule)
    return Dropped(int(match[1]), int(match[2]), match[3]) if match else None


def unsigned_drop(entry: int) -> Event:
    """An unsigned DROP was there when the log was opened. Anybody may have written it, so it proves nothing."""
    return mended(f"entry {entry} says that entries were removed, and was not signed: it counts for nothing")


def parse_unsigned_drop(rule: str) -> int:
    """Read the number of the entry that counts for nothing, or return 0."""
    match = _UNSIGNED_DROP.fullmatch(rule)
    return int(match[1]) if match else 0


def restarted(checkpoint: int, rule: str) -> Event:
    """A new log begins. The newest checkpoint that was known is `checkpoint`, and `rule` names what was lost."""
    return Event(EventKind.RESTART, version=checkpoint, rule=rule)

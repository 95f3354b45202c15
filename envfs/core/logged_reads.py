"""Entries of the access log about the values of levels: who was given some, or refused them, and which levels moved.

Law: a read that gave placeholders, or names alone, gave no value. An entry of a release that did not say which versions
of the levels above were served, or of which process it is, has less here, and is not taken for one that says so.
"""

from typing import NamedTuple

from envfs.core.access.verdict import Decision
from envfs.core.access_request import Channel, Format
from envfs.core.approvals.approver import AGENTS
from envfs.core.events import EventKind
from envfs.core.operations import Operation

_AGENTS = frozenset(AGENTS)
_WITH_VALUES = frozenset((Format.DOTENV, Format.JSON, Format.ENVIRON, Format.VALUE, Format.OWN))


class LoggedCaller(NamedTuple):
    """A program of a user's, as entries name it. `parent` is what started it, `agent` a coding agent above it."""

    uid: int
    executable: str
    script: str
    command: str
    unit: str
    parent: str
    agent: str


class LoggedRefusal(NamedTuple):
    """A caller did not get what it asked for. `what` is a format, or the name of a request. `times` in one entry."""

    caller: LoggedCaller
    level: str
    channel: str
    what: str
    rule: str
    times: int


class LoggedMove(NamedTuple):
    """A version of a level was written by a move from another one."""

    level: str
    version: int


class LoggedRead(NamedTuple):
    """A caller was given values of a level.

    `above` and `places` as in `core.events`, `above` None where the entry does not say. `process` tells its process
    from others with its number (`core.origin`), empty where the entry does not say.
    """

    uid: int
    pid: int
    process: str
    executable: str
    cgroup: str
    script: str
    command: str
    unit: str
    session: int
    level: str
    version: int
    above: tuple[int, ...] | None
    channel: str
    format: str
    places: tuple[int, ...]
    past: bool
    some: bool
    rule: str
    parent: str = ""
    agent: str = ""

    @property
    def caller(self) -> "LoggedCaller":
        """Return who did it, whichever process it was."""
        return LoggedCaller(self.uid, self.executable, self.script, self.command, self.unit, self.parent, self.agent)

    @property
    def of_any_process(self) -> "LoggedRead":
        """Return it without what tells one process from another."""
        return self._replace(pid=0, process="", session=0)

    @property
    def is_own(self) -> bool:
        """Tell whether it gave the level's own text, and nothing of the levels above."""
        return self.format == Format.OWN

    @property
    def route(self) -> str:
        """Say by what the values came: the channel, or in the mount the folder of single or of old ones."""
        if self.channel != Channel.MOUNT:
            return self.channel
        return ".history" if self.past else ".vars" if self.format == Format.VALUE else self.channel


def meaning_of(body: dict[str, object]) -> LoggedRead | LoggedRefusal | LoggedMove | None:
    """Return what an entry says about the values of levels. None: it says nothing of them."""
    match body.get("event"):
        case EventKind.READ:
            return logged_read(body)
        case EventKind.REFUSE:
            asked_for = _text(body, "format") or _text(body, "operation")
            facts = _text(body, "level"), _text(body, "channel"), asked_for, _text(body, "rule")
            return LoggedRefusal(_caller(body), *facts, _number(body, "times", 1))
        case EventKind.WRITE if body.get("operation") == Operation.MOVE:
            return LoggedMove(_text(body, "level"), _number(body, "version"))
    return None


def _caller(body: dict[str, object]) -> LoggedCaller:
    return LoggedCaller(
        uid=_number(body, "uid", -1),
        executable=_text(body, "executable"),
        script=_text(body, "script"),
        command=_text(body, "command"),
        unit=_text(body, "unit"),
        parent=_parent_among(body.get("ancestors")),
        agent=_agent_among(body.get("ancestors")),
    )


def _parent_among(ancestors: object) -> str:
    return str(ancestors[0]) if isinstance(ancestors, list) and ancestors else ""


def _agent_among(ancestors: object) -> str:
    for ancestor in ancestors if isinstance(ancestors, list) else ():
        executable, _, name = str(ancestor).removesuffix(")").partition("(")
        for word in (name, executable.strip().rpartition("/")[2]):
            if word.lower() in _AGENTS:
                return word
    return ""


def logged_read(body: dict[str, object]) -> LoggedRead | None:
    """Return what an entry says of values that were given. None: it says nothing of the kind."""
    kind, shown = body.get("event"), body.get("format")
    if kind != EventKind.READ or shown not in _WITH_VALUES or body.get("decision") != Decision.ALLOW:
        return None
    if shown == Format.OWN and body.get("channel") == Channel.SOCKET:
        return None  # a copy, whose values never left the keyholder
    above = body.get("above")
    return LoggedRead(
        uid=_number(body, "uid", -1),
        pid=_number(body, "pid"),
        process=_text(body, "process"),
        executable=_text(body, "executable"),
        cgroup=_text(body, "cgroup"),
        script=_text(body, "script"),
        command=_text(body, "command"),
        unit=_text(body, "unit"),
        session=_number(body, "session"),
        level=_text(body, "level"),
        version=_number(body, "version"),
        above=_numbers(above) if above is not None else None,
        channel=_text(body, "channel"),
        format=str(shown),
        places=_numbers(body.get("places")),
        past=body.get("past") is True,
        some=body.get("some") is True,
        rule=_text(body, "rule"),
        parent=_parent_among(body.get("ancestors")),
        agent=_agent_among(body.get("ancestors")),
    )


def _text(body: dict[str, object], name: str) -> str:
    value = body.get(name)
    return value if isinstance(value, str) else ""


def _number(body: dict[str, object], name: str, default: int = 0) -> int:
    value = body.get(name)
    return value if type(value) is int else default


def _numbers(value: object) -> tuple[int, ...]:
    return tuple(number for number in value if type(number) is int) if isinstance(value, list) else ()

"""Entries of the access log that say who was given values of a level: read from their lines, as `holders` needs them.

Law: a read that gave placeholders, or names alone, gave no value. An entry of a release that did not say which versions
of the levels above were served, or of which process it is, has less here, and is not taken for one that says so.
"""

from typing import NamedTuple

from envfs.core.access.verdict import Decision
from envfs.core.access_request import Channel, Format
from envfs.core.events import EventKind

_WITH_VALUES = frozenset((Format.DOTENV, Format.JSON, Format.ENVIRON, Format.VALUE, Format.OWN))


class LoggedRead(NamedTuple):
    """A caller was given values of a level.

    `above` and `places` as in `core.events`, `above` None where the entry does not say. `process` tells its process
    from others with its number (`core.origin`), empty where the entry does not say.
    """

    uid: int
    pid: int
    process: str
    executable: str
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
    )


def _text(body: dict[str, object], name: str) -> str:
    value = body.get(name)
    return value if isinstance(value, str) else ""


def _number(body: dict[str, object], name: str, default: int = 0) -> int:
    value = body.get(name)
    return value if type(value) is int else default


def _numbers(value: object) -> tuple[int, ...]:
    return tuple(number for number in value if type(number) is int) if isinstance(value, list) else ()

"""A caller's request for something of a level, and its channel. The words are those of protocol and access log."""

from enum import StrEnum
from typing import Final, NamedTuple

from envfs.core.access.face import PLAIN_FACE, Face
from envfs.core.access.roles import Capability


class Channel(StrEnum):
    """By what a request comes: the mount, a command that reads by the socket, another one, or the daemon itself."""

    MOUNT = "mount"
    EXEC = "exec"
    GET = "get"
    SHOW = "show"
    EXPORT = "export"
    PUSH = "push"  # for the tool of another service
    PROXY = "proxy"  # a proxy, for the command of its session
    SOCKET = "socket"
    DAEMON = "daemon"


class Format(StrEnum):
    """A thing to ask for of a level: a text of its view, one value, its own text, or facts about it."""

    DOTENV = "dotenv"
    JSON = "json"
    EXAMPLE = "example"
    ENVIRON = "environ"
    VALUE = "value"
    OWN = "own"  # the level's own text to the letter
    NAMES = "names"
    PRESENCE = "presence"  # whether variables are set, and are not empty
    HISTORY = "history"
    PETITION = "petition"  # that a person gives a right to values, or sets one
    CHANGES = "changes"  # that its view changed, as it happens
    COMPARE = "compare"  # what an import would change
    PROXY = "proxy"  # placeholders for a command, and values for its proxy
    LOOKUP = "lookup"  # of a name in the mount


_NAMED = (Format.EXAMPLE, Format.NAMES, Format.PRESENCE, Format.PETITION, Format.CHANGES)
_CAPABILITIES: Final = {
    **dict.fromkeys(Format, Capability.READ),
    **dict.fromkeys(_NAMED, Capability.NAMES),
    Format.HISTORY: Capability.HISTORY,
}


class AccessRequest(NamedTuple):
    """One access: which level, by which channel, in which format. `version` 0 is now.

    `variables` are the names of those whose values are asked for. Empty for all. The log never has them.
    `face` is the one that the caller's rule gives. A caller may ask for another dialect than the rule's.
    With a `moment` (UTC as records have it) it is the view as it was then, and `version` is the level's own of then: 0
    if it had no text. `target` is the service whose tool gets the values.
    """

    level: str
    channel: Channel
    format: Format
    version: int = 0
    face: Face = PLAIN_FACE
    variables: tuple[str, ...] = ()
    moment: str = ""
    target: str = ""

    @property
    def is_past(self) -> bool:
        """Tell whether it is about a version of the past."""
        return self.version > 0 or self.moment != ""

    @property
    def capability(self) -> Capability:
        """The capability that it takes. For a version of the past, `history` as well."""
        return _CAPABILITIES[self.format]

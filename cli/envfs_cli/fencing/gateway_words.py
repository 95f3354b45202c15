"""The messages that pass the gateway of a fence: of the control protocol the words of an agent, and no others.

Laws: no request of these brings a value, and no message but the one of a proxy has blobs. An agent looks at the level
of its session and those below it. A proxy is opened by a token alone, so a person has said yes to it. Texts that a
person wrote into a history or a rotation stay outside.
"""

from envfs.core import names
from envfs.errors import BadRequest, NotApproved
from envfs.protocol import control, wire

TYPE_CHECKING = False
if TYPE_CHECKING:
    from envfs.protocol.framing import Body

TOKEN_BYTES = 256  # at the most
_LOOKS: "tuple[type, ...]" = (
    *(control.ListLevels, control.ListVariables, control.ListPresence, control.DescribeView, control.ListHistory),
    control.ListRotations,
)
REQUESTS = wire.message_table(control.Hello, *_LOOKS, control.AskPerson, control.UseToken, control.OpenProxy)
REPLIES = wire.message_table(
    *(control.Hello, control.Failed, control.Done, control.WorkingRow, control.WaitingRow, control.ProgressRow),
    *(control.LevelRow, control.FaultRow, control.ChosenRow, control.VariableRow, control.PresenceRow),
    *(control.FactsRow, control.DanglingRow, control.WrongDirectiveRow, control.VersionRow, control.RotationRow),
    control.ProxyOpened,
)
_HINT = "the fence lets an agent's words through: names, presence, questions to a person, and a proxy after a yes"


def request_of(body: "Body", level: str, *, has_token: bool) -> object:
    """Return a request of the agent.

    Raises:
        NotApproved: it may not pass
        BadRequest: it is none
    """
    if body.get("type") not in REQUESTS:
        raise NotApproved("this request does not leave the fence", _HINT)
    request = wire.from_body(body, REQUESTS)
    if isinstance(request, _LOOKS) and not names.within(names.parse_level(str(_level_of(request))), level):
        raise NotApproved(f"this fence is for {level} and the levels below it", _HINT)
    if isinstance(request, control.OpenProxy) and not has_token:
        raise NotApproved("a proxy takes the yes of a person", "the tool request_access asks one")
    return request


def _level_of(request: object) -> object:
    return getattr(request, "level", "")


def reply_of(body: "Body", blobs: "tuple[bytes, ...]") -> object:
    """Return an answer of the daemon, without what is not for an agent.

    Raises:
        BadRequest: it may not pass
    """
    reply = wire.from_body(body, REPLIES)
    if blobs and not isinstance(reply, control.ProxyOpened):
        raise BadRequest("this answer does not enter the fence")
    if isinstance(reply, control.VersionRow):
        return reply._replace(message="")
    if isinstance(reply, control.RotationRow):
        return reply._replace(with_command="", from_command="")
    return reply

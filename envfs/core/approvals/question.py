"""A question to a person: who asks, for what, why, and what a yes could allow.

Laws: a question is shown whole. One that is too long to be shown is refused, and never shortened: what stands at its
end may be what matters. It holds no value, and no variable's name but those that the program itself wrote.
"""

from collections.abc import Iterator
from enum import StrEnum
from typing import NamedTuple

from envfs.core.access.caller import Caller
from envfs.core.access.evidence import ProgramFile
from envfs.core.access.face import Face
from envfs.core.access.roles import Capability
from envfs.core.access_request import AccessRequest
from envfs.core.approvals.forwarding import ForwardedRequest
from envfs.core.approvals.lineage import Lineage, Process
from envfs.core.approvals.petition import Petition, PetitionKind
from envfs.errors import TooLarge

REASON_CHARACTERS = 500
PATH_CHARACTERS = 1024
PROCESSES = 24  # of a lineage
SHOWN_CHARACTERS = 8192


class ApprovalScope(StrEnum):
    """The reach of a yes."""

    ONCE = "once"  # each open that waits for this answer
    PROCESS = "process"  # this process, as long as it runs
    EXECUTABLE = "executable"  # this executable and script, for ten minutes
    ALWAYS = "always"  # a rule is written


class Outcome(StrEnum):
    """How a question ended."""

    ALLOWED = "allowed"
    DENIED = "denied"
    TIMED_OUT = "timed-out"
    NOBODY = "nobody"  # nobody was there to ask
    WITHDRAWN = "withdrawn"  # all who asked have left


_UNCERTAIN = (ApprovalScope.ONCE, ApprovalScope.PROCESS)  # an interpreter whose script cannot be told may run anything
_NO_RULE = (ApprovalScope.ONCE, ApprovalScope.PROCESS, ApprovalScope.EXECUTABLE)
# a client of the socket runs the one program of EnvFS and becomes another: what it is now says nothing of later
_BY_SOCKET = (ApprovalScope.ONCE,)
_EACH, _FIRST = (ApprovalScope.ONCE,), (ApprovalScope.PROCESS,)  # of requests through a proxy


class QuestionIdentity(NamedTuple):
    """The facts by which two questions are the same: the user, the program, its script, the level and its face.

    Of program and script these are their files and the content, so that another content is another question.

    `by_socket`: the program is the client of the socket that asks for another. `capability` is READ for values, NAMES
    for names alone: who says yes to these has not said yes to those. `forwarded` is the request through a proxy that
    it is about, `petition` what it asks a person for beside an access of its own.
    """

    uid: int
    program: ProgramFile
    script: ProgramFile | None
    level: str
    face: Face
    by_socket: bool = False
    capability: Capability = Capability.READ
    forwarded: ForwardedRequest | None = None
    petition: Petition | None = None

    @property
    def has_contents(self) -> bool:
        """Tell whether it is known what the files of the program hold, and not only which files they are."""
        return bool(self.program.sha256) and (self.script is None or bool(self.script.sha256))

    def without_contents(self) -> "QuestionIdentity":
        """Return it for what goes by a process: that one has the yes, whatever is written to the files later."""
        script = None if self.script is None else self.script._replace(sha256="")
        forwarded = None if self.forwarded is None else self.forwarded._replace(nonce="")
        petition = None if self.petition is None else self.petition._replace(token="", process=None)
        program = self.program._replace(sha256="")
        return self._replace(program=program, script=script, forwarded=forwarded, petition=petition)


# the inode of a pidfd behind two zeros. Where there is none, number and start of the process in front of a zero
ProcessKey = tuple[int, float, int]


class Sighting(NamedTuple):
    """A caller as it was seen while it waited. `process` names it for as long as the machine runs.

    `is_certain`: what it runs is known, program and script. `reason` is what it gives as one.
    """

    process: ProcessKey
    program: ProgramFile
    script: ProgramFile | None
    is_certain: bool
    lineage: Lineage = ()
    folder: str = ""
    unit: str = ""
    reason: str = ""


class Question(NamedTuple):
    """A question. `variables` is how many the view has, `seconds` and `until` count from the machine's boot.

    `wall_ns` is when it was asked on the wall clock, in nanoseconds.
    """

    number: int
    identity: QuestionIdentity
    caller: Caller
    request: AccessRequest
    variables: int
    sighting: Sighting
    seconds: float
    wall_ns: int
    until: float

    @property
    def choices(self) -> tuple[ApprovalScope, ...]:
        """The scopes that a yes can have, the least first."""
        if self.identity.forwarded is not None:
            return _EACH if self.identity.forwarded.nonce else _FIRST
        if self.identity.petition is not None and self.identity.petition.kind is PetitionKind.SET:
            return ()  # a yes sets nothing
        if self.identity.by_socket or self.identity.petition is not None:
            return _BY_SOCKET
        if not (self.sighting.is_certain and self.identity.has_contents):
            return _UNCERTAIN  # a file that holds something else later would have the yes
        if self.identity.capability is not Capability.READ:
            return _NO_RULE  # it would take the place of the rule that asks, also for values
        files = [file for file in (self.identity.program, self.identity.script) if file is not None]
        # a rule is for a path: it has to lead to the same file for everybody
        return tuple(ApprovalScope) if all(file.is_there for file in files) else _NO_RULE

    @property
    def name(self) -> str:
        """The name by which people and the log call it."""
        return f"q{self.number}"


def check_length(question: Question) -> None:
    """Refuse a question that is too long to be shown whole.

    Raises:
        TooLarge: it is
    """
    sighting = question.sighting
    if len(sighting.reason) > REASON_CHARACTERS:
        raise TooLarge(f"the reason is too long to be shown: at most {REASON_CHARACTERS} letters", "shorten it")
    texts = list(_texts(question))
    if (
        len(sighting.lineage) > PROCESSES
        or any(len(text) > PATH_CHARACTERS for text in texts)
        or sum(map(len, texts)) > SHOWN_CHARACTERS
    ):
        raise TooLarge("the request is too long to be shown to a person, so it is refused")


def _texts(question: Question) -> Iterator[str]:
    sighting = question.sighting
    yield from (question.identity.level, sighting.folder, sighting.unit, sighting.reason, sighting.program.path)
    yield sighting.script.path if sighting.script else ""
    if question.identity.forwarded is not None:
        yield from question.identity.forwarded.texts()
    if question.identity.petition is not None:
        yield from question.identity.petition.names
    for process in sighting.lineage:
        yield process_words(process)


def process_words(process: Process) -> str:
    """Return how a process is called: its program and script, or the short name that it has for itself."""
    return " ".join(part for part in (process.program or process.name, process.script) if part)

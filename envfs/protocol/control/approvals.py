"""Questions to a person: requests, rows and replies (docs/protocol.md §2)."""

from envfs.tuples import NamedTuple


class ListApprovals(NamedTuple):
    """The questions that wait for a person. Rows: QuestionRow."""


class ShowApproval(NamedTuple):
    """One question that waits, by its name, such as q7. Rows: one QuestionRow."""

    question: str


class RespondApproval(NamedTuple):
    """Answer a question. `scope` is what a yes allows, empty for a no."""

    question: str
    scope: str = ""


class WatchApprovals(NamedTuple):
    """Questions as they are asked and end, until the client leaves, first those that wait. Rows: QuestionRow."""


class AskPerson(NamedTuple):
    """Ask a person for something at a level, and wait for it. First a WaitingRow comes. Reply: Done.

    `kind` is `read`, for a right to read `names` by a token whose digest this is (SHA-256 in hexadecimal), for a while
    and as long as the client runs, or `set`, that a person sets the one of `names`.
    """

    level: str
    kind: str
    names: tuple[str, ...]
    reason: str = ""
    token: str = ""


class ProcessFact(NamedTuple):
    """One process of a tree: its number, its user, and how it is called. `terminal`: it has one."""

    pid: int
    uid: int
    words: str
    terminal: bool


class ForwardFact(NamedTuple):
    """A request through a proxy: by which rule, its method, and its address as the client sent it.

    `is_alone`: a yes is for this request alone, and otherwise for all of its session with that method, host and path.
    Then type, SHA-256 (in hexadecimal) and bytes of its body are left out.
    """

    rule: str
    method: str
    url: str
    media: str
    digest: str
    size: int
    is_alone: bool


class PetitionFact(NamedTuple):
    """A petition: `read` or `set`, and the names that the program wrote."""

    kind: str
    names: tuple[str, ...]


class QuestionRow(NamedTuple):
    """A question to a person. `state` is `open`, or how it ended: an Outcome.

    `processes` are the one that asks and its ancestors, the nearest first. `variables` is how many the view has.
    `asked` is UTC. `choices` are what a yes can allow: Scopes. `answered_by` is a uid, -1 where nobody answered.
    `forward` is the request that it is about, if it is about one, and `petition` the petition.
    """

    question: str
    state: str
    uid: int
    user: str
    level: str
    version: int
    format: str
    channel: str
    variables: int
    program: str
    script: str
    folder: str
    unit: str
    reason: str
    processes: tuple[ProcessFact, ...]
    waiting: int
    asked: str
    seconds_left: int
    choices: tuple[str, ...]
    answered_by: int = -1
    forward: ForwardFact | None = None
    petition: PetitionFact | None = None


class WaitingRow(NamedTuple):
    """The request waits for a person, who is asked this question, and has so many seconds."""

    question: str
    seconds: int


ApprovalsRequest = AskPerson | ListApprovals | ShowApproval | RespondApproval | WatchApprovals
ApprovalsRow = QuestionRow | WaitingRow

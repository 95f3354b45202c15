"""The messages between a client and the daemon (docs/protocol.md §2): one vocabulary under one name.

A file for each subject has its requests, their rows and replies. Here stands what belongs to every request.

Laws: a secret never stands in a message: it comes in a descriptor beside the request, and goes out as a blob behind
the reply. Every request ends in exactly one reply that is not a Row. Rows may come before it.
"""

from envfs.protocol import wire
from envfs.protocol.control.access_log import *  # noqa: F403
from envfs.protocol.control.access_log import AccessLogRequest, AccessLogRow
from envfs.protocol.control.approvals import *  # noqa: F403
from envfs.protocol.control.approvals import ApprovalsRequest, ApprovalsRow
from envfs.protocol.control.changes import *  # noqa: F403
from envfs.protocol.control.changes import (
    ChangesReply,
    ChangesRequest,
    ChangesRow,
    ImportText,
    SetVariable,
    SetVariables,
)
from envfs.protocol.control.grants import *  # noqa: F403
from envfs.protocol.control.grants import GrantsReply, GrantsRequest, GrantsRow, UseToken
from envfs.protocol.control.projects import *  # noqa: F403
from envfs.protocol.control.projects import (
    ChangeCustody,
    ChangeProjectPassphrase,
    NewProject,
    ProjectsRequest,
    ProjectsRow,
    RotateKey,
)
from envfs.protocol.control.readers import *  # noqa: F403
from envfs.protocol.control.readers import ReadersRequest, ReadersRow
from envfs.protocol.control.vault import *  # noqa: F403
from envfs.protocol.control.vault import (
    AddRecovery,
    ChangePassphrase,
    Init,
    KeepIdentity,
    Unlock,
    VaultReply,
    VaultRequest,
    VaultRow,
)
from envfs.protocol.control.views import *  # noqa: F403
from envfs.protocol.control.views import ViewsReply, ViewsRequest, ViewsRow
from envfs.tuples import NamedTuple

VERSION = 1


class Hello(NamedTuple):
    """First on every connection, both ways: which protocol is spoken."""

    protocol: int
    release: str


class WorkingRow(NamedTuple):
    """The daemon still works on the request: it comes every few seconds, so that a client knows it from a stuck one."""


WORKING_SECONDS = 3.0  # between two of them


class Failed(NamedTuple):
    """The request was refused. The parts of an EnvFSError."""

    code: str
    text: str
    hint: str = ""
    about: str = ""


class Done(NamedTuple):
    """The request was carried out. `notes` are sentences for the person who asked."""

    notes: tuple[str, ...] = ()


Request = (
    VaultRequest
    | ProjectsRequest
    | ChangesRequest
    | ViewsRequest
    | GrantsRequest
    | AccessLogRequest
    | ReadersRequest
    | ApprovalsRequest
)
Row = WorkingRow | VaultRow | ProjectsRow | ChangesRow | ViewsRow | GrantsRow | AccessLogRow | ReadersRow | ApprovalsRow
Reply = Failed | Done | VaultReply | ChangesReply | ViewsReply | GrantsReply
REQUESTS = wire.message_table(Hello, *Request.__args__)
REPLIES = wire.message_table(Hello, *Row.__args__, *Reply.__args__)
ROWS: tuple[type, ...] = Row.__args__
DESCRIPTORS: dict[type, int] = {  # how many at most come with a request
    **dict.fromkeys((Init, Unlock, KeepIdentity, NewProject, ChangeCustody, RotateKey, AddRecovery), 1),
    **dict.fromkeys((SetVariable, SetVariables, ImportText, UseToken), 1),
    **dict.fromkeys((ChangePassphrase, ChangeProjectPassphrase), 2),
}

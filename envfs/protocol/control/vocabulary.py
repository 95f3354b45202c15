"""All messages of the control protocol together, by kind: requests, rows and replies, and their tables by wire name."""

from envfs.protocol import wire
from envfs.protocol.control.access_log import *  # noqa: F403
from envfs.protocol.control.access_log import AccessLogRequest, AccessLogRow
from envfs.protocol.control.approvals import *  # noqa: F403
from envfs.protocol.control.approvals import ApprovalsRequest, ApprovalsRow
from envfs.protocol.control.basics import *  # noqa: F403
from envfs.protocol.control.basics import Done, Failed, Hello, ProgressRow, WorkingRow
from envfs.protocol.control.changes import *  # noqa: F403
from envfs.protocol.control.changes import (
    ChangesReply,
    ChangesRequest,
    ChangesRow,
    ImportText,
    RotateVariable,
    SetVariable,
    SetVariables,
)
from envfs.protocol.control.grants import *  # noqa: F403
from envfs.protocol.control.grants import GrantsReply, GrantsRequest, GrantsRow, UseToken
from envfs.protocol.control.holders import *  # noqa: F403
from envfs.protocol.control.holders import HoldersRequest, HoldersRow
from envfs.protocol.control.incidents import *  # noqa: F403
from envfs.protocol.control.incidents import IncidentsReply, IncidentsRequest, IncidentsRow
from envfs.protocol.control.members import *  # noqa: F403
from envfs.protocol.control.members import (
    EnterVault,
    InviteMachine,
    InviteMember,
    JoinVault,
    MembersReply,
    MembersRequest,
    MembersRow,
    RotateDevice,
)
from envfs.protocol.control.metrics import *  # noqa: F403
from envfs.protocol.control.metrics import MetricsRequest, MetricsRow
from envfs.protocol.control.projects import *  # noqa: F403
from envfs.protocol.control.projects import (
    ChangeCustody,
    ChangeProjectPassphrase,
    NewProject,
    ProjectsRequest,
    ProjectsRow,
    RotateKey,
)
from envfs.protocol.control.proxies import *  # noqa: F403
from envfs.protocol.control.proxies import ProxiesReply, ProxiesRequest, ProxiesRow
from envfs.protocol.control.readers import *  # noqa: F403
from envfs.protocol.control.readers import ReadersRequest, ReadersRow
from envfs.protocol.control.rotation import *  # noqa: F403
from envfs.protocol.control.rotation import RotationRequest, RotationsRow
from envfs.protocol.control.scanning import *  # noqa: F403
from envfs.protocol.control.scanning import ScanContent, ScanningReply, ScanningRequest, ScanningRow
from envfs.protocol.control.sealing import *  # noqa: F403
from envfs.protocol.control.sealing import SealingReply, SealingRequest
from envfs.protocol.control.sharing import *  # noqa: F403
from envfs.protocol.control.sharing import SharingReply, SharingRequest, SharingRow
from envfs.protocol.control.vault import *  # noqa: F403
from envfs.protocol.control.vault import (
    AddRecovery,
    Backup,
    BringIdentity,
    ChangePassphrase,
    Init,
    KeepIdentity,
    Unlock,
    VaultReply,
    VaultRequest,
    VaultRow,
)
from envfs.protocol.control.views import *  # noqa: F403
from envfs.protocol.control.views import FindVariables, ViewsReply, ViewsRequest, ViewsRow

Request = (
    VaultRequest
    | ProjectsRequest
    | ChangesRequest
    | ViewsRequest
    | GrantsRequest
    | AccessLogRequest
    | ReadersRequest
    | HoldersRequest
    | IncidentsRequest
    | ApprovalsRequest
    | RotationRequest
    | ProxiesRequest
    | ScanningRequest
    | SharingRequest
    | MetricsRequest
    | SealingRequest
    | MembersRequest
)
Row = (
    WorkingRow
    | ProgressRow
    | VaultRow
    | ProjectsRow
    | ChangesRow
    | ViewsRow
    | GrantsRow
    | AccessLogRow
    | ReadersRow
    | HoldersRow
    | IncidentsRow
    | ApprovalsRow
    | RotationsRow
    | ProxiesRow
    | ScanningRow
    | SharingRow
    | MetricsRow
    | MembersRow
)
Reply = (
    Failed
    | Done
    | VaultReply
    | ChangesReply
    | ViewsReply
    | GrantsReply
    | IncidentsReply
    | ProxiesReply
    | ScanningReply
    | SealingReply
    | SharingReply
    | MembersReply
)
REQUESTS = wire.message_table(Hello, *Request.__args__)
REPLIES = wire.message_table(Hello, *Row.__args__, *Reply.__args__)
ROWS: tuple[type, ...] = Row.__args__
DESCRIPTORS: dict[type, int] = {  # how many at most come with a request
    **dict.fromkeys((Init, Unlock, KeepIdentity, NewProject, ChangeCustody, RotateKey, AddRecovery, Backup), 1),
    **dict.fromkeys((SetVariable, SetVariables, RotateVariable, ImportText, FindVariables, ScanContent, UseToken), 1),
    **dict.fromkeys((InviteMember, InviteMachine, EnterVault, BringIdentity, RotateDevice), 1),
    **dict.fromkeys((ChangePassphrase, ChangeProjectPassphrase, JoinVault), 2),
}

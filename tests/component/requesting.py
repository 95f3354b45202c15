"""Every request there is, by name, as a case for each state; and what the vault is before and after one."""

from pathlib import Path
from typing import NamedTuple

from envfs.protocol import control
from tests.component.world import ME, World


class Case(NamedTuple):
    """A request of the owner's: what goes along, what comes back, and what it needs."""

    request: NamedTuple
    reply: type
    secret: bytes | None = None
    needs_key: bool = True
    needs_log: bool = True


R = control
PUBLIC_KEY = (  # of RSA, in base64. Nobody has the private half
    "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAxaBO/DscselmxgAQCrI21gTH8L/JWWHmj6pYSpyhfpoN48kKntrzlVCl"
    "QbtUXj4EIskI58l8kusWcmVTwW422SsDF2iPVVMEV97qKo4d4iMVpZ1rTJb8H9PVJ1YRF9AFv3R8iv/JvNax2wa+TCAu5XsSB58v"
    "9rXob12o5LOurgX7ztLmiyL+tJuczn2McmzvBfM8WPEcxyHGpDjmDHt4AlUQNuqhNex06dUX8GP5bzxUAAp6I5NdSybwwMXt0PD2"
    "o455Vbn/XCtJ2GTyRcIRyeeMfPB+/2r8eRmx/LYCzl30fjXXOm3dOSWAH57feeXuPgo52pKNn2l9AdBxWMjnKwIDAQAB"
)
OTHER = "age17cyz8uddawjyrgxfl2pma468ptvmtal758qzdvqcqs9afjr5jqzql6x2nf"
CASES: dict[str, Case] = {
    "status": Case(R.Status(), R.StatusReport, needs_key=False, needs_log=False),
    "watch the status": Case(R.WatchStatus(), R.Failed, needs_key=False, needs_log=False),  # no daemon goes on here
    "read a view": Case(R.ReadView("/shop/prod", "dotenv", "show"), R.ViewSent),
    "seal a view": Case(R.SealView("/shop", PUBLIC_KEY, "shop/web"), R.ViewSealed),
    "list variables": Case(R.ListVariables("/shop"), R.Done),
    "list presence": Case(R.ListPresence("/shop", ages=True), R.Done),
    "describe a view": Case(R.DescribeView("/shop"), R.Done),
    "watch a view": Case(R.WatchView("/shop"), R.Failed, needs_key=False, needs_log=False),  # no daemon goes on here
    "list levels": Case(R.ListLevels(), R.Done, needs_key=False, needs_log=False),
    "list history": Case(R.ListHistory("/shop"), R.Done),
    "compare levels": Case(R.CompareLevels("/shop", other="/blog"), R.Done),
    "find": Case(R.FindVariables("LOG"), R.Done),
    "scan a text": Case(R.ScanContent(1), R.ContentScanned, b"x"),
    "init": Case(R.Init("/nowhere/id.txt"), R.Failed, needs_key=False, needs_log=False),
    "unlock": Case(R.Unlock(), R.Done, needs_key=False),
    "lock": Case(R.Lock(), R.Done, needs_key=False),
    "unmount": Case(R.Unmount(), R.Done, needs_key=False, needs_log=False),
    "check a write": Case(R.CheckWrite("/shop", "NEW"), R.Done),
    "set": Case(R.SetVariable("/shop", "NEW"), R.Written, b"1"),
    "set several": Case(R.SetVariables("/shop", ("NEW", "LOG")), R.Written, b"1\0trace\0"),
    "unset": Case(R.UnsetVariable("/shop", "LOG"), R.Written),
    "rotate": Case(R.RotateVariable("/shop", "LOG", "direct"), R.Written, b"quiet"),
    "list rotations": Case(R.ListRotations(), R.Done),
    "rename": Case(R.RenameVariable("/shop", "LOG", "LEVEL"), R.Written),
    "import": Case(R.ImportText("/shop"), R.Written, b"NEW=1\n"),
    "try an import": Case(R.ImportText("/shop", dry=True), R.Written, b"NEW=1\n"),
    "rollback": Case(R.Rollback("/shop", 1), R.Written),
    "copy": Case(R.CopyVariables("/shop", "/blog"), R.Written),
    "move": Case(R.MoveLevel("/shop/prod", "/wiki"), R.Written),
    "remove": Case(R.RemoveLevel("/shop/prod"), R.Written),
    "forget": Case(R.ForgetVersions("/shop", dry=True), R.VersionsForgotten, needs_key=False, needs_log=False),
    "grant-access": Case(R.GrantAccess("/shop", 7), R.RuleGiven, needs_key=False),
    "revoke": Case(R.Revoke("/", ME.uid), R.Done, needs_key=False),
    "list readers": Case(R.ListReaders("/shop"), R.Done, needs_key=False, needs_log=False),
    "open a proxy": Case(R.OpenProxy("/shop"), R.Failed, needs_key=False, needs_log=False),  # no daemon goes on here
    "list proxies": Case(R.ListProxies(), R.Done, needs_key=False, needs_log=False),
    "stop a proxy": Case(R.StopProxy("p1"), R.Failed, needs_key=False, needs_log=False),  # none runs here
    "list rules of the proxy": Case(R.ListProxyRules("/shop"), R.Done),
    "describe sharing": Case(R.DescribeSharing(), R.SharingReport, needs_key=False, needs_log=False),
    "share the vault": Case(R.ShareVault("folder:/nowhere/engine"), R.Done, needs_key=False),
    "resolve a conflict": Case(R.ResolveConflict("/shop", mine=True), R.Failed, needs_key=False, needs_log=False),  # no
    "rejoin the engine": Case(R.RejoinEngine(), R.Failed, needs_key=False, needs_log=False),  # there is none
    "accept losses": Case(R.AcceptLosses(), R.Failed, needs_key=False, needs_log=False),  # there are none
    "list holders": Case(R.ListHolders("/shop", "LOG"), R.Done),
    "report an incident": Case(R.ReportIncident("/shop", "LOG"), R.IncidentReported),
    "list grants": Case(R.ListGrants(), R.Done, needs_key=False, needs_log=False),
    "list questions": Case(R.ListApprovals(), R.Done, needs_key=False, needs_log=False),
    "show a question": Case(R.ShowApproval("q1"), R.Failed, needs_key=False, needs_log=False),
    "answer a question": Case(R.RespondApproval("q1"), R.Failed, needs_key=False, needs_log=False),
    "ask a person": Case(R.AskPerson("/shop", "set", ("LOG",)), R.Failed, needs_key=False, needs_log=False),  # as above
    "watch questions": Case(R.WatchApprovals(), R.Failed, needs_key=False, needs_log=False),  # none is asked here
    "use a token": Case(R.UseToken(), R.Failed, b"x", needs_key=False, needs_log=False),
    "explain access": Case(R.ExplainAccess("/shop", uid=7), R.Explained, needs_key=False, needs_log=False),
    "read log": Case(R.ReadLog(), R.Done, needs_key=False, needs_log=False),
    "read shared logs": Case(R.ReadSharedLog(), R.Done, needs_key=False, needs_log=False),
    "list machines with logs": Case(R.ListLogMachines(), R.Done, needs_key=False, needs_log=False),
    "share the log": Case(R.ShareLog("on"), R.Done, needs_key=False),
    "count log": Case(R.CountLog(), R.Done, needs_key=False, needs_log=False),
    "verify log": Case(R.VerifyLog(), R.Checked, needs_key=False, needs_log=False),
    "rotate log": Case(R.RotateLog(), R.Done, needs_key=False),
    "restart log": Case(R.RestartLog(), R.Done, needs_key=False, needs_log=False),
    "verify vault": Case(R.VerifyVault(), R.Checked, needs_log=False),
    "change the identity's passphrase": Case(R.ChangePassphrase(), R.Failed, b"x", needs_key=False, needs_log=False),
    "keep the identity": Case(R.KeepIdentity("kernel"), R.Failed, b"x", needs_key=False, needs_log=False),
    "forget the identity": Case(R.ForgetIdentity(), R.Failed, needs_key=False, needs_log=False),
    "new project": Case(R.NewProject("wiki", "managed"), R.Done),
    "list projects": Case(R.ListProjects(), R.Done, needs_key=False, needs_log=False),
    "change custody": Case(R.ChangeCustody("shop", "managed"), R.Done, needs_log=False),
    "change a project's passphrase": Case(
        R.ChangeProjectPassphrase("shop"), R.Failed, b"x", needs_key=False, needs_log=False
    ),
    "change recipients": Case(R.ChangeRecipients("shop", (OTHER,)), R.Done),
    "list keys": Case(R.ListKeys("shop"), R.Done, needs_log=False),
    "rotate a key": Case(R.RotateKey("shop"), R.Done),
    "add recovery": Case(R.AddRecovery(OTHER), R.RecoveryMade),
    "back up": Case(R.Backup(), R.BackedUp, b"", needs_key=False, needs_log=False),
    "accept": Case(R.Accept("/shop"), R.Done, needs_key=False),
    "describe the vault": Case(R.DescribeVault(), R.VaultInfo, needs_key=False, needs_log=False),
    "list authors": Case(R.ListAuthors(), R.Done, needs_key=False, needs_log=False),
    "name an author": Case(R.NameAuthor("nobody", "Ana"), R.Failed, needs_key=False, needs_log=False),
    "invite a member": Case(R.InviteMember("ben", "reader", ("/shop",), seconds=9), R.MemberInvited, b""),
    "invite a machine": Case(  # by no engine
        R.InviteMachine("ci", "reader", ("/shop",), 9), R.Failed, b"", needs_key=False, needs_log=False
    ),
    "enter a vault": Case(
        R.EnterVault("folder:/nowhere", "v", "t", "r", "k", 1, "d"), R.Failed, b"x", needs_key=False, needs_log=False
    ),
    "bring an identity": Case(R.BringIdentity(), R.Failed, b"x", needs_key=False, needs_log=False),
    "join a vault": Case(R.JoinVault("/nowhere/id.txt"), R.Failed, b"x", needs_key=False, needs_log=False),
    "approve a member": Case(R.ApproveMember("ben", "x"), R.Failed, needs_key=False, needs_log=False),
    "list members": Case(R.ListMembers(), R.Done, needs_log=False),
    "change a member": Case(R.ChangeMember("ben", "admin"), R.Failed, needs_key=False, needs_log=False),
    "rotate a device": Case(R.RotateDevice(), R.DeviceRotated),
    "revoke a member": Case(R.RevokeMember("ben"), R.Failed, needs_key=False, needs_log=False),
    "list heads": Case(R.ListMemberHeads(), R.Done, needs_key=False, needs_log=False),
    "read metrics": Case(R.ReadMetrics(levels=True), R.Done, needs_key=False, needs_log=False),
    "diagnose": Case(R.Diagnose(), R.Done, needs_key=False, needs_log=False),
}
READS = {
    "compare levels",
    "status",
    "watch the status",
    "read a view",
    "seal a view",
    "watch a view",
    "describe a view",
    "list variables",
    "list presence",
    "ask a person",
    "list levels",
    "list history",
    "find",
    "scan a text",
    "open a proxy",
    "list proxies",
    "stop a proxy",
    "list rules of the proxy",
    "list rotations",
}


def snapshot(world: World) -> dict[str, bytes]:
    """Return every file of the vault and the settings."""
    root = Path(world.places.vault)
    found = {str(path): path.read_bytes() for path in root.rglob("*") if path.is_file()}
    for name, place in (("settings", world.places.settings), ("rules", world.places.rules)):
        found[name] = Path(place).read_bytes() if Path(place).exists() else b""
    return found


def code(reply: object) -> str:
    return reply.code if isinstance(reply, control.Failed) else type(reply).__name__

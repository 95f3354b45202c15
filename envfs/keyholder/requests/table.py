"""The keyholder's requests, one function each, run in a child that ends after it.

request            the identity      descriptors            answers
CreateIdentity     makes it          passphrase, or a file  IdentityMade (+ age file)
LoadIdentity       learns it         identity, passphrase   IdentityMade
Forget             forgets it                               Forgotten
Rewrap                     identity, old, new     Rewrapped + age file
RotateIdentity     needs it          identity, new file,    IdentityMade (+ age file)
                                     passphrase
CopyIdentity                         identity, passphrase,  Copied
                                     a file
CreateRecovery                       a file                 IdentityMade
SealKeys           needs it          passphrases            Sealed + age file
HoldKeys           needs it          passphrase             Held
DescribeKeys       needs it                                 KeysDescribed
WriteLevel         needs it          value or text          Sealed + record, or Unchanged
RenderView         needs it                                 Rendered + region
RenderOwn          needs it                                 Rendered + region
ExamineView        needs it                                 Examined
CompareViews       needs it                                 Differing
CompareVersions    needs it                                 Compared
CompareTexts       needs it                                 ChangedNames
SearchTexts        needs it          value                  Found
ScanText           needs it          a text                 TextScanned
ReadDirectives     needs it                                 DirectivesRead
MatchValues        needs it                                 Matched
TraceVariables     needs it                                 Traced
FindCarriers       needs it                                 Found
CheckRecords       needs it                                 Faults
CheckKeys          needs it                                 Faults
SignCheckpoint     needs it                                 Signed + checkpoint
CheckCheckpoints   needs it                                 Faults
VerifyCheckpoint   needs it                                 Faults
SignTombstone      needs it                                 Stated + tombstone
CheckTombstones    needs it                                 Faults
CheckMembers       needs it                                 Faults
OwnDevice          needs it                                 OwnKeys
SignEntry          needs it          a code, a machine's    Stated + entry
SealLogBatch       needs it                                 Stated + batch
CheckLogBatches    needs it                                 Faults
OpenLogBatches     needs it                                 BatchesOpened + entries
BindValues         needs it                                 Bound + region
IssueAuthority     needs it                                 AuthorityMade + certificate
IssueCertificate   needs it                                 LeafMade + region
SealValues         needs it                                 ValuesSealed + sealed values
"""

from collections.abc import Callable
from typing import Any

from envfs.keyholder.requests import (
    checkpoints,
    checks,
    comparison,
    identities,
    keys,
    levels,
    members,
    protection,
    proxies,
    rotation,
    scanning,
    sealed_secrets,
    search,
    shared_logs,
    tracing,
    views,
)
from envfs.keyholder.requests.work import Work, WorkResult
from envfs.protocol import keyholding as ask

_TABLE: dict[type, Callable[[Any, Work], WorkResult]] = {
    ask.CreateIdentity: identities.create_identity,
    ask.LoadIdentity: identities.load_identity,
    ask.Forget: identities.forget,
    ask.Rewrap: identities.change_passphrase,
    ask.RotateIdentity: identities.rotate_identity,
    ask.CopyIdentity: identities.copy_identity,
    ask.CreateRecovery: identities.create_recovery,
    ask.SealKeys: keys.seal_keys,
    ask.HoldKeys: keys.hold_keys,
    ask.DescribeKeys: checks.describe_keys,
    ask.WriteLevel: levels.write_level,
    ask.RenderView: views.render_view,
    ask.RenderOwn: views.render_own,
    ask.ExamineView: views.examine_view,
    ask.CompareViews: comparison.compare_views,
    ask.CompareVersions: views.compare_versions,
    ask.CompareTexts: comparison.compare_texts,
    ask.SearchTexts: search.search_texts,
    ask.ScanText: scanning.scan_text,
    ask.ReadDirectives: rotation.read_directives,
    ask.MatchValues: rotation.match_values,
    ask.TraceVariables: tracing.trace_variables,
    ask.FindCarriers: tracing.find_carriers,
    ask.CheckRecords: checks.check_records,
    ask.CheckKeys: checks.check_keys,
    ask.SignCheckpoint: checkpoints.sign_checkpoint,
    ask.CheckCheckpoints: checkpoints.check_checkpoints,
    ask.VerifyCheckpoint: checkpoints.verify_checkpoint,
    ask.SignTombstone: checks.sign_tombstone,
    ask.CheckTombstones: checks.check_tombstones,
    ask.CheckMembers: checks.check_members,
    ask.SignEntry: members.sign_entry,
    ask.OwnDevice: members.own_device,
    ask.SealLogBatch: shared_logs.seal_batch,
    ask.CheckLogBatches: shared_logs.check_batches,
    ask.OpenLogBatches: shared_logs.open_batches,
    ask.BindValues: proxies.bind_values,
    ask.IssueAuthority: proxies.issue_authority,
    ask.IssueCertificate: proxies.issue_certificate,
    ask.SealValues: sealed_secrets.seal_values,
    ask.DescribeProtection: protection.describe_protection,
}


def answer(request: object, work: Work) -> WorkResult:
    """Carry out a request.

    Raises:
        EnvFSError: it is refused
    """
    return _TABLE[type(request)](request, work)

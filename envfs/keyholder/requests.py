"""What the keyholder can be asked, one function a request, run in a child that ends after it.

request            the identity      descriptors            answers
CreateIdentity     makes it          passphrase, or a file  IdentityMade (+ age file)
LoadIdentity       learns it         identity, passphrase   IdentityMade
Forget             forgets it                               Forgotten
Rewrap                     identity, old, new     Rewrapped + age file
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
CheckRecords       needs it                                 Faults
CheckKeys          needs it                                 Faults
SignCheckpoint     needs it                                 Signed + checkpoint
CheckCheckpoints   needs it                                 Faults
VerifyCheckpoint   needs it                                 Faults
SignTombstone      needs it                                 Stated + tombstone
CheckTombstones    needs it                                 Faults
CheckMembers       needs it                                 Faults
"""

from collections.abc import Callable
from typing import Any

from envfs.keyholder import checking, comparing, describing, identifying, keying, viewing, vouching, writing
from envfs.keyholder.work import Answer, Work
from envfs.protocol import keyholding as ask

_TABLE: dict[type, Callable[[Any, Work], Answer]] = {
    ask.CreateIdentity: identifying.create_identity,
    ask.LoadIdentity: identifying.load_identity,
    ask.Forget: identifying.forget,
    ask.Rewrap: identifying.change_passphrase,
    ask.CopyIdentity: identifying.copy_identity,
    ask.CreateRecovery: identifying.create_recovery,
    ask.SealKeys: keying.seal_keys,
    ask.HoldKeys: keying.hold_keys,
    ask.DescribeKeys: checking.describe_keys,
    ask.WriteLevel: writing.write_level,
    ask.RenderView: viewing.render_view,
    ask.RenderOwn: viewing.render_own,
    ask.ExamineView: viewing.examine_view,
    ask.CompareViews: comparing.compare_views,
    ask.CompareVersions: viewing.compare_versions,
    ask.CheckRecords: checking.check_records,
    ask.CheckKeys: checking.check_keys,
    ask.SignCheckpoint: vouching.sign_checkpoint,
    ask.CheckCheckpoints: vouching.check_checkpoints,
    ask.VerifyCheckpoint: vouching.verify_checkpoint,
    ask.SignTombstone: checking.sign_tombstone,
    ask.CheckTombstones: checking.check_tombstones,
    ask.CheckMembers: checking.check_members,
    ask.DescribeProtection: describing.describe_protection,
}


def answer(request: object, work: Work) -> Answer:
    """Carry out a request.

    Raises:
        EnvFSError: it is refused
    """
    return _TABLE[type(request)](request, work)

"""The request about the keyholder itself: what protects it."""

from envfs.host.process import protection
from envfs.keyholder.requests.work import Work, WorkResult
from envfs.protocol.keyholding import DescribeProtection


def describe_protection(_request: DescribeProtection, work: Work) -> WorkResult:
    """Say what is in force in this child, which is what its parent gave up."""
    return WorkResult(protection.of_this_process(work.confined.landlock, work.confined.no_seccomp))

"""The caller, as the kernel reports it."""

from typing import NamedTuple

from envfs.core.access.evidence import NO_EVIDENCE, Evidence, EvidenceSource, Need


class Caller(NamedTuple):
    """The caller, as the kernel reports it. `pid` 0 or a `doubt` means that the caller could not be identified.

    Callers are made in one place, `host.callers`, and every decision takes one. `executable` and `cgroup` are
    paths, the second one of version 2 (cgroups(7)). `source` shows more of the process where a rule needs it.
    `token` is the SHA-256 in hex of the token that the caller presented, empty for none.
    """

    uid: int
    gid: int
    pid: int
    executable: str = ""
    cgroup: str = ""
    doubt: str = ""
    source: EvidenceSource | None = None
    token: str = ""

    @property
    def unknown(self) -> str:
        """Why the caller counts as unidentified. Empty for one that was identified."""
        return self.doubt or ("no process" if self.pid <= 0 else "")

    def is_user(self, uid: int) -> bool:
        """Tell whether the caller was identified, and as this user. The bearer of a token acts by that alone."""
        return self.uid == uid and not self.unknown and not self.token

    def evidence(self, needs: frozenset[Need]) -> Evidence:
        """Return what can be seen of the process."""
        return NO_EVIDENCE if self.source is None else self.source.gather(needs)

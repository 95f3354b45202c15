"""The part of a vault that a machine mirrors and watches: the list of members, and the projects that it may open.

Laws: an engine is asked for nothing else, and what it tells of anything else is passed over. The list of members
decides. Without one, all is mirrored. A project that is opened to this machine later is fetched from then on. One that
is closed to it later is fetched no more, and what is here of it stays until it is forgotten.
"""

from collections.abc import Mapping
from typing import NamedTuple

from envfs.core import names, record
from envfs.core.membership.member import Member
from envfs.core.shared_logs import AUDIT, is_audit_stream
from envfs.protocol.courier_requests import TEXT_BYTES

_KINDS = ("key", "level", "tombstone/key", "tombstone/level")
_MEMBERS = f"{record.MEMBERS}/"


class Partition(NamedTuple):
    """The projects of one machine, `/` for the texts of all. None: all projects there are. Empty: members alone.

    `logs` is the stream of its own shared log, or the beginning of all where it is an auditor's.
    """

    projects: frozenset[names.Project] | None = None
    logs: str = ""

    def prefixes(self) -> tuple[str, ...]:
        """Return the beginnings of its keys, or of all keys where they would be too many for one question."""
        if self.projects is None:
            return ("",)
        parts = ["/@" if project == names.ROOT else f"{project}/" for project in sorted(self.projects)]
        logs = (f"{self.logs.removesuffix('/')}/",) if self.logs else ()
        prefixes = (_MEMBERS, *logs, *(f"{kind}{part}" for kind in _KINDS for part in parts))
        return prefixes if sum(len(prefix) + 8 for prefix in prefixes) <= TEXT_BYTES else ("",)

    def has(self, stream: str) -> bool:
        """Tell whether a stream is in it."""
        if is_audit_stream(stream):
            return bool(self.logs) and stream.startswith(self.logs)
        project = _project_of(stream)
        return self.projects is None or project is None or project in self.projects

    def of(self, numbers: Mapping[str, int]) -> dict[str, int]:
        """Return the numbers of its streams."""
        return {stream: seq for stream, seq in numbers.items() if self.has(stream)}


EVERYTHING_THERE = Partition()
MEMBERS_ALONE = Partition(frozenset())


def partition_of(member: Member | None, log: str = "") -> Partition:
    """Return the part of a member, and of the device whose shared log is that stream.

    None: somebody who is not let in yet, or is out.
    """
    if member is None:
        return MEMBERS_ALONE
    logs = AUDIT if member.is_admin else log
    if names.ROOT in member.levels:
        return Partition(None, logs)
    return Partition(frozenset(map(names.project, (names.ROOT, *member.levels))), logs)


def _project_of(stream: str) -> names.Project | None:
    # of what takes a project's key: texts, keys, and the tombstones of either
    of = record.forgotten_stream(stream) or stream
    if record.is_key_stream(of):
        return record.project_of_stream(of)
    return names.project(of.removeprefix("level") or names.ROOT) if record.is_level_stream(of) else None

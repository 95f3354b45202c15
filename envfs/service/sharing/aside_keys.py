"""The key files and members by which records of a line that was set aside are opened, where these are aside too.

Law: the keyholder checks them as it does the vault's own, each by the list that stood beside it.
"""

from collections.abc import Iterator
from typing import NamedTuple

from envfs.core import record
from envfs.core.addresses import RecordAddress
from envfs.core.names import Project
from envfs.service.sharing.aside import LineAside, LinesAside
from envfs.vault.vault import Vault

_MOST = 4  # lines of one stream, the newest first


class FormerKeys(NamedTuple):
    """A project's key file with its place, and the records of the list of members. None: those that the vault has."""

    key: tuple[RecordAddress, bytes] | None
    members: tuple[bytes, ...] | None


def former_keys(aside: LinesAside, vault: Vault, project: Project) -> Iterator[FormerKeys]:
    """Yield what the records of a project may have been sealed with and signed under, but for what the vault has."""
    lines = [line for line in reversed([*aside]) if line.done]
    keys = [_key(aside, vault, line) for line in _of(lines, record.key_stream(project))]
    lists = [_members(aside, vault, line) for line in _of(lines, record.MEMBERS)]
    for members in (None, *lists):
        for key in (None, *keys):
            if key is not None or members is not None:
                yield FormerKeys(key, members)


def _of(lines: list[LineAside], stream: str) -> list[LineAside]:
    return [line for line in lines if line.stream == stream][:_MOST]


def _key(aside: LinesAside, vault: Vault, line: LineAside) -> tuple[RecordAddress, bytes]:
    before = aside.own(line, line.last - 1) if line.last - 1 > line.common else vault.read(line.stream, line.common)
    prev = "" if before is None else record.digest(before) if before else record.FORGOTTEN
    return RecordAddress(vault.description.id, line.stream, line.last, prev), aside.own(line, line.last)


def _members(aside: LinesAside, vault: Vault, line: LineAside) -> tuple[bytes, ...]:
    common = (vault.read(line.stream, seq) or b"" for seq in range(1, line.common + 1))
    return (*common, *(aside.own(line, seq) for seq in range(line.common + 1, line.last + 1)))

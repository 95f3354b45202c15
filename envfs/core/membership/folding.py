"""The list of members, folded without a look at its signatures. The keyholder checks those (docs/format.md §10)."""

from collections.abc import Iterable

from envfs.core import record
from envfs.core.membership.entries import parse_entry
from envfs.core.membership.members import Members
from envfs.core.membership.roster import Signer


def fold_entries(founder: str, records: Iterable[bytes]) -> Members:
    """Return the members after the records of the stream `member`, the first one first.

    Raises:
        AuthenticationFailed: one is no entry, or does not follow from those before
    """
    members = Members(founder)
    for data in records:
        statement, entry = parse_entry(data)
        header = statement.header
        members = members.follow(Signer(header.author, header.time), entry, record.digest(data))
    return members

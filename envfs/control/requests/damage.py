"""The row that is sent in a listing in place of a damaged part of the vault, so that the others are listed."""

from envfs.errors import EnvFSError
from envfs.protocol.control import FaultRow


def fault_row(key: str, error: EnvFSError) -> FaultRow:
    """Return the row for `key`: a level's path, a project's, or the key of a record in the store."""
    return FaultRow(key, error.text)

"""What is sent in a listing in place of a part of the vault that does not open, so that the others are listed."""

from envfs.errors import (
    AuthenticationFailed,
    EnvFSError,
    NoSuchLevel,
    RolledBack,
    StoreUnavailable,
    TooLarge,
    UnsupportedFormat,
)
from envfs.protocol.control import FaultRow

# what a changed, missing or unreadable file of the vault raises; all else ends the listing
DAMAGED = (AuthenticationFailed, NoSuchLevel, RolledBack, StoreUnavailable, TooLarge, UnsupportedFormat)


def fault(key: str, error: EnvFSError) -> FaultRow:
    """Return the row for `key`: a level's path, a project's, or the key of a record in the store."""
    return FaultRow(key, error.text)

"""The errors of a vault's damaged part: one that opens no more, while the others do."""

from envfs.errors import (
    AuthenticationFailed,
    NoSuchLevel,
    RolledBack,
    StoreUnavailable,
    TooLarge,
    UnsupportedFormat,
)

# raised for a changed, missing or unreadable file of the vault. Every other error ends a listing
DAMAGED = (AuthenticationFailed, NoSuchLevel, RolledBack, StoreUnavailable, TooLarge, UnsupportedFormat)

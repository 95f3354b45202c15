"""The stream of a device's shared log: its name in the store (docs/format.md §12)."""

import hashlib
import re

AUDIT = "audit/"
_STREAM = re.compile(r"audit/[0-9a-f]{16}", re.ASCII)
_DIGITS = 16


def audit_stream(vault: str, author: str) -> str:
    """Return the stream of a device's shared log, by the vault's id and the device's public key in base64url."""
    return f"{AUDIT}{hashlib.sha256(f'envfs/1/audit-of {vault} {author}'.encode()).hexdigest()[:_DIGITS]}"


def is_audit_stream(stream: str) -> bool:
    """Tell a stream of a shared log from the others."""
    return _STREAM.fullmatch(stream) is not None

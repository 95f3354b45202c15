"""The names of the dialects, apart from what writes them: rules and settings name one, and few processes write it."""

from typing import Final

PORTABLE: Final = "portable"
INHERITING: Final = "inheriting"  # before the dialect of a view for `exec`, whose environment may have what is required
NAMES: Final = (
    PORTABLE,
    *("shell", "docker", "systemd", "python", "python-interpolating", "node", "expand", "compose"),
)

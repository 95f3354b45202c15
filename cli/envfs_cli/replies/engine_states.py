"""The state of a shared vault's engine, in words."""

from envfs.protocol import control
from envfs_cli import output

_WORDS = {"none": "none", "idle": "not connected", "connecting": "connecting", "locked": "connected"}


def engine_state(report: control.SharingReport) -> str:
    """Return the word for it."""
    return _WORDS.get(report.state, output.clean(report.state))

"""A request that waits for a person: the one who sent it is told so."""

from envfs.protocol import control
from envfs_cli import output


def say_waiting(row: control.WaitingRow) -> None:
    """Say that a person was asked, and for how long that can take."""
    from envfs_cli.terminal.prompts import Waiting

    Waiting.stop()
    output.note(f"waiting for a person to answer {row.question}, for {row.seconds} s at most; Ctrl-C gives up")

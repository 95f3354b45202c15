"""A new version, in words: its number, the names that it changed, and the daemon's notes."""

from envfs.protocol import control
from envfs_cli import output


def report_written(reply: object, *, as_json: bool) -> int:
    """Say which version was written, and what it changed. Returns the exit status."""
    if not isinstance(reply, control.Written):
        return 0
    if as_json:
        output.message_json(reply)
        return 0
    counts = [
        f"{len(names)} {word}"
        for word, names in (("added", reply.added), ("changed", reply.changed), ("removed", reply.removed))
        if names
    ]
    if reply.version:
        output.done(f"{reply.level} is at version {reply.version}" + (f": {', '.join(counts)}" if counts else ""))
    else:  # to one who may write and not read, nothing is said of what was there
        output.done(f"{reply.level} is written")
    print_notes(reply)
    return 0


def print_notes(reply: object) -> None:
    """Print the notes of a reply, if it is of a kind that has some."""
    for text in reply.notes if isinstance(reply, control.Done | control.Written | control.RuleGiven) else ():
        output.note(text)

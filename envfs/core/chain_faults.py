"""The change behind a break of a log's chain, told from the lines around that place.

Law: it is told as exactly as the hashes allow. An entry names the hash of the one before, so of two that do not fit
together the one whose own hash is named behind it is as it was written.
"""

from typing import NamedTuple

from envfs.core import audit
from envfs.core.audit import Tip
from envfs.errors import LogBroken


class BrokenChain(NamedTuple):
    """A place where a chain breaks: the tips up to the line before, and the lines from there on, two or three.

    `before` is the tip after the line before, `earlier` the one after the line before that. `end` is the hash of the
    last line that was written, if it is known.
    """

    earlier: Tip
    before: Tip
    lines: tuple[bytes, ...]
    end: str = ""


def describe_break(broken: BrokenChain) -> str:
    """Say what was done."""
    number, line = broken.before.seq + 1, broken.lines[0]
    here, behind = _Line(line), [_Line(text) for text in broken.lines[1:]]
    if here.seq < 0:
        follows = bool(behind) and (behind[0].seq, behind[0].prev) == (number, broken.before.digest)
        return f"it is no entry, and was inserted before entry {number}" if follows else "it is no entry"
    if here.prev == broken.before.digest:
        return f"the number of entry {number} was changed to {here.seq}"
    if audit.tip_after(Tip(), line).digest == broken.before.digest:
        return f"entry {here.seq} stands twice: entry {number} should be here"
    if here.seq == number:
        return _changed(broken, behind)
    return _misplaced(broken, here, behind)


class _Line:
    """A line's number and the hash that it names. The number is -1 for a line that is no entry."""

    def __init__(self, text: bytes) -> None:
        self.seq, self.prev = -1, ""
        try:
            body = audit.parse_log_entry(text, 0)
        except LogBroken:
            return
        seq = body.get("seq")
        if type(seq) is int:
            self.seq, self.prev = seq, str(body.get("prev"))


def _changed(broken: BrokenChain, behind: list[_Line]) -> str:
    number = broken.before.seq + 1
    if number == 1:
        return "entry 1 was changed, or is not the first"
    named = behind[0].prev if behind else broken.end
    if not named:
        return f"entry {number} does not follow from entry {number - 1}: one of the two was changed"
    is_whole = named == audit.tip_after(Tip(), broken.lines[0]).digest
    return f"entry {number - 1 if is_whole else number} was changed"


def _misplaced(broken: BrokenChain, here: _Line, behind: list[_Line]) -> str:
    number = broken.before.seq + 1
    if here.seq == number - 1 and here.prev == broken.earlier.digest:
        return f"a line was inserted as entry {here.seq}, before the one that was written"
    if here.seq < number:
        again = bool(behind) and (behind[0].seq, behind[0].prev) == (number, broken.before.digest)
        return f"entry {here.seq} {'stands twice' if again else 'is out of its order'}: entry {number} should be here"
    if any(line.seq == number for line in behind):
        return f"the entries from {number} to {here.seq} are in another order"
    missing = f"entry {number} is" if here.seq == number + 1 else f"entries {number} to {here.seq - 1} are"
    return f"{missing} missing"

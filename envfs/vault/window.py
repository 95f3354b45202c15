"""Streams of checkpoints, of which the newest are kept and those before them are removed.

Law: what is kept ends with the newest and has no gap, so the newest is found among the numbers that are there. A number
that is far off, as from a copy that was put back, does not count.
"""

from collections.abc import Collection

KEPT = 100  # each checkpoint says all that those before it said


def first_of(last: int) -> int:
    """Return the number of the first checkpoint that is kept where `last` is the newest."""
    return max(1, last - KEPT + 1)


def newest_number(numbers: Collection[int], seen: int) -> int:
    """Return the number of the newest checkpoint. `seen` is the newest that is remembered, or 0.

    It is the end of the row that has `seen`. Without that, of the last row that is long enough to be what was kept.
    """
    there = set(numbers)
    ends = [number for number in there if number + 1 not in there]
    rows = sorted((end, _length(there, end)) for end in ends)
    for end, length in rows:
        if seen and end - length < seen <= end:
            return end
    whole = [end for end, length in rows if length >= min(KEPT, end)]
    return max(whole) if whole else max(rows, key=lambda row: (row[1], row[0]), default=(0, 0))[0]


def _length(there: set[int], end: int) -> int:
    start = end
    while start - 1 in there:
        start -= 1
    return end - start + 1

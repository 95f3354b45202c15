"""The common parts of all makers of placeholders: what is ordered, and what is delivered."""

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from envfs.dotenv.placeholders.seeded_text import BITS, SeededText, bits_of, signs_for

FIXED_BYTES: Final = 40  # the placeholder of a value that is as long, or longer, has the value's length


class MaskOrder(NamedTuple):
    """The order for a placeholder: the source of its random text, and its length in bytes (0: any).

    `shows` tells whether it may show parts of the value that are rarely secret, such as the user in an address, and
    `shows_host` whether that holds for the host of an address.
    """

    source: SeededText
    size: int = 0
    shows: bool = True
    shows_host: bool = True


class MaskedValue(NamedTuple):
    """A placeholder, finished. The 16 signs from `anchor` on are random, but for dashes and line breaks of its shape.

    `shown` has the parts of the value in it, beyond the beginning of a known shape and the host of an address. `host`
    is that host, with the scheme.
    """

    text: str
    anchor: int = 0
    shown: str = ""
    host: str = ""

    def __repr__(self) -> str:
        """Show nothing of it."""
        return "MaskedValue(…)"


def surrounded(order: MaskOrder, alphabet: str, before: str = "", after: str = "") -> MaskedValue:
    """Return random signs between two texts: as many as make the length that is ordered, or as the bits take."""
    count = order.size - len(before) - len(after) if order.size else signs_for(alphabet)
    return MaskedValue(before + order.source.draw(alphabet, count) + after, len(before))


def replaced_groups(order: MaskOrder, match: re.Match[str], alphabets: Sequence[str]) -> MaskedValue | None:
    """Return a text with each group of a match replaced. If the bits would be too few, the longest group is longer.

    None if that is not as long as ordered.
    """
    spans = [(match.span(number), alphabets[number - 1]) for number in range(1, match.re.groups + 1) if match[number]]
    counts = [end - start for (start, end), _ in spans]
    bits = [bits_of(alphabet, count) for (_, alphabet), count in zip(spans, counts, strict=True)]
    longest = max(range(len(spans)), key=counts.__getitem__)
    missing = BITS - sum(bits)
    if missing > 0:
        if order.size:
            return None
        counts[longest] = signs_for(spans[longest][1], BITS - sum(bits) + bits[longest])
    pieces, at, anchor = "", match.start(), 0
    for number, (((start, end), alphabet), count) in enumerate(zip(spans, counts, strict=True)):
        pieces += match.string[at:start]
        anchor = len(pieces) if number == longest else anchor
        pieces += order.source.draw(alphabet, count)
        at = end
    return MaskedValue(pieces + match.string[at : match.end()], anchor)

"""A view with a placeholder in the place of each value.

Laws: no placeholder is a part of a value of the view, or of another placeholder, or the same. None shows a part of its
value that has another variable's whole value in it, if that is of 8 signs or more, but for the name of a host. Where
neither rule demands another one, a placeholder depends on its seed and value alone.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import chain
from typing import Final

from envfs.dotenv.merging import MergedView
from envfs.dotenv.placeholders.pieces import MaskedValue
from envfs.dotenv.placeholders.placeholder import make_placeholder
from envfs.dotenv.residues import Choice, Open, Outside, Residue

_WINDOW: Final = 16
_TELLING: Final = 8  # a shorter value is a common word or number: it stands in other values by chance
_LONGEST_SHOWN: Final = 4096
_HOST_NAME = re.compile(  # of the usual kind, or a scheme such as postgresql+psycopg2
    r"[a-z-]+(?:\+[a-z]+[0-9]?)?|[a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z]{2,}|\d+(?:\.\d+){3}", re.ASCII
)
_NOTHING = re.compile(r"(?!)")
_LIST_SIGN: Final = ":"  # between the reader's own PATH and what is added to it

FIRST_LINE: Final = "# masked by envfs: placeholders stand in the place of the values\n"  # a comment in every dialect

Item = tuple[str, str]  # a variable's name, and its value or a piece of it
SeedMaker = Callable[[str, str], bytes]


def masked_view(view: MergedView, seed_of: SeedMaker) -> MergedView:
    """Return a view with placeholders. `seed_of` gives the seed for a variable's name and a value.

    References to a reader's own environment stay. The text beside them is replaced.
    """
    pieces = [(name, text) for name, residue in view.opened.items() for text in _secret_texts(residue)]
    items = list(dict.fromkeys([*view.variables.items(), *pieces]))
    placeholders = choose_placeholders(items, [seed_of(*item) for item in items])
    chosen = dict(zip(items, placeholders, strict=True))
    variables = {name: chosen[name, value] for name, value in view.variables.items()}
    opened = {name: _masked(residue, name, chosen) for name, residue in view.opened.items()}
    return view._replace(variables=variables, opened=opened)


def choose_placeholders(items: Sequence[Item], seeds: Sequence[bytes]) -> list[str]:
    """Return a placeholder for each of different items, such that the laws hold for all of them together."""
    values = {value for _, value in items}
    chosen = [make_placeholder(value, seed) for (_, value), seed in zip(items, seeds, strict=True)]
    telling = _telling(items, [placeholder.shown for placeholder in chosen])
    hosts = _telling(items, [placeholder.host for placeholder in chosen], but=_HOST_NAME)

    def again(at: int, seed: bytes) -> MaskedValue:
        return make_placeholder(items[at][1], seed, shows=at not in telling, shows_host=at not in hosts)

    for at in telling | hosts:
        chosen[at] = again(at, seeds[at])
    tries = 0
    while contained := _contained(chosen, values):
        tries += 1
        for at in contained:
            chosen[at] = again(at, seeds[at] + tries.to_bytes(4))
    return [placeholder.text for placeholder in chosen]


def _telling(items: Sequence[Item], shown: Sequence[str], but: re.Pattern[str] = _NOTHING) -> set[int]:
    # by length first, so that a long list of variables is not compared with each address
    by_length: dict[int, dict[str, set[str]]] = {}
    for name, value in items:
        if len(value) >= _TELLING and not but.fullmatch(value):
            by_length.setdefault(len(value), {}).setdefault(value, set()).add(name)
    by_length = dict(sorted(by_length.items()))
    return {
        at
        for at, (text, (name, _)) in enumerate(zip(shown, items, strict=True))
        if text and _has_value_of_another(text, name, by_length)
    }


def _has_value_of_another(shown: str, name: str, by_length: Mapping[int, Mapping[str, set[str]]]) -> bool:
    if len(shown) > _LONGEST_SHOWN:
        return True  # to look for every value in it would take too long
    for length, values in by_length.items():  # the shortest first
        if length > len(shown):
            break
        for start in range(len(shown) - length + 1):
            if values.get(shown[start : start + length], set()) - {name}:
                return True
    return False


def _contained(chosen: Sequence[MaskedValue], values: Collection[str]) -> set[int]:
    # each place of a text is looked up by 16 signs: that costs 0.1 s a MiB, whatever the number of placeholders
    windows: dict[str, list[int]] = {}
    for at, (text, anchor, *_) in enumerate(chosen):
        start = max(0, min(anchor, len(text) - _WINDOW))
        windows.setdefault(text[start : start + _WINDOW], []).append(at)
    texts = chain(((-1, value) for value in values), ((at, placeholder.text) for at, placeholder in enumerate(chosen)))
    return {
        at
        for owner, text in texts
        for start in range(len(text) - _WINDOW + 1)
        for at in windows.get(text[start : start + _WINDOW], ())
        if at != owner and chosen[at].text in text
    }


def _secret_texts(residue: Residue) -> Iterator[str]:
    for piece in residue:
        if isinstance(piece, str):
            if text := piece.strip(_LIST_SIGN):
                yield text
        else:
            yield from _secret_texts(piece.word)
            if not isinstance(piece, Outside):
                yield from _secret_texts(piece.subject)


def _masked(residue: Residue, name: str, chosen: Mapping[Item, str]) -> Residue:
    return tuple(_masked_piece(piece, name, chosen) for piece in residue)


def _masked_piece(piece: Open, name: str, chosen: Mapping[Item, str]) -> Open:
    match piece:
        case str():
            text = piece.strip(_LIST_SIGN)
            before, _, after = piece.partition(text)
            return before + chosen[name, text] + after if text else piece
        case Outside():
            return piece._replace(word=_masked(piece.word, name, chosen))
        case Choice():
            subject, word = _masked(piece.subject, name, chosen), _masked(piece.word, name, chosen)
            return piece._replace(subject=subject, word=word)

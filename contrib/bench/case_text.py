"""What long texts cost by the byte: parsed, changed, worked out, written, and looked through for credentials.

Each size against 64 KiB of its shape.
"""

import gc
from collections.abc import Callable, Generator
from functools import partial
from itertools import count

from rounds import Contest, Contestant, Sample, timed
from samples import sized

from envfs.dotenv import dialects, formats, merging, portability, writing
from envfs.dotenv.document import parse_document
from envfs.dotenv.placeholders import redaction
from envfs.dotenv.placeholders.known_shapes import ROWS

TARGET = 1.5
_KIB = 1024
_SIZES = (64, 128, 256, 512, 1024)
_LONG = 30_000  # characters of a long value: two of them fit into the smallest text
_ROOM = 100  # bytes, for the variable that is set


def contests(rounds: int) -> Generator[Contest, None, None]:
    """One contest for each shape."""
    gc.disable()  # as in the keyholder's children, which end after one request
    try:
        for title, shape in SHAPES.items():
            contestants = tuple(_contestant(shape, size, _work) for size in _SIZES)
            yield Contest(f"long text: {title}", contestants, rounds, "seconds for each 64 KiB of text")
        for title, words in WORDS.items():
            contestants = tuple(_contestant(partial(_repeated, words), size, _redact) for size in _SIZES)
            yield Contest(f"a message: {title}", contestants, rounds, "seconds for each 64 KiB of text")
    finally:
        gc.enable()


def _contestant(shape: Callable[[int], str], size: int, work: Callable[[str], None]) -> Contestant:
    content = shape(size * _KIB - _ROOM)
    least = _SIZES[0]
    return Contestant(
        f"{size:,} KiB",
        lambda: Sample(timed(lambda: work(content)) * least / size),
        TARGET if size > least else 0.0,
    )


def _work(content: str) -> None:
    # all that is done with a text on its way from `envfs set` to its readers
    document = parse_document(content).set("SET_ANEW", "a value with 'quotes'").unset("SET_ANEW")
    variables = merging.merge_layers([merging.Layer("/shop", document)]).variables
    writing.portable_text(variables)
    writing.environ_bytes(variables)
    formats.json_object("/shop", variables)
    for value in variables.values():
        portability.portability_doubts(value)
        dialects.dialect_refusal(value, dialects.PORTABLE)


def _redact(content: str) -> None:
    redaction.redact_credentials(content)


def _repeated(words: tuple[str, ...], size: int) -> str:
    each = size // len(words)
    return "".join((word * (each // len(word) + 1))[:each] for word in words)


def _rows(row: Callable[[int], str], size: int) -> str:
    text, left = [], size
    for number in count():
        left -= len(row(number))
        if left < 0:
            break
        text.append(row(number))
    return "".join(text)


SHAPES: dict[str, Callable[[int], str]] = {
    "ordinary": sized,
    "lines of two characters": lambda size: "A\n" * (size // 2),
    "as many names as there can be": lambda size: _rows(lambda number: f"V{number:x}=\n", size),
    "references, each to the one before": lambda size: _rows(lambda number: f"V{number}=${{V{number - 1}}}\n", size),
    "references that nobody closes": lambda size: _rows(lambda n: f'V{n}="{"${A:-" * (_LONG // 5)}"\n', size),
    "what must be escaped": lambda size: _rows(lambda n: f'V{n}="{chr(92) * _LONG}"\n', size),
}

_BEGINNINGS = tuple({start for _, starts, _, _ in ROWS for start in starts if start} | {"eyJ", "-----BEGIN ", "://a:"})
WORDS: dict[str, tuple[str, ...]] = {
    "the beginnings of credentials, each again and again": _BEGINNINGS,
    "one long word behind each beginning": tuple(f"{start}{'a' * 5000} " for start in _BEGINNINGS),
    "letters, digits, dots and base64": ("a", "0", "a.", "aB0", "+/", "-", "_", "eyJaaaaaaaa."),
    "escapes and line breaks": ("%20", "\\u0041", "\x1b[0m", "\n", "a\n", "\n  ", "\\"),
}

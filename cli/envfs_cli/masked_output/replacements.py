"""The texts that are replaced in a command's output: its values, and the lines of those that have several."""

from envfs_cli.masked_output.masked_stream import SHORTEST

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_NO_PLACEHOLDER = b"(masked)"


def replacements(variables: bytes, placeholders: bytes) -> dict[bytes, bytes]:
    """Return the texts and what stands in their places. Both are NAME=value, each ended by a NUL."""
    masked, others = dict(_pairs(placeholders)), dict[bytes, bytes]()
    for name, value in _pairs(variables):
        placeholder = masked.get(name, _NO_PLACEHOLDER)
        if placeholder != value:
            for text, other in _texts(value, placeholder):
                if len(text) >= SHORTEST:
                    others.setdefault(text, other)
    return others


def _pairs(entries: bytes) -> "Iterator[tuple[bytes, bytes]]":
    for entry in entries.split(b"\0"):
        name, equals, value = entry.partition(b"=")
        if equals:
            yield name, value


def _texts(value: bytes, placeholder: bytes) -> "Iterator[tuple[bytes, bytes]]":
    yield value, placeholder
    lines, others = value.splitlines(), placeholder.splitlines()
    if len(lines) > 1:
        yield value.replace(b"\n", b"\r\n"), placeholder.replace(b"\n", b"\r\n")  # as a terminal has it
        # a line that a placeholder shares with its value, as the first of a key, is no secret
        pairs = zip(lines, others, strict=True) if len(lines) == len(others) else ((line, b"") for line in lines)
        yield from ((line, other or _NO_PLACEHOLDER) for line, other in pairs if line != other)

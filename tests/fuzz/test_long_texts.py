"""The invariant: whatever a text holds, it takes its length's share of time, and its view the memory that a view may.

Not a measurement (`make bench` has those): the bound is what a loop within a loop cannot keep.
"""

import hashlib
import time
import tracemalloc
from collections.abc import Callable, Iterator
from itertools import count

import pytest

from envfs.core import limits
from envfs.dotenv import dialects, directives, formats, interpolation, merging, portability, references, writing
from envfs.dotenv.document import Document, parse_document
from envfs.errors import EnvFSError
from tests.selection import TIMES

SIZE = limits.TEXT_BYTES // (16 if TIMES == 1 else 8)
SECONDS = 4.0  # of processor time, for what takes a tenth of it
USUAL = 0.2  # for the work by which a slow machine is known
MEMORY = 2 * limits.VIEW_BYTES
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def again(piece: str, head: str = "", tail: str = "") -> str:
    """Repeat a piece until the text has its size."""
    return head + piece * ((SIZE - len((head + tail).encode())) // len(piece.encode())) + tail


def rows(row: Callable[[int], str], head: str = "", size: int = SIZE) -> str:
    """Put rows together, numbered from 0, until the text has its size."""
    text, left = [head], size - len(head)
    for number in count():
        left -= len(row(number))
        if left < 0:
            return "".join(text)
        text.append(row(number))
    raise AssertionError


def values(piece: str, quote: str = '"') -> str:
    """Fill values that are as long as they may be."""
    return rows(lambda number: f"V{number}={quote}{piece * (limits.VALUE_BYTES // len(piece.encode()))}{quote}\n")


def name(number: int) -> str:
    """Return the shortest name of that number."""
    text = ""
    while number >= 0:
        text = LETTERS[number % len(LETTERS)] + text
        number = number // len(LETTERS) - 1
    return text


def nested(depth: int, inner: str = "x") -> str:
    return "${N:-" * depth + inner + "}" * depth


def backwards(steps: int) -> str:
    """Put names in an order in which each value is worked out before what it refers to."""
    return "".join(f"V{step}=\n" for step in range(steps - 1, -1, -1))


def each_earlier(reference: str) -> str:
    most = int((2 * SIZE / (len(reference) + 2)) ** 0.5)
    return "".join(f"V{n}={''.join(reference % m for m in range(n))}\n" for n in range(most))


BIG = f"BIG={'x' * 100_000}\n"
SHAPES: dict[str, Callable[[], str]] = {  # made when they are tried: together they are large
    "quotes that do not end": lambda: again("A='x\n"),
    "a quote that does not end, at the end": lambda: again('A="x"\n', tail='B="'),
    "quotes that nearly end": lambda: again("A='x'y\n"),
    "escaped quotes that nearly end": lambda: again('A="\\"x" y\n'),
    "nothing but single quotes": lambda: again("'"),
    "comments": lambda: again("#\n"),
    "one long comment": lambda: again(" #"),
    "blanks": lambda: again("\t \v", tail="x"),
    "lines of blanks": lambda: again(f"\n{' ' * 500}x"),
    "a name, blanks and no sign": lambda: again(" ", head="A"),
    "a value behind blanks": lambda: again(" \t", head="A=x", tail="#y"),
    "export and blanks": lambda: again(" ", head="export"),
    "lines of export": lambda: again("export A=1\n"),
    "one long line": lambda: again("x"),
    "signs without names": lambda: again("="),
    "names without values": lambda: again("A\n"),
    "nothing but line ends": lambda: again("\n"),
    "all kinds of line ends": lambda: again("\r\n\r\n\n\r"),
    "lines that end in CR": lambda: again("A=1\r"),
    "byte order marks": lambda: again("\ufeff"),
    "lines with byte order marks": lambda: again("\ufeff\ufeff#\n"),
    "one name, again and again": lambda: again("A=\n"),
    "as many names as there can be": lambda: rows(lambda n: f"{name(n)}=\n"),
    "names of others": lambda: rows(lambda n: f"{name(n)}.=\n"),
    "long names": lambda: again("A" * limits.NAME_BYTES + "=1\n"),
    "backslashes": lambda: values("\\"),
    "backslashes in single quotes": lambda: values("\\", "'"),
    "escaped dollars": lambda: values("\\$"),
    "line breaks in quotes": lambda: values("\r\n"),
    "dollars": lambda: values("$", ""),
    "short references": lambda: values("$A"),
    "references that nobody closes": lambda: values("${"),
    "defaults that nobody closes": lambda: values("${A:-"),
    "what closes nothing": lambda: values("}"),
    "references that are none": lambda: values("${A b}"),
    "references that are none, inside of each other": lambda: rows(lambda n: f"V{n}={'${A ' * 20_000}{'}' * 20_000}\n"),
    "defaults inside of each other": lambda: rows(lambda n: f"V{n}={nested(20_000)}\n"),
    "as deep as may be": lambda: values(nested(39), ""),
    "wide defaults": lambda: values("${A:-${B}${C}}"),
    "other texts": lambda: values("${A:+${A}}${A+x}"),
    "commands": lambda: values("$(x)"),
    "all kinds of quotes": lambda: values("\\'\\\"`", ""),
    "references to nothing": lambda: rows(lambda n: f"V{n}=${name(n)}\n"),
    "references to nothing behind escapes": lambda: rows(
        lambda n: f'V{n}="' + "".join(f'\\n$x{at}\\"' for at in range(8000)) + '"\n'
    ),
    "references to what comes later": lambda: rows(lambda n: f"V{n}=$A\n", size=SIZE // 2) + "A=1\n" * (SIZE // 8),
    "a long chain": lambda: rows(lambda n: f"V{n}=$V{n - 1}\n"),
    "a long chain, backwards": lambda: rows(lambda n: f"V{n}=$V{n + 1}\n"),
    "a chain of defaults": lambda: (
        backwards(99) + "V0=x\n" + "".join(f"V{n}={nested(20, f'$V{n - 1}')}\n" for n in range(1, 99))
    ),
    "a chain of long values": lambda: (
        backwards(95) + "V0=x\n" + "".join(f"V{n}=$V{n - 1}{'$U' * (SIZE // 200)}\n" for n in range(1, 95))
    ),
    "what refers to itself": lambda: again("A=${A}x\n"),
    "what doubles": lambda: rows(lambda n: f"V{n}=$V{n - 1}$V{n - 1}\n", head="V0=x\n"),
    "what doubles and begins anew": lambda: rows(
        lambda n: f"V{n % 17}=$V{n % 17 - 1}$V{n % 17 - 1}\n" if n % 17 else "V0=x\n"
    ),
    "copies of a long value": lambda: rows(lambda n: f"V{n}=$BIG\n", head=BIG),
    "hidden copies of a long value": lambda: rows(lambda n: f"V{n}=${{BIG:-x}}${{BIG:+}}\n", head=BIG),
    "each refers to all before": lambda: each_earlier("$V%d"),
    "each needs all before": lambda: each_earlier("${V%d?}"),
    "dialects": lambda: again("# @dialect node\n"),
    "directives": lambda: again("# @rotate 9d\n", tail="A=1\n"),
    "directives of each variable": lambda: rows(lambda n: f"# @rotate 9d\nV{n}=\n"),
    "one long directive": lambda: again("# @owner "),
    "directives behind values": lambda: again("A=1 # # #@rotate\n"),
    "what is no directive": lambda: values("#@rotate-\t", ""),
    "the end of a heredoc": lambda: f"A=ENVFS_END{'_' * 120_000}\n",
    "figures outside of the basic plane": lambda: values("\U0001f9a9"),
}


def refused(document: Document) -> Iterator[tuple[str, Callable[[], object]]]:
    """List what may refuse a text."""
    yield "check", document.check
    yield "set one more", lambda: document.set("NEW_ONE", "x y'z")
    yield "set the last", lambda: document.set("A", "x")
    yield "unset", lambda: document.unset("A")
    yield "merge with itself", lambda: document.merged(document)
    yield "merge into another", lambda: parse_document("Q=1\n").merged(document)
    yield "directives", lambda: directives.rotation_directives(document)
    yield "wrong directives", lambda: directives.directive_faults(document)
    yield "no directives", lambda: directives.without_directives(document, document.variables())
    yield (
        "directives of another",
        lambda: directives.with_directive_lines(document, directives.directive_lines(document)),
    )
    yield "dialect", lambda: dialects.named_in(document)
    yield "ask for a dialect", lambda: dialects.with_directive(document, "node")
    yield (
        "references",
        lambda: [list(references.nested_references(references.cut_pieces(entry))) for entry in document.entries],
    )
    yield "places of references", lambda: [references.reference_places(entry) for entry in document.entries]
    yield "interpolate three levels", lambda: interpolation.interpolate([document] * 3)


def written(variables: dict[str, str]) -> Iterator[tuple[str, Callable[[], object]]]:
    """List what writes a view."""
    yield "portable", lambda: writing.portable_text(variables)
    yield "environ", lambda: writing.environ_bytes(variables)
    yield "masks", lambda: formats.github_masks(variables)
    for label, form in formats.FORMATS.items():
        yield label, lambda form=form: form("/", variables)  # type: ignore[misc]  # a closure over the loop's form
    for dialect in dialects.NAMES:
        yield dialect, lambda dialect=dialect: dialects.dialect_text(variables, dialect)  # type: ignore[misc]
    yield "doubts", lambda: [portability.is_doubtful(value) for value in variables.values()]


def timed(label: str, work: Callable[[], object]) -> object:
    """Do a piece of work, which may be refused, in its time."""
    started = time.process_time()
    try:
        return work()
    except EnvFSError:
        return None
    finally:
        took = time.process_time() - started
        assert took < SECONDS or took < SECONDS * slowness(), f"{label}: {took:.1f} s for {SIZE >> 10} KiB"


def slowness() -> float:
    """Return how many times as long as usual this machine takes now for work that is always the same."""
    started = time.process_time()
    hashlib.sha256(b"x" * (80 << 20))
    sorted(range(1_000_000), key=lambda number: -number)
    return (time.process_time() - started) / USUAL


@pytest.mark.parametrize("shape", SHAPES)
def test_a_text_of_any_shape_is_worked_on_in_its_time(shape: str) -> None:
    text = SHAPES[shape]()
    document = timed("parse", lambda: parse_document(text))
    if not isinstance(document, Document):
        return
    for label, work in refused(document):
        timed(label, work)
    view = timed("merge", lambda: merging.merge_layers([merging.Layer("/", document)]))
    if isinstance(view, merging.MergedView):
        known = {name: value for name, value in view.variables.items() if writing.is_portable_name(name)}
        for label, work in written(known):
            timed(label, work)


@pytest.mark.parametrize("shape", [shape for shape in SHAPES if shape.startswith(("what doubles", "copies", "hidden"))])
def test_a_view_takes_no_more_memory_than_it_may(shape: str) -> None:
    try:
        document = parse_document(SHAPES[shape]())
    except EnvFSError:
        return
    tracemalloc.start()
    try:
        timed("merge", lambda: merging.merge_layers([merging.Layer("/", document)]))
        assert tracemalloc.get_traced_memory()[1] < MEMORY
    finally:
        tracemalloc.stop()

"""Values from templates: what every reference of a chain of levels stands for.

A reference is looked up where a person expects it: first at the levels below the one that the template stands at, as
they override, then above it in its own text, as in any `.env` file, then at the levels above, the nearest first. A name
that refers to itself means its value before. A name that is nowhere is empty, and so is one that leads back to itself.
Both are reported. References that only the environment of a command can answer stay open: `opened` by name.

Laws: every assignment is worked out once. A value stays under its limit, and so do all together, while they are worked
out. Nothing is ever run.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from typing import NamedTuple, NoReturn

from envfs.core import limits
from envfs.core.dangling import DanglingKind
from envfs.dotenv import references, residues
from envfs.dotenv.document import Document
from envfs.dotenv.references import Piece, Reference
from envfs.dotenv.residues import Open, Residue
from envfs.dotenv.scanner import Entry
from envfs.errors import Malformed, TooLarge

_DEEPEST = 100  # templates, and texts inside of them, that lead from one to the next


class ValueSource(NamedTuple):
    """Where a value comes from: the assignment at `place` of the text of the level number `layer`, from the top."""

    layer: int
    place: int


Uses = Mapping[ValueSource, tuple[tuple[str, ValueSource | None], ...]]  # by assignment: each name, and where it is set


class Finding(NamedTuple):
    """A reference that came to nothing, the variables that led to it, and where it stands in the text of which layer.

    The name that it is to is the last of the chain if the reference is no undefined one. That name may be a part of a
    value that was never meant as a reference, so it is not told.
    """

    kind: DanglingKind
    chain: tuple[str, ...]
    layer: int
    line: int
    column: int


class Interpolated(NamedTuple):
    """Values by name, the assignments that they and their references come from, and what came to nothing.

    `opened` are the values with what they refer to outside of all texts still in them. `values` has them without.
    """

    values: dict[str, str]
    sources: dict[str, ValueSource]
    uses: Uses
    findings: tuple[Finding, ...]
    opened: dict[str, Residue]

    def __repr__(self) -> str:
        """Show how many, and no value."""
        return f"Interpolated({len(self.values)} values, {len(self.findings)} findings)"


def interpolate(
    documents: Sequence[Document], outside: Mapping[str, str] | None = None, *, lenient: bool = False
) -> Interpolated:
    """Work out every variable of a chain of texts, the top level's first. `outside` is looked at last.

    With `lenient`, what a `${NAME:?message}` requires may come from the environment of a command later.

    Raises:
        Malformed: a variable that `${NAME:?message}` requires is missing
        TooLarge: a value, or all together, are over their limit, or templates lead on too far
    """
    return _Interpolation(documents, outside or {}, lenient=lenient).run()


class _Interpolation:
    def __init__(self, documents: Sequence[Document], outside: Mapping[str, str], *, lenient: bool) -> None:
        self._entries: dict[ValueSource, Entry] = {}
        self._places: dict[str, list[ValueSource]] = {}  # by name, from the top level down, in the order of each text
        self._outside = outside
        self._lenient = lenient
        self._values: dict[ValueSource, str] = {}
        self._opened: dict[ValueSource, Residue] = {}
        self._room = limits.VALUES_BYTES  # for what stays open
        self._bytes = 0  # of all values
        self._uses: dict[ValueSource, tuple[tuple[str, ValueSource | None], ...]] = {}
        self._findings: dict[tuple[ValueSource, str], Finding] = {}  # by where the reference stands, and to what
        self._cut: dict[ValueSource, dict[str, references.ReferencePlace]] = {}
        self._path: dict[ValueSource, str] = {}  # the assignments being worked out, by name, each for the one before
        self._depth = 0  # how far templates, and texts inside of them, lead on from the first of the path
        for layer, document in enumerate(documents):
            for place, entry in enumerate(document.entries):
                if entry.name is not None and entry.value is not None:
                    source = ValueSource(layer, place)
                    self._entries[source] = entry
                    self._places.setdefault(entry.name, []).append(source)

    def run(self) -> Interpolated:
        sources = {name: places[-1] for name, places in self._places.items()}
        values = {name: self._value(name, source) for name, source in sources.items()}
        opened = {name: self._opened[source] for name, source in sources.items() if source in self._opened}
        return Interpolated(values, sources, self._uses, tuple(self._findings.values()), opened)

    def _value(self, name: str, source: ValueSource) -> str:
        computed = self._values.get(source)
        if computed is not None:
            return computed
        entry = self._entries[source]
        value = self._worked_out(name, source, entry) if references.has_references(entry) else entry.value or ""
        self._bytes += len(value) if value.isascii() else len(value.encode())
        if self._bytes > limits.VALUES_BYTES:
            raise TooLarge("the view would be too large", f"at most {limits.VALUES_BYTES} bytes of values")
        self._values[source] = value
        return value

    def _worked_out(self, name: str, source: ValueSource, entry: Entry) -> str:
        pieces = references.cut_pieces(entry)
        self._path[source] = name
        residue = self._joined(pieces, source)
        del self._path[source]
        value = residues.close_residue(residue)
        if residues.is_open(residue):
            self._keep_open(source, residue)
        if len(value) * 4 > limits.VALUE_BYTES:
            self._check_size(len(value.encode()), name)
        referenced = (reference.name for reference in references.nested_references(pieces))
        self._uses[source] = tuple((used, self._source(used, source)) for used in dict.fromkeys(referenced))
        return value

    def _keep_open(self, source: ValueSource, residue: Residue) -> None:
        size = residues.residue_size(residue)
        if size <= min(self._room, limits.VALUE_BYTES):  # what is larger, or nested too deeply, is closed
            self._room -= size
            self._opened[source] = residue

    def _joined(self, pieces: tuple[Piece, ...], at: ValueSource) -> Residue:
        if self._depth == _DEEPEST:
            problem = f"{self._path[at]} refers to variables that refer to others too often"
            raise TooLarge(problem, f"at most {_DEEPEST} times")
        self._depth += 1
        parts: list[Open] = []
        size = 0
        for piece in pieces:
            residue = (piece,) if isinstance(piece, str) else self._meaning(piece, at)
            size += len(residues.close_residue(residue))
            self._check_size(size, next(iter(self._path.values())))
            parts += residue
        self._depth -= 1
        return residues.join_residue(parts)

    def _check_size(self, size: int, name: str) -> None:
        if size > limits.VALUE_BYTES:
            raise TooLarge(f"{name} would be too long", f"at most {limits.VALUE_BYTES} bytes a value")

    def _meaning(self, reference: Reference, at: ValueSource) -> Residue:
        name, operator = reference.name, reference.operator
        source = self._source(name, at)
        if source is None and name not in self._outside:
            return self._unset(reference, at)
        subject = self._subject(name, source, at)
        if not operator or (residues.is_open(subject) and operator in ("-", "?")):
            return subject
        if residues.is_open(subject) and operator != "+":
            if operator == ":?" and not self._lenient and not residues.close_residue(subject):
                self._require(name, at)
            return residues.open_choice(subject, operator, self._joined(reference.word, at) if operator != ":?" else ())
        return self._chosen(reference, at, subject)

    def _subject(self, name: str, source: ValueSource | None, at: ValueSource) -> Residue:
        if source is None:
            return (self._outside[name],)
        if source in self._path:
            self._tell(DanglingKind.CYCLE, name, at)
            return ()
        value = self._value(name, source)
        return self._opened.get(source, (value,))

    def _chosen(self, reference: Reference, at: ValueSource, subject: Residue) -> Residue:
        """Return what a reference with an operator gives for a name that is set."""
        counts = not reference.operator.startswith(":") or bool(residues.close_residue(subject))
        match reference.operator[-1:]:
            case "-":
                return subject if counts else self._joined(reference.word, at)
            case "+":
                return self._joined(reference.word, at) if counts else ()
            case "?" if not counts:
                self._require(reference.name, at)
        return subject

    def _unset(self, reference: Reference, at: ValueSource) -> Residue:
        """Return what a reference gives for a name that no text sets: itself, with what stands behind it worked out.

        One that is set further down is not for the environment: what gets the value gets that name from here.
        """
        later, kind = self._is_later(reference.name, at), reference.operator[-1:]
        if kind == "?" and (later or not self._lenient):
            self._require(reference.name, at)
        if kind not in ("-", "+"):
            self._tell(DanglingKind.LATER if later else DanglingKind.UNDEFINED, reference.name, at)
        word = self._joined(reference.word, at) if kind in ("-", "+") else ()
        residue = residues.outside_reference(reference.name, reference.operator, word)
        return residue if not later else word if kind == "-" else ()

    def _require(self, name: str, at: ValueSource) -> NoReturn:
        if name in self._places:
            raise Malformed(f"{self._path[at]} requires {name}, which is not set", "set it at this level")
        _, line, column = self._place_of(name, at)
        problem = f"{self._path[at]} requires a variable that is not set: line {line}, column {column} of its text"
        raise Malformed(problem, "set it at this level")

    def _source(self, name: str, at: ValueSource) -> ValueSource | None:
        places = self._places.get(name)
        if not places:
            return None
        if places[-1].layer > at.layer and self._entries[at].name != name:
            return places[-1]
        index = bisect_left(places, at)
        return places[index - 1] if index else None

    def _is_later(self, name: str, at: ValueSource) -> bool:
        places = self._places.get(name, [])
        after = bisect_right(places, at)
        return after < len(places) and places[after].layer == at.layer

    def _tell(self, kind: DanglingKind, name: str, at: ValueSource) -> None:
        if (at, name) not in self._findings and len(self._findings) < limits.FINDINGS:
            last = () if kind is DanglingKind.UNDEFINED else (name,)
            _, line, column = self._place_of(name, at)
            self._findings[at, name] = Finding(kind, (*self._path.values(), *last), at.layer, line, column)

    def _place_of(self, name: str, at: ValueSource) -> references.ReferencePlace:
        if at not in self._cut:
            self._cut[at] = references.reference_places(self._entries[at])
        return self._cut[at][name]

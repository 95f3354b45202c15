r"""Directives on the rotation of variables, in the comments above them: `# @rotate 90d`, each on a line of its own.

| directive               | of the variable                                                           |
|-------------------------|---------------------------------------------------------------------------|
| `@rotate 90d`           | its value is due so long after it was set; `never`: it is not             |
| `@expires 2027-01-31`   | its value is good to the end of that day (UTC), or to a time              |
| `@owner NAME`           | who sees to it                                                            |
| `@rotate-with COMMAND`  | the program that makes a new value count, which it gets on standard input |
| `@rotate-from COMMAND`  | the program that makes a new value and prints it                          |
| `@rotate-as KIND [N]`   | what `envfs rotate` makes, as `envfs generate KIND --length N`            |
| `@overlap-until TIME`   | it holds the value before, which may go then. `envfs rotate` writes it    |
| `@rotation-begun TIME`  | it holds a value to come. `envfs rotate` writes it                        |

Laws: a directive counts for the assignment right below its run of comment lines. An empty line ends the run. At the top
of a text, a run that an empty line (or `# ---`) ends counts for all of its variables, where they have none of their
own. One that is wrong is a fault with its place, and counts for nothing: no text is refused for it, and no reader of a
view sees any. Of two assignments of a name, the last directive of each kind counts. The text of a fault quotes nothing.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Final, NamedTuple

from envfs.core import durations, rotation
from envfs.core.rotation import NEVER, Directives
from envfs.dotenv.document import Document, parse_document
from envfs.dotenv.scanner import BOM
from envfs.dotenv.values import BLANKS, LINE_END
from envfs.errors import NoSuchVariable

_ANY: Final = re.compile("@(?:rotat|expires|owner|overlap-until)")
_LINE: Final = re.compile(rf"{BOM}?[{BLANKS}]*#[{BLANKS}]*@([a-z-]+)(?![A-Za-z0-9_-])([^\r\n]*)")
_BEHIND: Final = re.compile(rf"#[{BLANKS}]*@([a-z-]+)(?![A-Za-z0-9_-])")
_DIVIDER: Final = re.compile(rf"{BOM}?[{BLANKS}]*#[{BLANKS}]*-{{3,}}[{BLANKS}]*")
_WORDS: Final = re.compile(r"""(?:[^'"\\]|\\.|'[^']*'|"(?:[^"\\]|\\.)*")*""")  # as a shell would cut them
_PASSING: Final = ("overlap-until", "rotation-begun")
_COMMANDS: Final = ("rotate-with", "rotate-from")


_Said = tuple[str, str | int]  # a field of Directives, and what it is


class DirectiveFault(NamedTuple):
    """A directive that counts for nothing, and why. Line and column count from 1."""

    line: int
    column: int
    text: str


class _Mark(NamedTuple):
    """A directive: its word and what follows, and its line as a part of an entry's raw text."""

    word: str
    rest: str
    entry: int
    start: int
    end: int
    line: int
    column: int


class _Run(NamedTuple):
    """Directives that stand together, and the variable below them: empty for all of the text, None for none."""

    name: str | None
    marks: tuple[_Mark, ...]


def has_directives(text: str) -> bool:
    """Tell whether there may be a directive in a text, at the speed of a search."""
    return _ANY.search(text) is not None


def rotation_directives(document: Document) -> dict[str, Directives]:
    """Return what is said of each variable of a text. Variables of which nothing is said are left out."""
    return _read(document)[0]


def directive_faults(document: Document) -> tuple[DirectiveFault, ...]:
    """Return the directives of a text that count for nothing, in order."""
    return _read(document)[1] if has_directives(document.render()) else ()


def directive_lines(document: Document) -> dict[str, str]:
    """Return by name the directives that stand above variables, but those that are of a rotation under way."""
    lines: dict[str, str] = {}
    for run in _runs(document):
        marks = (mark for mark in run.marks if run.name and mark.word not in _PASSING)
        for mark in marks:
            line = document.entries[mark.entry].raw[mark.start : mark.end].strip("\ufeff\r\n")
            lines[run.name or ""] = f"{lines.get(run.name or '', '')}{line}\n"
    return lines


def with_directive_lines(document: Document, lines: Mapping[str, str]) -> Document:
    """Return a text with lines above the last assignments of variables, unless directives stand there already."""
    if not any(lines.values()):
        return document
    present = {run.name for run in _runs(document)}
    raws = [entry.raw for entry in document.entries]
    places = {entry.name: place for place, entry in enumerate(document.entries) if entry.name is not None}
    end = "\r\n" if "\r\n" in "".join(raws) else "\n"
    for name, text in lines.items():
        if text and name in places and name not in present:
            raws[places[name]] = text.replace("\n", end) + raws[places[name]]
    return parse_document("".join(raws))


def with_directive(document: Document, name: str, word: str, argument: str) -> Document:
    """Return a text with one directive above the last assignment of a variable.

    Raises:
        NoSuchVariable: there is none
    """
    raws = [entry.raw for entry in document.entries]
    place = max((at for at, entry in enumerate(document.entries) if entry.name == name), default=-1)
    if place < 0:
        raise NoSuchVariable("no variable of that name")
    start = BOM if raws[place].startswith(BOM) else ""
    end = "\r\n" if "\r\n" in "".join(raws) else "\n"
    raws[place] = f"{start}# @{word} {argument}{end}{raws[place].removeprefix(BOM)}"
    return parse_document("".join(raws))


def without_directives(document: Document, names: Collection[str]) -> Document:
    """Return a text without the directives that stand above variables, so that none is above another one afterwards."""
    if not has_directives(document.render()):
        return document
    gone = [mark for run in _runs(document) if run.name in names and run.name for mark in run.marks]
    if not gone:
        return document
    raws = [entry.raw for entry in document.entries]
    for mark in reversed(gone):
        start = BOM if raws[mark.entry].startswith(BOM) and not mark.start else ""
        raws[mark.entry] = raws[mark.entry][: mark.start] + start + raws[mark.entry][mark.end :]
    return parse_document("".join(raws))


def _read(document: Document) -> tuple[dict[str, Directives], tuple[DirectiveFault, ...]]:
    if not has_directives(document.render()):
        return {}, ()
    faults = list(_faults_behind(document))
    for_all, by_name = Directives(), dict[str, Directives]()
    for run in _runs(document):
        said = by_name.get(run.name or "", Directives())
        for mark in run.marks:
            if run.name is None:
                faults.append(_fault(mark, "stands above no variable: put it in the line above one"))
                continue
            try:
                field, argument = _READERS[mark.word](mark.rest)
                said = said._replace(**{field: argument})  # type: ignore[arg-type]
                if mark.word in _COMMANDS and not _WORDS.fullmatch(str(argument)):  # `rotate` refuses it with this name
                    faults.append(_fault(mark, "has a quote without an end, so it is not run"))
            except ValueError as error:
                faults.append(_fault(mark, str(error)))
                said = said._replace(has_wrong_command=said.has_wrong_command or mark.word in _COMMANDS)
        if run.name:
            by_name[run.name] = said
        elif run.name is not None:
            for_all = _over(for_all, said)
    if for_all != Directives():
        by_name = {name: _over(for_all, by_name.get(name, Directives())) for name in document.variables()}
    judged = {name: by_name[name] for name in document.variables() if by_name.get(name, Directives()) != Directives()}
    return judged, tuple(sorted(faults))


def _over(lower: Directives, upper: Directives) -> Directives:
    if upper.overlap_until or upper.begun:
        return upper  # the value of another variable, for a while
    return lower._replace(**{field: said for field, said in upper._asdict().items() if said})


def _runs(document: Document) -> Iterator[_Run]:
    run: list[_Mark] = []
    is_top = True
    for at, entry in enumerate(document.entries):
        if entry.name is None and entry.problem is None:
            for mark in _marks_of(document, at):
                if mark is not None:
                    run.append(mark)
                    continue
                if run:
                    yield _Run("" if is_top else None, tuple(run))
                run = []
            continue
        if run:
            yield _Run(entry.name, tuple(run))
        run, is_top = [], False
    if run:
        yield _Run("" if is_top else None, tuple(run))


def _marks_of(document: Document, at: int) -> Iterator[_Mark | None]:
    # None: the end of a run
    entry = document.entries[at]
    if entry.raw == BOM:
        return
    start, line = 0, entry.line
    follows_bom = at > 0 and document.entries[at - 1].raw == BOM
    while start < len(entry.raw):
        end = LINE_END.search(entry.raw, start)
        stop = end.end() if end else len(entry.raw)
        text = entry.raw[start : end.start() if end else stop]
        match = _LINE.fullmatch(text)
        if match is not None and match[1] in _READERS:
            yield _Mark(match[1], match[2], at, start, stop, line, match.start(1) - text.startswith(BOM))
        elif (not text.strip(BLANKS + BOM) and not (follows_bom and not start and not text)) or _DIVIDER.fullmatch(
            text
        ):
            yield None
        start, line = stop, line + 1


def _faults_behind(document: Document) -> Iterator[DirectiveFault]:
    for entry in document.entries:
        if entry.name is not None and "@" in entry.raw[entry.end :]:
            match = _BEHIND.search(entry.raw, entry.end)
            if match is not None and match[1] in _READERS:
                line = entry.line + len(LINE_END.findall(entry.raw, 0, match.start()))
                column = match.start(1) - 1 - entry.raw.rfind("\n", 0, match.start())
                text = f"@{match[1]} stands behind a value, where it does not count: put it in the line above"
                yield DirectiveFault(line, column, text)


def _fault(mark: _Mark, text: str) -> DirectiveFault:
    return DirectiveFault(mark.line, mark.column, f"@{mark.word} {text}")


def _argument(rest: str, accepted: str) -> str:
    text = rest.strip(BLANKS)
    if not text or rest[:1] not in BLANKS:
        raise ValueError(f"takes {accepted}, behind a blank")
    return text


def _every(rest: str) -> _Said:
    accepted = "how long a value is good, such as 90d, or never"
    text = _argument(rest, accepted)
    if text == "never":
        return "every", NEVER
    try:
        return "every", durations.parse_duration(text)
    except ValueError:
        raise ValueError(f"takes {accepted}") from None


def _end(field: str) -> Callable[[str], _Said]:
    accepted = "a day such as 2027-01-31, or a time such as 2027-01-31T10:00Z"

    def read(rest: str) -> _Said:
        try:
            return field, rotation.parse_end(_argument(rest, accepted))
        except ValueError:
            raise ValueError(f"takes {accepted}") from None

    return read


def _text(field: str, accepted: str) -> Callable[[str], _Said]:
    def read(rest: str) -> _Said:
        text = _argument(rest, accepted)
        if not text.isprintable():
            raise ValueError("takes printable text alone")
        return field, text

    return read


_READERS: Final[dict[str, Callable[[str], _Said]]] = {
    "rotate": _every,
    "expires": _end("expires"),
    "owner": _text("owner", "a name"),
    "rotate-with": _text("with_command", "a command"),
    "rotate-from": _text("from_command", "a command"),
    "rotate-as": _text("kind", "a kind such as words"),
    "overlap-until": _end("overlap_until"),
    "rotation-begun": _end("begun"),
}

r"""Dotenv text as a value: kept to the letter, read one way, changed in one place at a time.

Laws: `parse(text).render() == text`. `parse(text).set(name, value).render()` parses to that value, whatever it is.
Where readers of `.env` files disagree, the choices are a table in docs/format.md ("Dialect"). In short: an unquoted
value ends at a blank before `#`. `'…'` is literal. `"…"` knows \\ \" \$ \` \n \r and keeps every other backslash.
Backticks are ordinary characters. The last of two assignments counts. `$` is never expanded here: see
envfs.dotenv.interpolation.
"""

from collections import Counter
from collections.abc import Callable
from operator import attrgetter
from typing import NamedTuple

from envfs.core import names
from envfs.dotenv import writing
from envfs.dotenv.references import has_references
from envfs.dotenv.scanner import BOM, Entry, Fault, check_text, check_value, line_ends, scan
from envfs.dotenv.values import BLANKS
from envfs.errors import AlreadyExists, Malformed, NoSuchVariable

__all__ = ["Document", "Entry", "Fault", "parse_document"]


_NAME: Callable[[Entry], str | None] = attrgetter("name")
_NAMED: Callable[[Entry], tuple[str, str]] = attrgetter("name", "value")  # an entry with a name has a value


class Document(NamedTuple):
    """One dotenv text. Every change gives a new one."""

    entries: tuple[Entry, ...]

    def __repr__(self) -> str:
        """Show how much there is, and nothing of it."""
        return f"Document(entries={len(self.entries)})"

    def render(self) -> str:
        """Return the text, to the letter."""
        return "".join(entry.raw for entry in self.entries)

    @property
    def faults(self) -> tuple[Fault, ...]:
        """The lines that are no variable, or one whose name no environment variable should have."""
        return tuple(fault for entry in self.entries if (fault := entry.fault))

    def check(self) -> None:
        """Refuse a text with faults.

        Raises:
            Malformed: for the first fault, with its place
        """
        for fault in self.faults:
            raise Malformed(fault.text, fault.hint, fault.line, fault.column)

    def variables(self) -> dict[str, str]:
        """Return the values by name, in the order of first assignment. Of two, the last counts."""
        return dict(map(_NAMED, filter(_NAME, self.entries)))  # the fastest way through a level of 190,000

    def duplicates(self) -> tuple[str, ...]:
        """Return the names that are assigned more than once, in order."""
        counts = Counter(entry.name for entry in self.entries if entry.name is not None)
        return tuple(name for name, count in counts.items() if count > 1)

    def set(self, name: str, value: str) -> "Document":
        """Return the text with the last assignment of `name` changed in place, or with one more line.

        `export`, the spacing, an inline comment and, where it can carry the value, the quoting stay.

        Raises:
            BadName: the name is outside our grammar
            Malformed: the value has a NUL or half a surrogate pair
            TooLarge: the name, the value or the text that results is over its limit
        """
        names.parse_variable(name)
        check_value(value)
        for place in range(len(self.entries) - 1, -1, -1):
            if self.entries[place].name == name:
                return self._spliced(place, place + 1, _rewritten(self.entries[place], value))
        last = max(0, len(self.entries) - 1)
        later_text = "".join(entry.raw for entry in self.entries[last:])
        line = f"{name}={writing.quote_value(value)}"
        return self._spliced(last, len(self.entries), _with_line(later_text, line, _line_end(self.render())))

    def merged(self, other: "Document") -> "Document":
        """Return the text with every variable of another set in it; what refers to other variables goes on to.

        Raises:
            BadName, TooLarge: as `set`
        """
        raws = [entry.raw for entry in self.entries]
        places = {entry.name: place for place, entry in enumerate(self.entries)}
        added = []
        for entry in {entry.name: entry for entry in other.entries if entry.value is not None}.values():
            name = names.parse_variable(str(entry.name))
            place = places.get(name)
            if place is None:
                added.append(f"{name}={_as_meant(entry)}")
            elif assignment_meaning(self.entries[place]) != assignment_meaning(entry):
                raws[place] = _adopted(self.entries[place], entry)
        text = "".join(raws)
        end = _line_end(text)
        return parse_document(_with_line(text, end.join(added), end) if added else text)

    def unset(self, name: str) -> "Document":
        """Return the text without any assignment of `name`. Comments on other lines stay.

        Raises:
            NoSuchVariable: there is none
        """
        places = [place for place, entry in enumerate(self.entries) if entry.name == name]
        if not places:
            raise NoSuchVariable("the level does not set a variable of that name itself")
        first, end = max(0, places[0] - 1), places[-1] + 2  # comments on both sides become one entry
        return self._spliced(first, end, "".join(entry.raw for entry in self.entries[first:end] if entry.name != name))

    def rename(self, old: str, new: str) -> "Document":
        """Return the text with every assignment of `old` to `new`, each where and as it stands.

        References to `old` elsewhere are left alone.

        Raises:
            NoSuchVariable: there is no `old`
            AlreadyExists: there is a `new`
            BadName, TooLarge: the new name is outside our grammar
        """
        names.parse_variable(new)
        taken_names = {entry.name for entry in self.entries}
        if old not in taken_names:
            raise NoSuchVariable("the level does not set a variable of that name itself")
        if new in taken_names and new != old:
            raise AlreadyExists(f"{new} is set here already", "unset it first, or choose another name")
        return parse_document(
            "".join(_renamed(entry, new) if entry.name == old else entry.raw for entry in self.entries)
        )

    def _spliced(self, first: int, end: int, text: str) -> "Document":
        # only what changed is read again: what the other entries mean does not depend on it, where they stand does
        at = self.entries[first].line if first < len(self.entries) else 1
        new, later_entries = tuple(scan(text, at)), self.entries[end:]
        moved = at + line_ends(text) - later_entries[0].line if later_entries else 0
        if moved:
            later_entries = tuple(entry._replace(line=entry.line + moved) for entry in later_entries)
        document = Document((*self.entries[:first], *new, *later_entries))
        check_text(document.render())
        return document


def parse_document(text: str) -> Document:
    """Read a dotenv text.

    Raises:
        Malformed: a NUL, half a surrogate pair, or a quote that does not end, with its place
        TooLarge: the text, a name or a value is over its limit
    """
    return Document(tuple(scan(text)))


def _rewritten(entry: Entry, value: str) -> str:
    head, tail = entry.raw[: entry.start], entry.raw[entry.end :]
    shown = _in_style(entry.quote, value)
    if not shown and (not head.endswith("=") or tail.startswith((*BLANKS, "#"))):
        shown = '""'  # two readers take the next line for the value of a name followed by = and blanks
    gap = " " if not entry.quote and tail.startswith("#") else ""
    return f"{head}{shown}{gap}{tail}"


def _renamed(entry: Entry, name: str) -> str:
    start = entry.column - 1
    return f"{entry.raw[:start]}{name}{entry.raw[start + len(entry.name or '') :]}"


def assignment_meaning(entry: Entry) -> tuple[str | None, bool, tuple[int, ...]]:
    """Return what makes two assignments the same: the value, whether it refers to others, and which `$` do not."""
    refers = has_references(entry)
    return entry.value, refers, entry.literal if refers else ()


def _as_meant(entry: Entry) -> str:
    value = entry.value or ""
    return writing.template_value(value, entry.literal) if has_references(entry) else writing.quote_value(value)


def _adopted(old: Entry, new: Entry) -> str:
    if has_references(new):
        return f"{old.raw[: old.start]}{_as_meant(new)}{old.raw[old.end :]}"
    return _rewritten(old, new.value or "")


def _in_style(quote: str, value: str) -> str:
    """Write the value in the quotes it had, where they carry it for other readers too, else in the portable form."""
    if quote == '"':
        return writing.double_quoted(value)
    if quote == "'" and not value.endswith("\\") and not {"'", "\r"} & set(value):
        return f"'{value}'"
    return writing.quote_value(value)


def _with_line(text: str, line: str, end: str) -> str:
    complete = text in ("", BOM) or text.endswith(("\n", "\r"))
    return f"{text}{'' if complete else end}{line}{end}"


def _line_end(text: str) -> str:
    """Return the line end that the text uses: that of its first line, CRLF or LF."""
    first = text.find("\n")
    return "\r\n" if first > 0 and text[first - 1] == "\r" else "\n"

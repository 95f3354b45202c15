"""The only module that prints: tables and colour on a terminal, plain lines in a pipe, JSON.

Laws: results go to standard output, words about them to standard error. Control characters in what others wrote are
made visible, so that no name can rewrite the screen. A result that cannot be written is an error. A word about one is
not, for the exit status says the same.
"""

import os
import sys

from envfs import safe_open
from envfs.errors import EnvFSError
from envfs.protocol import wire

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Literal, NamedTuple

    from envfs_cli.terminal.prompts import Waiting

    Style = Literal["good", "bad", "warn", "dim", "head"]

_BOLD, _RED, _GREEN, _YELLOW, _DIM, _PLAIN = "\x1b[1m", "\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[2m", "\x1b[0m"
_CLEAR = b"\x1b[H\x1b[2J\x1b[3J"  # with what was scrolled off
JSON_SHAPES = 1  # the number of the shapes in json_schema.json: another one where a member goes away or changes
_SECONDS = len("2026-11-21T08:00:00")
_COLOURS: "dict[Style, str]" = {"good": _GREEN, "bad": _RED, "warn": _YELLOW, "dim": _DIM, "head": _BOLD}


def error(failure: "EnvFSError") -> None:
    """Say what was refused, and what may help."""
    _say("error", "bad", failure.text)
    if failure.hint:
        hint(failure.hint)


def hint(text: str) -> None:
    """Say what may help."""
    _say("hint", "warn", text)


def note(text: str) -> None:
    """Say something beside the result."""
    _say("note", "dim", text)


def plain_note(line: str) -> None:
    """Say a line beside the result, as it is."""
    _tell(f"{line}\n")


def done(text: str) -> None:
    """Confirm what was done, to a person only."""
    if sys.stderr.isatty():
        from envfs_cli import line_wrap

        _tell(f"{line_wrap.wrap_message(spoken_text(text), 0, 0)}\n")


def plain_error(text: str) -> None:
    """Write a text that a program reads to standard error.

    Raises:
        EnvFSError: it cannot be written
    """
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except OSError as failure:
        _discard(2)
        raise EnvFSError(f"cannot write to standard error: {safe_open.error_words(failure)}") from None


def _say(kind: 'Literal["error", "hint", "note"]', style: "Style", text: str) -> None:
    word = paint(f"{kind}:", style, sys.stderr.isatty())
    from envfs_cli import line_wrap

    _tell(f"envfs: {word} {line_wrap.wrap_message(spoken_text(text), len(f'envfs: {kind}: '))}\n")


def spoken_text(text: str) -> str:
    """Return a text as messages have it: what was typed may be a token in the wrong place, which is not repeated."""
    from envfs.dotenv.placeholders.redaction import redact_credentials

    return redact_credentials(clean(text))


def _tell(text: str) -> None:
    drawing = _clear_progress()
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except OSError:
        _discard(2)
    if drawing is not None:
        drawing.draw()


def _clear_progress() -> "Waiting | None":
    # what shows that the command works stands on a line of the terminal, which the next line must not join
    prompts = sys.modules.get("envfs_cli.terminal.prompts")
    return None if prompts is None else prompts.Waiting.stop()


def print_line(text: str) -> None:
    """Print one line of a result.

    Raises:
        EnvFSError: standard output does not take it
    """
    if on_terminal():
        _clear_progress()
    try:
        sys.stdout.write(f"{text}\n")
    except OSError as failure:
        raise _lost(failure) from None


def print_row(text: str) -> None:
    """Print one line of a result that goes on: whoever reads the pipe gets it now."""
    print_line(text)
    flush()


def flush() -> None:
    """Write what was printed and not written yet.

    Raises:
        EnvFSError: standard output does not take it
    """
    try:
        sys.stdout.flush()
    except OSError as failure:
        raise _lost(failure) from None


def raw(data: bytes) -> None:
    """Print bytes as they are."""
    flush()
    unwritten = memoryview(data)
    while unwritten:
        try:
            unwritten = unwritten[os.write(1, unwritten) :]
        except BlockingIOError:
            from envfs_cli import standard_streams

            standard_streams.wait_until_writable(1)
        except OSError as failure:
            raise _lost(failure) from None


def check_writable() -> None:
    """Find out whether a result can be written, before there is one that must not be lost.

    Raises:
        EnvFSError: standard output is closed, or for reading only
    """
    try:
        os.write(1, b"")
    except OSError as failure:
        raise EnvFSError(
            f"cannot write to standard output: {safe_open.error_words(failure)}", "nothing was changed"
        ) from None


def _discard(number: int) -> None:
    from envfs_cli import standard_streams  # what it needs is slow to load

    standard_streams.discard_stream(number)


def _lost(failure: OSError) -> Exception:
    _discard(1)
    if isinstance(failure, BrokenPipeError):
        return failure
    return EnvFSError(
        f"cannot write to standard output: {safe_open.error_words(failure)}", "the result is lost; try again elsewhere"
    )


def as_json(value: object) -> None:
    """Print a value as one line of JSON."""
    import json

    print_line(json.dumps(value))  # ASCII alone: nothing in it can speak to a terminal


def rows_json(rows: "Sequence[NamedTuple]") -> None:
    """Print rows as one JSON array of objects."""
    as_json([wire.fields_of(row) for row in rows])


def message_json(message: "NamedTuple") -> None:
    """Print a message as one JSON object."""
    as_json(wire.fields_of(message))


def print_table(heads: "Sequence[str]", rows: "Sequence[Sequence[str]]", *, none: str, whole: bool = False) -> None:
    """Print rows in columns: aligned under heads on a terminal, tab-separated in a pipe.

    Cells are broken between words where the terminal is too narrow. `whole`: they are not, for they hold values.
    Without a row nothing is printed, and `none` says to a person on standard error what there is none of.
    """
    cells = [[clean(cell) for cell in row] for row in rows]
    if not cells:
        if none:
            done(none)
        return
    if not on_terminal():
        for row in cells:
            print_line("\t".join(row))
        return
    from envfs_cli import line_wrap, table_layout

    widths = table_layout.column_widths([heads, *cells], sys.maxsize if whole else line_wrap.table_width())
    for line in table_layout.row_lines(heads, widths):
        print_line(paint(line, "head"))
    for row in cells:
        for line in table_layout.row_lines(row, widths):
            print_line(line)


def print_field(before: str, label: str, after: str, text: str, style: "Style | None" = None) -> None:
    """Print a text behind a label, which has a style. On a terminal further lines of it begin below its first one."""
    label = clean(label)
    blank = " " * len(before + label + after)
    first, *others = lines_below(blank, text)
    print_line("\n".join([before + (paint(label, style) if style else label) + after + first[len(blank) :], *others]))


def lines_below(indent: str, text: str) -> list[str]:
    """Return a text as lines behind an indent: as many as the terminal's width takes, in a pipe one."""
    if not on_terminal():
        return [indent + clean(text)]
    from envfs_cli import line_wrap

    return line_wrap.wrap_paragraph(clean(text), line_wrap.terminal_width(), indent, indent)


def clear_screen() -> None:
    """Clear the terminal, if it is one that can be."""
    if on_terminal() and os.environ.get("TERM", "dumb") not in ("", "dumb"):
        raw(_CLEAR)


def on_terminal() -> bool:
    """Tell whether results go to a terminal."""
    return sys.stdout.isatty()


def paint(text: str, style: "Style", terminal: "bool | None" = None) -> str:
    """Colour text if it goes to a terminal that has colours, and the person did not refuse them."""
    if terminal is None:
        terminal = on_terminal()
    return f"{_COLOURS[style]}{text}{_PLAIN}" if terminal and colours_are_wanted() else text


def colours_are_wanted() -> bool:
    """Tell whether the environment lets a terminal be coloured: by NO_COLOR, CLICOLOR and TERM."""
    environ = os.environ
    return not (environ.get("NO_COLOR") or environ.get("CLICOLOR") == "0" or environ.get("TERM") in ("", "dumb"))


def shown_time(time: str) -> str:
    """Return a time of RFC 3339 (UTC) to the second as the output has it: on a terminal in this process's own zone."""
    return (local_time(time)[:_SECONDS] if time and on_terminal() else time[:_SECONDS]).replace("T", " ")


def local_time(time: str) -> str:
    """Return a time of RFC 3339 (UTC) to the second, in this process's own zone: as it may stand behind LEVEL@."""
    from datetime import UTC, datetime

    try:
        moment = datetime.fromisoformat(time)
    except ValueError:
        return time  # it is no time
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone().isoformat("T", "seconds")


def clean(text: str) -> str:
    """Make control characters visible."""
    if text.isprintable():
        return text
    from envfs.core.visible_text import visible_text  # seldom needed, so it is not loaded each time

    return visible_text(text)

"""What is printed: aligned on a terminal, plain in a pipe, and no name can rewrite the screen."""

import contextlib
import io
import json
import time
from collections.abc import Iterator

import pytest

from envfs.errors import EnvFSError, NotApproved
from envfs.protocol.control import LevelRow, Written
from envfs_cli import output

HOSTILE = "a\x1b]0;x\x07b\x1b[2J\r\n\x00\x7f\x9b2J\u202e\u2028\ufeff\ud800"


class Terminal(io.StringIO):
    """Standard output as a person sees it."""

    def isatty(self) -> bool:
        return True


@contextlib.contextmanager
def a_terminal() -> Iterator[Terminal]:
    """Let both outputs be a screen."""
    screen = Terminal()
    with contextlib.redirect_stdout(screen), contextlib.redirect_stderr(screen):
        yield screen


@pytest.fixture(autouse=True)
def _colours_as_they_come(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "CLICOLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", ""),
        ("plain text / 7", "plain text / 7"),
        ("ünïcödé 漢字 🔑", "ünïcödé 漢字 🔑"),
        ("a\tb\nc", "a\\x09b\\x0ac"),
        ("\x1b[31m", "\\x1b[31m"),
        ("\x9b", "\\x9b"),
        ("\u202eabc", "\\x202eabc"),
        ("\x7f", "\\x7f"),
    ],
)
def test_control_characters_are_made_visible(text: str, shown: str) -> None:
    assert output.clean(text) == shown


def test_whatever_comes_nothing_unprintable_is_left() -> None:
    everything = "".join(map(chr, range(0x3000))) + HOSTILE
    assert output.clean(everything).isprintable()


def test_in_a_pipe_a_table_is_lines_with_tabs_and_no_heads(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_table(("NAME", "LEVEL"), [("A", "/"), ("LONGER", "/shop"), ("", "x")], none="")
    assert capsys.readouterr().out == "A\t/\nLONGER\t/shop\n\tx\n"


def test_in_a_pipe_no_cell_can_make_a_second_cell_or_line(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_table(("NAME", "LEVEL"), [("a\tb\nc", HOSTILE)], none="")
    out = capsys.readouterr().out
    assert out.count("\n") == out.count("\t") == 1


def test_on_a_terminal_an_empty_table_is_said_in_words() -> None:
    with a_terminal() as terminal:
        output.print_table(("NAME",), [], none="there is none")
    assert terminal.getvalue() == "there is none\n"


def test_an_empty_table_is_nothing_in_a_pipe_whatever_is_said_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_table(("NAME",), [], none="there is none")
    assert capsys.readouterr() == ("", "")


def test_what_there_is_none_of_is_no_result(capsys: pytest.CaptureFixture[str]) -> None:
    screen = Terminal()
    with contextlib.redirect_stderr(screen):
        output.print_table(("NAME",), [], none="there is none")
    assert (capsys.readouterr().out, screen.getvalue()) == ("", "there is none\n")


def test_on_a_terminal_a_table_is_aligned_under_its_heads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    with a_terminal() as terminal:
        output.print_table(("NAME", "LEVEL"), [("A", "/"), ("LONGER", "/shop")], none="")
    assert terminal.getvalue() == "NAME    LEVEL\nA       /\nLONGER  /shop\n"


@pytest.mark.parametrize(("name", "value"), [("CLICOLOR", "0"), ("TERM", "dumb"), ("TERM", ""), ("NO_COLOR", "yes")])
def test_colours_stay_away_where_the_environment_says_so(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "\x1b[" in output.paint("word", "bad", terminal=True)
    monkeypatch.setenv(name, value)
    assert output.paint("word", "bad", terminal=True) == "word"


def test_on_a_terminal_heads_have_a_colour_unless_it_is_not_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    with a_terminal() as terminal:
        output.print_table(("NAME",), [("A",)], none="")
    assert "\x1b[1m" in terminal.getvalue()
    monkeypatch.setenv("NO_COLOR", "1")
    assert output.paint("x", "bad") == "x"


@pytest.mark.parametrize("style", ["good", "bad", "warn", "dim", "head"])
def test_in_a_pipe_nothing_is_coloured(style: str) -> None:
    assert output.paint("x", style, terminal=False) == "x"
    assert output.paint("x", style, terminal=True).startswith("\x1b[")


def test_an_error_and_its_hint_go_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    output.error(NotApproved("uid 7 is not approved", "ask the owner"))
    output.error(EnvFSError("it failed"))
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err == ("envfs: error: uid 7 is not approved\nenvfs: hint: ask the owner\nenvfs: error: it failed\n")


@pytest.mark.parametrize("say", [output.note, lambda text: output.error(EnvFSError(text, text))], ids=["note", "error"])
def test_no_message_can_rewrite_the_screen(say: object, capsys: pytest.CaptureFixture[str]) -> None:
    say(HOSTILE)  # type: ignore[operator]
    assert all(line.isprintable() for line in capsys.readouterr().err.splitlines())


def test_what_was_done_is_said_to_a_person_only(capsys: pytest.CaptureFixture[str]) -> None:
    output.done("it is done")
    assert capsys.readouterr() == ("", "")


def test_what_was_done_is_said_on_a_terminal() -> None:
    with a_terminal() as terminal:
        output.done("it is done")
    assert terminal.getvalue() == "it is done\n"


@pytest.mark.parametrize("value", [[], {}, [1, "a", None], {"a": HOSTILE, "b": ["é"]}, "\u2028", HOSTILE])
def test_json_is_one_line_without_control_characters_and_comes_back(
    value: object, capsys: pytest.CaptureFixture[str]
) -> None:
    output.as_json(value)
    out = capsys.readouterr().out
    assert out.endswith("\n")
    assert json.loads(out) == value
    assert out[:-1].isprintable()


def test_messages_are_objects_and_rows_an_array(capsys: pytest.CaptureFixture[str]) -> None:
    output.message_json(Written("/", 2, ("A",)))
    output.rows_json([LevelRow("/", 1, "now", True)])
    written, rows = map(json.loads, capsys.readouterr().out.splitlines())
    assert written == {"level": "/", "version": 2, "added": ["A"], "changed": [], "removed": [], "notes": []}
    assert rows == [{"level": "/", "version": 1, "time": "now", "allowed": True}]


def test_raw_bytes_come_after_the_lines_before_them_and_unchanged(capfd: pytest.CaptureFixture[str]) -> None:
    output.print_line("before")
    output.raw(b"\x1b\xc3\xa9\n" + b"x" * 200_000)
    assert capfd.readouterr().out == "before\n\x1bé\n" + "x" * 200_000


def test_a_text_behind_a_label_goes_on_below_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "40")
    with a_terminal() as terminal:
        output.print_field("  ", "kind", "  ", "a text that is longer than forty columns are wide")
    assert terminal.getvalue() == "  kind  a text that is longer than forty\n        columns are wide\n"


def test_in_a_pipe_a_text_behind_a_label_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_field("", "kind", "  ", f"{'a long text ' * 20}{HOSTILE}", "bad")
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    assert out.startswith("kind  a long text a long text ")
    assert out.rstrip("\n").isprintable()


def test_values_in_a_table_are_not_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "40")
    value = "a value with blanks " * 5
    with a_terminal() as terminal:
        output.print_table(("NAME", "VALUE"), [("A", value)], whole=True, none="")
    assert f"A     {value}".rstrip() in terminal.getvalue()


def test_a_time_is_of_here_on_a_terminal_and_utc_in_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as context:
        context.setenv("TZ", "NPT-5:45")
        time.tzset()
        for given in ("2026-11-21T20:00:05.123456Z", "2026-11-21T20:00:05"):
            assert output.shown_time(given) == "2026-11-21 20:00:05"
            assert output.local_time(given) == "2026-11-22T01:45:05+05:45"
            with a_terminal():
                assert output.shown_time(given) == "2026-11-22 01:45:05"
        with a_terminal():
            assert output.shown_time("") == ""
    time.tzset()

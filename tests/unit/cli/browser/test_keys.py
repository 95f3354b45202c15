"""Keys of the browser, from a pipe: what each shows, and which command it becomes."""

import pytest

from envfs.errors import Locked, NotApproved
from envfs.protocol import control
from envfs_cli.browser import application
from envfs_cli.browser.runner import Caught
from envfs_cli.browser.state import Mode
from tests.unit.cli.browser.fake_browser import VALUE, FakeAsker, FakeRunner, Pressed, becomes, browse
from tests.unit.cli.fake_daemon import HOSTILE

UP, DOWN, RIGHT, LEFT, END = "\x1b[A", "\x1b[B", "\x1b[C", "\x1b[D", "\x1b[F"
CTRL_C, ESC, ENTER, TAB = "\x03", "\x1b", "\r", "\t"
QUESTION = control.QuestionRow(
    *("q7", "open", 1000, "ann", "/shop/prod", 3, "dotenv", "mount", 2, "/bin/cat\x1b[2J", "", "/", "", "because"),
    (control.ProcessFact(9, 1000, "cat .env", terminal=True),),
    *(1, "2026-11-30T10:00:00Z", 100, ("once", "process")),
)


def test_walking_shows_the_names_of_the_selected_level(monkeypatch: pytest.MonkeyPatch) -> None:
    async def script(on: Pressed, asker: FakeAsker, _runner: FakeRunner) -> None:
        assert on.state.names.names == ("API_KEY", "DB_URL")
        await on.press(RIGHT, DOWN, DOWN)
        assert on.state.level == "/shop/prod"
        assert [row.cells[2] for row in on.state.names.listing.rows] == ["/shop", "/shop/prod"]
        await on.press(LEFT)
        assert on.state.level == "/shop"
        await on.press(LEFT, "h", "h")
        assert on.state.level == "/"

    browse(monkeypatch, script)


def test_names_of_a_level_that_is_only_passed_are_not_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    async def script(on: Pressed, asker: FakeAsker, _runner: FakeRunner) -> None:
        asker.asked.clear()
        await on.press(DOWN + UP + DOWN)
        assert [request.level for request in asker.asked if isinstance(request, control.ListPresence)] == ["/web"]

    browse(monkeypatch, script)


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ((TAB, "d", "y"), ["unset", "/shop", "API_KEY"]),
        ((TAB, "g", ENTER), ["generate", "--set", "/shop", "API_KEY"]),
        ((TAB, "g", "--length 40", ENTER), ["generate", "--set", "/shop", "API_KEY", "--length", "40"]),
        (("g", "FRESH --uuid", ENTER), ["generate", "--set", "/shop", "FRESH", "--uuid"]),
        ((TAB, "c", "/web", ENTER), ["cp", "/shop", "/web", "--only", "API_KEY"]),
        ((TAB, "m", "dev", ENTER), ["mv", "/shop", "/shop/dev", "--only", "API_KEY"]),
        (("c", "/web", ENTER), ["cp", "/shop", "/web"]),
        (("m", "/store", ENTER), ["mv", "/shop", "/store"]),
        ((TAB, "r", "2", ENTER), ["rename", "/shop", "API_KEY", "API_KEY2"]),
        (("r", "2", ENTER), ["mv", "/shop", "/shop2"]),
        (("d", "y"), ["rm", "/shop", "--yes"]),
        (("d", "b"), ["rm", "/shop", "--yes", "--below"]),
        (("u", "y"), ["rollback", "/shop", "@-1", "--yes"]),
        (("2", TAB, DOWN, "b", "y"), ["rollback", "/shop", "249", "--yes"]),
        (("a", "ann", ENTER), ["grant", "/shop", "--user", "ann"]),
        (("a", "--exe /usr/bin/app --ttl 1h", ENTER), ["grant", "/shop", "--exe", "/usr/bin/app", "--ttl", "1h"]),
        (("3", TAB, "d", "y"), ["revoke", "g1"]),
        (("L", "y"), ["lock"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_key_becomes_a_command(keys: tuple[str, ...], words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    async def script(on: Pressed, _asker: FakeAsker, runner: FakeRunner) -> None:
        await on.press(*keys)
        assert runner.ran == [words]
        assert on.state.message == "said by the command"

    browse(monkeypatch, script)


@pytest.mark.parametrize("key", ["n", "x", ENTER, ESC, CTRL_C, " ", DOWN])
def test_any_key_but_y_changes_nothing(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def script(on: Pressed, _asker: FakeAsker, runner: FakeRunner) -> None:
        await on.press(TAB, "d", key)
        assert runner.ran == []
        assert on.state.mode is Mode.LISTS
        assert on.state.message == "nothing was changed"

    browse(monkeypatch, script)


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ((TAB, "s"), ["set", "/shop", "API_KEY"]),
        (("n", "FRESH", ENTER), ["set", "/shop", "FRESH"]),
        (("e",), ["edit", "/shop"]),
        (("U",), ["unlock", "shop"]),
    ],
)
def test_a_command_that_asks_gets_the_terminal(
    keys: tuple[str, ...], words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def script(on: Pressed, _asker: FakeAsker, runner: FakeRunner) -> None:
        await on.press(*keys)
        assert (runner.at_terminal, runner.ran) == ([words], [])

    browse(monkeypatch, script)


def test_an_inherited_variable_is_changed_where_it_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    async def script(on: Pressed, _asker: FakeAsker, runner: FakeRunner) -> None:
        await on.press(TAB, "d")
        assert (runner.ran, on.state.mode) == ([], Mode.LISTS)
        assert "set by /shop" in on.state.message
        await on.press(ENTER)
        assert (on.state.level, on.state.names.listing.key) == ("/shop", "API_KEY")

    browse(monkeypatch, script, "/shop/prod")


@pytest.mark.parametrize("key", [DOWN, "x", "1", ESC, "?", TAB])
def test_a_value_is_hidden_and_wiped_by_the_next_key(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def script(on: Pressed, _asker: FakeAsker, runner: FakeRunner) -> None:
        await on.press(TAB, "v")
        assert runner.ran == [["get", "/shop", "API_KEY"]]
        shown = on.state.revealed
        assert shown is not None
        assert bytes(shown.value) == VALUE
        await on.press(key)
        assert on.state.revealed is None
        assert not any(shown.value)

    browse(monkeypatch, script)


def test_a_value_is_hidden_after_some_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(application, "SHOWN_SECONDS", 0.01)

    async def script(on: Pressed, _asker: FakeAsker, _runner: FakeRunner) -> None:
        await on.press(TAB, "v")
        await becomes(lambda: on.state.revealed is None, "the value is hidden")

    browse(monkeypatch, script)


def test_a_value_that_is_refused_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    async def script(on: Pressed, _asker: FakeAsker, runner: FakeRunner) -> None:
        runner.answer = Caught(102, ("error: no grant",), bytearray())
        await on.press(TAB, "v")
        assert on.state.revealed is None
        assert (on.state.message, on.state.message_style) == ("error: no grant", "bad")

    browse(monkeypatch, script)


def test_a_filter_shows_what_has_the_text_and_escape_shows_all(monkeypatch: pytest.MonkeyPatch) -> None:
    async def script(on: Pressed, _asker: FakeAsker, _runner: FakeRunner) -> None:
        await on.press("/", "prod")
        assert [row.key for row in on.state.levels.shown] == ["/shop/prod", "/shop/prod/eu"]
        await on.press(DOWN, ENTER)
        assert on.state.level == "/shop/prod/eu"
        await on.press(ESC)
        assert on.state.levels.key == "/shop/prod/eu"
        assert "/web" in [row.key for row in on.state.levels.shown]
        await on.press(TAB, "/", "url", ENTER)
        assert [row.key for row in on.state.names.listing.shown] == ["DB_URL"]
        await on.press("/", ESC)
        assert len(on.state.names.listing.shown) == 2

    browse(monkeypatch, script)


def test_older_versions_are_read_when_the_last_one_is_selected(monkeypatch: pytest.MonkeyPatch) -> None:
    async def script(on: Pressed, _asker: FakeAsker, _runner: FakeRunner) -> None:
        await on.press("2", TAB)
        assert len(on.state.history.listing.rows) == 100
        await on.press(END, END, END, END)
        assert len(on.state.history.listing.rows) == 250
        assert on.state.history.version == 1

    browse(monkeypatch, script)


def test_a_marked_version_is_compared_with_the_selected_one(monkeypatch: pytest.MonkeyPatch) -> None:
    async def script(on: Pressed, asker: FakeAsker, _runner: FakeRunner) -> None:
        await on.press("2", TAB, " ", DOWN, DOWN)
        assert control.CompareLevels("/shop", 248, other_version=250, own=True) in asker.asked
        assert "+NEW" in str(on.state.history.details())
        await on.press(UP, " ")
        assert on.state.history.marked == 249
        await on.press(" ")
        assert on.state.history.marked == 0

    browse(monkeypatch, script)


def test_a_question_is_answered_after_it_was_opened_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    async def script(on: Pressed, _asker: FakeAsker, runner: FakeRunner) -> None:
        await on.press("4", "y", "p")
        on.state.approvals.take_changes([QUESTION])
        await on.press("y", "p", "!")
        assert runner.ran == []
        await on.press(ENTER)
        assert on.state.text is not None
        assert "\x1b" not in str([text for line in on.state.text.lines for _, text in line])
        await on.press("x", "w")  # what this question does not offer
        assert runner.ran == []
        await on.press("p")
        assert runner.ran == [["approvals", "respond", "q7", "yes", "--for", "process"]]

    browse(monkeypatch, script)


def test_a_question_that_ended_while_it_was_read_is_not_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    async def script(on: Pressed, _asker: FakeAsker, runner: FakeRunner) -> None:
        on.state.approvals.take_changes([QUESTION])
        await on.press("!", ENTER)
        on.state.approvals.take_changes([QUESTION._replace(state="timed-out")])
        await on.press("y")
        assert runner.ran == []
        assert on.state.message == "q7 has ended"

    browse(monkeypatch, script)


def test_a_typed_name_that_is_none_is_refused_and_nothing_is_run(monkeypatch: pytest.MonkeyPatch) -> None:
    async def script(on: Pressed, _asker: FakeAsker, runner: FakeRunner) -> None:
        await on.press("n", "A=hunter2", ENTER)
        assert (runner.at_terminal, on.state.message_style) == ([], "bad")
        assert "hunter2" not in on.state.message

    browse(monkeypatch, script)


@pytest.mark.parametrize(("line", "part"), [("frobnicate", "no such command"), ("get 'x", "quote"), ("ui", "already")])
def test_a_line_that_is_no_command_says_so(line: str, part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def script(on: Pressed, _asker: FakeAsker, runner: FakeRunner) -> None:
        await on.press(":", line, ENTER)
        assert part in on.state.message

    browse(monkeypatch, script)


def test_cd_and_help_are_as_in_the_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    async def script(on: Pressed, _asker: FakeAsker, _runner: FakeRunner) -> None:
        await on.press(":", "cd prod/eu", ENTER)
        assert on.state.level == "/shop/prod/eu"
        await on.press(":", "help set", ENTER)
        assert on.state.text is not None
        assert "envfs set" in str(on.state.text.lines)

    browse(monkeypatch, script)


@pytest.mark.parametrize("error", [Locked("the vault is locked", "unlock it"), NotApproved("not for you")])
def test_a_refusal_stands_in_the_place_of_rows(error: Locked, monkeypatch: pytest.MonkeyPatch) -> None:
    async def script(on: Pressed, asker: FakeAsker, _runner: FakeRunner) -> None:
        asker.refused[control.ListPresence] = error
        await on.press(DOWN)
        assert on.state.names.names == ()
        assert error.text in on.state.names.note

    browse(monkeypatch, script)


def test_readers_that_are_not_told_say_why_in_full(monkeypatch: pytest.MonkeyPatch) -> None:
    async def script(on: Pressed, asker: FakeAsker, _runner: FakeRunner) -> None:
        asker.refused[control.ListGrants] = NotApproved("that is for those who may give rules")
        asker.refused[control.ReadLog] = NotApproved("that is for those who may read the log")
        await on.press("3", TAB)
        assert "give rules" in str(on.state.readers.details())
        await on.press("d", END)
        assert on.state.mode is Mode.LISTS  # no rule is selected
        assert "read the log" in str(on.state.readers.details())

    browse(monkeypatch, script)


def test_entries_of_the_log_that_come_first_select_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    async def script(on: Pressed, _asker: FakeAsker, _runner: FakeRunner) -> None:
        on.state.readers.take_entries([control.LogRow('{"seq":1,"event":"read","uid":7,"pid":7}')])
        assert on.state.readers.listing.rows == ()
        await on.press("3", TAB)
        assert on.state.readers.rule_id == "g1"
        on.state.readers.take_entries([control.LogRow('{"seq":2,"event":"read","uid":7,"pid":7}')])
        assert on.state.readers.rule_id == "g1"
        assert on.state.readers.listing.rows[-1].key == "entry 2"

    browse(monkeypatch, script)


def test_a_word_of_others_never_speaks_to_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    async def script(on: Pressed, asker: FakeAsker, runner: FakeRunner) -> None:
        asker.refused[control.ListPresence] = NotApproved(HOSTILE)
        await on.press(DOWN)
        assert "pwned" in on.state.names.note
        assert on.state.names.note.isprintable()
        runner.answer = Caught(1, (HOSTILE,), bytearray())
        await on.press("u", "y")
        assert "pwned" in on.state.message
        assert on.state.message.isprintable()

    browse(monkeypatch, script)


def test_help_lists_every_key_and_any_key_leaves_it(monkeypatch: pytest.MonkeyPatch) -> None:
    async def script(on: Pressed, _asker: FakeAsker, _runner: FakeRunner) -> None:
        await on.press("?", DOWN)
        assert on.state.mode is Mode.TEXT
        await on.press("z")
        assert on.state.mode is Mode.LISTS

    browse(monkeypatch, script)


@pytest.mark.parametrize(("key", "status"), [("q", 0), (CTRL_C, 130), (":exit\r", 0)])
def test_a_key_leaves(key: str, status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    async def script(on: Pressed, _asker: FakeAsker, _runner: FakeRunner) -> None:
        await on.press(key)
        await becomes(lambda: not on.browser.application.is_running, "it leaves")

    assert browse(monkeypatch, script) == status

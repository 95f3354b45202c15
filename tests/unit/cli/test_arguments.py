"""A command line is read as the grammar says, or ends with status 2 and a word about it."""

import re

import pytest

from envfs_cli import arguments, grammar
from envfs_cli.arguments import Mistake
from envfs_cli.grammar import Command

Values = dict[str, object]
COMMANDS = [pytest.param(command, id=command.name) for command in grammar.all_commands()]


def read(line: str) -> Values:
    name, *words = line.split()
    command = grammar.find_command(name)
    assert command is not None
    return dict(arguments.read_values(command, words))


def given(line: str) -> Values:
    """Return what a line gives beside the defaults."""
    return {name: value for name, value in read(line).items() if value not in (None, False, ())}


@pytest.mark.parametrize(
    ("line", "values"),
    [
        ("get /shop A", {"level": "/shop", "name": "A"}),
        ("get --version 3 shop A", {"level": "shop", "name": "A", "version": 3}),
        ("get shop --version 3 A", {"level": "shop", "name": "A", "version": 3}),
        ("get shop A --version=3", {"level": "shop", "name": "A", "version": 3}),
        ("ls", {}),
        ("ls /", {"level": "/"}),
        ("ls --json /shop", {"level": "/shop", "json": True}),
        ("import - /shop --replace", {"file": "-", "level": "/shop", "replace": True}),
        ("set / A --from-file -", {"level": "/", "name": "A", "from_file": "-"}),
        ("export / -f json -o out", {"level": "/", "format": "json", "output": "out"}),
        ("export / --format environ", {"level": "/", "format": "environ"}),
        ("grant /shop --uid 0 --ttl 15m", {"level": "/shop", "uid": 0, "ttl": 900}),
        ("log -n 0 --follow", {"lines": 0, "follow": True}),
        ("log verify", {"action": "verify"}),
        ("rollback /shop 7 A,B -y", {"level": "/shop", "version": "7", "names": "A,B", "yes": True}),
        ("history /shop --lines 5", {"level": "/shop", "lines": 5}),
        ("exec /shop -- env", {"level": "/shop", "command": ("env",)}),
        ("run /shop -- env", {"level": "/shop", "command": ("env",)}),
        ("exec /shop --only A,B -- env", {"level": "/shop", "only": ("A", "B"), "command": ("env",)}),
        ("exec --only A /shop -- env", {"level": "/shop", "only": ("A",), "command": ("env",)}),
        ("exec /shop --only=A -- env", {"level": "/shop", "only": ("A",), "command": ("env",)}),
        ("exec /shop -- env -- --only B", {"level": "/shop", "command": ("env", "--", "--only", "B")}),
        ("exec /shop -- --help", {"level": "/shop", "command": ("--help",)}),
        ("exec /shop -- -", {"level": "/shop", "command": ("-",)}),
        ("get -- /shop A", {"level": "/shop", "name": "A"}),
        ("exec /shop --explain", {"level": "/shop", "explain": True}),
        ("exec --explain", {"explain": True}),
        ("exec -- env", {"command": ("env",)}),
        ("exec --only A -- env", {"only": ("A",), "command": ("env",)}),
        ("exec --only=A -- env", {"only": ("A",), "command": ("env",)}),
        ("get A", {"name": "A"}),
        ("get --version=3 A", {"name": "A", "version": 3}),
        ("set A --template", {"name": "A", "template": True}),
        ("show --json", {"json": True}),
        ("export -f json", {"format": "json"}),
        ("import f /shop -f yaml -n", {"file": "f", "level": "/shop", "format": "yaml", "dry_run": True}),
        ("import . /shop --order vite", {"file": ".", "level": "/shop", "order": "vite"}),
        ("link /shop", {"folder": "/shop"}),
        ("link web /shop --import", {"folder": "web", "level": "/shop", "import_": True}),
        ("link --remove", {"remove": True}),
        ("mount --foreground /mnt", {"path": "/mnt", "foreground": True}),
    ],
)
def test_a_line_is_read_as_it_was_meant(line: str, values: Values) -> None:
    found = given(line)
    uid = {"uid": 0} if values.get("uid") == 0 else {}  # 0 is a value too
    lines = {"lines": 0} if values.get("lines") == 0 else {}
    assert found | uid | lines == values
    assert {**read(line), **values} == read(line)


MISTAKES = [
    "get",
    "get /shop",
    "get /shop A B",
    "get /shop A --reveal",
    "get /shop A --version",
    "get /shop A --version x",
    "get /shop A --version -1",
    "get /shop A --version 1.5",
    "get /shop A --version \N{ARABIC-INDIC DIGIT THREE}",
    "get /shop A --version 1 2",
    "export / -f xml",
    "export / -f",
    "set / A value",
    "ls / /shop",
    "ls --jsn",
    "log -n",
    "log -n five",
    "completion tcsh",
    "grant /shop --ttl 1",
    "grant /shop --uid 1 --ttl 5x",
    "grant /shop --uid 1 --ttl m",
    "grant /shop --uid 1 --ttl -5m",
    "grant /shop --uid 1 --ttl 0s",
    "grant /shop --uid 1 --ttl 00d",
    "grant /shop --uid x",
    "grant /shop --uid -1",
    "exec",
    "exec /shop",
    "exec /shop --",
    "exec /shop --only A",
    "exec /shop --only A --",
    "exec /shop --onyl A -- env",
    "exec /shop --only -- env",
    "exec /shop --only A,,B -- env",
    "exec /shop --only , -- env",
    "exec /shop --yaml -- env",
    "exec /shop env",
    "exec /shop env -- env",
    "exec env --",
    "get shop/prod",
    "set /shop --json",
    "get --version=3 /shop",
    "show / /shop",
    "rollback /shop",
    "unmount now",
    "status --json=1",
]


@pytest.mark.parametrize("line", MISTAKES)
def test_a_mistake_ends_with_status_2_and_a_word_about_it(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        read(line)
    assert caught.value.code == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert f"envfs {'exec' if line.startswith('exec') else line.split(maxsplit=1)[0]}: error:" in shown.err


@pytest.mark.parametrize("command", COMMANDS)
def test_a_word_that_no_command_knows_is_a_mistake_of_each(
    command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        arguments.read_values(command, ["--no-such-option"])
    assert caught.value.code == 2
    assert "usage:" in capsys.readouterr().err


@pytest.mark.parametrize("before", [[], ["/shop"]], ids=["first", "after a level"])
@pytest.mark.parametrize("flag", ["--help", "-h"])
@pytest.mark.parametrize("command", COMMANDS)
def test_help_is_given_wherever_it_is_asked_for(
    command: Command, flag: str, before: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    if not command.arguments and before:
        return
    with pytest.raises(SystemExit) as caught:
        arguments.read_values(command, [*before, flag])
    assert caught.value.code == 0
    shown = capsys.readouterr().out
    assert command.summary[1:] in " ".join(shown.split())
    assert all(option.flags[0] in shown for option in command.options)
    joined = re.sub(r" \\\n +", " ", shown)
    assert all(example in joined for example in command.examples)


@pytest.mark.parametrize("command", COMMANDS)
def test_an_option_or_a_word_that_may_be_left_out_is_not_empty(
    command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    # as of a variable of the shell that is not set. `recovery -o "$SHEET"` would print the key, `lock "$IT"` lock all
    flags = [option.flags[-1] for option in command.options if option.kind != "flag"]
    empty = [word for flag in flags if flag != "--message" for word in ([flag, ""], [f"{flag}="])]
    words = ["X" if not part.choices else part.choices[0] for part in command.arguments if not part.optional]
    if any(
        part.optional and part.kind not in ("words", "command") and not part.may_be_empty for part in command.arguments
    ):
        empty.append([*words, ""])
    for line in empty:
        with pytest.raises((SystemExit, Mistake)) as caught:
            arguments.read_values(command, line)
        assert caught.value.code in (2, Mistake.code)
        assert isinstance(caught.value, Mistake) or "it is empty" in capsys.readouterr().err


def test_an_empty_message_is_none() -> None:
    command = grammar.find_command("unset")
    assert command is not None
    assert arguments.read_values(command, ["/shop", "A", "-m", ""])["message"] == ""


ACTIONS = [(command, "") for command in grammar.all_commands() if command.name in ("project", "key", "keyring")]
ACTIONS += [
    (command, "hunter2") for command in grammar.all_commands() if command.name in ("project", "key", "keyring", "log")
]


@pytest.mark.parametrize(("command", "word"), ACTIONS, ids=lambda each: getattr(each, "name", each or "none"))
def test_an_action_that_lacks_or_is_unknown_is_answered_with_all_there_are(command: Command, word: str) -> None:
    with pytest.raises(Mistake) as caught:
        arguments.read_values(command, [word] if word else [])
    assert all(choice in caught.value.text for choice in command.arguments[0].choices)
    assert f"`envfs {command.name} --help`" in caught.value.hint
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(("text", "found"), [("A", ("A",)), ("A,B", ("A", "B")), (" A , B ", ("A", "B"))])
def test_lists_are_names_with_commas(text: str, found: tuple[str, ...]) -> None:
    assert arguments.name_list(text) == found


@pytest.mark.parametrize("text", ["", ",", "A,", ",A", "A,,B", " "])
def test_a_list_has_no_empty_name(text: str) -> None:
    with pytest.raises(ValueError, match="empty"):
        arguments.name_list(text)


@pytest.mark.parametrize(
    "text", ["", "-1", "+1", "1.0", "1e3", "x", " 1", "1 ", "\N{ARABIC-INDIC DIGIT THREE}", "0x1", "1_000"]
)
def test_a_number_is_digits_only(text: str) -> None:
    assert arguments.parse_number("007") == 7
    with pytest.raises(ValueError, match="number"):
        arguments.parse_number(text)

"""What can be refused is refused before a person is asked, and no message repeats what may be a value.

Of the lines with a value in a wrong place, each option of each command with four of them, `make test` tries every
third, so that it tries each option. Of the lines that a locked vault refuses it tries one for each command, and one for
each status. In the shell it tries one line of each command. `make soak` tries the others.
"""

import re
import shlex
import stat
from pathlib import Path

import pytest

from envfs_cli import grammar
from tests.system.home import ENVFS, SECONDS, Home, as_user
from tests.system.terminal import ForkedTerminal, Terminal

STRANGER = 4711
ASKED = re.compile(r"^(?:\x1b\[\?2004h)?(?:new )?(?:passphrase|value|the same again)\b.*: ?", re.MULTILINE)


def refused(home: Home, line: str, status: int, uid: int = 0) -> str:
    """Run a command on a terminal; it must end with `status` and ask nothing. Returns what it showed, in one line."""
    words, environ = shlex.split(line), home.environ()
    is_forked = home.can_fork(words, uid, environ)
    with ForkedTerminal(words, environ) if is_forked else Terminal([*as_user(uid), ENVFS, *words], environ) as terminal:
        ended = terminal.end(2 * SECONDS)
    assert (ended, ASKED.findall(terminal.shown)) == (status, []), terminal.shown
    return " ".join(terminal.shown.split())  # messages are wrapped to the terminal


# of a vault under a passphrase that nobody serves
LOCKED = {
    "set /app A=b": 105,
    "set /app 1A": 105,
    "set /app/../x A": 105,
    "set /.hidden A": 105,
    "set A": 2,
    "set /app": 2,
    "set /app A b": 2,
    "set /app A --emtpy": 2,
    "set /app A --from-file /nowhere": 100,
    "set /app A --empty --from-file /etc/hostname": 2,
    "get /app 1A": 105,
    "get /.x A": 105,
    "get /app A --version x": 2,
    "get /app A --version 7": 103,
    "get /none A": 103,
    "get /app A --passphrase-file /nowhere": 100,
    "rm /none -y": 103,
    "rm /..": 105,
    "rm / -y": 101,
    "forget /none -y": 103,
    "forget /..": 105,
    "forget /app --before x": 2,
    f"forget /app --before {'9' * 5000} -y": 103,
    "diff /none": 103,
    "diff /app@7": 103,
    "diff /..": 105,
    "edit /..": 105,
    "mv /none /app2": 103,
    "mv /app /..": 105,
    "cp /none /x": 103,
    "cp /app /..": 105,
    "authors name": 2,
    "authors forget nobody": 103,
    "sync start": 2,
    "sync start ssh://a:b@c/d": 101,
    "sync resolve": 2,
    "sync log later": 2,
    "log --machine ben --all-machines": 2,
    "log stats --all-machines": 2,
    "sync resolve /app": 2,
    "sync resolve /app --mine": 103,
    "sync resolve /.. --mine": 105,
    "sync rejoin": 113,
    "sync accept": 123,
    "member invite": 2,
    "member role ben --role king": 2,
    "member invite ben --level /..": 105,
    "generate A --set /..": 105,
    "generate --set /app": 2,
    "rotate /none A": 103,
    "rotate /.. A": 105,
    "stale /none": 103,
    "scan / --level /none": 103,
    "scan / --level /..": 105,
    "stale /..": 105,
    "push gh /none A --dry-run": 103,
    "push gh /app A-B": 106,
    "push vercel /app A": 2,
    "get /none A --presence": 103,
    "ls /none --names": 103,
    "incident /none A": 103,
    "holders /none A": 103,
    "proxy rules /none": 103,
    "proxy rules /..": 105,
    "git-credential /.. get": 105,
    "agent settings other": 2,
    "agent run /app -- true": 116,
    "find A /none": 103,
    "find A /none --value": 103,
    "find A /.. --value": 105,
    "backup /nowhere/x": 100,
    "backup /etc/hostname": 118,
    "store push": 2,
    "store push /nowhere": 113,
    "store pull gopher://x": 101,
    "store copy /nowhere": 2,
    "store invite /etc/hostname /srv": 101,
    "store invite /nowhere /srv": 100,
    "store-serve /nowhere": 2,
    "unset /none A": 103,
    "unset /app 1A": 105,
    "rename /app A 1B": 105,
    "rename /none A B": 103,
    "show /none": 103,
    "who /..": 105,
    "token create /..": 105,
    "who /none": 116,
    "show /..": 105,
    "explain /none A": 103,
    "explain /app 1A": 105,
    "check /none": 103,
    "check /app --against /nowhere": 100,
    "export /none": 103,
    "export /app -f docx": 2,
    "export /app -f yaml --dialect node": 101,
    "export /app -o /etc/hostname": 118,
    "export /app --only 1A": 105,
    "exec /app": 2,
    "exec /none -- true": 103,
    "exec /app --only 1A -- true": 105,
    "exec /app --watch -- true": 116,
    "history /none": 103,
    "history /..": 105,
    "rollback /none 1 -y": 103,
    "rotate /app 1A": 105,
    "rotate /app A --key dsa": 2,
    "generate --set /.. A": 105,
    "rollback /app 7 -y": 103,
    "rollback /none 1": 103,
    "rollback /app 7": 103,
    "rollback /app 0": 103,
    "rollback /app x -y": 105,
    "import /nowhere /app": 100,
    "import /etc/hostname /..": 105,
    "mount /etc/hostname": 117,
    "unlock": 116,
    "lock": 116,
    "unmount": 116,
    "init": 118,
    "project new": 2,
    "project new a/b": 105,
    "project new app --zero-knowledge": 100,
    "project new x --zero-knowledge --managed": 2,
    "project custody app": 2,
    "project custody none --zero-knowledge": 103,
    "project recipients none --add age1x": 103,
    "project recipients app --add-from /nowhere": 100,
    "key rotate": 2,
    "key rotate none": 103,
    "key ls none": 103,
    "passwd none": 103,
    "passwd app": 100,
    "passwd --new-passphrase-file /nowhere": 100,
    "keyring add": 2,
    "keyring add attic": 2,
    "recovery -o /etc/hostname": 118,
    "recovery --recipient age1x": 101,
    "accept /.. -y": 105,
    "grant /app": 101,
    "grant /.. --uid 7": 105,
    "revoke /app --uid x": 2,
    "link / --remove": 100,
}


def _locked_cases() -> list[pytest.ParameterSet]:
    """Return the lines. One is of the soak if its command and its status each stand in a line before it."""
    cases, commands, statuses = [], set(), set()
    for line, status in LOCKED.items():
        is_new = line.split()[0] not in commands or status not in statuses
        cases.append(pytest.param(line, status, id=line, marks=() if is_new else pytest.mark.soak))
        commands.add(line.split()[0])
        statuses.add(status)
    return cases


@pytest.mark.parametrize(("line", "status"), _locked_cases())
def test_a_locked_vault_asks_nothing_for_what_is_refused_anyhow(own: Home, line: str, status: int) -> None:
    refused(own, line, status)


def test_every_command_that_takes_a_passphrase_is_in_the_table() -> None:
    asking = {
        command.name
        for command in grammar.all_commands()
        if any("--passphrase-file" in option.flags for option in command.options)
    }
    never = {"grants", "log", "ls", "shell", "ui", "verify"}  # no word of theirs can be wrong
    assert asking - never <= {line.split()[0] for line in LOCKED}


NO_VAULT = (
    "set /app A",
    "get /app A",
    "mount",
    "passwd",
    "project new x --zero-knowledge",
    "exec /app -- true",
    "key ls",
)


@pytest.mark.parametrize("line", NO_VAULT)
def test_without_a_vault_nothing_is_asked(ground: Path, line: str) -> None:
    refused(Home(ground / "no-vault"), line, 119)


@pytest.mark.parametrize(
    "line", ["set /app A", "get /app TOKEN", "mount", "passwd", "project new x --zero-knowledge -y"]
)
def test_whoever_does_not_own_the_vault_is_asked_nothing(own: Home, line: str) -> None:
    own.path.chmod(0o711)
    refused(own, line, 102, STRANGER)


@pytest.mark.parametrize(
    "line", ["set /shop A", "unlock", "passwd", "project new x --zero-knowledge -y", "key rotate shop"]
)
def test_nor_is_a_stranger_by_a_daemon_that_runs(shared: Home, line: str) -> None:
    refused(shared, line, 102, STRANGER)


def test_init_asks_nothing_where_no_vault_can_be(ground: Path) -> None:
    home = Home(ground / "closed" / "home")
    home.path.parent.mkdir(mode=0o755)
    assert stat.S_IMODE(home.path.parent.stat().st_mode) == 0o755
    assert "cannot be written" in " ".join(refused(home, "init", 119, STRANGER).split())


def test_a_log_that_cannot_be_written_is_said_before_the_value_is_asked_for(home: Home) -> None:
    home.envfs("set", "/app", "A", given="1")
    home.settle()
    home.log_file.unlink()
    refused(home, "set /app B", 112)


# -- what was typed in the wrong place ---------------------------------------------------------------------------------

MARKER = "sq7-sq7=!"


def _lines() -> "list[str]":
    lines = [MARKER, f"help {MARKER}", f"--{MARKER}", f"-{MARKER}"]
    for command in grammar.all_commands():
        words = [_fit(argument) for argument in command.arguments]
        lines += [" ".join([command.name, *words[:at], MARKER, *words[at + 1 :]]) for at in range(len(words))]
        lines += [" ".join([command.name, *words, MARKER]), " ".join([command.name, *words, f"--{MARKER}"])]
        for option in command.options:
            for flag in option.flags:
                lines += [
                    " ".join([command.name, flag, MARKER, *words]),
                    " ".join([command.name, *words, flag, MARKER]),
                ]
                lines += [f"{command.name} {flag}={MARKER}", f"{command.name} {flag[:-1]}{MARKER}"]
    return list(dict.fromkeys(lines))  # the four of an option one after the other


def _fit(argument: grammar.Argument) -> str:
    if argument.choices:
        return argument.choices[0]
    return {"level": "/shop", "project": "shop", "name": "APP_NAME", "number": "1", "words": "-- true"}.get(
        argument.kind, "/nowhere/at/all"
    )


# where a word names a file or folder of the person's own, or a program, which is no place for a value
_PATHS = ("link", "mount", "import", "exec")
_PROGRAM_FLAGS = ("--exe", "--script", "--under", "--command", "--rotate-with")
_PATH_FLAGS = ("-o", "--output", "--against", "--folder", "--writable", *_PROGRAM_FLAGS)
_NOTE_FLAGS = ("-m", "--message")  # what they say is kept and told: a history that shows it repeats nothing in error
_APART = ("unmount", "lock", "init", "shell", "ui")  # they would end what the others are tried on


def _is_tried(line: str) -> bool:
    words = line.split()
    return words[0] not in (*_PATHS, *_APART) and all(
        word.partition("=")[0] not in (*_PATH_FLAGS, *_NOTE_FLAGS) for word in words
    )


def _gives(line: str) -> bool:
    # last: commands that show a rule show the words that it was given by
    return line.startswith("grant ")


def test_every_option_is_in_the_third_that_is_always_tried() -> None:
    tried = {(words[0], word) for words in map(str.split, _lines()[::3]) for word in words}
    for command in grammar.all_commands():
        for flag in (flag for option in command.options for flag in option.flags):
            forms = {flag, f"{flag}={MARKER}", f"{flag[:-1]}{MARKER}"}
            assert any((command.name, form) in tried for form in forms), (command.name, flag)


@pytest.fixture
def unruled(shared: Home) -> Home:
    """Give the home that these tests share without the rules that another one gave by a marked word."""
    (shared.settings.parent / "grants.toml").unlink(missing_ok=True)
    return shared


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param(_lines()[::3], id="every third"),
        pytest.param([line for at, line in enumerate(_lines()) if at % 3], id="the others", marks=pytest.mark.soak),
    ],
)
def test_no_message_repeats_a_word_that_may_be_a_value(unruled: Home, tmp_path: Path, lines: list[str]) -> None:
    told = []
    for line in sorted(filter(_is_tried, lines), key=_gives):
        words = line.split()
        said = unruled.envfs(*words, given="", status=None, cwd=tmp_path)
        if "sq7" in said.text + said.complaint:
            told.append((line, said.complaint))
    assert told == []


@pytest.mark.parametrize(
    "word", ["--only=", "--grace ", "--watch=", "--passphrase-file ", "--passphrase-file=", "--", "-"]
)
def test_nor_where_a_program_or_a_file_is_named(shared: Home, word: str) -> None:
    for line in (f"exec /shop {word}{MARKER} -- true", f"import {word}{MARKER} - /shop", f"exec {MARKER} -- true"):
        said = shared.envfs(*line.split(), given="", status=None)
        assert "sq7" not in said.text + said.complaint, line


@pytest.mark.parametrize("line", ["unlock", "passwd", "lock", "project recipients", "key rotate", "key ls"])
def test_a_passphrase_in_the_place_of_a_project_is_not_repeated(shared: Home, line: str) -> None:
    said = shared.envfs(*line.split(), "sq7hunter2", status=103)
    assert said.complaint == (
        "envfs: error: there is no project of that name\nenvfs: hint: `envfs project ls` lists them\n"
    )


@pytest.mark.parametrize("given", ["", "x\n"])
def test_a_value_in_the_place_of_a_name_is_no_name(home: Home, given: str) -> None:
    said = home.envfs("set", "API_KEY", "sq7hunter2", given=given, status=2)
    assert "a value is never an argument" in said.complaint
    assert "sq7" not in said.complaint
    assert home.envfs("ls").text.count("\n") == 1  # the root
    home.envfs("set", "/API_KEY", "A", given="1")
    home.envfs("set", "API_KEY", "B", given="2")


def _in_the_shell(*, every: bool) -> list[str]:
    """Return the lines that the shell is given: every seventh, or one of each command, at another place each time."""
    lines = [line for line in _lines() if line.split()[0] not in (*_PATHS, *_APART)]
    if every:
        return lines[::7]
    of_command: dict[str, list[str]] = {}
    for line in lines:
        of_command.setdefault(line.split()[0], []).append(line)
    return [lines[at % len(lines)] for at, lines in enumerate(of_command.values())]


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param(_in_the_shell(every=False), id="one of each command"),
        pytest.param(_in_the_shell(every=True), id="every seventh", marks=pytest.mark.soak),
    ],
)
def test_the_shell_repeats_none_and_remembers_none(unruled: Home, lines: list[str]) -> None:
    for line in sorted(lines, key=_gives):
        flags = [word.partition("=")[0] for word in line.split()]
        if any(flag in _NOTE_FLAGS for flag in flags):
            continue
        said = unruled.envfs("shell", given=f"{line}\n", status=None)
        if not any(flag in _PATH_FLAGS for flag in flags):
            assert "sq7" not in said.text + said.complaint, line
    history = unruled.state / "shell_history"
    assert not history.exists() or "sq7" not in history.read_text(encoding="utf-8")

"""The script for zsh in a real zsh, whose line is completed by the TAB key on a pseudo-terminal."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from envfs_cli.completion import VISIBLE, command_words, zsh
from tests.system.home import eventually
from tests.system.terminal import Terminal
from tests.unit.cli.completion.test_scripts import FAKE

# ^X^W writes the line into a file. The prompt says that the shell is ready
RC = """
PS1='ready> '
fpath=($HOME $fpath)
autoload -Uz compinit
compinit -u -D
setopt no_beep no_list_beep no_auto_menu no_list_ambiguous
cd
LISTMAX=100000
write-line() { print -r -- "$BUFFER" >$HOME/line.new; mv $HOME/line.new $HOME/line }
zle -N write-line
bindkey '^X^W' write-line
"""


class Zsh(Terminal):
    """An interactive zsh, whose completion function stands in `fpath` as a package puts it there."""

    def __init__(self, folder: Path) -> None:
        environ = {
            "PATH": f"{folder}:{os.environ['PATH']}",
            "HOME": str(folder),
            "TERM": "dumb",
            "ZDOTDIR": str(folder),
        }
        super().__init__(["zsh", "-o", "no_global_rcs", "-i"], environ, columns=200, rows=1000)
        self._file = folder / "line"
        self.expect("ready> ")

    def complete(self, line: str) -> str:
        """Return what TAB makes of a line."""
        self._file.unlink(missing_ok=True)
        self.press(f"\x15{line}\t\x18\x17")
        eventually(self._file.exists, "the line is written")
        return self._file.read_text(encoding="utf-8").removesuffix("\n")

    def listed(self, line: str) -> str:
        """Return what is shown from when TAB is pressed after a line that several words can complete."""
        shown = len(self.shown)
        self.complete(line)
        self.press("\x15echo 'end'-'of'\n")
        self.expect("end-of")
        self.expect("ready> ")
        return self.shown[shown:]


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Zsh]:
    """Give the module one zsh, beside a program that answers in the place of envfs."""
    folder = tmp_path_factory.mktemp("zsh")
    (folder / "envfs").write_text(FAKE, encoding="utf-8")
    (folder / "envfs").chmod(0o755)
    (folder / "_envfs").write_text(zsh.zsh_script(), encoding="utf-8")
    (folder / ".zshrc").write_text(RC, encoding="utf-8")
    (folder / "prod env").touch()
    (folder / "web-folder").mkdir()
    with Zsh(folder) as terminal:
        yield terminal


@pytest.mark.parametrize(
    ("line", "completed"),
    [
        ("envfs ru", "envfs run "),
        ("envfs exec /s", "envfs exec /shop/"),
        ("envfs link we", "envfs link web-folder/"),
        ("envfs set /s", "envfs set /shop/"),
        ("envfs get D", "envfs get DATABASE_URL "),
        ("envfs get /shop@12", "envfs get /shop@12 "),
        ("envfs link x /s", "envfs link x /shop/"),
        ("envfs import --order vi", "envfs import --order vite "),
        ("envfs set /shop/prod A", "envfs set /shop/prod API_KEY "),
        ("envfs set --json --from-file f /shop/prod D", "envfs set --json --from-file f /shop/prod DATABASE_URL "),
        ("envfs set /web A", "envfs set /web A"),
        ("envfs set --from-file pr", "envfs set --from-file prod\\ env "),
        ("envfs import pr", "envfs import prod\\ env "),
        ("envfs export -f j", "envfs export -f json "),
        ("envfs export /shop --format j", "envfs export /shop --format json "),
        ("envfs log -n 5 ve", "envfs log -n 5 verify "),
        ("envfs completion z", "envfs completion zsh "),
        ("envfs exec /shop -- cat pr", "envfs exec /shop -- cat prod\\ env "),
        ("envfs exec -- cat pr", "envfs exec -- cat prod\\ env "),
        ("envfs exec /shop pr", "envfs exec /shop pr"),
        ("envfs exec --only A -- cat pr", "envfs exec --only A -- cat prod\\ env "),
        ("envfs exec --only A /s", "envfs exec --only A /shop/"),
        ("envfs exec /shop -- envfs unm", "envfs exec /shop -- envfs unmount "),
        ("envfs exec /shop/prod --only A", "envfs exec /shop/prod --only API_KEY"),
        ("envfs exec /shop/prod --only API_KEY,D", "envfs exec /shop/prod --only API_KEY,DATABASE_URL"),
        ("envfs grant /shop --user roo", "envfs grant /shop --user root "),
        ("envfs nope x", "envfs nope x"),
    ],
)
def test_zsh_completes_what_may_stand_there(shell: Zsh, line: str, completed: str) -> None:
    assert shell.complete(line).rstrip() == completed.rstrip()


def test_zsh_lists_every_command_with_its_summary(shell: Zsh) -> None:
    shown = shell.listed("envfs ")
    for command in VISIBLE:
        assert all(word in shown for word in command_words(command)), command.name
        assert command.summary[:40] in shown


@pytest.mark.parametrize("line", ["envfs exec -", "envfs get -", "envfs log -"])
def test_zsh_lists_the_options_of_a_command_with_their_help(shell: Zsh, line: str) -> None:
    (command,) = (one for one in VISIBLE if one.name == line.split()[1])
    shown = shell.listed(line)
    for option in command.options:
        assert all(flag in shown for flag in option.flags)
        assert option.help[:30] in shown


def test_zsh_lists_versions_with_when_and_why(shell: Zsh) -> None:
    shown = shell.listed("envfs get /shop@")
    assert "/shop@12  -- 2026-11-01 10:00 two words" in shown
    assert "/shop@1  -- 2026-10-01 10:00 set" in shown


def test_a_script_that_is_sourced_completes_as_well(shell: Zsh) -> None:
    shell.type("unfunction _envfs; compdef -d envfs; source ~/_envfs; echo 'sou'-'rced'")
    shell.expect("sou-rced")
    shell.expect("ready> ")
    assert shell.complete("envfs ru").rstrip() == "envfs run"

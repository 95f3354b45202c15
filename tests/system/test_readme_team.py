"""The README's section about a team, pasted as it stands by two people on a machine with a real server of ssh."""

import re
import tempfile
from contextlib import ExitStack
from pathlib import Path

from tests.system.home import PASSPHRASE, eventually
from tests.system.small_world import SmallWorld
from tests.system.terminal import Terminal

_ROOT = Path(__file__).parents[2]
_PAGES = (("README.md", "## Share a vault with a team"), ("docs/sharing.md", "## A team on ssh"))
_CODE = re.compile(r"(?:[A-Z2-7]{6}-){3}[A-Z2-7]{6}")
_WORDS = re.compile(r"[a-z]{5}(?: [a-z]{5}){4}")
_COMMAND = re.compile(r"(ana|ben)\$ (.*)")


def _section_lines(page: str, head: str) -> list[str]:
    # of the blocks of a section that people paste, and what they read there. A block of a job's is none of theirs
    text = (_ROOT / page).read_text().partition(f"\n{head}\n")[2].partition("\n## ")[0]
    blocks = re.findall(r"```console\n(.*?)```", text, re.DOTALL)
    return [line for block in blocks if "\njob$ " not in block for line in block.splitlines()]


class _People:
    """Ana and Ben, who type what the page has for them, one line after the other, and answer what they are asked."""

    def __init__(self, world: SmallWorld, ending: ExitStack) -> None:
        self._world = world
        self._ending = ending
        self._terminals: dict[str, Terminal] = {}
        self._at = "ana"
        self._heard: dict[str, str] = {}
        self.commands: list[str] = []

    def take(self, line: str) -> None:
        """Type a line that begins with a name, or read one, or answer it."""
        command = _COMMAND.fullmatch(line)
        if command:
            self._begin(command[1], command[2])
        elif line.endswith(" y"):  # the other one's command has waited for this
            self._at = "ana"
            self._terminal().expect(line.removesuffix(" y"))
            self._terminal().type("y")
        elif line.endswith(":"):
            self._terminal().expect(line)
            self._terminal().type(self._heard["code"] if "code" in line else PASSPHRASE)
        elif line.startswith("ben: "):
            self._at = "ana"
            self._terminal().expect(line[: line.index("fingerprint: ")])
            self._terminal().expect(self._heard["words"])
        else:
            self._read(line)

    def end(self) -> None:
        """Let each command end."""
        for user in [*self._terminals]:
            self._finish(user)

    def _begin(self, user: str, command: str) -> None:
        self._finish(user)
        self._at = user
        self.commands.append(f"{user} {command}")
        terminal = self._ending.enter_context(self._world.terminal(user, command))
        self._terminals[user] = terminal
        if "ssh://" in command:  # the server is new to both
            terminal.expect("(yes/no/[fingerprint])? ")
            terminal.type("yes")
        elif command == "envfs mount":
            terminal.expect("passphrase: ")
            terminal.type(PASSPHRASE)

    def _finish(self, user: str) -> None:
        terminal = self._terminals.pop(user, None)
        if terminal is not None:
            assert terminal.end() == 0, terminal.shown
            assert PASSPHRASE not in terminal.shown

    def _read(self, line: str) -> None:
        for name, pattern in (("code", _CODE), ("words", _WORDS)):
            if pattern.fullmatch(line):
                self._heard[name] = self._find(pattern)
                return
        self._terminal().expect(line)

    def _find(self, pattern: re.Pattern[str]) -> str:
        terminal = self._terminal()
        terminal.expect("waiting for")
        lines = (re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|.*\r", "", text) for text in terminal.shown.splitlines())
        return next(text for text in lines if pattern.fullmatch(text))

    def _terminal(self) -> Terminal:
        return self._terminals[self._at]


def test_two_commands_for_each_set_a_team_up(ground: Path) -> None:
    with SmallWorld(_folder_below(ground)) as world, ExitStack() as ending:
        _make_vault(world)
        people = _People(world, ending)
        for line in _section_lines(*_PAGES[0]):
            people.take(line)
        people.end()
        assert [words.split()[0] for words in people.commands] == ["ana", "ana", "ben", "ben"]
        assert world.run("ben", "cat envfs/shop/prod/.env") == "A=1\n"
        world.run("ana", "envfs set /shop/prod B", "2")
        eventually(lambda: "B=2\n" in world.run("ben", "cat envfs/shop/prod/.env"), "Ana's change is there")


def test_the_page_on_sharing_has_the_same_lines() -> None:
    first, second = (_section_lines(page, head) for page, head in _PAGES)
    assert second == first


def _folder_below(ground: Path) -> Path:
    folder = Path(tempfile.mkdtemp(prefix="world-", dir=ground))
    folder.chmod(0o755)
    return folder


def _make_vault(world: SmallWorld) -> None:
    words = f"printf {PASSPHRASE!r} > passphrase; envfs init --passphrase-file passphrase"
    world.run("ana", words)
    world.run("ana", "envfs mount --passphrase-file passphrase && rm passphrase")
    world.run("ana", "envfs set /shop/prod A", "1")

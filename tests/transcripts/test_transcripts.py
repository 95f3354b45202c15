"""Every session written down here comes out as written; and together they show every command and every exit status."""

import re
import shutil
import tempfile
from pathlib import Path

import pytest

from envfs_cli import grammar
from tests.json_shapes import SHAPES
from tests.system.home import eventually, processes_of
from tests.transcripts.session import Session

_FOLDER = Path(__file__).parent
_SESSIONS = sorted(_FOLDER.glob("*.txt"))
_CONTRACT = _FOLDER.parents[1] / "docs" / "cli-contract.md"
_UNSHOWN = {
    120: "the keyholder is replaced; tests/system/test_life.py kills it",
    121: "tests/system/test_no_wait_is_for_ever.py stops a daemon",
    124: "tests/component/test_connection.py asks for too much",
    130: "tests/system/test_terminal_keys.py presses ctrl-C",
    141: "tests/system/test_terminal_keys.py closes the pipe",
}
_FAKED = {  # tests/unit/cli/commands/test_commands.py
    *("sync resolve", "sync rejoin", "sync accept", "sync log", "log verify --machine"),
}


@pytest.mark.parametrize("path", _SESSIONS, ids=[path.stem for path in _SESSIONS])
def test_session(path: Path, ground: Path) -> None:
    work = Path(tempfile.mkdtemp(prefix=f"{path.stem}-", dir=ground))
    work.chmod(0o711)
    session = Session(path, work)
    try:
        session.run()
    finally:
        session.end()
    eventually(lambda: not processes_of(work), "nothing works there any more")
    shutil.rmtree(work)


def _text() -> str:
    return "\n".join(path.read_text(encoding="utf-8") for path in _SESSIONS)


@pytest.mark.parametrize("name", [c.name for c in grammar.all_commands()] + ["run"])
def test_every_command_is_in_a_session(name: str) -> None:
    assert re.search(rf"^(! )?(as \d+ )?(tty )?envfs {name}( |$)", _text(), re.MULTILINE)


@pytest.mark.parametrize("name", [c.name for c in grammar.all_commands() if c.group != grammar.HIDDEN])
def test_the_help_of_every_command_is_in_a_session(name: str) -> None:
    assert f"envfs {name} --help\n" in _text()


def test_every_documented_exit_status_is_in_a_session() -> None:
    rows = re.findall(r"^\| ([\d, ]+) \|", _CONTRACT.read_text(encoding="utf-8"), re.MULTILINE)
    documented = {int(number) for row in rows for number in row.split(",")}
    assert len(documented) > 25
    shown = {int(number) for number in re.findall(r"^status (\d+)$", _text(), re.MULTILINE)} | {0}
    assert documented - shown == _UNSHOWN.keys() & documented


@pytest.mark.parametrize("option", sorted({o.flags[-1] for c in grammar.all_commands() for o in c.options}))
def test_every_option_is_in_a_session(option: str) -> None:
    assert f" {option}" in _text()


@pytest.mark.parametrize("shape", sorted(set(SHAPES) - _FAKED))
def test_every_shape_of_the_schema_is_printed_in_a_session(shape: str) -> None:
    assert re.search(rf"^json {re.escape(shape)}$", _text(), re.MULTILINE)

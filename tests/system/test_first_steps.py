"""From nothing to a program that reads a `.env` which is served: what `envfs --help` says to begin with, typed."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from envfs_cli import no_command
from tests.system.home import ENVFS, OWNER, PASSPHRASE, SECONDS, Home, as_user
from tests.system.terminal import Terminal

_PROGRAM = 'while read -r line; do echo "$line"; done < .env'


@pytest.fixture(params=[0, OWNER], ids=["root", "a user"])
def person(request: pytest.FixtureRequest, own_ground: Path) -> Iterator[tuple[Home, Path]]:
    """Give somebody a home without a vault, and a project's folder with a `.env`."""
    uid = request.param
    folder = Path(tempfile.mkdtemp(dir=own_ground))
    project = folder / "project"
    project.mkdir()
    (project / ".env").write_text("PORT=8080\n", encoding="utf-8")
    for path in (folder, project, project / ".env"):
        os.chown(path, uid, uid)
    home = Home(folder / "home", uid)
    yield home, project
    home.envfs("unmount", status=None)
    home.clear_mounts()


def _type(home: Home, project: Path, line: str, *answers: tuple[str, str]) -> str:
    words = [*as_user(home.uid), "sh", "-c", f"cd {project} && {line}"]
    environ = {**home.environ(), "PATH": f"{Path(ENVFS).parent}:{os.environ['PATH']}", "TERM": "xterm"}
    with Terminal(words, environ, 80) as terminal:
        for question, answer in answers:
            terminal.expect(question)
            terminal.type(answer)
        assert terminal.end() == 0, terminal.shown
        return terminal.shown


def _read(home: Home, project: Path) -> bytes:
    words = [*as_user(home.uid), "sh", "-c", _PROGRAM]
    return subprocess.run(words, capture_output=True, check=True, cwd=project, timeout=SECONDS).stdout


@pytest.mark.parametrize("is_mounted_first", [True, False], ids=["mounted first", "linked first"])
def test_three_commands_of_the_help_serve_a_project(person: tuple[Home, Path], is_mounted_first: bool) -> None:
    home, project = person
    init, mount, link = (command for command, _ in no_command._BEGIN[:3])
    chosen = (("new passphrase:", PASSPHRASE), ("the same again:", PASSPHRASE))
    shown = _type(home, project, init, *chosen, ("recovery sheet", "n"))
    assert f"next: `{mount}`, then `{link}`" in " ".join(shown.split())
    asked = ("passphrase:", PASSPHRASE)
    _type(home, project, mount if is_mounted_first else link, asked)
    _type(home, project, link if is_mounted_first else mount, *(() if is_mounted_first else (asked,)))
    assert (project / ".env").is_symlink()
    assert _read(home, project) == b"PORT=8080\n"

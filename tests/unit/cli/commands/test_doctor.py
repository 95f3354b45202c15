"""`doctor` tells problems from notes, and goes on whatever is missing or broken."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from envfs import __version__
from envfs.errors import KeyholderGone
from envfs.protocol import control
from envfs_cli import output
from tests.unit.cli.fake_daemon import HOSTILE, REPORT, FakeLink

MINE = REPORT._replace(uid=os.geteuid(), release=__version__)


@pytest.mark.parametrize(("state", "status"), [("ok", 0), ("note", 0), ("problem", 100)])
def test_doctor_ends_badly_for_a_problem_alone(
    run: Callable[[str, FakeLink], int], state: str, status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("doctor", FakeLink(MINE, (control.FindingRow("swap", state, "text", "hint"),))) == status
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("ok\tdaemon\tpid 7, release ")
    assert lines[1] == f"{state}\tswap\ttext\thint"


def test_doctor_finds_a_daemon_of_another_release(
    run: Callable[[str, FakeLink], int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("doctor", FakeLink(MINE._replace(release="0.0.1"))) == 100
    assert (
        f"release 0.0.1, mounted at {output.clean(HOSTILE)}; this command is of release {__version__}"
        in capsys.readouterr().out
    )


def test_doctor_says_when_only_a_private_daemon_answers(
    run: Callable[[str, FakeLink], int], capsys: pytest.CaptureFixture[str]
) -> None:
    link = FakeLink(MINE)
    link.private = True
    assert run("doctor", link) == 0
    assert capsys.readouterr().out.startswith("note\tdaemon\tnone runs here")


def test_doctor_survives_a_daemon_that_breaks_off(
    run: Callable[[str, FakeLink], int], capsys: pytest.CaptureFixture[str]
) -> None:
    class Broken(FakeLink):
        def ask(self, *_: object) -> tuple[object, bytes]:
            raise KeyholderGone("the daemon disconnected")

    assert run("doctor", Broken(MINE)) == 100
    assert capsys.readouterr().out.splitlines()[0].startswith("problem\tdaemon\tit ended instead of answering\t")


def test_doctor_lists_age_plugins_of_the_path(
    run: Callable[[str, FakeLink], int],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    for name in ("age-plugin-yubikey", "age-plugin-tpm", "age"):
        (tmp_path / name).touch()
    monkeypatch.setenv("PATH", f"/nowhere:{tmp_path}::")
    run("doctor", FakeLink(MINE))
    assert capsys.readouterr().out.splitlines()[1:] == ["note\tage plugins\tage-plugin-tpm, age-plugin-yubikey\t"]


def test_on_a_terminal_doctor_paints_states_and_puts_hints_beneath(
    run: Callable[[str, FakeLink], int], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(output, "on_terminal", lambda: True)
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("PATH", "")
    rows = (control.FindingRow("swap", "note", "on", "encrypt it"), control.FindingRow("fuse", "problem", "no device"))
    run("doctor", FakeLink(MINE, rows))
    out = capsys.readouterr().out
    assert "\x1b[33mnote   \x1b[0m  swap    on\n" in out
    assert "\n\x1b[2m                 encrypt it\x1b[0m\n" in out
    assert "\x1b[31mproblem\x1b[0m  fuse    no device\n" in out
    assert out.endswith("\n\x1b[31m1 problem, 1 note\x1b[0m\n")

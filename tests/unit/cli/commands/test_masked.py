"""Placeholders are said to be placeholders: on standard error, and in the first line of a text that can carry it."""

from collections.abc import Callable

import pytest

from envfs.dotenv.placeholders.masking import FIRST_LINE
from envfs.protocol import control
from tests.unit.cli.fake_daemon import FakeLink

Run = Callable[[str, FakeLink], int]
PLAIN, MASKED = control.ViewSent("/shop", 1, 1), control.ViewSent("/shop", 1, 1, "portable", masked=True)
NOTE = "envfs: note: masked by envfs: placeholders stand in the place of the values\n"


@pytest.mark.parametrize(
    "line", ["get /shop A", "export /shop", "export /shop -f json", "export /shop -f yaml --only A"]
)
def test_a_note_says_that_the_values_are_placeholders(run: Run, line: str, capfd: pytest.CaptureFixture[str]) -> None:
    run(line, FakeLink(MASKED, (), b"A=masked\0"))
    assert capfd.readouterr().err == NOTE
    run(line, FakeLink(PLAIN, (), b"A=masked\0"))
    assert capfd.readouterr().err == ""


def test_show_says_it_once(run: Run, capfd: pytest.CaptureFixture[str]) -> None:
    run("show /shop --reveal", FakeLink(MASKED, (control.VariableRow("A", "/shop"),), b"A=masked\0"))
    assert capfd.readouterr().err == NOTE


@pytest.mark.parametrize("format_name", ["shell", "docker", "systemd", "yaml", "k8s", "tfvars", "dotenv"])
def test_a_text_begins_with_the_note_where_its_format_has_comments(
    run: Run, format_name: str, capfd: pytest.CaptureFixture[str]
) -> None:
    run(f"export /shop -f {format_name} --only A", FakeLink(MASKED, (), b"A=masked\0"))
    out = capfd.readouterr().out
    assert out.startswith(FIRST_LINE)
    run(f"export /shop -f {format_name} --only A", FakeLink(PLAIN, (), b"A=masked\0"))
    assert capfd.readouterr().out == out.removeprefix(FIRST_LINE)

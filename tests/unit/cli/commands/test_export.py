"""`export` writes a view to the letter, or in the format that was asked for."""

import json
from collections.abc import Callable

import pytest

from envfs.errors import BadRequest
from envfs.protocol import control
from tests.unit.cli.fake_daemon import FakeLink


def test_export_writes_the_text_to_the_letter(
    run: Callable[[str, FakeLink], int], capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    run("export /shop", FakeLink(control.ViewSent("/shop", 1, 1), (), b"A=1\r\n# x"))
    assert capfdbinary.readouterr().out == b"A=1\r\n# x"


def test_export_as_json_keeps_every_character(
    run: Callable[[str, FakeLink], int], capfd: pytest.CaptureFixture[str]
) -> None:
    run("export /shop -f json --only A,B", FakeLink(control.ViewSent("/shop", 1, 1), (), "A=é\n=\x1b\0B=\0".encode()))
    assert json.loads(capfd.readouterr().out) == {"A": "é\n=\x1b", "B": ""}


def test_export_of_some_variables_is_in_the_dialect_of_the_view(
    run: Callable[[str, FakeLink], int], capfd: pytest.CaptureFixture[str]
) -> None:
    run("export /shop --only A", FakeLink(control.ViewSent("/shop", 1, 1, "node"), (), b"A=it's\0"))
    assert capfd.readouterr().out == "A=`it's`\n"


def test_a_dialect_of_what_is_no_dotenv_text_is_refused(run: Callable[[str, FakeLink], int]) -> None:
    with pytest.raises(BadRequest):
        run("export /shop -f json --dialect node", FakeLink(control.ViewSent("/shop", 1, 1)))

"""Nothing of a text obeys itself on a terminal."""

import pytest

from envfs.core.visible_text import visible_text
from envfs.daemon import __main__ as daemon
from envfs.keyholder.crypto.plugins import _Silent


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain ünïcödé 漢字", "plain ünïcödé 漢字"),
        ("a\tb\x1b[31m\x9b\x7f", "a\\x09b\\x1b[31m\\x9b\\x7f"),
        ("\udcff\udc80\ud800", "\\xff\\x80\\xd800"),
        ("\u202e\u2028", "\\x202e\\x2028"),
    ],
)
def test_control_characters_are_shown_as_numbers(text: str, shown: str) -> None:
    assert visible_text(text) == shown


def test_the_daemon_and_its_plugins_say_nothing_raw(capsys: pytest.CaptureFixture[str]) -> None:
    daemon._say("note", "the mount at /m\x1b[2J\n is gone")
    _Silent().display_message("touch\x07 it")
    assert capsys.readouterr().err == (
        "envfs: note: the mount at /m\\x1b[2J\\x0a is gone\na plugin of age says: touch\\x07 it\n"
    )

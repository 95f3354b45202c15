"""The ends that a person makes: ctrl-C, ctrl-D, a pipe that nobody reads; and questions that are seen."""

import os
import subprocess

import pytest

from tests.system.home import ENVFS, SECONDS, Home
from tests.system.terminal import Terminal


def test_ctrl_c_at_a_hidden_entry_ends_with_130_and_changes_nothing(shared: Home) -> None:
    with Terminal([ENVFS, "set", "/shop", "APP_NAME"], shared.environ()) as terminal:
        terminal.expect("value of APP_NAME: ")
        terminal.press("\x03")
        assert terminal.end() == 130
        assert "Traceback" not in terminal.shown
    assert shared.envfs("get", "/shop", "APP_NAME").text == "shop\n"


def test_the_terminal_shows_what_is_typed_again_after_a_hidden_entry_was_broken_off(shared: Home) -> None:
    script = f'"{ENVFS}" set /shop APP_NAME; stty -a | grep -o -- "-\\?echo "; echo done'
    with Terminal(["sh", "-c", f"trap '' INT; {script}"], shared.environ()) as terminal:
        terminal.expect("value of APP_NAME: ")
        terminal.press("\x04")
        terminal.expect("\necho \n")
        terminal.expect("done")
        assert terminal.end() == 0


@pytest.mark.parametrize(
    ("keys", "words"), [("\x04", "nothing was typed"), ("half a value\x04\x04", "the entry was cancelled")]
)
def test_ctrl_d_at_a_hidden_entry_is_no_value(shared: Home, keys: str, words: str) -> None:
    with Terminal([ENVFS, "set", "/shop", "APP_NAME"], shared.environ()) as terminal:
        terminal.expect("value of APP_NAME: ")
        terminal.press(keys)
        assert terminal.end() == 100
        assert words in terminal.shown
        assert "half" not in terminal.shown


def test_a_pipe_that_nobody_reads_ends_without_a_traceback(served_long: Home) -> None:
    for words in (("log", "-n", "0"), ("export", "/shop/prod"), ("ls",)):
        reading, writing = os.pipe()
        os.close(reading)
        with os.fdopen(writing, "wb") as gone:
            done = subprocess.run(
                [ENVFS, *words],
                stdout=gone,
                stderr=subprocess.PIPE,
                check=False,
                timeout=SECONDS,
                env=served_long.environ(),
                cwd="/",
            )
        assert done.returncode == 141, words
        assert done.stderr == b"", words


@pytest.fixture
def served_long(shared: Home) -> Home:
    """Give the shared home with a log that is longer than a pipe."""
    for _ in range(400):
        shared.view("/shop").read_bytes()
    return shared


@pytest.mark.parametrize("streams", ["2>/dev/null", ">/dev/null 2>&1"])
def test_a_question_is_shown_on_the_terminal_that_answers_it(shared: Home, streams: str) -> None:
    with Terminal(["sh", "-c", f'"{ENVFS}" rm /shop {streams}'], shared.environ()) as terminal:
        terminal.expect("remove /shop? [y/N] ")
        terminal.type("n")
        assert terminal.end() == 100
    assert shared.envfs("get", "/shop", "APP_NAME").text == "shop\n"

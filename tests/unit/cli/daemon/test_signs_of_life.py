"""Work that takes a moment is shown on a terminal, whichever command waits for it, and nowhere else."""

import os
import subprocess
import sys

import pytest

from envfs.protocol import control
from envfs_cli.daemon import signs_of_life
from tests.system.terminal import Terminal

_SCRIPT = """
import sys, time
from envfs.protocol import control
from envfs_cli.daemon.session import Session
from envfs_cli.terminal.prompts import Waiting

class Slow:
    private, heard = False, 0
    def ask(self, request, descriptors=(), on_row=None):
        time.sleep(1.5)
        on_row(control.ProgressRow(7, 9))
        time.sleep(1.5)
        return control.Done(), b""

requests = {
    "verify-log": control.VerifyLog(""),
    "key": control.RotateKey("shop"),
    "other": control.ListAuthors(),
}
with Waiting("outside"):
    Session(Slow()).reply(requests[sys.argv[1]]) if len(sys.argv) < 3 else time.sleep(1.5)
if len(sys.argv) < 3:
    Session(Slow()).reply(requests[sys.argv[1]])
print("done")
"""


@pytest.mark.parametrize(
    ("request_", "words"),
    [("verify-log", "checking the log"), ("key", "sealing everything again"), ("other", "working")],
)
def test_a_request_that_takes_long_is_shown_with_how_far_it_is(request_: str, words: str) -> None:
    with Terminal([sys.executable, "-c", _SCRIPT, request_], {**os.environ, "TERM": "xterm"}) as terminal:
        terminal.expect("outside")
        terminal.expect("outside 7 of 9")  # a block around it is what a person is told of
        terminal.expect(words)
        terminal.expect(f"{words} 7 of 9")
        terminal.expect("\r\x1b[K")
        terminal.expect("done\n")
        assert terminal.end() == 0


def test_a_terminal_that_can_erase_nothing_is_told_once() -> None:
    with Terminal([sys.executable, "-c", _SCRIPT, "other", "alone"], {**os.environ, "TERM": "dumb"}) as terminal:
        assert terminal.end() == 0
        assert terminal.shown == "outside ...\ndone\n"


def test_a_pipe_gets_nothing() -> None:
    done = subprocess.run([sys.executable, "-c", _SCRIPT, "key"], capture_output=True, check=True)
    assert done.stderr == b""
    assert done.stdout == b"done\n"


def test_the_words_are_of_requests_that_there_are() -> None:
    requests = {kind.__name__ for kind in control.REQUESTS.values()}
    assert signs_of_life._WORDS.keys() <= requests

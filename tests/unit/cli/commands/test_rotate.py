"""`rotate`, beside what a real daemon answers: a value that a command made is written whatever comes in between."""

import os
import signal
from collections.abc import Callable

import pytest

from envfs.protocol import control
from envfs_cli.rotating import steps
from tests.unit.cli.fake_daemon import FakeLink

WRITTEN = control.Written("/shop", 2, (), ("A",), ())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGHUP])
def test_what_ends_a_command_does_not_end_it_between_a_value_that_was_made_and_the_vault(
    run: Callable[[str, FakeLink], int], monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    without_line_end = steps.without_line_end

    def interrupted(text: str) -> str:
        os.kill(os.getpid(), number)
        return without_line_end(text)

    before = signal.signal(number, signal.default_int_handler)
    monkeypatch.setattr(steps, "without_line_end", interrupted)
    link = FakeLink(WRITTEN)
    try:
        run("rotate /shop A --no-hook --command id", link)
        assert signal.getsignal(number) is signal.default_int_handler
    finally:
        signal.signal(number, before)
    assert control.RotateVariable("/shop", "A", "direct") in link.asked

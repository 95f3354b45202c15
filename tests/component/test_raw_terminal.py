"""The terminal in raw mode, where signals come between its own looks."""

import os
import select
from collections.abc import Iterator

import pytest

from envfs_cli.terminal import raw_mode
from envfs_cli.terminal.raw_mode import RawTerminal


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    """Give the two ends of a terminal."""
    ends = os.openpty()
    yield ends
    for handle in ends:
        os.close(handle)


def test_what_the_kernel_dropped_after_the_look_is_not_read(
    terminal: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C and Ctrl-Z make the kernel drop what was typed before them: a read that waited for it would hang."""
    keyboard, handle = terminal
    looks = iter([True])

    def look(*asked: list[int] | float | None) -> tuple[list[int], list[int], list[int]]:
        return ([handle], [], []) if next(looks, False) else real(*asked)  # type: ignore[arg-type,return-value]

    real = select.select
    with RawTerminal(handle, "") as entry:
        monkeypatch.setattr(raw_mode.select, "select", look)
        assert entry.wait(0.05) is None
        os.write(keyboard, b"typed")
        assert entry.wait(60) == b"typed"

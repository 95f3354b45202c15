"""A task keeps its faults to itself: it ends or is started again, and nothing else notices."""

import ast
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
import trio
import trio.testing

from envfs.host import supervision
from envfs.host.supervision import run_once, supervised_nursery

ROOT = Path(__file__).parents[2]


def test_a_task_that_fails_ends_no_other_and_shows_no_text(capfd: pytest.CaptureFixture[str]) -> None:
    async def fail() -> None:
        await trio.lowlevel.checkpoint()
        raise ValueError("hunter2")

    async def main() -> str:
        async with supervised_nursery() as tasks:
            tasks.run(fail)
            await trio.testing.wait_all_tasks_blocked()
            return "lives"

    assert trio.run(main) == "lives"
    told = capfd.readouterr().err
    assert "ValueError" in told
    assert "test_supervision.py" in told
    assert "hunter2" not in told


def test_a_task_that_is_to_go_on_is_started_again_at_growing_pauses() -> None:
    begun: list[float] = []

    async def fail() -> None:
        begun.append(trio.current_time())
        if len(begun) < 20:
            raise OSError

    async def main() -> None:
        async with supervised_nursery() as tasks:
            tasks.keep(fail)

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
    pauses = [round(after - before, 3) for before, after in pairwise(begun)]
    assert len(begun) == 20
    assert pauses == sorted(pauses)
    assert pauses[-1] == pytest.approx(supervision._LONGEST_PAUSE)


def test_an_error_of_the_block_comes_out_as_it_is_and_ends_its_tasks() -> None:
    async def main() -> None:
        async with supervised_nursery() as tasks:
            tasks.keep(trio.sleep_forever)
            raise KeyError

    with pytest.raises(KeyError):
        trio.run(main)


def test_a_cancellation_is_no_fault() -> None:
    async def main() -> bool:
        with trio.move_on_after(0.01) as scope:
            await run_once(trio.sleep_forever)
        return scope.cancelled_caught

    assert trio.run(main)


@pytest.mark.parametrize("stream", ["2>/dev/full", "2>&-", "2>/dev/null"])
def test_a_report_that_cannot_be_written_is_no_second_fault(stream: str) -> None:
    words = "from envfs.host import surprises; surprises.report_bug(ExceptionGroup('x', [ValueError('y'), OSError()]))"
    script = f'"$0" -I -c "{words}; print(7)" {stream}'
    done = subprocess.run(["/bin/sh", "-c", script, sys.executable], capture_output=True, check=False)
    assert (done.stdout, done.stderr) == (b"7\n", b"")


def test_no_task_is_started_but_under_supervision() -> None:
    nodes = [
        (path.name, node)
        for path in (ROOT / "envfs").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    ]
    starts = ("open_nursery", "spawn_system_task")
    places = [name for name, node in nodes if isinstance(node, ast.Attribute) and node.attr in starts]
    assert places == ["supervision.py"] * 2

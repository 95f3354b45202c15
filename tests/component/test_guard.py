"""The guard around each handler of the mount: a question is answered, whatever ends its handler."""

import errno

import pyfuse3
import pytest
import trio
import trio.testing

from envfs.fuse.guard import guarded
from envfs.fuse.operations import Operations


@guarded
async def wait(_self: Operations, _context: object) -> None:
    """Wait for what never comes, as for a person."""
    await trio.sleep_forever()


def test_a_question_is_answered_when_the_loop_ends_below_its_handler() -> None:
    answers: list[int] = []

    async def be_asked(scope: trio.CancelScope) -> None:
        with scope:
            try:
                await wait(Operations.__new__(Operations), None)
            except pyfuse3.FUSEError as refusal:
                answers.append(refusal.errno)
            await trio.lowlevel.checkpoint()  # the cancellation is not lost by that
            pytest.fail("the loop went on")

    async def main() -> None:
        scope = trio.CancelScope()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(be_asked, scope)
            await trio.testing.wait_all_tasks_blocked()
            scope.cancel()

    trio.run(main)
    assert answers == [errno.EIO]

"""What one user may have in the making at once, whoever reads slowly; and what never waits for it."""

import trio
import trio.testing

from envfs.protocol import control, framing, wire
from envfs.service.budgets import Budgets
from tests.component.world import Client, World, run

_LARGE = (
    control.ListHistory("/shop"),
    control.ListVariables("/shop"),
    control.DescribeView("/shop"),
    control.ReadView("/shop", "dotenv", "show", version=1),
)
_SMALL = (control.Status(), control.ReadView("/shop", "dotenv", "show"), control.ListLevels())


def test_so_many_large_requests_of_a_user_are_in_the_making_and_small_ones_never_wait() -> None:
    async def main() -> None:
        budgets, inside = Budgets(), []

        async def spend(uid: int, request: object) -> None:
            async with budgets.spend(uid, request):
                inside.append(uid)
                await trio.sleep_forever()

        async with trio.open_nursery() as nursery:
            for request in _LARGE * 5:
                nursery.start_soon(spend, 1, request)
            await trio.testing.wait_all_tasks_blocked()
            assert inside == [1] * 4
            for request in (*_SMALL, *_LARGE):
                nursery.start_soon(spend, 2 if request in _LARGE else 1, request)
            await trio.testing.wait_all_tasks_blocked()
            assert sorted(inside) == [1] * 7 + [2] * 4
            nursery.cancel_scope.cancel()
        assert not budgets._of

    run(main)


def test_a_client_that_takes_no_answers_keeps_no_other_from_small_ones(shared: World) -> None:
    async def never_read(client: Client) -> None:
        for _ in range(200):
            for request in _LARGE:
                with trio.move_on_after(0.05):
                    await client.send(_frame(request))
        await shared.ask(control.Status())

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            for _ in range(6):
                nursery.start_soon(shared.talk, never_read)
            await trio.sleep(0.5)
            with trio.fail_after(5):
                reply = await shared.ask(control.ReadView("/shop", "value", "get", ("LOG",)))
            assert isinstance(reply, control.ViewSent)
            nursery.cancel_scope.cancel()

    run(main)


def _frame(request: object) -> bytes:
    return framing.encode(wire.to_body(request))  # type: ignore[arg-type]

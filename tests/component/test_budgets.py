"""What one user may have in the making at once, whoever reads slowly; and what never waits for it."""

import trio
import trio.testing

from envfs.gate.fair_queue import Asker
from envfs.protocol import control, framing, wire
from envfs.service.budgets import Budgets
from tests.component.world import Client, World, run

_LARGE = (
    control.ListHistory("/shop"),
    control.ListVariables("/shop"),
    control.DescribeView("/shop"),
    control.ReadView("/shop", "dotenv", "show", version=1),
    control.ReadLog(),
    control.CountLog(),
)
_SMALL = (control.Status(), control.ReadView("/shop", "dotenv", "show"), control.ListLevels())


def test_so_many_large_requests_of_a_user_are_in_the_making_and_small_ones_never_wait() -> None:
    async def main() -> None:
        budgets, inside = Budgets(), []

        async def spend(asker: Asker, request: object) -> None:
            async with budgets.spend(asker, request):
                inside.append(asker)
                await trio.sleep_forever()

        one, same_user, other = Asker(1), Asker(1, -1), Asker(2)
        async with trio.open_nursery() as nursery:
            for request in _LARGE * 5:
                nursery.start_soon(spend, one, request)
            await trio.testing.wait_all_tasks_blocked()
            assert inside == [one] * 3
            for request in (*_LARGE, *_LARGE):
                nursery.start_soon(spend, same_user, request)
            await trio.testing.wait_all_tasks_blocked()
            assert inside == [one] * 3 + [same_user]
            for request in (*_SMALL, *_LARGE):
                nursery.start_soon(spend, other if request in _LARGE else one, request)
            await trio.testing.wait_all_tasks_blocked()
            assert sorted(inside) == sorted([one] * 6 + [same_user] + [other] * 3)
            nursery.cancel_scope.cancel()
        assert budgets._large.is_idle

    run(main)


def test_one_program_that_verifies_all_the_time_leaves_the_users_other_one_room() -> None:
    async def main() -> None:
        budgets, inside = Budgets(), []

        async def spend(asker: Asker) -> None:
            async with budgets.spend(asker, control.VerifyLog()):
                inside.append(asker)
                await trio.sleep_forever()

        async with trio.open_nursery() as nursery:
            for asker in (*[Asker(1)] * 40, Asker(1, -1)):
                nursery.start_soon(spend, asker)
                await trio.testing.wait_all_tasks_blocked()
            assert inside == [Asker(1), Asker(1, -1)]
            nursery.cancel_scope.cancel()

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
            with trio.fail_after(60):
                reply = await shared.ask(control.ReadView("/shop", "value", "get", ("LOG",)))
            assert isinstance(reply, control.ViewSent)
            nursery.cancel_scope.cancel()

    run(main)


def _frame(request: object) -> bytes:
    return framing.encode_frame(wire.to_body(request))  # type: ignore[arg-type]

"""A machine of a shared vault that is killed in an act on members or keys, at each step, and starts again.

Either nothing was done, or all of it, or a project waits visibly for its key and nothing is written there. The next
start finishes it.
"""

from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path

import pytest
import trio

from envfs.daemon.housekeeping import finish_changes
from envfs.errors import Conflict
from envfs.protocol import control
from envfs.service.keys.identity import load_identity
from envfs.service.members.approving import approve_member, waiting
from envfs.service.members.listing import load_members
from envfs.service.members.revoking import revoke_member
from envfs.service.members.sealing import note_pending
from tests.component.killing import Killed, killed_at
from tests.component.sharing_engine import EngineInMemory, begin, copied, joined, set_engine, until
from tests.component.team import Team, invitation, settled
from tests.component.test_forks import has_heads
from tests.component.two_machines import put, sharing, text_of
from tests.component.world import ME, World, run

Act = Callable[[World], Awaitable[object]]


async def revoke(world: World) -> None:
    await revoke_member(world.service, ME, control.RevokeMember("ben"))


async def rotate(world: World) -> None:
    assert isinstance(await world.ask(control.RotateKey("shop")), control.Done)


async def approve(world: World) -> None:
    [(name, _, words)] = waiting(await load_members(world.service))
    await approve_member(world.service, ME, name, words)


async def names(world: World) -> list[str]:
    return [member.name for member in (await load_members(world.service)).now.members][1:]


async def killed(world: World, engine: EngineInMemory, act: Act, step: int, monkeypatch: pytest.MonkeyPatch) -> int:
    joined(world, engine)
    steps = [0]
    try:
        async with trio.open_nursery() as nursery:
            await begin(nursery, world)
            await until(lambda: world.service.sharing.facts.connected)
            with killed_at(monkeypatch, step) as steps:
                await act(world)
                raise Killed
    except* Killed:
        pass
    return steps[0]


async def started_again(world: World, act: Act) -> bool:
    """See that what is pending keeps writers out, and is finished. Returns whether the act has to be done again."""
    await load_identity(world.service, ())
    await until(lambda: world.service.sharing.facts.connected)
    for project in await note_pending(world.service):
        assert any("a former member has the newest key" in text for text in world.service.problems())
        with pytest.raises(Conflict):
            await put(world, project, "REFUSED=1\n")
    assert "PAGER=on" in await text_of(world, "/shop/prod")
    await finish_changes(world.service)
    assert await note_pending(world.service) == ()
    if act is approve:
        return bool(waiting(await load_members(world.service)))
    return act is revoke and "ben" in await names(world)


def survive(team: Team, act: Act, steps: Iterable[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Kill an act of the owner at these steps, each in a copy of its own, until there is none of that number."""
    ana, engine = team["ana"], EngineInMemory()
    joined(ana, engine)
    set_engine(ana)

    async def share() -> None:
        await until(lambda: has_heads(engine, ana))

    sharing(share, ana)
    for step in steps:
        there = EngineInMemory()
        there.records = dict(engine.records)
        victim = copied(ana, tmp_path / f"killed-{step}")
        last = run(lambda: killed(victim, there, act, step, monkeypatch))  # noqa: B023 - it is called at once
        victim.close()
        again = World(victim.folder, ana.keyholder._keyholder)  # type: ignore[arg-type]
        joined(again, there)

        async def look() -> None:
            if await started_again(again, act):  # noqa: B023
                await act(again)  # noqa: B023
            assert await put(again, "/shop/prod", "AFTER=1\n")  # noqa: B023
            await until(lambda: has_heads(there, again))  # noqa: B023
            assert (await again.sent(control.VerifyVault())).reply.failed == 0, step  # noqa: B023
            assert not again.service.problems(), step  # noqa: B023

        sharing(look, again)
        again.close()
        if last < step:
            return


def sampled(*sample: int) -> pytest.MarkDecorator:
    """Try some steps, and in the soak all."""
    soak = pytest.param(range(1, 200), marks=pytest.mark.soak)
    return pytest.mark.parametrize("steps", [sample, soak], ids=["some", "all"])


@sampled(6, 9)
def test_a_revoke(team: Team, steps: Iterable[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    survive(team, revoke, steps, tmp_path, monkeypatch)


@sampled(5)
def test_new_keys(team: Team, steps: Iterable[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    survive(team, rotate, steps, tmp_path, monkeypatch)


@sampled(5)
def test_an_approval(team: Team, steps: Iterable[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = team.invited("ana", invitation("dov", "reader", "/shop"))
    team.carry("ana", "ben")
    settled(team["ben"])
    team.joined("ben", code)
    team.carry("ben", "ana")
    survive(team, approve, steps, tmp_path, monkeypatch)

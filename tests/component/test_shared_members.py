"""Members of a vault on an engine: who joins by it, gets what they may, and is out with the entry that says so."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import trio

from envfs.daemon.keyholder_process import KeyholderLink
from envfs.errors import AlreadyExists, NotApproved, StoreUnavailable
from envfs.protocol import control
from envfs.service.keys.identity import load_identity
from envfs.service.maintenance.joining import join_vault
from envfs.service.members.approving import approve_member
from envfs.service.members.inviting import invite_member
from envfs.service.members.revoking import revoke_member
from tests.component.sharing_engine import EngineInMemory, begin, joined, set_engine, until
from tests.component.team import invitation
from tests.component.world import ME, World, memory, run


@pytest.fixture
def newcomer(fresh: KeyholderLink, tmp_path: Path) -> Iterator[World]:
    """Give one test a home with a keyholder of its own."""
    other = World(tmp_path / "newcomer", fresh)
    yield other
    other.close()


async def _read(world: World, level: str) -> str:
    sent = await world.sent(control.ReadView(level, "dotenv", "show"))
    return sent.reply.code if isinstance(sent.reply, control.Failed) else sent.blob.decode()


def entries_of(world: World) -> int:
    """Return how many entries of the list a machine reads: one that is about to be taken is in its store already."""
    head = world.open_vault.vault.stream_head("member")
    return head.seq if head else 0


@pytest.mark.parametrize("is_stored", [False, True])
def test_a_join_goes_on_after_the_engine_went_away_in_the_middle(
    world: World, newcomer: World, *, is_stored: bool
) -> None:
    engine = EngineInMemory()
    Path(newcomer.places.vault).mkdir(parents=True)
    shutil.copy(Path(world.places.vault) / "vault.toml", newcomer.places.vault)
    joined(world, engine)
    line = joined(newcomer, engine)
    set_engine(world)
    identity = str(newcomer.folder / "identity.txt")
    settings = Path(newcomer.places.settings)
    settings.write_text(f'[identity]\nfile = "{identity}"\n[store]\nengine = "folder:/engine"\n')
    settings.chmod(0o600)
    request = control.JoinVault(identity)

    async def lose(_key: str) -> None:
        raise StoreUnavailable("as the test wants it")

    async def script(nursery: trio.Nursery) -> None:
        handle, other = memory(await _invited(world)), memory(b"another code")
        newcomer.open_vault  # noqa: B018 - it is opened by this
        nursery.start_soon(newcomer.service.sharing.run)
        await until(lambda: entries_of(newcomer) == 2)
        line.before_put, line.lost_answers = (None, 1) if is_stored else (lose, 0)
        with pytest.raises(StoreUnavailable) as caught:
            await join_vault(newcomer.service, ME, request, (handle,))
        assert "goes on from here" in caught.value.hint
        line.before_put, made = None, _content(identity)
        if is_stored:
            await until(lambda: entries_of(newcomer) == 3)
        came = await join_vault(newcomer.service, ME, request, (other if is_stored else handle,))
        assert came.name == "ben"
        assert _content(identity) == made
        await until(lambda: entries_of(world) == 3)
        again = await join_vault(newcomer.service, ME, request, (other,))  # which waits for the approval
        assert again == came
        await approve_member(world.service, ME, "ben", came.fingerprint)
        await until(lambda: entries_of(newcomer) == 4)
        with pytest.raises(AlreadyExists):
            await join_vault(newcomer.service, ME, request, (other,))
        os.close(handle)
        os.close(other)

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            await begin(nursery, world)
            await script(nursery)
            nursery.cancel_scope.cancel()

    run(main)


def _content(path: str) -> bytes:
    return Path(path).read_bytes()


async def _invited(world: World) -> bytes:
    where = os.memfd_create("envfs-test", os.MFD_CLOEXEC)
    await invite_member(world.service, ME, invitation("ben", "writer", "/shop"), (where,))
    code = os.pread(where, 100, 0)
    os.close(where)
    return code


def test_a_member_joins_writes_and_goes_by_an_engine(world: World, newcomer: World) -> None:
    engine = EngineInMemory()
    Path(newcomer.places.vault).mkdir(parents=True)
    shutil.copy(Path(world.places.vault) / "vault.toml", newcomer.places.vault)
    joined(world, engine)
    joined(newcomer, engine)
    identity = str(newcomer.folder / "identity.txt")
    settings = Path(newcomer.places.settings)
    settings.write_text(f'[identity]\nfile = "{identity}"\n[store]\nengine = "folder:/engine"\n')
    settings.chmod(0o600)
    set_engine(world)
    store = newcomer.service.store

    async def script() -> None:
        code = await _invited(world)
        handle = memory(code)
        async with trio.open_nursery() as nursery:
            newcomer.open_vault  # noqa: B018 - it is opened by this
            nursery.start_soon(newcomer.service.sharing.run)
            await until(lambda: entries_of(newcomer) == 2)  # without an identity
            came = await join_vault(newcomer.service, ME, control.JoinVault(identity), (handle,))
            await until(lambda: entries_of(world) == 3)
            await approve_member(world.service, ME, "ben", came.fingerprint)
            await until(lambda: entries_of(newcomer) == 4)
            await load_identity(newcomer.service, ())
            newcomer.service.sharing.wake()
            await until(lambda: newcomer.open_vault.vault.head("/shop/prod") is not None)
            assert "PAGER=on" in await _read(newcomer, "/shop/prod")
            assert not [*store.mirror.list("level/blog")]
            assert not [*store.mirror.list("key/blog")]
            newcomer.service.sharing.wake()
            await until(lambda: newcomer.service.sharing.facts.refused == {})
            await newcomer.write("/shop/prod", "BEN=1\n", "merge")
            await until(lambda: engine.versions("/shop/prod") == 2)
            await until(lambda: world.open_vault.vault.versions("/shop/prod")[-1] == 2)
            assert "BEN=1" in await _read(world, "/shop/prod")
            await revoke_member(world.service, ME, control.RevokeMember("ben"))
            await until(lambda: entries_of(newcomer) == 5)
            assert await _read(newcomer, "/shop/prod") != ""
            with pytest.raises(NotApproved):
                await newcomer.write("/shop/prod", "BEN=2\n", "merge")
            with pytest.raises(NotApproved):
                await load_identity(newcomer.service, ())
            nursery.cancel_scope.cancel()
        os.close(handle)

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            await begin(nursery, world)
            await script()
            nursery.cancel_scope.cancel()

    run(main)

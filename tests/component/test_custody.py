"""Locks and keys of projects while something else goes on: what is locked is locked, and nothing else with it."""

import base64
import os
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import pytest
import trio
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from envfs.core import keyfile, record
from envfs.core.addresses import RecordAddress
from envfs.core.keyfile import Custody, Keys
from envfs.core.operations import KeyOperation
from envfs.core.scope import VAULT, Scope
from envfs.core.secret import Secret
from envfs.errors import AuthenticationFailed, EnvFSError, Locked, TooLarge
from envfs.gate.keyholder import KeyholderAnswer
from envfs.keyholder.crypto import age, sealing
from envfs.keyholder.crypto.identity import Identity
from envfs.protocol import control as R  # noqa: N812
from envfs.protocol import framing, wire
from envfs.protocol.keyholding import Forget, HoldKeys, LoadIdentity, SealKeys, WriteLevel
from envfs.service.keys import identity as identities
from envfs.service.keys.identity import load_identity
from envfs.service.keys.locking import lock_now
from envfs.service.project_keys import KeyChange
from envfs.service.service import Service
from tests.component.cheap import TIME, age_file, identity_in, key_file
from tests.component.world import ME, Counting, World, run

PASS = b"river monkey telescope quartz"
SSH_HEAD = b"\0\0\0\x0bssh-ed25519\0\0\0\x20"  # of a public key of 32 bytes (RFC 8709)
STRANGERS = "age17cyz8uddawjyrgxfl2pma468ptvmtal758qzdvqcqs9afjr5jqzql6x2nf"


class Meanwhile:
    """A keyholder where something happens once, when a request of some type is on its way to it, or its answer back."""

    def __init__(
        self, world: World, request: type, what: Callable[[], Awaitable[object]], *, on_the_way_back: bool = False
    ) -> None:
        self._real, self._request, self._what = world.keyholder._keyholder, request, what
        self.turn = self._real.turn
        self._back = on_the_way_back
        self.happened = False
        world.keyholder._keyholder = self  # type: ignore[assignment]

    async def ask(
        self, request: NamedTuple, expected: type, blobs: tuple[bytes, ...] = (), descriptors: tuple[int, ...] = ()
    ) -> KeyholderAnswer:
        now = isinstance(request, self._request) and not self.happened
        self.happened = self.happened or now
        if now and not self._back:
            await self._what()
        answer = await self._real.ask(request, expected, blobs, descriptors)
        if now and self._back:
            await self._what()
        return answer


@pytest.fixture
def safe(world: World) -> World:
    """Give one test a vault in which project `safe` is zero-knowledge, and unlocked."""
    put_project(world, "/safe", PASS.decode())
    assert code(run(lambda: world.ask(R.Unlock(0, "safe"), secret=PASS))) == "Done"
    run(lambda: world.write("/safe", "KEPT=here\n"))
    return world


def put_project(world: World, project: str, passphrase: str) -> None:
    """Put the key file of a new zero-knowledge project into a world's vault."""
    place = world.open_vault.vault.next_place(record.key_stream(project))
    assert world.open_vault.vault.append_key(project, place.seq, key_file(owner(world), place, passphrase))


def owner(world: World) -> Identity:
    return identity_in(world.folder / "identity.txt")


def code(reply: object) -> str:
    return reply.code if isinstance(reply, R.Failed) else type(reply).__name__


async def hold_identity(world: World) -> None:
    """Let the keyholder learn the identity, and the daemon know nothing of it."""
    about = world.open_vault.vault.description
    handle = os.open(world.folder / "identity.txt", os.O_RDONLY)
    try:
        await world.keyholder.ask(LoadIdentity(about.recipient, about.signing_key), tuple, (), (handle,))
    finally:
        os.close(handle)


def lock(world: World, *projects: str) -> Callable[[], Awaitable[None]]:
    return lambda: lock_now(world.service, ME, "a test", Scope(*projects))


def state(world: World, level: str) -> str:
    """Return how a level's view can be had now."""

    async def look() -> str:
        await trio.sleep(0.005)
        try:
            view = await world.open_vault.views.get(level)
            view.check()
        except EnvFSError as error:
            return error.code
        return "ok"

    return run(look)


# -- locking while a key is on its way ---------------------------------------------------------------------------------


def test_a_vault_that_is_locked_while_a_project_gets_a_new_key_stays_locked_whole(safe: World) -> None:
    async def lock_late() -> None:  # the child that makes the key has the identity already
        await lock_now(safe.service, ME, "a test")
        await hold_identity(safe)

    happening = Meanwhile(safe, SealKeys, lock_late)
    assert code(run(lambda: safe.ask(R.RotateKey("safe"), secret=PASS))) == "conflict"
    assert happening.happened
    assert state(safe, "/shop") == "locked"
    run(lambda: load_identity(safe.service, ()))
    assert state(safe, "/safe") == "locked"
    assert state(safe, "/shop") == "ok"


def test_a_project_that_is_locked_while_it_is_made_stays_locked(world: World) -> None:
    Meanwhile(world, SealKeys, lock(world, "/new"))
    assert code(run(lambda: world.ask(R.NewProject("new", "zero-knowledge"), secret=PASS))) == "conflict"
    assert not world.service.locks.is_held("/new")
    with pytest.raises(Locked):
        run(lambda: world.open_vault.keys.describe("/new"))


@pytest.mark.parametrize("back", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("scope", [VAULT, Scope("/safe")], ids=str)
def test_a_project_that_is_locked_while_it_is_unlocked_stays_locked(safe: World, scope: Scope, back: bool) -> None:
    async def lock_late() -> None:
        await lock_now(safe.service, ME, "a test", scope)
        await hold_identity(safe)

    Meanwhile(safe, HoldKeys, lock_late, on_the_way_back=back)
    assert code(run(lambda: safe.ask(R.Unlock(0, "safe"), secret=PASS))) == "conflict"
    run(lambda: load_identity(safe.service, ()))
    assert state(safe, "/safe") == "locked"


def test_a_view_that_was_made_between_a_lock_and_its_notice_is_wiped(world: World) -> None:
    async def lock_first() -> None:  # the keyholder is told to forget, then it learns the identity, then somebody reads
        await lock_now(world.service, ME, "a test")
        await hold_identity(world)
        await world.open_vault.views.get("/shop")

    Meanwhile(world, LoadIdentity, lock_first, on_the_way_back=True)
    assert code(run(lambda: world.ask(R.Unlock()))) == "conflict"
    assert state(world, "/shop") == "locked"


def test_a_lock_that_comes_while_a_keyring_is_asked_holds(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    real = identities._open_identity

    async def ask_for_long(service: Service) -> int:
        await lock_now(service, ME, "a test")
        return await real(service)

    monkeypatch.setattr(identities, "_open_identity", ask_for_long)
    assert code(run(lambda: world.ask(R.Unlock()))) == "conflict"
    assert state(world, "/shop") == "locked"


def test_locking_one_project_leaves_the_unlocking_of_another_alone(safe: World) -> None:
    assert state(safe, "/blog") == "ok"
    Meanwhile(safe, HoldKeys, lock(safe, "/shop"))
    assert code(run(lambda: safe.ask(R.Unlock(0, "safe"), secret=PASS))) == "Done"
    assert safe.service.locks.unlocked
    assert [state(safe, level) for level in ("/safe", "/shop", "/blog")] == ["ok", "locked", "ok"]


def test_what_was_done_before_a_lock_is_not_said_to_be_locked(world: World) -> None:
    """A client that is told so unlocks and asks again: a rotation would be made twice."""
    Meanwhile(world, WriteLevel, lock(world, "/shop"), on_the_way_back=True)
    assert code(run(lambda: world.ask(R.RotateKey("shop")))) == "conflict"
    assert code(run(lambda: world.ask(R.Unlock(0, "shop")))) == "Done"
    assert len(run(lambda: world.open_vault.keys.describe("/shop")).kids) == 2
    assert not world.open_vault.vault.has_old_keys("/shop")


def test_a_message_that_cannot_be_kept_is_refused_before_there_is_a_new_key(world: World) -> None:
    assert code(run(lambda: world.ask(R.RotateKey("shop", "a\0")))) == "malformed"
    assert code(run(lambda: world.ask(R.ChangeCustody("shop", "zero-knowledge", "a\0"), secret=PASS))) == "malformed"
    assert len(run(lambda: world.open_vault.keys.describe("/shop")).kids) == 1


# -- locking when something is in the way ------------------------------------------------------------------------------


@pytest.mark.parametrize("harm", ["bent", "emptied", "gone"])
def test_a_vault_that_cannot_be_trusted_keeps_nobody_from_locking(safe: World, harm: str) -> None:
    path = Path(safe.places.vault) / "key/safe/@00000001.age"
    data = path.read_bytes()
    path.unlink()
    if harm != "gone":
        path.write_bytes(b"" if harm == "emptied" else b"x" + data)
    time.sleep(0.1)
    assert code(run(lambda: safe.ask(R.Lock("safe")))) == "Done"
    path.unlink(missing_ok=True)
    path.write_bytes(data)
    time.sleep(0.1)
    assert state(safe, "/safe") == "locked"
    assert code(run(lambda: safe.ask(R.Unlock(0, "safe"), secret=PASS))) == "Done"
    assert state(safe, "/safe") == "ok"


def test_a_project_that_is_not_there_cannot_be_locked(world: World) -> None:
    assert code(run(lambda: world.ask(R.Lock("nothing")))) == "no-such-level"


def test_where_one_project_more_cannot_be_locked_alone_everything_is(world: World) -> None:
    async def fill() -> None:
        with suppress(TooLarge):
            for number in range(65):
                await world.keyholder.ask(Forget(f"/p{number}", Custody.MANAGED), tuple)

    run(fill)
    try:
        assert state(world, "/shop") == "ok"
        with pytest.raises(TooLarge, match="everything was locked"):
            run(lock(world, "/shop"))
        assert [state(world, level) for level in ("/shop", "/blog")] == ["locked", "locked"]
        assert not world.service.locks.unlocked
    finally:
        run(lambda: load_identity(world.service, ()))


def test_when_the_keyholder_does_not_answer_the_views_are_wiped_and_the_pages_dropped(world: World) -> None:
    dropped = []

    async def drop() -> None:
        dropped.append(True)

    class Dead(Counting):
        async def ask(self, *_: object) -> object:
            raise EnvFSError("the keyholder does not answer")

    world.service.after_lock = drop
    view = run(lambda: world.open_vault.views.get("/shop")).hold()
    world.service.keyholder = Dead(world.keyholder)  # type: ignore[assignment, arg-type]
    with pytest.raises(EnvFSError):
        run(lock(world))
    with pytest.raises(Locked):
        view.check()
    assert dropped
    assert world.entries()[-1]["event"] == "lock"
    view.release()


# -- what stays locked, and for how long -------------------------------------------------------------------------------


def test_a_project_that_was_locked_stays_so_when_another_is_unlocked(world: World) -> None:
    run(lock(world, "/shop"))
    run(lock(world))
    assert code(run(lambda: world.ask(R.Unlock(0, "blog")))) == "Done"
    assert [state(world, level) for level in ("/blog", "/shop")] == ["ok", "locked"]
    assert code(run(lambda: world.ask(R.Unlock()))) == "Done"
    assert state(world, "/shop") == "ok"
    assert not world.service.locks.closed


def test_an_identity_that_is_loaded_again_opens_no_project_that_was_locked(world: World) -> None:
    run(lock(world, "/shop"))
    run(lambda: load_identity(world.service, (), reopen=False))
    assert [state(world, level) for level in ("/blog", "/shop")] == ["ok", "locked"]
    run(lambda: world.ask(R.Unlock()))


def test_an_identity_that_was_wanted_for_one_project_is_forgotten_with_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(lock(world))
    run(lambda: world.ask(R.Unlock(60, "shop")))
    monkeypatch.setattr("envfs.host.clocks.boot_seconds", lambda: 1e12)
    assert world.service.locks.due() == [VAULT]
    monkeypatch.undo()
    run(lambda: world.ask(R.Unlock()))
    run(lambda: world.ask(R.Unlock(60, "shop")))
    monkeypatch.setattr("envfs.host.clocks.boot_seconds", lambda: 1e12)
    assert world.service.locks.due() == [Scope("/shop")]


def test_wrong_passphrases_are_counted_for_each_that_can_be_guessed(
    safe: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    real = trio.sleep

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        await real(0)

    monkeypatch.setattr(trio, "sleep", sleep)

    def unlock(project: str, secret: bytes | None) -> str:
        waits.clear()
        return code(run(lambda: safe.ask(R.Unlock(0, project), secret=secret)))

    for _ in range(4):
        assert unlock("safe", b"a guess") == "wrong-passphrase"
    assert max(waits) == 7.0
    assert unlock("", None) == "Done"
    assert max(waits) == 0.0
    assert unlock("shop", b"is needed by nobody") == "Done"
    assert unlock("safe", b"a guess") == "wrong-passphrase"  # nothing else that was right helps the one who guesses
    assert max(waits) == 15.0
    assert unlock("safe", None) == "wrong-passphrase"  # a question, not a guess
    assert max(waits) == 0.0
    assert unlock("safe", PASS) == "Done"
    assert max(waits) == 30.0
    assert unlock("safe", PASS) == "Done"
    assert max(waits) == 0.0


# -- key files that are not what they seem -----------------------------------------------------------------------------


def _head(world: World, project: str) -> bytes:
    head = world.open_vault.vault.key_head(project)
    assert head is not None
    return head.data


def test_a_copy_of_an_open_key_file_under_another_number_opens_nothing(safe: World) -> None:
    folder = Path(safe.places.vault) / "key/safe"
    (folder / "@00000002.age").write_bytes(_head(safe, "/safe"))
    time.sleep(0.1)
    assert state(safe, "/safe") == "locked"
    assert code(run(lambda: safe.ask(R.Unlock(0, "safe"), secret=PASS))) == "authentication-failed"
    (folder / "@00000002.age").unlink()
    time.sleep(0.1)
    assert state(safe, "/safe") == "ok"


def _planted(world: World, project: str, data: bytes) -> RecordAddress:
    place = world.open_vault.vault.next_place(record.key_stream(project))
    assert world.open_vault.vault.append_key(project, place.seq, data)
    return place


@pytest.mark.parametrize("recipients", [(), (STRANGERS,)], ids=["of a passphrase", "of others"])
def test_keys_are_sealed_to_whom_the_owner_signed_for(safe: World, recipients: tuple[str, ...]) -> None:
    """Whoever knows a file's content may seal it anew: it is not taken under another custody than the signed one."""
    place = safe.open_vault.vault.next_place("key/safe")
    plain = sealing.sign_keys(owner(safe), place, TIME, Keys((Secret(os.urandom(32)),), recipients))
    sealed = age_file(plain, PASS.decode()) if recipients else age.seal_to_recipients(plain, (owner(safe).recipient,))
    _planted(safe, "/safe", sealed)
    if recipients:
        assert code(run(lambda: safe.ask(R.Unlock(0, "safe"), secret=PASS))) == "authentication-failed"
    with pytest.raises(EnvFSError) as caught:
        run(lambda: safe.open_vault.keys.describe("/safe"))
    assert isinstance(caught.value, Locked if recipients else AuthenticationFailed)


DAMAGED = {
    "half a header": lambda data: data[:60],
    "another stanza": lambda data: data.replace(b"-> scrypt ", b"-> scrypt x ", 1),
    "two stanzas": lambda data: data.replace(b"\n---", b"\n-> grease\n\n---", 1),
    "too slow for anybody": lambda data: data.replace(b" 10\n", b" 30\n", 1),
    "half a payload": lambda data: data[:-20],
}


@pytest.mark.parametrize("harm", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_key_file_is_not_called_a_wrong_passphrase(safe: World, harm: Callable[[bytes], bytes]) -> None:
    place = safe.open_vault.vault.next_place("key/safe")
    _planted(safe, "/safe", harm(key_file(owner(safe), place, PASS.decode())))
    assert code(run(lambda: safe.ask(R.Unlock(0, "safe"), secret=PASS))) == "authentication-failed"
    assert safe.service.locks.wait(Scope("/safe")) == 0


def test_a_key_file_of_another_project_opens_nothing(safe: World) -> None:
    put_project(safe, "/other", "indigo harbour seventeen lemon")
    data = Path(safe.places.vault) / "key/other/@00000001.age"
    _planted(safe, "/safe", data.read_bytes())
    answer = run(lambda: safe.ask(R.Unlock(0, "safe"), secret=b"indigo harbour seventeen lemon"))
    assert code(answer) == "authentication-failed"


# -- changing keys -----------------------------------------------------------------------------------------------------


def test_what_is_written_while_the_key_changes_is_sealed_with_the_new_one(world: World) -> None:
    change = KeyChange(KeyOperation.ROTATE, Custody.MANAGED, fresh=True)

    async def rotate() -> None:
        await world.open_vault.keys.change(ME, "/shop", change, ())

    Meanwhile(world, WriteLevel, rotate, on_the_way_back=True)
    run(lambda: world.write("/shop/new", "A=1\n"))
    head = world.open_vault.vault.head("/shop/new")
    assert head is not None
    newest = run(lambda: world.open_vault.keys.describe("/shop")).kids[0]
    assert record.parse_record(head.data).header.kid == newest


def test_a_change_that_broke_off_is_finished_by_unlocking(safe: World) -> None:
    vault, place = safe.open_vault.vault, safe.open_vault.vault.next_place("key/safe")
    old = _held(safe)
    _planted(safe, "/safe", key_file(owner(safe), place, PASS.decode(), (Secret(os.urandom(32)), *old)))
    assert vault.has_old_keys("/safe")
    assert code(run(lambda: safe.ask(R.Unlock(0, "safe"), secret=PASS))) == "Done"
    assert not vault.has_old_keys("/safe")
    head = vault.head("/safe")
    assert head is not None
    assert head.seq == 2


def _held(world: World) -> tuple[Secret[bytes], ...]:
    # the test knows the passphrase, so it may open the file as the keyholder does
    return keyfile.parse_keys(age.open_under(_head(world, "/safe"), Secret(PASS.decode()))).keys.keys


def test_adding_a_recovery_recipient_finishes_what_a_change_before_it_left(world: World) -> None:
    change = KeyChange(KeyOperation.ROTATE, Custody.MANAGED, fresh=True)
    run(lambda: world.open_vault.keys.change(ME, "/shop", change, ()))  # and there it broke off
    assert code(run(lambda: world.ask(R.AddRecovery(STRANGERS)))) == "RecoveryMade"
    newest = run(lambda: world.open_vault.keys.describe("/shop")).kids[0]
    for level in ("/shop", "/shop/prod"):
        head = world.open_vault.vault.head(level)
        assert head is not None
        assert record.parse_record(head.data).header.kid == newest


def test_a_recovery_identity_needs_a_place_that_can_be_written(world: World, capfd: pytest.CaptureFixture[str]) -> None:
    assert code(run(lambda: world.ask(R.AddRecovery()))) == "bad-request"

    async def read_only(client: object) -> object:
        handle = os.open(world.folder / "identity.txt", os.O_RDONLY)
        try:
            await client.send(framing.encode_frame(wire.to_body(R.AddRecovery())), (handle,))  # type: ignore[attr-defined]
        finally:
            os.close(handle)
        return (await client.message())[0]  # type: ignore[attr-defined]

    assert code(run(lambda: world.talk(read_only))) == "failed"
    assert capfd.readouterr().err == ""
    assert world.service.settings.load().recipients == ()


def test_a_recipient_is_removed_however_it_is_spelt(world: World) -> None:
    raw = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    line = f"ssh-ed25519 {base64.b64encode(b''.join((SSH_HEAD, raw))).decode()}"
    assert code(run(lambda: world.ask(R.ChangeRecipients("shop", (f"{line} me@here",), ())))) == "Done"
    assert line in run(lambda: world.open_vault.keys.describe("/shop")).recipients
    assert code(run(lambda: world.ask(R.ChangeRecipients("shop", (), (f"{line}  me@there",))))) == "Done"
    assert line not in run(lambda: world.open_vault.keys.describe("/shop")).recipients


def test_a_project_can_be_named_like_the_start_of_another(world: World) -> None:
    for level in ("/shop2", "/shop.x", "/sho"):
        run(lambda level=level: world.write(level, "A=1\n"))
    run(lock(world, "/shop"))
    levels = ("/shop", "/shop/prod", "/shop2", "/shop.x", "/sho")
    assert [state(world, level) for level in levels] == ["locked", "locked", "ok", "ok", "ok"]
    run(lambda: world.ask(R.Unlock(0, "shop")))


def test_locking_the_project_of_the_top_level_locks_every_view(world: World) -> None:
    run(lock(world, "/"))
    assert [state(world, level) for level in ("/", "/shop", "/blog")] == ["locked"] * 3
    run(lambda: world.ask(R.Unlock(0, "/")))
    assert state(world, "/shop") == "ok"

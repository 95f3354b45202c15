"""Tokens: the bearer gets what the token's rule gives, and nothing else, as long as it lasts."""

import hashlib
import os
import subprocess
from collections.abc import Iterator

import pytest

from envfs.core.access.roles import Capability
from envfs.core.access.rule import Rule
from envfs.daemon.keyholder_process import KeyholderLink
from envfs.protocol import control, framing, wire
from envfs.service.access.grants import end_sessions
from envfs.service.keys.identity import load_identity
from tests.component.requesting import code
from tests.component.world import ME, STRANGER, Client, World, run
from tests.rule_processes import named, running, wait_for_end

R = control
TOKEN = b"envfs_token"
NOBODY = STRANGER._replace(doubt="a uid without a number here")


def token(world: World, level: str = "/shop", **more: object) -> Rule:
    digest = hashlib.sha256(TOKEN).hexdigest()
    return world.service.book.give(Rule(level, token=digest, **more), "t")  # type: ignore[arg-type]


def by_token(world: World, *requests: R.Request, caller: object = STRANGER, secret: bytes = TOKEN) -> list[str]:
    """Present a token, and ask; return what comes back to each."""

    async def script(client: Client) -> list[str]:
        said = [code((await client.ask(R.UseToken(), secret)).reply)]
        return said + [code((await client.ask(request)).reply) for request in requests]

    return run(lambda: world.talk(script, caller))  # type: ignore[arg-type]


READ = R.ReadView("/shop", "dotenv", "show")


@pytest.mark.parametrize("caller", [STRANGER, NOBODY, ME], ids=["a stranger", "nobody in particular", "the owner"])
def test_the_bearer_gets_what_the_token_gives_and_nothing_else(world: World, caller: object) -> None:
    token(world)
    requests = (READ, R.ReadView("/blog", "dotenv", "show"), R.SetVariable("/shop", "A"), R.Lock(), R.ListGrants())
    assert by_token(world, *requests, caller=caller) == ["Done", "ViewSent", *["not-approved"] * 4]


def test_a_token_that_ended_is_refused_and_on_the_log(world: World) -> None:
    given = token(world)
    world.service.book.end([given.key])
    assert by_token(world, READ) == ["not-approved", "not-approved"]
    assert [entry.get("operation") for entry in world.entries()[-2:]] == ["token", None]
    assert TOKEN.decode() not in world.service.log.path.read_text()


def test_a_token_ends_while_its_bearer_is_connected(world: World) -> None:
    given = token(world)

    async def script(client: Client) -> list[str]:
        said = [code((await client.ask(R.UseToken(), TOKEN)).reply), code((await client.ask(READ)).reply)]
        world.service.book.end([given.key])
        return [*said, code((await client.ask(READ)).reply)]

    assert run(lambda: world.talk(script, STRANGER)) == ["Done", "ViewSent", "not-approved"]


@pytest.mark.parametrize(
    "secret", [b"", b"envfs_other", b"x" * 300, TOKEN[:-1], hashlib.sha256(TOKEN).hexdigest().encode()]
)
def test_what_is_no_token_is_refused(world: World, secret: bytes) -> None:
    token(world)
    said = by_token(world, READ, secret=secret)
    assert said[0] in ("not-approved", "bad-request")
    assert said[1] == "not-approved"


def test_a_rule_that_denies_counts_for_bearers_too(world: World) -> None:
    token(world, "/")
    world.service.book.give(Rule("/shop", STRANGER.uid, decision="deny", can=frozenset(Capability)))  # type: ignore[arg-type]
    assert by_token(world, READ, R.ReadView("/blog", "dotenv", "show")) == ["Done", "not-approved", "ViewSent"]


def test_a_token_is_given_as_a_rule_is(world: World) -> None:
    digest = hashlib.sha256(TOKEN).hexdigest()
    made = run(lambda: world.ask(R.GrantAccess("/shop", seconds=60, token=digest)))
    assert isinstance(made, R.RuleGiven)
    assert made.id.startswith("t")
    assert code(run(lambda: world.ask(R.GrantAccess("/shop", token="x")))) == "bad-request"
    assert by_token(world, READ) == ["Done", "ViewSent"]


def test_a_descriptor_of_a_stranger_is_memory_and_one(world: World) -> None:
    token(world)

    async def script(client: Client) -> str:
        handle = os.open("/etc/hostname", os.O_RDONLY)
        try:
            await client.send(framing.encode_frame(wire.to_body(R.UseToken())), (handle,))
        finally:
            os.close(handle)
        found = await client.message()
        assert found is not None
        return code(found[0])

    assert run(lambda: world.talk(script, STRANGER)) == "bad-request"


# -- rules that bearers give -------------------------------------------------------------------------------------------

GIVER = frozenset((Capability.READ, Capability.NAMES, Capability.HISTORY, Capability.GRANT))
OTHER = b"envfs_other_token"


def both_may_give(world: World) -> tuple[str, str]:
    """Give two tokens that may give rules at one level; return their ids."""
    rules = (Rule("/shop", token=hashlib.sha256(secret).hexdigest(), can=GIVER) for secret in (TOKEN, OTHER))
    first, second = (world.service.book.give(rule, "t") for rule in rules)
    return first.key, second.key


def test_the_bearers_of_two_tokens_are_two_whatever_their_uid(world: World) -> None:
    first, _ = both_may_give(world)
    give, end = R.GrantAccess("/shop/prod", 7), R.Revoke("/shop/prod", 7)
    assert by_token(world, give) == ["Done", "RuleGiven"]
    (rule,) = [rule for rule in world.service.book.load() if rule.uid == 7]
    assert (rule.by, rule.by_token) == (STRANGER.uid, first)
    assert by_token(world, end, give, secret=OTHER) == ["Done", "not-approved", "already-exists"]
    user = Rule("/shop", STRANGER.uid, can=GIVER)
    world.service.book.give(user)  # nor is the bearer's user the bearer
    assert code(run(lambda: world.ask(end, STRANGER))) == "not-approved"
    assert by_token(world, end, caller=STRANGER._replace(uid=999)) == ["Done", "Done"]


def test_a_bearer_does_not_end_what_its_user_gave(world: World) -> None:
    both_may_give(world)
    world.service.book.give(Rule("/shop/prod", 7, by=STRANGER.uid))
    assert by_token(world, R.Revoke("/shop/prod", 7)) == ["Done", "not-approved"]


def test_what_bearers_gave_ends_with_the_token_and_so_does_what_was_given_by_that(world: World) -> None:
    first, second = both_may_give(world)
    third = R.GrantAccess("/shop", token=hashlib.sha256(b"third").hexdigest(), can=tuple(GIVER))
    assert by_token(world, third, R.GrantAccess("/shop/prod", 7)) == ["Done", "RuleGiven", "RuleGiven"]
    assert by_token(world, R.GrantAccess("/shop/prod", 8), secret=b"third") == ["Done", "RuleGiven"]
    assert by_token(world, R.GrantAccess("/shop/prod", 9), secret=OTHER) == ["Done", "RuleGiven"]
    done = run(lambda: world.ask(R.Revoke("/", id=first)))
    assert isinstance(done, R.Done)
    assert len(done.notes) == 4
    assert [rule.uid for rule in world.service.book.load()] == [ME.uid, None, 9]
    assert [entry["event"] for entry in world.entries()[-4:]] == ["revoke"] * 4
    assert second in [rule.key for rule in world.service.book.load()]


# -- tokens that end with a process ------------------------------------------------------------------------------------


@pytest.fixture
def command() -> Iterator[subprocess.Popen[bytes]]:
    """Give a process that ends when its standard input does."""
    with running() as process:
        yield process


def end(command: subprocess.Popen[bytes]) -> None:
    """End a process, and leave its status with the kernel."""
    command.kill()
    wait_for_end(command.pid)


def test_a_token_ends_with_its_process_while_its_bearer_is_connected(
    world: World, command: subprocess.Popen[bytes]
) -> None:
    given = token(world, process=named(command.pid))

    async def script(client: Client) -> list[str]:
        said = [code((await client.ask(R.UseToken(), TOKEN)).reply), code((await client.ask(READ)).reply)]
        end(command)
        return [*said, code((await client.ask(READ)).reply)]

    assert run(lambda: world.talk(script, STRANGER)) == ["Done", "ViewSent", "not-approved"]
    assert by_token(world, READ) == ["not-approved", "not-approved"]
    assert not [row for row in run(lambda: world.sent(R.ListGrants())).rows if getattr(row, "is_token", False)]
    run(lambda: end_sessions(world.service))
    assert given.key not in [rule.key for rule in world.service.book.load()]
    assert world.entries()[-1]["event"] == "revoke"


def test_it_ends_as_well_while_no_daemon_runs(
    world: World, command: subprocess.Popen[bytes], keyholder: KeyholderLink
) -> None:
    process = named(command.pid)
    token(world, process=process)
    world.service.close()
    again = World(world.folder, keyholder)
    run(lambda: load_identity(again.service, ()))
    assert by_token(again, READ) == ["Done", "ViewSent"]
    again.service.book.end(["t2"])
    token(again, process=process._replace(boot="another run of the machine"))
    assert by_token(again, READ) == ["not-approved", "not-approved"]
    again.service.book.end(["t3"])
    token(again, process=process._replace(pidfd=process.pidfd + 1))  # the number is another process's now
    assert by_token(again, READ) == ["not-approved", "not-approved"]
    again.close()


def test_a_token_ends_with_the_process_that_asks_for_that(world: World) -> None:
    digest = hashlib.sha256(TOKEN).hexdigest()
    assert code(run(lambda: world.ask(R.GrantAccess("/shop", 7, session=True)))) == "bad-request"
    assert isinstance(run(lambda: world.ask(R.GrantAccess("/shop", token=digest, session=True))), R.RuleGiven)
    assert world.service.book.load()[-1].process == named(os.getpid())
    (row,) = [
        row for row in run(lambda: world.sent(R.ListGrants())).rows if isinstance(row, R.GrantRow) and row.process
    ]
    assert (row.process, row.until) == (os.getpid(), "")
    assert by_token(world, READ) == ["Done", "ViewSent"]


def test_what_ends_with_a_process_is_not_passed_on(world: World, command: subprocess.Popen[bytes]) -> None:
    can = frozenset((Capability.READ, Capability.NAMES, Capability.HISTORY, Capability.GRANT))
    token(world, can=can, process=named(command.pid))
    digest = hashlib.sha256(b"another").hexdigest()
    requests = (R.GrantAccess("/shop", 7), R.GrantAccess("/shop", token=digest), R.GrantAccess("/shop", 7, 60))
    assert by_token(world, *requests) == ["Done", *["not-approved"] * 3]
    assert len(world.service.book.load()) == 2


def test_sessions_that_are_over_make_room_for_new_ones(world: World, command: subprocess.Popen[bytes]) -> None:
    given = token(world, process=named(command.pid))
    end(command)
    another = hashlib.sha256(b"another").hexdigest()
    run(lambda: world.ask(R.GrantAccess("/shop", token=another, session=True)))
    assert given.key not in [rule.key for rule in world.service.book.load()]

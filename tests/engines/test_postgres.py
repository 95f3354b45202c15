"""PostgreSQL as an engine: what its server enforces, how it is verified, and what stands in between.

The promises that it shares with others are in `test_contract`.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import trio

from envfs.core import limits
from envfs.courier.address import parse_address
from envfs.courier.connecting import connect_engine
from envfs.courier.engine import Engine
from envfs.courier.engines.postgres import listening
from envfs.courier.engines.postgres.place import parse_place, resolve_place
from envfs.courier.engines.postgres.session import PostgresSession
from envfs.courier.engines.postgres.setting_up import set_up
from envfs.errors import BadRequest, EnvFSError, NotApproved, StoreUnavailable
from tests.engines.places import Place
from tests.engines.servers.pgbouncer import pgbouncer
from tests.engines.servers.postgresql import PostgresServer, postgres_server
from tests.engines.using import connected, hints_of, linked, run, use_one

pytestmark = pytest.mark.soak
KEY, OTHER_KEY = "level/shop/@00000001.json", "level/shop/@00000002.json"


@pytest.fixture(scope="module")
def server(own_ground: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    folder = own_ground / f"postgres-own-{os.getpid()}"
    folder.mkdir()
    with postgres_server(folder) as started:
        yield started


@pytest.fixture
def schema(server: PostgresServer) -> str:
    return server.new_schema()


def run_statement(server: PostgresServer, user: str, schema: str, statement: str) -> list[tuple[bytes, ...]]:
    """Run SQL as a member who has left EnvFS aside."""

    async def use() -> list[tuple[bytes, ...]]:
        place = parse_place(parse_address(server.address(user, schema)))
        session = await PostgresSession.open(await resolve_place(place))
        try:
            return await session.run(statement.format(record=f"{schema}.record").encode())
        finally:
            session.close()

    return run(use)


def put(address: str, key: str, data: bytes) -> bool:
    async def use(engine: Engine) -> bool:
        return await engine.put_new(key, data)

    return use_one(Place(address), use)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE {record} SET body = 'x'",
        "UPDATE {record} SET author = 'alice'",
        "DELETE FROM {record}",
        "TRUNCATE {record}",
        "DROP TABLE {record}",
        "ALTER TABLE {record} ADD COLUMN x int",
        "ALTER TABLE {record} DISABLE TRIGGER ALL",
        "CREATE TABLE {record}_2 (x int)",
        "INSERT INTO {record} (key, body, author) VALUES ('level/x/@00000001.json', 'x', 'bob')",
        "INSERT INTO {record} (key, body) SELECT key, 'x' FROM {record} ON CONFLICT (key) DO UPDATE SET body = 'x'",
        "INSERT INTO {record} (key, body) VALUES ('level/shop/@00000001.json', 'x')",
        "SET SESSION AUTHORIZATION bob",
        "SET ROLE admin",
        "SELECT * FROM {record} FOR UPDATE",
        "LOCK TABLE {record} IN EXCLUSIVE MODE",
        "COPY {record} TO PROGRAM 'cat'",
    ],
)
def test_a_member_adds_and_reads_and_the_server_refuses_all_else(
    server: PostgresServer, schema: str, statement: str
) -> None:
    assert put(server.address("bob", schema), KEY, b"first")
    with pytest.raises(EnvFSError):
        run_statement(server, "alice", schema, statement)
    assert run_statement(server, "alice", schema, "SELECT key, body, author::text FROM {record}") == [
        (KEY.encode(), b"first", b"bob")
    ]


def test_each_record_has_the_member_who_signed_in_as_its_author(server: PostgresServer, schema: str) -> None:
    assert put(server.address("alice", schema), KEY, b"x")
    assert put(server.address("bob", schema), OTHER_KEY, b"x")
    rows = run_statement(server, "alice", schema, "SELECT author::text FROM {record} ORDER BY key")
    assert rows == [(b"alice",), (b"bob",)]


def test_the_administrator_may_empty_a_record_and_no_more(server: PostgresServer, schema: str) -> None:
    assert put(server.address("alice", schema), KEY, b"first")
    for statement in ("UPDATE {record} SET body = 'x'", "UPDATE {record} SET key = 'y'", "DELETE FROM {record}"):
        with pytest.raises(NotApproved):
            run_statement(server, "admin", schema, statement)

    async def erase(engine: Engine) -> None:
        await engine.erase(KEY)
        assert await engine.get([KEY]) == {KEY: b""}
        assert await engine.put_new(KEY, b"again") is False

    use_one(Place(server.address("admin", schema)), erase)


def test_a_certificate_serves_for_its_own_name_alone(server: PostgresServer, schema: str) -> None:
    as_alice = server.address("alice", schema)
    with pytest.raises(NotApproved):
        put(as_alice.replace("alice@", "bob@"), KEY, b"x")
    without = as_alice.partition("&cert")[0]
    with pytest.raises((NotApproved, StoreUnavailable)):
        put(without, KEY, b"x")


def test_a_server_with_another_certificate_or_name_is_refused(server: PostgresServer, schema: str) -> None:
    address = server.address("alice", schema)
    other = str(server.folder / "other")
    subprocess.run(["cp", "-r", str(server.folder / "members"), other], check=True)
    os.replace(f"{other}/alice.crt", f"{other}/ca.crt")
    for text in (address.replace("members/ca.crt", "other/ca.crt"), address.replace("@localhost", "@127.0.0.2")):
        with pytest.raises(StoreUnavailable):
            put(text, KEY, b"x")


@pytest.mark.parametrize("path", ["/postgres/Upper", '/postgres/a"b', "/postgres/a/b", "/postgres/a%3Bdrop"])
def test_schemas_that_would_need_quotes_are_refused(path: str) -> None:
    with pytest.raises(BadRequest):
        parse_place(parse_address(f"postgres://alice@localhost{path}"))


@pytest.mark.parametrize("name", ["a'b", 'a"b', "a;b", "", "a b", "-a", "x" * 64])
def test_a_member_with_another_kind_of_name_is_refused(server: PostgresServer, name: str) -> None:
    with pytest.raises(BadRequest):
        trio.run(set_up, parse_address(server.address("admin", "refused")), (name,))


def test_a_vault_that_was_not_set_up_is_named(server: PostgresServer) -> None:
    with pytest.raises(StoreUnavailable, match="no such vault"):
        put(server.address("alice", "nowhere"), KEY, b"x")


def test_setting_up_again_changes_nothing(server: PostgresServer, schema: str) -> None:
    assert put(server.address("alice", schema), KEY, b"x")
    trio.run(set_up, parse_address(server.address("admin", schema)), ("alice",))
    assert put(server.address("alice", schema), KEY, b"y") is False


@pytest.mark.parametrize("scope", ["ROLE alice", "DATABASE postgres"])
def test_a_record_is_on_the_disk_whatever_the_server_is_told(server: PostgresServer, schema: str, scope: str) -> None:
    server.run_sql(f"ALTER {scope} SET synchronous_commit = off")
    try:
        written = server.run_sql("SELECT pg_current_wal_flush_lsn()")
        assert put(server.address("alice", schema), KEY, b"x" * 5000)
        server.kill()  # nothing is flushed later
        server.start()
        assert server.run_sql(f"SELECT '{written.strip()}'::pg_lsn < pg_current_wal_flush_lsn()").strip() == "t"
        assert put(server.address("alice", schema), KEY, b"y") is False
    finally:
        server.run_sql(f"ALTER {scope} RESET synchronous_commit")


def test_a_server_that_does_not_keep_what_it_acknowledges_is_refused(server: PostgresServer, schema: str) -> None:
    server.run_sql("ALTER SYSTEM SET fsync = off")
    try:
        server.stop()
        server.start()
        with pytest.raises(StoreUnavailable, match="loses"):
            put(server.address("alice", schema), KEY, b"x")
    finally:
        server.run_sql("ALTER SYSTEM RESET fsync")
        server.stop()
        server.start()


def test_the_largest_record_has_no_part_in_a_notice(server: PostgresServer, schema: str) -> None:
    deepest = "level/" + "/".join(["c" * 64] * 16) + "/@00000001.json"
    assert put(server.address("alice", schema), deepest, b"x" * limits.RECORD_BYTES)


def test_a_password_is_in_no_text(server: PostgresServer, schema: str, capfd: pytest.CaptureFixture[str]) -> None:
    password = "correct-horse-battery"
    address = f"postgres://alice:{password}@localhost:{server.port}/postgres/{schema}?ca={server.folder}/members/ca.crt"
    place = parse_place(parse_address(address))
    assert password not in repr(place)
    with pytest.raises(EnvFSError) as caught:
        put(address, KEY, b"x")
    assert password not in f"{caught.value!r} {caught.value.hint} {caught.value.about}"
    assert password not in "".join(capfd.readouterr())


def test_libpq_takes_nothing_else_from_the_environment(
    server: PostgresServer, schema: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("PGSSLMODE", "disable"), ("PGHOSTADDR", "127.0.0.9"), ("PGOPTIONS", "-c x=y")):
        monkeypatch.setenv(name, value)
    assert put(server.address("alice", schema), KEY, b"x")


def test_a_notice_of_nonsense_is_passed_over(server: PostgresServer, schema: str) -> None:
    async def use() -> None:
        place = Place(server.address("alice", schema))
        async with connected(place) as engine, hints_of(engine, "level/") as hints:
            for text in ("two words", "no level", "log/x", "\x1b[31m"):
                server.run_sql(f"SELECT pg_notify('{schema}', '{text}')")
            assert await engine.put_new(KEY, b"x")
            assert await anext(hints) == "level/shop"
            await engine.close()
            assert [hint async for hint in hints] == []

    run(use)


@pytest.mark.parametrize("mode", ["transaction", "session"])
def test_behind_a_pooler_the_heads_are_looked_at_where_notices_do_not_arrive(
    server: PostgresServer,
    schema: str,
    mode: str,
    ground: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(listening, "_LOOK_SECONDS", 0.05)
    monkeypatch.setattr(listening, "_PROBE_SECONDS", 10.0 if mode == "session" else 1.0)
    folder = Path(tempfile.mkdtemp(prefix="pgbouncer-", dir=ground))

    async def use(place: Place) -> None:
        async with connected(place) as one, connected(place) as two, hints_of(two, "level/") as hints:
            assert await one.put_new("member/@00000001.json", b"x")
            assert await one.put_new(KEY, b"x")
            assert await anext(hints) == "level/shop"
            assert await one.put_new("level/other/@00000001.json", b"x")
            assert await anext(hints) == "level/other"
            assert await two.get([KEY]) == {KEY: b"x"}
            assert await two.put_new(KEY, b"y") is False
            assert ("do not arrive" in two.late) is (mode == "transaction")
            async with linked(two) as link, hints_of(link, "level/"):
                assert link.late == two.late

    with pgbouncer(folder, server, mode) as bouncer:
        run(use, Place(server.address("alice", schema, bouncer.port)))
    assert ("do not arrive" in capfd.readouterr().err) is (mode == "transaction")


def test_without_the_library_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    async def use() -> None:
        await connect_engine(parse_address("postgres://alice@localhost/vault"))

    monkeypatch.setitem(sys.modules, "envfs.courier.engines.postgres", None)
    with pytest.raises(StoreUnavailable, match="library") as caught:
        run(use)
    assert "envfs[postgres]" in caught.value.hint

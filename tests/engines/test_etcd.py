"""etcd as an engine: what its server does to a watch, to a large record and when it is full, and who is let in.

The promises that it shares with others are in `test_contract`.
"""

import base64
import os
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import trio

from envfs.core import limits
from envfs.courier.address import parse_address
from envfs.courier.engine import EVERYTHING, Engine
from envfs.courier.engines.etcd import engine as verbs
from envfs.courier.engines.etcd import open_engine, watching
from envfs.courier.engines.etcd.engine import EtcdEngine
from envfs.courier.engines.etcd.gateway import Gateway, Message, encoded
from envfs.courier.engines.etcd.setting_up import set_up
from envfs.courier.engines.etcd.values import PIECE_BYTES, cut_record
from envfs.courier.tls import client_context
from envfs.errors import BadRequest, EnvFSError, NotApproved, StoreUnavailable, TooLarge
from envfs.protocol import jsontext
from tests.engines.places import Place
from tests.engines.servers.etcd import EtcdServer, etcd_server
from tests.engines.using import connected, hints_of, run, use_one

pytestmark = pytest.mark.soak
KEY, OTHER_KEY = "level/shop/@00000001.json", "level/shop/@00000002.json"
_QUOTA = 16 << 20


@pytest.fixture(scope="module")
def server(own_ground: Path) -> Iterator[EtcdServer]:
    folder = own_ground / "etcd"
    folder.mkdir()
    with etcd_server(folder) as started:
        yield started


@pytest.fixture
def place(server: EtcdServer) -> Place:
    return Place(server.address("alice", server.new_prefix()))


async def ask(place: Place, path: str, body: Message) -> Message:
    """Ask etcd itself, as a member who has left EnvFS aside."""
    address = parse_address(place.address)
    gateway = Gateway(address.endpoints, client_context(address), None)
    try:
        return await gateway.ask(path, body)
    finally:
        gateway.close()


def name_of(place: Place, key: str) -> str:
    return encoded(f"{parse_address(place.address).path.strip('/')}/r/{key}".encode())


async def compact(place: Place) -> None:
    """Have etcd forget how it came to what it holds."""
    header = (await ask(place, "/v3/kv/range", {"key": encoded(b"x")}))["header"]
    assert isinstance(header, dict)
    await ask(place, "/v3/kv/compaction", {"revision": header["revision"], "physical": True})


def test_a_watch_goes_on_after_a_compaction(place: Place) -> None:
    async def use() -> None:
        async with connected(place) as one, connected(place) as two, hints_of(two, "level/") as hints:
            for number in range(1, 30):
                await one.put_new(f"level/shop/@{number:08d}.json", b"x")
            await compact(place)
            assert await anext(hints) in (EVERYTHING, "level/shop")
            assert await two.heads("level/") == {"level/shop": 29}
            await one.put_new("level/other/@00000001.json", b"x")
            while await anext(hints) not in (EVERYTHING, "level/other"):
                pass

    run(use)


def test_story_16_a_watch_that_slept_through_a_compaction_begins_again_with_everything(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first watch asks for a revision that a compaction took away, as one does that was too slow."""
    asked = list[Message]()
    encode = jsontext.encode_json

    def encode_late(body: Message) -> bytes:
        asked.append(body)
        create = body["create_request"]
        assert isinstance(create, dict)
        return encode({"create_request": {**create, "start_revision": "1"}} if len(asked) == 1 else body)

    async def use() -> None:
        async with connected(place) as one, connected(place) as two:
            for number in range(1, 5):
                await one.put_new(f"level/shop/@{number:08d}.json", b"x")
            await compact(place)
            monkeypatch.setattr(watching, "jsontext", SimpleNamespace(encode_json=encode_late))
            async with hints_of(two, "level/") as hints:
                assert await anext(hints) == EVERYTHING
                assert len(asked) == 2
                await one.put_new("level/other/@00000001.json", b"x")
                assert await anext(hints) == "level/other"

    run(use)


def test_a_record_is_not_there_before_its_last_piece_is(place: Place) -> None:
    data = os.urandom(PIECE_BYTES + 1)

    async def use(engine: Engine) -> None:
        assert isinstance(engine, EtcdEngine)
        record, pieces = cut_record(KEY, data)
        await engine._put(engine._piece(record, 0), pieces[0])  # as a writer that was killed leaves it
        assert await engine.get([KEY]) == {}
        assert await engine.list("") == []
        assert await engine.put_new(KEY, data) is True
        assert await engine.get([KEY]) == {KEY: data}
        assert await engine.put_new(KEY, data[::-1]) is False
        assert await engine.get([KEY]) == {KEY: data}

    use_one(place, use)


@pytest.mark.parametrize("piece", [b"?", None], ids=["another", "none"])
def test_a_record_without_one_of_its_pieces_is_listed_and_others_are_given(place: Place, piece: bytes | None) -> None:
    data = os.urandom(PIECE_BYTES + 1)

    async def use(engine: Engine) -> None:
        assert isinstance(engine, EtcdEngine)
        assert await engine.put_new(KEY, data)
        assert await engine.put_new(OTHER_KEY, b"other")
        name = engine._piece(cut_record(KEY, data)[0], 1)
        if piece is None:
            await ask(place, "/v3/kv/deleterange", {"key": base64.b64encode(name.encode()).decode()})
        else:
            await engine._put(name, piece)
        assert await engine.get([KEY, OTHER_KEY]) == {OTHER_KEY: b"other"}
        assert sorted(await engine.list("")) == sorted([KEY, OTHER_KEY])
        assert await engine.put_new(KEY, data) is False  # and the pieces are there again
        assert await engine.get([KEY]) == {KEY: data}

    use_one(place, use)


def test_an_erased_record_has_no_pieces_any_more(place: Place) -> None:
    data = os.urandom(limits.RECORD_BYTES)

    async def use(engine: Engine) -> None:
        await engine.put_new(KEY, data)
        await engine.put_new(OTHER_KEY, data)
        await engine.erase(KEY)
        assert await engine.get([KEY, OTHER_KEY]) == {KEY: b"", OTHER_KEY: data}

    use_one(place, use)


@pytest.mark.parametrize("value", ["", "eA==", "Ag==", "AQ=="])
def test_what_others_put_there_is_given_as_it_stands_and_keeps_no_other_record_back(place: Place, value: str) -> None:
    async def use(engine: Engine) -> None:
        assert await engine.put_new(OTHER_KEY, b"other")
        await ask(place, "/v3/kv/put", {"key": name_of(place, KEY), "value": value})
        assert await engine.get([KEY, OTHER_KEY]) == {KEY: base64.b64decode(value), OTHER_KEY: b"other"}
        await ask(place, "/v3/kv/put", {"key": name_of(place, "../x"), "value": "eA=="})
        assert sorted(await engine.list("")) == sorted([KEY, OTHER_KEY])

    use_one(place, use)


def test_without_a_certificate_nobody_is_let_in(place: Place) -> None:
    with pytest.raises(EnvFSError):
        use_one(Place(place.address.partition("&cert")[0]), lambda engine: engine.list(""))


def test_a_server_with_another_certificate_or_name_is_refused(server: EtcdServer, place: Place) -> None:
    ca = f"{server.folder}/members"
    for text in (place.address.replace("ca.crt", "alice.crt"), place.address.replace("//localhost", "//127.0.0.2")):
        with pytest.raises(StoreUnavailable):
            use_one(Place(text), lambda engine: engine.list(""))
    with pytest.raises(StoreUnavailable, match="files"):
        use_one(Place(place.address.replace(f"{ca}/alice.key", f"{ca}/bob.key")), lambda engine: engine.list(""))
    with pytest.raises(BadRequest):
        use_one(Place(place.address.partition("&key")[0]), lambda engine: engine.list(""))


def test_a_prefix_that_was_not_set_up_is_named(server: EtcdServer) -> None:
    with pytest.raises(StoreUnavailable, match="no such vault"):
        use_one(Place(server.address("alice", "nowhere")), lambda engine: engine.list(""))


def test_a_second_host_is_tried_where_the_first_does_not_answer(place: Place) -> None:
    text = place.address.replace("//localhost", "//127.0.0.1:1,localhost")

    async def use(engine: Engine) -> None:
        assert await engine.put_new(KEY, b"x")

    use_one(Place(text), use)


def test_a_listing_of_many_pages_is_of_one_moment(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verbs, "_PAGE", 2)
    keys = [f"level/shop/@{number:08d}.json" for number in range(1, 8)]

    async def use(engine: Engine) -> None:
        for key in keys:
            await engine.put_new(key, b"x")
        assert await engine.list("level/") == keys
        assert await engine.heads("") == {"level/shop": 7}

    use_one(place, use)


def test_the_limits_are_told(server: EtcdServer) -> None:
    told = trio.run(set_up, parse_address(server.address("alice", "told")))
    for word in ("replace and delete", "name in a certificate", "2 GiB", "NOSPACE"):
        assert word in told


def test_a_full_server_says_that_its_alarm_is_on_and_reads_go_on(ground: Path) -> None:
    folder = ground / f"etcd-full-{os.getpid()}"
    folder.mkdir()
    with etcd_server(folder, f"--quota-backend-bytes={_QUOTA}") as server:
        place = Place(server.address("alice", server.new_prefix()))
        stored = list[str]()

        async def use(engine: Engine) -> None:
            async def fill() -> None:
                for number in range(1, 100):
                    key = f"level/shop/@{number:08d}.json"
                    assert await engine.put_new(key, os.urandom(PIECE_BYTES))
                    stored.append(key)

            with pytest.raises(StoreUnavailable, match="NOSPACE"):
                await fill()
            assert stored
            assert sorted(await engine.get(stored)) == stored
            assert await engine.heads("") == {"level/shop": len(stored)}

        use_one(place, use)


def test_a_server_with_a_narrow_limit_says_so(ground: Path) -> None:
    folder = ground / f"etcd-narrow-{os.getpid()}"
    folder.mkdir()
    with etcd_server(folder, "--max-request-bytes=65536") as server:
        place = Place(server.address("alice", server.new_prefix()))

        async def use(engine: Engine) -> None:
            with pytest.raises(TooLarge):
                await engine.put_new(KEY, os.urandom(PIECE_BYTES))
            assert await engine.put_new(KEY, b"x")

        use_one(place, use)


def test_users_with_roles_are_let_in_by_password_and_a_certificate_alone_is_not(ground: Path) -> None:
    folder = ground / f"etcd-users-{os.getpid()}"
    folder.mkdir()
    with etcd_server(folder) as server:
        place = Place(server.address("alice", server.new_prefix()))
        password = "correct-horse-battery"
        prefix = parse_address(place.address).path.strip("/").encode()
        grant = {"permType": "READWRITE", "key": encoded(prefix + b"/"), "range_end": encoded(prefix + b"0")}

        async def set_users_up() -> None:
            for name in ("root", "alice"):
                await ask(place, "/v3/auth/user/add", {"name": name, "password": password})
            for name in ("root", "member"):
                await ask(place, "/v3/auth/role/add", {"name": name})
            await ask(place, "/v3/auth/role/grant", {"name": "member", "perm": grant})
            await ask(place, "/v3/auth/user/grant", {"user": "root", "role": "root"})
            await ask(place, "/v3/auth/user/grant", {"user": "alice", "role": "member"})
            await ask(place, "/v3/auth/enable", {})

        async def use(engine: Engine) -> None:
            assert await engine.put_new(KEY, b"x")
            async with hints_of(engine, "") as hints:
                assert await engine.put_new(OTHER_KEY, b"x")
                assert await anext(hints) == "level/shop"

        run(set_users_up)
        with pytest.raises(NotApproved):
            use_one(place, use)
        nameless = place.address.replace("alice.", "localhost.")
        with pytest.raises(NotApproved):
            use_one(Place(nameless), use)
        use_one(Place(nameless.replace("//", f"//alice:{password}@")), use)
        with pytest.raises(NotApproved) as caught:
            use_one(Place(nameless.replace("//", f"//alice:{password[::-1]}@")), use)
        assert password[::-1] not in f"{caught.value!r} {caught.value.hint}"


def test_a_user_needs_a_password() -> None:
    with pytest.raises(BadRequest):
        open_engine(parse_address("etcd://alice@localhost/vault"))

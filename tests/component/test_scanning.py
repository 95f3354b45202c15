"""The search for values in a text, for callers: places and names come back, for levels whose values they may have."""

import base64
import fcntl
import os
from pathlib import Path

import pytest

from envfs.protocol import control
from tests.component.world import ME, STRANGER, World, run

R = control
_TOKEN, _OTHER = "Zk93mQ0xWvTr57", "Lq2uuE9-Vb71xPn"


def _scan(
    world: World, text: bytes, request: R.ScanContent | None = None, who: object = ME
) -> tuple[list[object], object]:
    sent = run(lambda: world.sent_with(request or R.ScanContent(len(text)), _memory(text), who))
    return sent.rows, sent.reply


def _memory(text: bytes, seals: int = fcntl.F_SEAL_SHRINK) -> int:
    descriptor = os.memfd_create("text", os.MFD_ALLOW_SEALING)
    os.write(descriptor, text)
    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, seals)
    return descriptor


def _import(world: World, level: str, text: str) -> None:
    assert isinstance(run(lambda: world.ask(R.ImportText(level), secret=text.encode())), R.Written)


def _fill(world: World) -> None:
    _import(world, "/wiki/a", f"TOKEN={_TOKEN}\nNODE_ENV=production\nPORT=8080\n")
    _import(world, "/wiki/b", f"KEY={_OTHER}\n")
    _import(world, "/blog", f"COPY={_TOKEN}\n")


def test_a_value_is_told_by_its_place_its_name_and_its_form(world: World) -> None:
    _fill(world)
    text = f"key: {_TOKEN}\n".encode() + base64.b64encode(b"A=" + _OTHER.encode())
    rows, reply = _scan(world, text)
    assert rows == [
        R.LeakRow(5, "/blog", "COPY", "plain", ("/wiki/a TOKEN",)),
        R.LeakRow(23, "/wiki/b", "KEY", "base64"),
    ]
    assert isinstance(reply, R.ContentScanned)
    assert (reply.withheld, reply.more, reply.notes) == (0, False, ())


def test_the_reply_counts_what_was_looked_for_and_what_was_not(world: World) -> None:
    _fill(world)
    _, reply = _scan(world, b"x", R.ScanContent(1, "/wiki"))
    assert isinstance(reply, R.ContentScanned)
    assert reply[:5] == (2, 0, 2, 1, 1)
    _, reply = _scan(world, b"x", R.ScanContent(1, "/wiki", everything=True))
    assert isinstance(reply, R.ContentScanned)
    assert reply[:5] == (2, 0, 3, 0, 1)


def test_a_value_is_looked_for_as_a_reader_gets_it(world: World) -> None:
    _import(world, "/wiki", "PASS=ab12\n")
    _import(world, "/wiki/a", "DSN=postgres://app:${PASS}-9fQ2x@db/app\n")
    assert [row.name for row in _scan(world, b"(postgres://app:ab12-9fQ2x@db/app)")[0]] == ["DSN", "DSN"]


def test_only_the_first_bytes_of_the_memory_are_the_text(world: World) -> None:
    _fill(world)
    text = f"{_OTHER}{_TOKEN}".encode()
    assert [row.name for row in _scan(world, text, R.ScanContent(len(_OTHER) + 3))[0]] == ["KEY"]
    assert _scan(world, b"", R.ScanContent(0))[0] == []


@pytest.mark.parametrize(
    ("rule", "places", "withheld"),
    [
        ('level = "/wiki"\ncan = ["names"]', None, 0),
        ('level = "/wiki"\ndecision = "mask"', None, 0),
        ('level = "/wiki"\ncan = ["read", "names"]\nonly = ["TOKEN"]', None, 0),
        ('level = "/wiki"\ncan = ["read", "names"]', {"/wiki/a", "/wiki/b"}, 0),
        ('level = "/wiki/a"\ncan = ["read", "names"]', {"/wiki/a"}, 0),
        (
            'level = "/wiki/a"\ncan = ["read", "names"]\n[[grant]]\nuid = 54321\nlevel = "/wiki/b"\ncan = ["names"]',
            {"/wiki/a"},
            1,
        ),
    ],
)
def test_a_caller_is_told_of_levels_whose_values_it_may_have(
    world: World, rule: str, places: set[str] | None, withheld: int
) -> None:
    _fill(world)
    world.allow()
    with Path(world.places.settings).open("a", encoding="utf-8") as settings:
        settings.write(f"[[grant]]\nuid = {STRANGER.uid}\n{rule}\n")
    rows, reply = _scan(world, f"{_TOKEN} {_OTHER}".encode(), R.ScanContent(30, "/wiki"), STRANGER)
    if places is None:
        assert isinstance(reply, R.Failed)
        assert reply.code == "not-approved"
        assert rows == []
    else:
        assert isinstance(reply, R.ContentScanned)
        assert reply.withheld == withheld
        assert {row.level for row in rows} == places
        assert all(row.others == () for row in rows)


def test_a_process_is_once_in_the_log_for_each_version(world: World) -> None:
    _fill(world)

    def entries() -> int:
        return sum(entry.get("format") == "compare" and entry["level"] == "/wiki/a" for entry in world.entries())

    process_tells = entries()
    assert process_tells == 0

    async def twice() -> None:
        async def both(client: object) -> None:
            for _ in range(2):
                await client.ask_with(R.ScanContent(1), _memory(b"x"))  # type: ignore[attr-defined]

        await world.talk(both)  # type: ignore[arg-type]

    run(twice)
    assert entries() in (1, 2)  # 2 where the caller of this test is no process that can be seen
    _import(world, "/wiki/a", "TOKEN=another-8812-one\n")
    before = entries()
    _scan(world, b"x")
    assert entries() == before + 1


def test_a_level_that_does_not_open_is_named_and_the_others_are_searched(world: World) -> None:
    _fill(world)
    path = Path(world.places.vault) / "level/wiki/a/@00000001.json"
    data = bytearray(path.read_bytes())
    data[-60] ^= 4
    path.write_bytes(data)
    rows, reply = _scan(world, f"{_TOKEN} {_OTHER}".encode())
    assert [type(row).__name__ for row in rows] == ["FaultRow", "LeakRow", "LeakRow"]
    assert isinstance(reply, R.ContentScanned)


def test_a_locked_project_is_named(world: World) -> None:
    _fill(world)
    run(lambda: world.ask(R.Lock("wiki")))
    rows, reply = _scan(world, f"{_TOKEN} {_OTHER}".encode())
    assert [row.level for row in rows] == ["/blog"]
    assert "project /wiki is locked, and was not searched" in str(reply)


def test_what_cannot_be_taken_for_a_text_is_refused(world: World) -> None:
    for descriptor, size in (
        (_memory(b"x", seals=0), 1),
        (_memory(b"x"), 2),
        (_memory(b"x"), -1),
        (_memory(b""), 1 << 40),
    ):
        reply = run(lambda d=descriptor, s=size: world.sent_with(R.ScanContent(s), d)).reply
        assert isinstance(reply, R.Failed)
        assert reply.code == "bad-request"


def test_places_beyond_the_limit_are_counted_as_more(world: World) -> None:
    _fill(world)
    rows, reply = _scan(world, f"{_OTHER}\n".encode() * 5000)
    assert isinstance(reply, R.ContentScanned)
    assert reply.more
    assert len(rows) == 4096

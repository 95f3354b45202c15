"""Requests that read: what is sent, in which form, to whom, and what of it is on the log."""

import time
from pathlib import Path
from typing import NamedTuple

import pytest

from envfs.core.access.caller import Caller
from envfs.protocol import control
from tests.component.requesting import code
from tests.component.world import ME, PROD, STRANGER, World, run

R = control


VIEWS: dict[str, tuple[control.ReadView, bytes]] = {
    "dotenv": (R.ReadView("/shop/prod", "dotenv", "export"), PROD.encode()),
    "environ": (
        R.ReadView("/shop", "environ", "exec"),
        b"REGION=eu\0LOG=debug\0DATABASE_URL=postgres://shop:hunter2@db/shop\0",
    ),
    "some of it": (R.ReadView("/shop", "environ", "exec", ("LOG", "REGION")), b"LOG=debug\0REGION=eu\0"),
    "one twice": (R.ReadView("/shop", "environ", "exec", ("LOG", "LOG")), b"LOG=debug\0LOG=debug\0"),
    "a value": (R.ReadView("/shop", "value", "get", ("DATABASE_URL",)), b"postgres://shop:hunter2@db/shop"),
    "without a slash": (R.ReadView("shop/prod/", "value", "get", ("PAGER",)), b"on"),
    "an old version": (R.ReadView("/shop", "value", "get", ("LOG",), 1), b"debug"),
}


@pytest.mark.parametrize(("request_", "blob"), VIEWS.values(), ids=VIEWS)
def test_a_view_is_sent_in_the_form_that_was_asked_for(shared: World, request_: control.ReadView, blob: bytes) -> None:
    replied = run(lambda: shared.sent(request_))
    assert isinstance(replied.reply, control.ViewSent)
    assert replied.blob == blob
    assert replied.reply.version == 1


BAD_READS: dict[str, tuple[control.ReadView, str]] = {
    "no level": (R.ReadView("", "dotenv", "show"), "bad-name"),
    "a bad level": (R.ReadView("/../etc", "dotenv", "show"), "bad-name"),
    "half a surrogate": (R.ReadView("/\ud800", "dotenv", "show"), "bad-name"),
    "a missing level": (R.ReadView("/nope", "dotenv", "show"), "no-such-level"),
    "a missing version": (R.ReadView("/shop", "dotenv", "show", (), 99), "no-such-level"),
    "a huge version": (R.ReadView("/shop", "dotenv", "show", (), 10**300), "no-such-level"),
    "version -1": (R.ReadView("/shop", "dotenv", "show", (), -1), "no-such-level"),
    "an unknown format": (R.ReadView("/shop", "yaml", "show"), "bad-request"),
    "a long format": (R.ReadView("/shop", "x" * 60_000, "show"), "bad-request"),
    "an unknown channel": (R.ReadView("/shop", "dotenv", "\x1b[2J"), "bad-request"),
    "a text in part": (R.ReadView("/shop", "dotenv", "show", ("LOG",)), "bad-request"),
    "no value": (R.ReadView("/shop", "value", "get"), "bad-request"),
    "two values": (R.ReadView("/shop", "value", "get", ("LOG", "REGION")), "bad-request"),
    "a missing variable": (R.ReadView("/shop", "value", "get", ("NOPE",)), "no-such-variable"),
    "a missing variable of many": (R.ReadView("/shop", "environ", "exec", ("LOG", "NOPE")), "no-such-variable"),
    "a bad variable": (R.ReadView("/shop", "value", "get", ("LOG=debug",)), "bad-name"),
    "parts of two entries": (R.ReadView("/shop", "value", "get", ("LOG=debug\0DATABASE_URL",)), "bad-name"),
}


@pytest.mark.parametrize(("request_", "wanted"), BAD_READS.values(), ids=BAD_READS)
def test_what_cannot_be_read_is_refused_with_its_code(shared: World, request_: control.ReadView, wanted: str) -> None:
    replied = run(lambda: shared.sent(request_))
    assert code(replied.reply) == wanted
    assert replied.blob == b""


def test_no_refused_format_or_channel_is_on_the_log(world: World) -> None:
    world.allow(("/", ME.uid))
    for request in (BAD_READS["a long format"][0], BAD_READS["an unknown channel"][0]):
        for caller in (ME, STRANGER):
            run(lambda: world.ask(request, caller))  # noqa: B023
    assert max(map(len, Path(world.places.log).read_bytes().splitlines())) < 2000
    assert "\\u001b" not in Path(world.places.log).read_text()


def test_each_thing_that_is_read_is_one_entry(world: World) -> None:
    asked: list[tuple[NamedTuple, tuple[object, ...]]] = [
        (R.ReadView("/shop", "value", "get", ("LOG",)), ("read", "get", "/shop", 1, "value")),
        (R.ReadView("/shop/prod", "environ", "exec"), ("read", "exec", "/shop/prod", 1, "environ")),
        (R.ListVariables("/shop"), ("read", "socket", "/shop", 1, "names")),
        (R.ListPresence("/shop"), ("read", "socket", "/shop", 1, "presence")),
        (R.ListHistory("/shop"), ("read", "socket", "/shop", None, "history")),
    ]
    for request, entry in asked:
        before = len(world.entries())
        run(lambda: world.ask(request))  # noqa: B023
        found = world.entries()[before:]
        assert [tuple(e.get(key) for key in ("event", "channel", "level", "version", "format")) for e in found] == [
            entry
        ]
    log = Path(world.places.log).read_text()
    assert not [word for word in ("hunter", "postgres", "DATABASE", "REGION", "PAGER") if word in log]


def test_variables_are_listed_with_the_level_that_sets_them(shared: World) -> None:
    rows = run(lambda: shared.sent(R.ListVariables("/shop/prod"))).rows
    assert rows == [
        R.VariableRow("REGION", "/"),
        R.VariableRow("LOG", "/shop"),
        R.VariableRow("DATABASE_URL", "/shop/prod"),
        R.VariableRow("PAGER", "/shop/prod"),
    ]


@pytest.mark.parametrize(
    ("top", "levels"),
    [("/", ["/", "/blog", "/shop", "/shop/prod"]), ("/shop", ["/shop", "/shop/prod"]), ("blog", ["/blog"])],
)
def test_levels_are_listed_from_a_top(shared: World, top: str, levels: list[str]) -> None:
    rows = run(lambda: shared.sent(R.ListLevels(top))).rows
    assert [(row.level, row.version, row.allowed) for row in rows if isinstance(row, R.LevelRow)] == [
        (level, 1, True) for level in levels
    ]


def test_history_is_the_newest_first_with_names(world: World) -> None:
    async def main() -> None:
        for turn in range(70):
            await world.write("/shop", f"TURN={turn}\n")
        rows = (await world.sent(R.ListHistory("/shop"))).rows
        assert [row.version for row in rows if isinstance(row, R.VersionRow)] == list(range(71, 0, -1))
        first, second, last = rows[0], rows[-2], rows[-1]
        assert isinstance(first, R.VersionRow)
        assert isinstance(second, R.VersionRow)
        assert isinstance(last, R.VersionRow)
        assert (first.added, first.changed, first.removed) == ((), ("TURN",), ())
        assert (second.added, second.removed) == (("TURN",), ("DATABASE_URL", "LOG"))
        assert last.added == ("DATABASE_URL", "LOG")
        for newest in (1, 2, 64, 65, 71, 100):
            rows = (await world.sent(R.ListHistory("/shop", newest))).rows
            assert [row.version for row in rows if isinstance(row, R.VersionRow)] == list(
                range(71, 71 - min(newest, 71), -1)
            )

    run(main)


def reads(level: str) -> list[NamedTuple]:
    return [
        R.ReadView(level, "dotenv", "show"),
        R.ReadView(level, "environ", "exec"),
        R.ReadView(level, "value", "get", ("LOG",)),
        R.ReadView(level, "dotenv", "show", (), 1),
        R.ListVariables(level),
        R.ListHistory(level),
        R.WatchView(level),
        R.ListLevels(level),
    ]


@pytest.mark.parametrize("level", ["/", "/shop", "/shop/prod", "/nope", "/shop/nope"])
def test_a_stranger_reads_nothing_and_learns_no_level(world: World, level: str) -> None:
    for request in reads(level):
        replied = run(lambda: world.sent(request, STRANGER))  # noqa: B023
        assert code(replied.reply) == "not-approved"
        assert (replied.rows, replied.blob) == ([], b"")


def test_a_stranger_learns_of_the_daemon_only_that_it_runs(world: World) -> None:
    report = run(lambda: world.ask(R.Status(), STRANGER))
    assert isinstance(report, R.StatusReport)
    told = {name: value for name, value in report._asdict().items() if value not in ("", 0, False, ())}
    assert told.pop("audience") == "other"
    assert set(told) <= {"uid"}


@pytest.mark.parametrize(
    ("level", "allowed"),
    [("/shop/prod", True), ("/shop/prod/eu", None), ("/shop", False), ("/", False), ("/blog", False), ("/nope", False)],
)
def test_who_is_approved_for_a_level_reads_it_and_nothing_above_or_beside(
    world: World, level: str, allowed: bool | None
) -> None:
    world.allow(("/", ME.uid), ("/shop/prod", STRANGER.uid))
    wanted = {True: "ViewSent", None: "no-such-level", False: "not-approved"}[allowed]
    for request in reads(level)[:4]:
        assert code(run(lambda: world.ask(request, STRANGER))) == wanted  # noqa: B023


def test_who_is_approved_for_a_level_is_shown_the_way_to_it_and_no_other(world: World) -> None:
    world.allow(("/", ME.uid), ("/shop/prod", STRANGER.uid))
    rows = run(lambda: world.sent(R.ListLevels(), STRANGER)).rows
    assert [(row.level, row.allowed) for row in rows if isinstance(row, R.LevelRow)] == [
        ("/", False),
        ("/shop", False),
        ("/shop/prod", True),
    ]
    assert [bool(row.version and row.time) for row in rows if isinstance(row, R.LevelRow)] == [False, False, True]


@pytest.mark.parametrize("caller", [STRANGER._replace(doubt="x"), ME._replace(doubt="x")])
def test_a_doubtful_caller_reads_nothing_though_its_uid_may(world: World, caller: Caller) -> None:
    world.allow(("/", ME.uid), ("/", STRANGER.uid))
    for request in reads("/shop")[:6]:
        assert code(run(lambda: world.ask(request, caller))) == "not-approved"  # noqa: B023


def test_the_owner_without_a_grant_reads_nothing_and_sees_the_levels(world: World) -> None:
    world.allow()
    for request in reads("/shop")[:6]:
        assert code(run(lambda: world.ask(request))) == "not-approved"  # noqa: B023
    rows = run(lambda: world.sent(R.ListLevels())).rows
    assert [row.allowed for row in rows if isinstance(row, R.LevelRow)] == [False] * 4


def test_a_flood_of_refusals_is_counted_and_not_written(world: World) -> None:
    async def main() -> None:
        before = len(world.entries())

        async def flood(client: object) -> None:
            for _ in range(1500):
                await client.ask(R.SetVariable("/shop", "A"))  # type: ignore[attr-defined]
                await client.ask(R.ReadView("/shop", "dotenv", "show"))  # type: ignore[attr-defined]

        started = time.monotonic()
        await world.talk(flood, STRANGER)
        seconds = time.monotonic() - started
        written = world.entries()[before:]
        assert len(written) <= min(501 * (int(seconds) + 2), 3001)

    run(main)

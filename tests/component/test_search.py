"""Searching for variables and for values, in the levels that a caller may see."""

from pathlib import Path

import pytest

from envfs.protocol import control
from tests.component.requesting import code, snapshot
from tests.component.world import STRANGER, World, run

R = control
_SECRET = b"hunter3hunter3"


def _found(world: World, request: R.FindVariables, secret: bytes | None = None, who: object = None) -> set[object]:
    caller = {} if who is None else {"caller": who}
    rows = run(lambda: world.sent(request, secret=secret, **caller)).rows  # type: ignore[arg-type]
    return {(row.level, row.name, row.what) for row in rows if isinstance(row, R.LocationRow)}


def _spread(world: World) -> None:
    text = f"A={_SECRET.decode()}\nURL=x:{_SECRET.decode()}@h\n# was {_SECRET.decode()}\nOTHER=1\n"
    run(lambda: world.ask(R.ImportText("/wiki/a"), secret=text.encode()))
    run(lambda: world.ask(R.SetVariable("/blog", "B"), secret=_SECRET))


@pytest.mark.parametrize(
    ("request_", "places"),
    [
        (R.FindVariables("LOG"), {("/", "LOG"), ("/shop", "LOG")}),
        (R.FindVariables("LOG", "/shop"), {("/shop", "LOG")}),
        (R.FindVariables("*_URL"), {("/shop", "DATABASE_URL"), ("/shop/prod", "DATABASE_URL")}),
        (R.FindVariables("log"), set()),
        (R.FindVariables("[PT]*"), {("/shop/prod", "PAGER"), ("/blog", "TITLE")}),
    ],
)
def test_a_name_is_found_where_it_is_set(world: World, request_: R.FindVariables, places: set[object]) -> None:
    assert _found(world, request_) == {(*place, "set") for place in places}  # type: ignore[misc]


def test_a_value_is_found_as_one_within_others_and_in_comments(world: World) -> None:
    _spread(world)
    found = {("/wiki/a", "A", "same"), ("/wiki/a", "URL", "within"), ("/wiki/a", "", "comment"), ("/blog", "B", "same")}
    assert _found(world, R.FindVariables("*", by_value=True), _SECRET) == found
    assert _found(world, R.FindVariables("*", by_value=True, trim=True), _SECRET + b"\n") == found
    assert _found(world, R.FindVariables("A", "/wiki", by_value=True), _SECRET) == {
        ("/wiki/a", "A", "same"),
        ("/wiki/a", "", "comment"),
    }


def test_a_short_value_is_found_as_a_whole_alone(world: World) -> None:
    _spread(world)
    assert _found(world, R.FindVariables("*", by_value=True), b"1") == {("/wiki/a", "OTHER", "same")}


def test_what_was_replaced_or_removed_is_not_found(world: World) -> None:
    _spread(world)
    run(lambda: world.ask(R.SetVariable("/blog", "B"), secret=b"new"))
    run(lambda: world.ask(R.RemoveLevel("/wiki/a")))
    assert _found(world, R.FindVariables("*", by_value=True), _SECRET) == set()


def test_more_levels_than_are_searched_at_once(world: World) -> None:
    async def fill() -> None:
        for number in range(70):
            await world.write(f"/many/l{number}", "SAME=1\n")

    run(fill)
    assert len(_found(world, R.FindVariables("SAME"))) == 70


def test_a_damaged_level_is_named_and_the_others_are_searched(world: World) -> None:
    path = Path(world.places.vault) / "level/shop/@00000001.json"
    data = bytearray(path.read_bytes())
    data[-60] ^= 4
    path.write_bytes(data)
    sent = run(lambda: world.sent(R.FindVariables("LOG")))
    assert [type(row).__name__ for row in sent.rows] == ["LocationRow", "FaultRow"]


def test_a_locked_project_is_named(world: World) -> None:
    run(lambda: world.ask(R.Lock("shop")))
    sent = run(lambda: world.sent(R.FindVariables("LOG")))
    assert len(sent.rows) == 1
    assert "project /shop is locked, and was not searched" in str(sent.reply)


def _rules(world: World, *rules: str) -> None:
    world.allow()
    with Path(world.places.settings).open("a", encoding="utf-8") as settings:
        settings.write("".join(f"[[grant]]\nuid = {STRANGER.uid}\n{rule}\n" for rule in rules))


@pytest.mark.parametrize(
    ("rule", "by_name", "by_value"),
    [
        ('level = "/shop"\ncan = ["names"]', {"/shop", "/shop/prod"}, set()),
        ('level = "/shop"\ncan = ["read", "names"]', {"/shop", "/shop/prod"}, {"/shop"}),
        ('level = "/shop"\ndecision = "mask"', {"/shop", "/shop/prod"}, set()),
        ('level = "/shop"\ncan = ["read", "names"]\nonly = ["LOG"]', set(), set()),
    ],
)
def test_a_caller_finds_what_its_rules_show(world: World, rule: str, by_name: set[str], by_value: set[str]) -> None:
    run(lambda: world.ask(R.SetVariable("/shop", "DATABASE_URL"), secret=_SECRET))
    run(lambda: world.ask(R.SetVariable("/blog", "DATABASE_URL"), secret=_SECRET))
    _rules(world, rule)
    before = snapshot(world)
    names = _found(world, R.FindVariables("DATABASE_URL", "/shop"), who=STRANGER)
    values = _found(world, R.FindVariables("*", "/shop", by_value=True), _SECRET, STRANGER)
    assert {each[0] for each in names} == by_name  # type: ignore[index]
    assert {each[0] for each in values} == by_value  # type: ignore[index]
    assert snapshot(world) == before
    searched = {entry["level"] for entry in world.entries() if entry.get("format") == "compare"}
    assert searched == ({"/shop", "/shop/prod"} if by_value else set())


@pytest.mark.parametrize(
    ("request_", "secret", "wanted"),
    [
        (R.FindVariables(""), None, "bad-request"),
        (R.FindVariables("x" * 257), None, "bad-request"),
        (R.FindVariables("A", "/nowhere"), None, "no-such-level"),
        (R.FindVariables("A", by_value=True), None, "bad-request"),
        (R.FindVariables("A", by_value=True), b"", "malformed"),
    ],
)
def test_what_cannot_be_searched_is_refused(
    world: World, request_: R.FindVariables, secret: bytes | None, wanted: str
) -> None:
    assert code(run(lambda: world.ask(request_, secret=secret))) == wanted

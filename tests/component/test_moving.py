"""Variables that are copied and moved between levels, and levels that move with their versions."""

from pathlib import Path

import pytest

from envfs.core import record
from envfs.core.operations import Operation
from envfs.protocol import control
from envfs.service.writer import LevelChange
from tests.component.requesting import code, snapshot
from tests.component.world import ME, STRANGER, World, run

R = control
_PROD, _NEW = "/shop/prod", "/wiki/deep"


def _levels(world: World) -> set[str]:
    rows = run(lambda: world.sent(R.ListLevels())).rows
    return {row.level for row in rows if isinstance(row, R.LevelRow)}


def _own(world: World, level: str, version: int = 0) -> str:
    sent = run(lambda: world.sent(R.ReadView(level, "own", "export", (), version)))
    return sent.blob.decode() if isinstance(sent.reply, R.ViewSent) else code(sent.reply)


def _history(world: World, level: str) -> list[R.VersionRow]:
    return [row for row in run(lambda: world.sent(R.ListHistory(level))).rows if isinstance(row, R.VersionRow)]


def _failed(world: World) -> int:
    reply = run(lambda: world.ask(R.VerifyVault()))
    assert isinstance(reply, R.Checked)
    return reply.failed


def _grow(world: World) -> None:
    for number in (2, 3):
        request = R.SetVariable(_PROD, "A", message=f"why {number}")
        assert code(run(lambda request=request: world.ask(request, secret=b"1"))) == "Written"
        run(lambda: world.ask(R.UnsetVariable(_PROD, "A")))


# -- variables ---------------------------------------------------------------------------------------------------------


def test_a_level_without_a_text_gets_the_whole_text_of_another_one(world: World) -> None:
    reply = run(lambda: world.ask(R.CopyVariables(_NEW, "/shop", message="as a start")))
    assert isinstance(reply, R.Written)
    assert set(reply.added) == {"DATABASE_URL", "LOG"}
    assert _own(world, _NEW) == _own(world, "/shop")
    (row,) = _history(world, _NEW)
    assert (row.operation, row.source_level, row.source_version, row.message) == ("copy", "/shop", 1, "as a start")
    assert _failed(world) == 0


def test_variables_are_set_beside_those_that_are_there(world: World) -> None:
    run(lambda: world.ask(R.CopyVariables("/blog", "/shop", ("LOG",))))
    assert _own(world, "/blog") == "TITLE='My blog'\nLOG=debug\n"
    run(lambda: world.ask(R.SetVariable("/shop", "LOG"), secret=b"new"))
    run(lambda: world.ask(R.CopyVariables("/blog", "/shop", ("LOG",), -1)))
    assert _own(world, "/blog") == "TITLE='My blog'\nLOG=debug\n"
    assert len(_history(world, "/blog")) == 2


def test_a_variable_that_moves_is_at_its_new_level_and_not_at_the_old_one(world: World) -> None:
    reply = run(lambda: world.ask(R.CopyVariables("/shop", _PROD, ("PAGER",), move=True)))
    assert isinstance(reply, R.Written)
    assert "PAGER is not set at /shop/prod any more" in str(reply.notes)
    assert "PAGER" in _own(world, "/shop")
    assert "PAGER" not in _own(world, _PROD)


def test_a_reference_goes_along_as_one_and_so_does_the_mark_of_a_canary(world: World) -> None:
    run(lambda: world.ask(R.SetVariable("/shop", "URL", template=True), secret=b"${LOG}/x"))
    run(lambda: world.ask(R.SetVariable("/shop", "TRAP", canary=True), secret=b"t0p"))
    reply = run(lambda: world.ask(R.CopyVariables("/blog", "/shop", ("URL", "TRAP"))))
    assert isinstance(reply, R.Written)
    text = _own(world, "/blog")
    assert "${LOG}/x" in text
    assert "# @canary TRAP" in text


REFUSED: dict[str, tuple[R.CopyVariables, str]] = {
    "to itself": (R.CopyVariables("/shop", "/shop"), "bad-request"),
    "from no level": (R.CopyVariables("/shop", "/nowhere"), "no-such-level"),
    "from a level without a text": (R.CopyVariables("/shop", "/wiki"), "no-such-level"),
    "from no version": (R.CopyVariables("/shop", "/blog", version=9), "no-such-level"),
    "of no variable": (R.CopyVariables("/shop", "/blog", ("NOPE",)), "no-such-variable"),
    "of no name": (R.CopyVariables("/shop", "/blog", ("a-b",)), "bad-name"),
    "of a past that is to move": (R.CopyVariables("/shop", "/blog", ("TITLE",), 1, move=True), "bad-request"),
    "of all that is to move": (R.CopyVariables("/shop", "/blog", move=True), "bad-request"),
}


@pytest.mark.parametrize(("request_", "wanted"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_copied_changes_nothing(world: World, request_: R.CopyVariables, wanted: str) -> None:
    before = snapshot(world)
    assert code(run(lambda: world.ask(request_))) == wanted
    assert snapshot(world) == before


def _rules(world: World, *rules: str) -> None:
    world.allow()
    with Path(world.places.settings).open("a", encoding="utf-8") as settings:
        settings.write("".join(f"[[grant]]\nuid = {STRANGER.uid}\n{rule}\n" for rule in rules))


@pytest.mark.parametrize(
    ("rules", "wanted"),
    [
        (('level = "/blog"\ncan = ["write"]',), "not-approved"),
        (('level = "/shop"\ncan = ["read"]',), "not-approved"),
        (('level = "/blog"\ncan = ["write"]', 'level = "/shop"\ncan = ["read"]'), "Written"),
        (('level = "/blog"\ncan = ["write"]', 'level = "/shop"\ndecision = "mask"'), "not-approved"),
        (('level = "/blog"\ncan = ["write"]', 'level = "/shop"\ncan = ["read"]\nonly = ["LOG"]'), "not-approved"),
    ],
)
def test_a_copy_takes_reading_there_and_writing_here(world: World, rules: tuple[str, ...], wanted: str) -> None:
    _rules(world, *rules)
    before = snapshot(world)
    assert code(run(lambda: world.ask(R.CopyVariables("/blog", "/shop", ("LOG",)), STRANGER))) == wanted
    assert (snapshot(world) == before) is (wanted != "Written")
    logged = [(entry["event"], entry["level"]) for entry in world.entries() if entry.get("uid") == STRANGER.uid]
    assert logged == ([("read", "/shop"), ("write", "/blog")] if wanted == "Written" else logged[:1])


# -- levels ------------------------------------------------------------------------------------------------------------


def test_a_level_moves_with_its_versions_their_times_and_messages(world: World) -> None:
    _grow(world)
    before = _history(world, _PROD)
    texts = [_own(world, _PROD, version) for version in range(1, 6)]
    reply = run(lambda: world.ask(R.MoveLevel(_PROD, _NEW)))
    assert isinstance(reply, R.Written), reply
    assert (reply.level, reply.version) == (_NEW, 5)
    after = _history(world, _NEW)
    assert [(row.version, row.time, row.message, row.added) for row in after] == [
        (row.version, row.time, row.message, row.added) for row in before
    ]
    assert {(row.operation, row.source_level, row.source_version == row.version) for row in after} == {
        ("move", _PROD, True)
    }
    assert [_own(world, _NEW, version) for version in range(1, 6)] == texts
    assert _PROD not in _levels(world)
    assert _failed(world) == 0
    run(lambda: world.ask(R.ForgetVersions(_PROD)))
    assert _failed(world) == 0
    assert code(run(lambda: world.ask(R.Rollback(_NEW, 2)))) == "Written"


def test_the_levels_below_go_along_and_another_level_is_not_overwritten(world: World) -> None:
    before = snapshot(world)
    assert code(run(lambda: world.ask(R.MoveLevel("/shop", "/blog")))) == "already-exists"
    assert snapshot(world) == before
    run(lambda: world.ask(R.MoveLevel("/shop", "/store")))
    assert _levels(world) == {"/", "/blog", "/store", "/store/prod"}
    assert _failed(world) == 0


def test_a_version_that_was_forgotten_does_not_move(world: World) -> None:
    _grow(world)
    run(lambda: world.ask(R.ForgetVersions(_PROD, 4)))
    assert code(run(lambda: world.ask(R.MoveLevel(_PROD, _NEW)))) == "Written"
    assert [(row.version, row.source_version) for row in _history(world, _NEW)] == [(2, 5), (1, 4)]
    assert _failed(world) == 0


def test_a_place_where_a_level_was_removed_is_free(world: World) -> None:
    run(lambda: world.ask(R.RemoveLevel("/blog")))
    assert code(run(lambda: world.ask(R.MoveLevel(_PROD, "/blog")))) == "Written"
    assert [row.operation for row in _history(world, "/blog")] == ["move", "remove", "replace"]
    assert _failed(world) == 0


async def _move_some(world: World, versions: range) -> None:
    for version in versions:
        change = LevelChange(Operation.MOVE, _NEW, restore_level=_PROD, restore_version=version, half=version < 5)
        await world.open_vault.writer.write(ME, change)


@pytest.mark.parametrize("moved", [1, 3, 5])
def test_a_move_that_was_killed_shows_no_half_and_goes_on_where_it_stopped(world: World, moved: int) -> None:
    _grow(world)
    text = _own(world, _PROD)
    run(lambda: _move_some(world, range(1, moved + 1)))
    assert (_NEW in _levels(world)) is (moved == 5)
    assert _own(world, _PROD) == text
    assert _failed(world) == 0
    assert code(run(lambda: world.ask(R.MoveLevel(_PROD, _NEW)))) == "Written"
    assert [row.source_version for row in _history(world, _NEW)] == [5, 4, 3, 2, 1]
    assert _own(world, _NEW) == text
    assert _failed(world) == 0


def test_what_was_written_meanwhile_moves_too(world: World) -> None:
    _grow(world)
    run(lambda: _move_some(world, range(1, 4)))
    run(lambda: world.ask(R.SetVariable(_PROD, "LATE"), secret=b"1"))
    assert code(run(lambda: world.ask(R.MoveLevel(_PROD, _NEW)))) == "Written"
    assert "LATE=1" in _own(world, _NEW)
    assert [row.source_version for row in _history(world, _NEW)] == [6, 5, 4, 3, 2, 1]


def test_a_level_of_its_own_that_came_from_there_is_not_taken_for_half_a_move(world: World) -> None:
    run(lambda: world.ask(R.MoveLevel(_PROD, _NEW)))
    run(lambda: world.ask(R.SetVariable(_PROD, "NEXT"), secret=b"1"))
    assert code(run(lambda: world.ask(R.MoveLevel(_PROD, _NEW)))) == "already-exists"


@pytest.mark.parametrize(
    ("request_", "wanted"),
    [
        (R.MoveLevel("/shop", "/shop/prod/x"), "bad-request"),
        (R.MoveLevel("/shop", "/"), "bad-request"),
        (R.MoveLevel("/", "/x"), "bad-request"),
        (R.MoveLevel("/nowhere", "/x"), "no-such-level"),
        (R.MoveLevel("/shop", "/a-b" * 20), "too-large"),
    ],
)
def test_what_cannot_move_stays(world: World, request_: R.MoveLevel, wanted: str) -> None:
    before = snapshot(world)
    assert code(run(lambda: world.ask(request_))) in (wanted, "bad-name")
    assert snapshot(world) == before


@pytest.mark.parametrize(
    ("rules", "wanted"),
    [
        (('level = "/"\ncan = ["write"]',), "not-approved"),
        (('level = "/"\ncan = ["write", "read"]',), "not-approved"),
        (('level = "/shop"\ncan = ["write", "read", "history"]',), "not-approved"),
        (('level = "/"\ncan = ["write", "read", "history"]',), "Written"),
    ],
)
def test_a_level_moves_for_one_who_may_read_its_past_and_write_both(
    world: World, rules: tuple[str, ...], wanted: str
) -> None:
    _rules(world, *rules)
    before = snapshot(world)
    assert code(run(lambda: world.ask(R.MoveLevel(_PROD, "/wiki"), STRANGER))) == wanted
    assert (snapshot(world) == before) is (wanted != "Written")


def test_a_move_to_another_project_is_sealed_with_the_keys_of_that_one(world: World) -> None:
    run(lambda: world.ask(R.MoveLevel(_PROD, _NEW)))
    root = Path(world.places.vault)
    kids = [record.parse_header((root / f"level{level}/@00000001.json").read_bytes()).kid for level in (_PROD, _NEW)]
    assert len({*kids}) == 2

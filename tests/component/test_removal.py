"""Levels that are removed and come back, and versions that are forgotten for good."""

import json
import os
from pathlib import Path

import pytest

from envfs.core import record
from envfs.core.view_parts import Part
from envfs.errors import Conflict, NoSuchLevel
from envfs.fuse import listings
from envfs.fuse.nodes import PAST, Node
from envfs.protocol import control
from tests.component.requesting import code, snapshot
from tests.component.world import ME, STRANGER, World, run

R = control
_PROD = "/shop/prod"


def _levels(world: World, request: R.ListLevels = R.ListLevels()) -> dict[str, int]:  # noqa: B008 - frozen
    rows = run(lambda: world.sent(request)).rows
    return {row.level: row.version for row in rows if isinstance(row, R.LevelRow)}


def _verified(world: World) -> R.Checked:
    reply = run(lambda: world.ask(R.VerifyVault()))
    assert isinstance(reply, R.Checked)
    return reply


def _value(world: World, level: str, name: str) -> object:
    sent = run(lambda: world.sent(R.ReadView(level, "value", "get", (name,))))
    return sent.blob if isinstance(sent.reply, R.ViewSent) else code(sent.reply)


def _set(world: World, *values: bytes, level: str = _PROD) -> None:
    for value in values:
        assert code(run(lambda value=value: world.ask(R.SetVariable(level, "A"), secret=value))) == "Written"


def _record(world: World, seq: int, stream: str = "level/shop/prod") -> Path:
    return Path(world.places.vault) / record.record_key(stream, seq)


# -- removing ----------------------------------------------------------------------------------------------------------


def test_a_level_that_was_removed_is_not_there_and_its_versions_are(world: World) -> None:
    written = run(lambda: world.ask(R.RemoveLevel(_PROD, message="closed")))
    assert isinstance(written, R.Written)
    assert (written.version, set(written.removed)) == (2, {"DATABASE_URL", "PAGER"})
    assert _PROD not in _levels(world)
    assert _levels(world, R.ListLevels(removed=True)) == {_PROD: 2}
    assert _value(world, _PROD, "PAGER") == "no-such-level"
    rows = run(lambda: world.sent(R.ListHistory(_PROD))).rows
    told = [(row.version, row.operation, row.message) for row in rows if isinstance(row, R.VersionRow)]
    assert told == [(2, "remove", "closed"), (1, "replace", "")]
    assert _verified(world).failed == 0
    assert code(run(lambda: world.ask(R.RemoveLevel(_PROD)))) == "no-such-level"


@pytest.mark.parametrize(
    ("back", "secret", "value"), [(R.Rollback(_PROD, 1), None, b"on"), (R.SetVariable(_PROD, "PAGER"), b"new", b"new")]
)
def test_it_comes_back_with_a_rollback_or_its_next_value(
    world: World, back: object, secret: bytes | None, value: bytes
) -> None:
    run(lambda: world.ask(R.RemoveLevel(_PROD)))
    assert code(run(lambda: world.ask(back, secret=secret))) == "Written"  # type: ignore[arg-type]
    assert _levels(world)[_PROD] == 3
    assert _value(world, _PROD, "PAGER") == value
    assert _levels(world, R.ListLevels(removed=True)) == {}
    assert _verified(world).failed == 0


def test_a_level_without_a_text_comes_back_as_such(world: World) -> None:
    run(lambda: world.ask(R.UnsetVariable("/blog", "TITLE")))
    run(lambda: world.ask(R.RemoveLevel("/blog")))
    assert "/blog" not in _levels(world)
    assert code(run(lambda: world.ask(R.Rollback("/blog", 2)))) == "Written"
    assert _levels(world)["/blog"] == 4


def test_levels_below_are_removed_too_if_that_is_said(world: World) -> None:
    before = snapshot(world)
    assert code(run(lambda: world.ask(R.RemoveLevel("/shop")))) == "bad-request"
    assert snapshot(world) == before
    run(lambda: world.ask(R.RemoveLevel("/shop", below=True)))
    assert set(_levels(world)) == {"/", "/blog"}
    assert _verified(world).failed == 0


def test_the_text_of_a_level_above_goes_and_those_below_stay(world: World) -> None:
    run(lambda: world.ask(R.RemoveLevel(_PROD)))
    run(lambda: world.ask(R.SetVariable("/shop/prod/eu", "A"), secret=b"1"))
    assert {_PROD, "/shop/prod/eu"} <= set(_levels(world))  # as a level that has never had a text
    assert _value(world, "/shop/prod/eu", "PAGER") == "no-such-variable"
    assert _verified(world).failed == 0


def test_a_new_key_leaves_a_removed_level_removed(world: World) -> None:
    run(lambda: world.ask(R.RemoveLevel(_PROD)))
    assert code(run(lambda: world.ask(R.RotateKey("shop")))) == "Done"
    assert _PROD not in _levels(world)
    assert _verified(world).failed == 0


@pytest.mark.parametrize("killed", ["before the index was changed", "before the level was written again"])
def test_an_index_that_a_killed_writer_left_is_no_fault(world: World, killed: str) -> None:
    run(lambda: world.ask(R.RemoveLevel(_PROD)))
    index = Path(world.places.vault) / "tree/shop/prod/@"
    assert not index.exists()
    index.parent.mkdir()
    index.touch()
    assert _verified(world).failed == 0, killed
    run(lambda: world.ask(R.RemoveLevel("/blog")))
    assert code(run(lambda: world.ask(R.VerifyVault(repair=True)))) == "Checked"
    assert "/blog" not in _levels(world)


def test_only_who_may_write_every_level_of_it_removes_a_level(world: World) -> None:
    world.allow(("/", ME.uid))
    before = snapshot(world)
    assert code(run(lambda: world.ask(R.RemoveLevel(_PROD), STRANGER))) == "not-approved"
    assert code(run(lambda: world.ask(R.RemoveLevel("/")))) == "bad-request"
    assert code(run(lambda: world.ask(R.RemoveLevel("/nowhere")))) == "no-such-level"
    assert snapshot(world) == before
    assert run(lambda: world.sent(R.ListLevels(removed=True), STRANGER)).rows == []


def test_a_level_that_was_removed_is_not_begun_again_by_what_needs_its_text(world: World) -> None:
    run(lambda: world.ask(R.RemoveLevel(_PROD)))
    for request in (R.UnsetVariable(_PROD, "PAGER"), R.RenameVariable(_PROD, "PAGER", "MORE")):
        assert code(run(lambda request=request: world.ask(request))) == "no-such-level"
    assert _levels(world, R.ListLevels(removed=True)) == {_PROD: 2}


def test_a_folder_that_is_held_does_not_give_the_values_of_the_levels_above_it(world: World) -> None:
    views = world.open_vault.views
    run(lambda: views.get(_PROD))
    run(lambda: world.ask(R.RemoveLevel(_PROD)))
    with pytest.raises(NoSuchLevel):
        run(lambda: views.get(_PROD))
    assert run(lambda: views.get("/shop")).version == 1
    run(lambda: world.ask(R.Rollback(_PROD, 1)))
    assert run(lambda: views.get(_PROD)).version == 3


# -- forgetting --------------------------------------------------------------------------------------------------------


def test_what_is_forgotten_is_gone_and_the_chain_is_whole(world: World) -> None:
    _set(world, b"1", b"2", b"3")
    assert run(lambda: world.ask(R.ForgetVersions(_PROD, -1, dry=True))) == R.VersionsForgotten(_PROD, 2, 3)
    assert code(run(lambda: world.ask(R.ForgetVersions(_PROD, -9)))) == "no-such-level"
    reply = run(lambda: world.ask(R.ForgetVersions(_PROD, 3)))
    assert reply == R.VersionsForgotten(_PROD, 2, 3)
    assert [_record(world, seq).stat().st_size > 0 for seq in (1, 2, 3, 4)] == [False, False, True, True]
    checked = _verified(world)
    assert checked.failed == 0
    assert "forgot 2 of its versions: 1, 2" in str(checked.notes)
    assert code(run(lambda: world.ask(R.Rollback(_PROD, 2)))) == "no-such-level"
    assert _value(world, _PROD, "A") == b"3"
    _set(world, b"4")
    assert run(lambda: world.ask(R.ForgetVersions(_PROD))) == R.VersionsForgotten(_PROD, 2, 5)
    assert _verified(world).failed == 0
    entries = [entry["rule"] for entry in world.entries() if entry["event"] == "forget"]
    assert entries == ["versions 1 to 2", "versions 3 to 4"]


def test_a_removed_level_can_be_forgotten_whole(world: World) -> None:
    run(lambda: world.ask(R.RemoveLevel(_PROD)))
    run(lambda: world.ask(R.ForgetVersions(_PROD)))
    assert code(run(lambda: world.ask(R.Rollback(_PROD, 1)))) == "no-such-level"
    assert _verified(world).failed == 0


def test_no_byte_of_it_is_left_in_any_file_nor_in_the_old_one(world: World) -> None:
    _set(world, b"1", b"2")
    files = [_record(world, seq) for seq in (1, 2)]
    sealed = [json.loads(path.read_bytes())["ciphertext"] for path in files]
    pieces = [text[at : at + 16].encode() for text in sealed for at in range(0, len(text) - 16, 16)]
    left = _record(world, 1).with_name(".new-1-abandoned")  # as a writer leaves it that is killed
    left.write_bytes(files[0].read_bytes())
    os.utime(left, (0, 0))
    handles = [os.open(path, os.O_RDONLY) for path in (*files, left)]
    run(lambda: world.ask(R.ForgetVersions(_PROD)))
    found = [os.pread(handle, 1 << 20, 0) for handle in handles]
    for handle in handles:
        os.close(handle)
    assert all(set(data) == {0} for data in found)
    texts = [path.read_bytes() for path in Path(world.places.home).rglob("*") if path.is_file()]
    assert len(pieces) > 5
    assert [piece for piece in pieces if any(piece in text for text in texts)] == []


def test_a_view_that_shows_a_forgotten_text_gives_nothing_more(world: World) -> None:
    _set(world, b"1", b"2")
    run(lambda: world.ask(R.SetVariable("/shop", "ABOVE"), secret=b"x"))
    _set(world, b"3")

    async def forget() -> None:
        views = world.open_vault.views
        old, other, now = await views.get_past(_PROD, 2), await views.get_past(_PROD, 4), await views.get(_PROD)
        of_then = (await views.get("/shop")).hold()
        for view in (old, other, now):
            view.hold()
        await world.ask(R.ForgetVersions("/shop"))
        with pytest.raises(Conflict):  # an inherited text is a text of the view
            old.read_into(memoryview(bytearray(9)), old.part(Part.DOTENV), 0, 9)
        for view in (other, now, of_then):
            view.check()
        await world.ask(R.ForgetVersions(_PROD))
        for view in (now, of_then):
            view.check()
        assert await views.get(_PROD) is now
        with pytest.raises(NoSuchLevel):
            await views.get_past(_PROD, 2)
        for view in (old, other, now, of_then):
            view.release()

    run(forget)


def test_a_version_that_was_forgotten_is_in_no_listing_of_the_mount(world: World) -> None:
    _set(world, b"1", b"2", b"3")
    vault = world.open_vault.vault
    assert list(listings.past_versions(vault, _PROD)) == [1, 2, 3, 4]
    run(lambda: world.ask(R.ForgetVersions(_PROD, 3)))
    assert list(listings.past_versions(vault, _PROD)) == [3, 4]
    there = [listings.is_there(vault, Node(PAST, _PROD, version)) for version in range(6)]
    assert there == [False, False, False, True, True, False]
    _set(world, b"4")
    run(lambda: world.ask(R.ForgetVersions(_PROD)))
    assert list(listings.past_versions(vault, _PROD)) == [5]


def test_one_that_came_back_from_a_copy_is_forgotten_again_without_another_tombstone(world: World) -> None:
    _set(world, b"1", b"2")
    data = _record(world, 1).read_bytes()
    run(lambda: world.ask(R.ForgetVersions(_PROD, 3)))
    _record(world, 1).write_bytes(data)
    assert _verified(world).failed == 1
    assert run(lambda: world.ask(R.ForgetVersions(_PROD, 3))) == R.VersionsForgotten(_PROD, 1, 3)
    assert _verified(world).failed == 0
    assert not _record(world, 2, "tombstone/level/shop/prod").exists()


@pytest.mark.parametrize("forgotten_before", [False, True])
def test_a_record_that_somebody_changed_is_not_excused(world: World, forgotten_before: bool) -> None:
    _set(world, b"1", b"2", b"3")
    data = bytearray(_record(world, 2).read_bytes())
    data[len(data) // 2] ^= 4
    if forgotten_before:
        run(lambda: world.ask(R.ForgetVersions(_PROD, 3)))
    _record(world, 2).write_bytes(data)
    assert code(run(lambda: world.ask(R.ForgetVersions(_PROD)))) == "authentication-failed"
    assert _record(world, 2).read_bytes() == data
    assert _verified(world).failed


def test_versions_before_a_time_are_those_written_before_it(world: World) -> None:
    _set(world, b"1", b"2", b"3")
    rows = run(lambda: world.sent(R.ListHistory(_PROD))).rows
    times = {row.version: row.time for row in rows if isinstance(row, R.VersionRow)}
    plans = [R.ForgetVersions(_PROD, before_time=time, dry=True) for time in (times[1], times[3], "9999-01-01")]
    replies = [run(lambda plan=plan: world.ask(plan)) for plan in plans]
    assert replies == [R.VersionsForgotten(_PROD, count, first) for count, first in ((0, 1), (2, 3), (3, 4))]


def test_nothing_to_forget_is_no_error(world: World) -> None:
    before = snapshot(world)
    assert run(lambda: world.ask(R.ForgetVersions(_PROD))) == R.VersionsForgotten(_PROD, 0, 1)
    assert snapshot(world) == before


@pytest.mark.parametrize(
    ("request_", "wanted"),
    [
        (R.ForgetVersions("/nowhere"), "no-such-level"),
        (R.ForgetVersions(_PROD, 9), "no-such-level"),
        (R.ForgetVersions(_PROD, -1), "no-such-level"),
        (R.ForgetVersions(_PROD, 1, "2026-11-01"), "bad-request"),
    ],
)
def test_what_cannot_be_forgotten_is_refused(world: World, request_: R.ForgetVersions, wanted: str) -> None:
    before = snapshot(world)
    assert code(run(lambda: world.ask(request_))) == wanted
    assert snapshot(world) == before

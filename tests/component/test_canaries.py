"""Whoever gets the true value of a canary is on the log as an alarm, and the hook gets that entry; nobody else is."""

import json
from pathlib import Path

import pytest

from envfs.protocol import control
from tests.component.world import ME, World, inode, read_file, run
from tests.system.home import eventually

MARKED = "# @canary TRAP\nTRAP=t0p\nREAL=1\n"


@pytest.fixture
def trapped(world: World) -> World:
    """Give one test a vault with a canary in /shop, and no alarm yet."""
    run(lambda: world.write("/shop", MARKED))
    return world


def alarms(world: World) -> list[dict[str, object]]:
    return [entry for entry in world.entries() if entry["event"] == "canary"]


READS: dict[str, tuple[tuple[object, ...], bool]] = {
    "get of it": (("/shop", "value", "get", ("TRAP",)), True),
    "get of another": (("/shop", "value", "get", ("REAL",)), False),
    "dotenv": (("/shop", "dotenv", "export"), True),
    "json": (("/shop", "json", "export"), True),
    "exec": (("/shop", "exec", "exec"), True),
    "exec with another name only": (("/shop", "exec", "exec", ("REAL",)), False),
    "example": (("/shop", "example", "export"), False),
    "own text": (("/shop", "own", "export"), True),
    "a level below": (("/shop/prod", "dotenv", "export"), True),
    "a level above": (("/", "dotenv", "export"), False),
}


@pytest.mark.parametrize("how", READS)
def test_a_read_by_the_socket_is_an_alarm_if_it_gives_the_true_value(trapped: World, how: str) -> None:
    arguments, is_alarm = READS[how]
    reply = run(lambda: trapped.ask(control.ReadView(*arguments)))  # type: ignore[arg-type]
    assert isinstance(reply, control.ViewSent), reply
    heard = alarms(trapped)
    assert [entry["level"] for entry in heard] == [arguments[0]] * is_alarm
    assert all("TRAP" not in json.dumps(entry) and "t0p" not in json.dumps(entry) for entry in trapped.entries())
    if is_alarm:
        assert (heard[0]["uid"], heard[0]["version"]) == (ME.uid, trapped.entries()[-1]["version"])
        assert trapped.entries()[-1]["event"] == "read"


@pytest.mark.parametrize(
    ("kind", "name", "is_alarm"),
    [
        ("dotenv", "", True),
        ("json", "", True),
        ("environ", "", True),
        ("example", "", False),
        ("value", "TRAP", True),
        ("value", "REAL", False),
    ],
)
def test_a_read_by_the_mount_is_one_too(trapped: World, kind: str, name: str, is_alarm: bool) -> None:
    operations = trapped.operations()

    async def read() -> None:
        await trapped.open_vault.views.get("/shop")
        assert await read_file(operations, inode(operations, kind, "/shop", name=name))

    run(read)
    assert len(alarms(trapped)) == is_alarm


def test_looking_at_names_history_and_sizes_is_none(trapped: World) -> None:
    async def look() -> None:
        for request in (
            control.ListVariables("/shop"),
            control.DescribeView("/shop"),
            control.ListHistory("/shop"),
            control.ListLevels(),
            control.CheckWrite("/shop", "TRAP"),
        ):
            assert not isinstance(await trapped.ask(request), control.Failed)
        await trapped.ask(control.SetVariable("/shop", "OTHER"), secret=b"1")

    run(look)
    assert not alarms(trapped)


def test_set_marks_it_and_unset_takes_the_mark_away(world: World) -> None:
    run(lambda: world.ask(control.SetVariable("/shop", "TRAP", canary=True), secret=b"t0p"))
    assert run(lambda: world.sent(control.ReadView("/shop", "own", "export"))).blob.count(b"# @canary TRAP\n") == 1
    assert len(alarms(world)) == 1
    run(lambda: world.ask(control.RenameVariable("/shop", "TRAP", "SNARE")))
    run(lambda: world.ask(control.ReadView("/shop", "value", "get", ("SNARE",))))
    assert len(alarms(world)) == 2
    run(lambda: world.ask(control.UnsetVariable("/shop", "SNARE")))
    run(lambda: world.ask(control.SetVariable("/shop", "SNARE"), secret=b"1"))
    run(lambda: world.ask(control.ReadView("/shop", "value", "get", ("SNARE",))))
    assert len(alarms(world)) == 2


def test_the_hook_gets_the_entry_and_status_tells_of_the_alarm(trapped: World, tmp_path: Path) -> None:
    hook = tmp_path / "hook"
    hook.write_text(f"#!/bin/sh\ncat > {tmp_path}/new && mv {tmp_path}/new {tmp_path}/event\n")
    hook.chmod(0o700)
    settings = Path(trapped.places.settings)
    settings.write_text(f'[audit]\nhook = "{hook}"\n{settings.read_text()}')
    run(lambda: trapped.ask(control.ReadView("/shop", "value", "get", ("TRAP",))))
    trapped.service.hook.close()
    eventually((tmp_path / "event").exists, "the hook ran")
    assert json.loads((tmp_path / "event").read_bytes()) == alarms(trapped)[0]
    assert any("reads of a canary since the daemon began: 1" in problem for problem in trapped.service.problems())

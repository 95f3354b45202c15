"""The report on a variable: who was given which value, what else they got, and what carries its values."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from envfs.core.access.caller import Caller
from envfs.core.access.roles import Capability
from envfs.protocol import control
from tests.component.requesting import code
from tests.component.test_roles import let
from tests.component.world import ME, STRANGER, Replied, World, run

R = control
URL = "DATABASE_URL"
Row = TypeVar("Row")


@pytest.fixture
def app() -> Iterator[Caller]:
    """Give one test a caller that lives."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    yield Caller(ME.uid, ME.gid, process.pid, os.path.realpath(sys.executable))
    process.kill()
    process.communicate()


def report(world: World, level: str, name: str, who: Caller = ME, since: str = "", until: str = "") -> Replied:
    sent = run(lambda: world.sent(R.ReportIncident(level, name, since, until), who))
    assert isinstance(sent.reply, R.IncidentReported), sent.reply
    assert "hunter" not in repr(sent)
    return sent


def rows(sent: Replied, kind: type[Row]) -> list[Row]:
    return [row for row in sent.rows if isinstance(row, kind)]


def read(world: World, caller: Caller, level: str, *only: str, text: str = "exec", version: int = 0) -> None:
    reply = run(lambda: world.ask(R.ReadView(level, text, "exec", only, version), caller))
    assert isinstance(reply, R.ViewSent), reply


def test_who_was_given_which_value_and_how_often(world: World, app: Caller) -> None:
    read(world, app, "/shop")
    read(world, app, "/shop")
    run(lambda: world.write("/shop", f"{URL}=second\nLOG=debug\n"))
    read(world, app, "/shop")
    read(world, app, "/shop", "LOG")
    read(world, app, "/shop", version=1)
    read(world, app, "/shop/prod")
    sent = report(world, "/shop", URL)
    counted = {(row.version, row.value, row.is_current, row.times) for row in rows(sent, R.ReaderFactRow)}
    assert counted == {(1, 1, False, 2), (2, 2, True, 1), (1, 1, False, 1)}
    assert {row.processes for row in rows(sent, R.ReaderFactRow)} == {1}
    assert [(row.version, row.value, row.is_current) for row in rows(sent, R.VersionFactRow)] == [
        *((1, 1, False), (2, 2, True)),
    ]
    others = {(row.level, row.is_whole, row.times) for row in rows(sent, R.OtherReadRow)}
    assert others == {("/shop", True, 4), ("/shop", False, 1), ("/shop/prod", True, 1)}
    assert {(row.pid, row.version) for row in rows(sent, R.HolderRow)} == {(app.pid, 1), (app.pid, 2)}
    assert sent.reply.log_state == "whole"  # type: ignore[attr-defined]


def test_a_value_that_came_back_has_its_number_again(world: World, app: Caller) -> None:
    run(lambda: world.write("/shop", f"{URL}=second\n"))
    run(lambda: world.ask(R.Rollback("/shop", 1)))
    read(world, app, "/shop")
    sent = report(world, "/shop", URL)
    assert [row.value for row in rows(sent, R.VersionFactRow)] == [1, 2, 1]
    assert [(row.value, row.is_current) for row in rows(sent, R.ReaderFactRow)] == [(1, True)]


def test_without_the_values_the_newest_version_alone_has_the_value_of_now(world: World) -> None:
    let(world, "/shop", frozenset({Capability.NAMES, Capability.HISTORY, Capability.LOG}))
    run(lambda: world.write("/shop", f"{URL}=second\n"))
    run(lambda: world.ask(R.Rollback("/shop", 1)))
    told = [(row.version, row.is_current) for row in rows(report(world, "/shop", URL, STRANGER), R.VersionFactRow)]
    assert told == [(1, False), (2, False), (3, True)]
    told = [(row.version, row.is_current) for row in rows(report(world, "/shop", URL), R.VersionFactRow)]
    assert told == [(1, True), (2, False), (3, True)]


def test_a_time_chooses_reads_and_the_value_that_was_in_force(world: World, app: Caller) -> None:
    read(world, app, "/shop")
    run(lambda: world.write("/shop", f"{URL}=second\n"))
    run(lambda: world.write("/shop", f"{URL}=third\n"))
    second = world.open_vault.vault.header("/shop", 3).time
    read(world, app, "/shop")
    before, after = report(world, "/shop", URL, until=second), report(world, "/shop", URL, since=second)
    assert [row.version for row in rows(before, R.ReaderFactRow)] == [1]
    assert [row.version for row in rows(before, R.VersionFactRow)] == [1, 2]
    assert [row.version for row in rows(after, R.ReaderFactRow)] == [3]
    assert [row.version for row in rows(after, R.VersionFactRow)] == [2, 3]


def test_other_places_of_the_same_value_are_told_and_none_that_the_caller_may_not_have(
    world: World, app: Caller
) -> None:
    value = "hunter3hunter3"
    run(lambda: world.write("/wiki", f"A={value}\nB=x{value}\n# {value}\n"))
    run(lambda: world.write("/shop", f"{URL}={value}\n"))
    read(world, app, "/shop")
    run(lambda: world.write("/shop", f"{URL}=new\nOLD={value}\n"))
    found = {(row.level, row.name, row.what) for row in rows(report(world, "/shop", URL), R.CarrierRow)}
    wiki = {("/wiki", "A", "same"), ("/wiki", "B", "within"), ("/wiki", "", "comment")}
    assert found == wiki | {("/shop", "OLD", "same")}
    can = '["read", "names", "history", "log"]'
    path = Path(world.places.settings)
    path.write_text(path.read_text() + f'[[grant]]\nlevel = "/shop"\nuid = {STRANGER.uid}\ncan = {can}\n')
    sent = report(world, "/shop", URL, STRANGER)
    assert {(row.level, row.name) for row in rows(sent, R.CarrierRow)} == {("/shop", "OLD")}
    assert sent.reply.log_state == "unchecked"  # type: ignore[attr-defined]


def test_refusals_at_the_level_and_below_are_told_and_those_above_that_kept_somebody_from_it(
    world: World, app: Caller
) -> None:
    read(world, app, "/shop/prod")
    for level in ("/shop", "/shop/prod", "/blog"):
        for _ in range(2):
            reply = run(lambda level=level: world.ask(R.ReadView(level, "exec", "exec"), STRANGER))
            assert code(reply) == "not-approved"
    assert code(run(lambda: world.ask(R.ListVariables("/"), STRANGER))) == "not-approved"
    assert code(run(lambda: world.ask(R.RemoveLevel("/blog"), STRANGER))) == "not-approved"
    refused = {(row.level, row.what) for row in rows(report(world, "/shop", URL), R.RefusalFactRow)}
    assert refused == {("/shop", "environ"), ("/shop/prod", "environ"), ("/", "names")}
    prod = {(row.level, row.what) for row in rows(report(world, "/shop/prod", URL), R.RefusalFactRow)}
    assert prod >= {("/shop/prod", "environ"), ("/", "names")}


def test_a_log_that_was_bent_is_said_to_be(world: World, app: Caller) -> None:
    read(world, app, "/shop")
    log = Path(world.places.log)
    log.write_bytes(log.read_bytes().replace(b'"level":"/shop"', b'"level":"/shup"', 1))
    assert report(world, "/shop", URL).reply.log_state == "broken"  # type: ignore[attr-defined]


def test_a_variable_that_nobody_ever_had_is_refused(world: World) -> None:
    assert code(run(lambda: world.ask(R.ReportIncident("/shop", "NEVER")))) == "no-such-variable"
    assert code(run(lambda: world.ask(R.ReportIncident("/shop", URL, "x" * 40)))) == "bad-request"

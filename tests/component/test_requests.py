"""Each request by its owner, by a stranger, and in every state: what is said, what is changed, what is on the log."""

from pathlib import Path

import pytest

from envfs.core.access.caller import Caller
from envfs.daemon.keyholder_process import KeyholderLink
from envfs.protocol import control
from tests.component.requesting import CASES, READS, code, snapshot
from tests.component.world import ME, STRANGER, World, run


def test_every_request_is_a_case() -> None:
    assert {type(case.request) for case in CASES.values()} == set(control.Request.__args__)


@pytest.mark.parametrize("name", CASES)
def test_the_owner_is_answered(world: World, name: str) -> None:
    case = CASES[name]
    reply = run(lambda: world.ask(case.request, secret=case.secret))
    assert type(reply) is case.reply, reply
    if name == "init":
        assert code(reply) == "already-exists"


@pytest.mark.parametrize("name", [name for name in CASES if name not in READS])
@pytest.mark.parametrize("caller", [STRANGER, ME._replace(doubt="somebody")], ids=["a stranger", "a doubtful owner"])
def test_what_is_the_owners_is_refused_to_others_changes_nothing_and_is_on_the_log(
    world: World, name: str, caller: Caller
) -> None:
    world.allow(("/", ME.uid), ("/", STRANGER.uid))  # a grant to read is no grant to write
    before, entries = snapshot(world), len(world.entries())
    case = CASES[name]
    reply = run(lambda: world.ask(case.request, caller, case.secret))
    assert code(reply) == "not-approved"
    assert snapshot(world) == before
    assert not world.stopped
    assert [(entry["event"], entry["uid"]) for entry in world.entries()[entries:]] == [("refuse", caller.uid)]
    assert run(lambda: world.ask(control.ReadView("/shop", "dotenv", "show"))) != reply


@pytest.mark.parametrize("name", [name for name in CASES if CASES[name].needs_key])
def test_a_locked_vault_says_so_and_changes_nothing(
    world: World, name: str, locked_keyholder: KeyholderLink, capfd: pytest.CaptureFixture[str]
) -> None:
    world.keyholder._keyholder = locked_keyholder
    before, case = snapshot(world), CASES[name]
    assert code(run(lambda: world.ask(case.request, secret=case.secret))) == "locked"
    assert snapshot(world) == before
    assert "Traceback" not in capfd.readouterr().err


@pytest.mark.parametrize(
    "name", [name for name in CASES if not CASES[name].needs_key and name not in ("unlock", "lock")]
)
def test_what_needs_no_key_works_while_locked(world: World, name: str, locked_keyholder: KeyholderLink) -> None:
    world.keyholder._keyholder = locked_keyholder
    case = CASES[name]
    assert type(run(lambda: world.ask(case.request, secret=case.secret))) is case.reply


@pytest.mark.parametrize("name", [name for name in CASES if CASES[name].needs_log and name not in ("unlock", "lock")])
def test_without_a_log_nothing_is_served_and_nothing_changed(world: World, name: str) -> None:
    run(lambda: world.write("/shop", "LOG=trace\nA=2\n"))
    run(lambda: world.ask(control.ReadView("/shop/prod", "dotenv", "show")))
    Path(world.places.log).unlink()
    before, case = snapshot(world), CASES[name]
    replied = run(lambda: world.sent(case.request, secret=case.secret))
    assert code(replied.reply) == "audit-unavailable"
    assert (replied.rows, replied.blob) == ([], b"")
    if name not in ("revoke", "accept"):  # those take away, and say so when they can
        assert snapshot(world) == before


@pytest.mark.parametrize("name", [name for name in CASES if not CASES[name].needs_log])
def test_what_serves_nothing_works_without_a_log(world: World, name: str) -> None:
    world.entries()
    case = CASES[name]
    if name in ("read log", "count log", "verify log"):
        return
    Path(world.places.log).unlink()
    assert type(run(lambda: world.ask(case.request, secret=case.secret))) is case.reply


@pytest.mark.parametrize("name", [name for name in CASES if name not in ("status", "init", "unlock")])
def test_without_a_vault_every_question_has_an_answer(empty: World, name: str) -> None:
    case = CASES[name]
    found = code(run(lambda: empty.ask(case.request, secret=case.secret)))
    done = dict.fromkeys(("unmount", "list grants", "diagnose", "read metrics"), "Done")
    others = {"revoke": "no-such-level", **dict.fromkeys(("enter a vault", "bring an identity"), "bad-request")}
    assert found == {**done, **others}.get(name, "no-vault")
    assert not Path(empty.places.home).exists()


def test_asking_how_things_are_leaves_nothing_behind(empty: World) -> None:
    report = run(lambda: empty.ask(control.Status()))
    assert isinstance(report, control.StatusReport)
    assert "no vault" in report.problems[0]
    assert not Path(empty.places.home).exists()

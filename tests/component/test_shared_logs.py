"""Access logs that machines share with the auditors of a vault: sent in batches, read, verified, and withheld."""

import json
import os
from pathlib import Path

import pytest

from envfs.core import log_batches
from envfs.protocol import control
from envfs.protocol.keyholding import CheckLogBatches, Faults
from envfs.service.members.rotating import rotate_device
from envfs.service.sharing.facts import SharingFacts
from envfs.service.sharing.planning import is_shared
from tests.component.sharing_engine import EngineInMemory, Line
from tests.component.team import Team
from tests.component.world import ME, World, run

_LEVEL = "/shop/prod"


def _share(world: World) -> None:
    settings = Path(world.places.settings)
    settings.write_text(f"{settings.read_text()}\n[audit]\nshare = true\n")
    settings.chmod(0o600)
    os.utime(settings, (1, 1))


def _sent(world: World, line: Line) -> None:
    sender = world.service.log_sender
    sender._is_asked = True  # as `envfs sync log send` asks
    run(lambda: sender.send(line))
    assert not sender.problem


def _read(world: World, level: str = _LEVEL) -> None:
    assert not isinstance(run(lambda: world.ask(control.ReadView(level, "dotenv", "show"))), control.Failed)


def _audit_keys(engine: EngineInMemory) -> list[str]:
    return sorted(key for key in engine.records if key.startswith("audit/"))


def _hand_over(engine: EngineInMemory, world: World) -> None:
    for key in _audit_keys(engine):
        world.service.store.mirror.put_new(key, engine.records[key])
        stream = key.rpartition("/")[0]
        place = world.open_vault.vault.place(stream, world.open_vault.vault.last(stream))
        world.open_vault.vault.confirm_record(stream, place.seq, engine.records[key])


def _entries(world: World, **fields: object) -> list[dict[str, object]]:
    sent = run(lambda: world.sent(control.ReadSharedLog(**fields)))  # type: ignore[arg-type]
    assert isinstance(sent.reply, control.Done), sent.reply
    return [json.loads(row.line) for row in sent.rows if isinstance(row, control.LogRow)]


def _machines(world: World, *, check: bool = True) -> dict[str, control.LogMachineRow]:
    sent = run(lambda: world.sent(control.ListLogMachines(check=check)))
    assert isinstance(sent.reply, control.Done), sent.reply
    return {row.member: row for row in sent.rows if isinstance(row, control.LogMachineRow)}


@pytest.fixture
def shared(team: Team) -> tuple[Team, EngineInMemory]:
    for name in ("ben", "cai"):
        _share(team[name])
    return team, EngineInMemory()


def test_an_auditor_reads_what_a_member_read_and_nobody_else_does(shared: tuple[Team, EngineInMemory]) -> None:
    team, engine = shared
    ana, ben = team["ana"], team["ben"]
    for _ in range(3):
        _read(ben)
    _sent(ben, Line(engine))
    keys = _audit_keys(engine)
    assert len(keys) == 1
    assert is_shared(keys[0].rpartition("/")[0])
    data = engine.records[keys[0]]
    assert b"shop" not in data
    assert os.uname().nodename.encode() not in data
    _hand_over(engine, ana)
    reads = [entry for entry in _entries(ana) if entry["event"] == "read"]
    assert [(entry["level"], entry["member"], entry["entries"]) for entry in reads] == [(_LEVEL, "ben", 3)]
    assert reads[0]["machine"] == os.uname().nodename
    assert _entries(ana, event="write") == []
    assert [entry["event"] for entry in _entries(ana, machine="ben", event="read")] == ["read"]
    refused = run(lambda: ana.ask(control.ReadSharedLog(machine="nobody")))
    assert isinstance(refused, control.Failed)
    assert refused.code == "no-such-level"
    assert _machines(ana)["ben"].state == "shared"
    assert [row.state for name, row in _machines(ana).items() if name not in ("ben", "cai")] == ["none"]
    assert _entries(ben) == []  # a writer is no auditor, not even of their own log
    assert _machines(ben)["ben"].state == "closed"


def test_batches_follow_each_other_and_only_what_is_new_is_sent(shared: tuple[Team, EngineInMemory]) -> None:
    team, engine = shared
    ben, line = team["ben"], Line(engine)
    _read(ben)
    _sent(ben, line)
    _read(ben, "/shop")
    _sent(ben, line)
    ben.service.log_sender.__init__(  # type: ignore[misc]  # a daemon that begins again knows it from the batches
        ben.open_vault.vault, ben.service.keyholder, ben.service.ledger, ben.service.audit_settings
    )
    _read(ben)
    _sent(ben, line)
    claims = [log_batches.parse_batch(engine.records[key]).claim for key in _audit_keys(engine)]
    assert [claim.first for claim in claims[1:]] == [claim.last + 1 for claim in claims[:-1]]
    assert claims[0].first == 1
    _hand_over(engine, team["ana"])
    row = _machines(team["ana"])["ben"]
    assert (row.batches, row.entries, row.faults) == (3, claims[-1].last, ())


def test_what_is_not_due_is_not_sent(shared: tuple[Team, EngineInMemory]) -> None:
    team, engine = shared
    ben, line = team["ben"], Line(engine)
    _read(ben)
    run(lambda: ben.service.log_sender.send(line))
    assert len(_audit_keys(engine)) == 1  # the first is
    _read(ben)
    run(lambda: ben.service.log_sender.send(line))
    run(lambda: team["ana"].service.log_sender.send(line))  # and who does not share sends nothing
    assert len(_audit_keys(engine)) == 1


def test_a_device_with_a_new_key_sends_its_log_under_it_without_a_new_start(
    shared: tuple[Team, EngineInMemory],
) -> None:
    team, engine = shared
    ben, line = team["ben"], Line(engine)
    _read(ben)
    _sent(ben, line)
    (former,) = (key.rpartition("/")[0] for key in _audit_keys(engine))
    run(lambda: rotate_device(ben.service, ME, ()))
    _read(ben)
    _sent(ben, line)
    assert len({key.rpartition("/")[0] for key in _audit_keys(engine)} - {former}) == 1
    stream, last, _ = run(ben.service.log_sender.position)
    assert (stream != former, last) == (True, ben.service.ledger.log.tip.seq)


def test_nobody_adds_to_the_log_of_another_device(shared: tuple[Team, EngineInMemory]) -> None:
    team, engine = shared
    ana, ben, cai = (team[name] for name in ("ana", "ben", "cai"))
    _read(ben)
    _sent(ben, Line(engine))
    _read(cai)
    _sent(cai, Line(engine))
    of_ben, of_cai = (run(lambda world=world: world.service.log_sender.position())[0] for world in (ben, cai))  # type: ignore[misc]
    vault = ana.open_vault.vault
    forged = engine.records[f"{of_cai}/@00000001.json"]

    async def faults(stream: str, data: bytes) -> tuple[str, ...]:
        blobs = [data]
        members = vault.add_members(blobs)
        request = CheckLogBatches((vault.place(stream, 1),), members)
        return (await ana.service.keyholder.ask(request, Faults, blobs)).message.texts

    assert run(lambda: faults(of_cai, forged)) == ("",)
    assert run(lambda: faults(of_ben, forged)) != ("",)
    bent = engine.records[f"{of_ben}/@00000001.json"].replace(b'"signature":"', b'"signature":"A', 1)
    assert run(lambda: faults(of_ben, bent)) != ("",)


def test_a_gap_and_an_end_that_was_cut_are_named(shared: tuple[Team, EngineInMemory]) -> None:
    team, engine = shared
    ana, ben = team["ana"], team["ben"]
    for _ in range(3):
        _read(ben)
        _sent(ben, Line(engine))
    _hand_over(engine, ana)
    assert _machines(ana)["ben"].faults == ()
    newest = _audit_keys(engine)[-1]
    (team.vault("ana") / newest).unlink()
    ana.open_vault.vault.look_again(newest.rpartition("/")[0])
    [fault] = _machines(ana)["ben"].faults
    assert "were here are gone" in fault


def test_a_revoke_lists_what_was_read_on_other_machines(shared: tuple[Team, EngineInMemory]) -> None:
    team, engine = shared
    ana, ben = team["ana"], team["ben"]
    assert not isinstance(run(lambda: ben.ask(control.ReadView(_LEVEL, "value", "get", ("PAGER",)))), control.Failed)
    _sent(ben, Line(engine))
    _hand_over(engine, ana)
    sent = run(lambda: ana.sent(control.RevokeMember("ben")))
    rows = [row for row in sent.rows if isinstance(row, control.ReadableRow)]
    read = {(row.level, row.name) for row in rows if row.read_at}
    assert read == {(_LEVEL, "PAGER")}
    assert len(rows) > 1
    assert {row.read_on for row in rows if row.read_at} == {os.uname().nodename}
    assert _machines(ana)["ben"].is_former


def test_a_plan_has_logs_last_and_facts_stay(tmp_path: Path) -> None:
    assert not is_shared("audit/short")
    assert not is_shared("audit/0123456789abcdef/more")
    assert SharingFacts(tmp_path / "facts").lost.all() == {}

"""Requests on the vault as a whole: it is made, locked, its log is read and begun anew, it is verified."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest
import trio

from envfs.core import record
from envfs.core.access.caller import Caller
from envfs.core.access.rule import Rule
from envfs.core.scope import VAULT
from envfs.errors import WrongPassphrase
from envfs.protocol import control
from tests.component.requesting import code
from tests.component.world import ME, STRANGER, World, run

R = control


def test_a_vault_is_made_with_an_identity_and_one_grant(made: World) -> None:
    assert made.grants() == (Rule("/", ME.uid),)
    identity = made.folder / "identity.txt"
    assert identity.stat().st_mode & 0o777 == 0o600
    assert "AGE-SECRET-KEY-1" in identity.read_text()
    assert [entry["event"] for entry in made.entries()] == ["init"]
    report = run(lambda: made.ask(R.Status()))
    assert isinstance(report, R.StatusReport)
    assert (report.unlocked, report.grants, report.problems) == (True, 1, ())


@pytest.mark.parametrize(
    ("asked", "wanted"),
    [
        (R.Init("relative.txt"), "no-vault"),
        (R.Init("/proc/nowhere/identity.txt"), "no-vault"),
        (R.Init("/nul\0byte"), "no-vault"),
        (R.Init(""), "wrong-passphrase"),
    ],
)
def test_a_vault_that_cannot_be_made_leaves_none_behind(empty: World, asked: control.Init, wanted: str) -> None:
    assert code(run(lambda: empty.ask(asked))) == wanted
    assert not (Path(empty.places.vault) / "vault.toml").exists()
    assert not Path(empty.places.settings).exists()
    run(empty.make)


def test_an_identity_file_that_is_there_is_never_replaced(empty: World) -> None:
    (empty.folder / "identity.txt").write_text("precious")
    assert code(run(lambda: empty.ask(R.Init(str(empty.folder / "identity.txt"))))) == "already-exists"
    assert (empty.folder / "identity.txt").read_text() == "precious"


def test_a_locked_vault_serves_nothing_until_it_is_unlocked(world: World) -> None:
    async def main() -> None:
        read = R.ReadView("/shop", "dotenv", "show")
        assert code(await world.ask(read)) == "ViewSent"
        assert code(await world.ask(R.Lock())) == "Done"
        assert code(await world.ask(read)) == "locked"
        report = await world.ask(R.Status())
        assert isinstance(report, R.StatusReport)
        assert not report.unlocked
        assert "locked" in report.problems[0]
        assert code(await world.ask(R.Unlock())) == "Done"
        assert code(await world.ask(read)) == "ViewSent"

    run(main)
    assert [entry["event"] for entry in world.entries()][-4:] == ["read", "lock", "unlock", "read"]


def test_a_wrong_passphrase_is_on_the_log_and_the_next_try_waits(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    real = trio.sleep

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        await real(0)

    class Refusing:
        async def ask(self, request: object, expected: object, blobs: object = (), descriptors: object = ()) -> object:
            raise WrongPassphrase("the passphrase is wrong")

    monkeypatch.setattr(trio, "sleep", sleep)
    good = world.keyholder._keyholder
    world.keyholder._keyholder = Refusing()  # type: ignore[assignment]
    for _ in range(8):
        assert code(run(lambda: world.ask(R.Unlock(), secret=b"guess"))) == "wrong-passphrase"
    assert waits == sorted(waits)
    assert waits[0] == 0
    assert 10 <= waits[-1] <= 60
    refused = [entry for entry in world.entries() if entry["event"] == "refuse"]
    assert len(refused) == 8
    world.keyholder._keyholder = good
    assert code(run(lambda: world.ask(R.Unlock(), secret=b"right"))) == "Done"
    assert waits[-1] >= 10
    assert code(run(lambda: world.ask(R.Unlock(), secret=b"right"))) == "Done"
    assert waits[-1] == 0


def test_after_any_number_of_wrong_tries_the_right_passphrase_unlocks(
    world: World, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    real = trio.sleep

    async def sleep(seconds: float) -> None:
        await real(0)

    monkeypatch.setattr(trio, "sleep", sleep)
    for _ in range(5000):
        world.service.locks.wrong(VAULT)
    assert code(run(lambda: world.ask(R.Unlock(), secret=b"right"))) == "Done"
    assert capfd.readouterr().err == ""


def test_the_log_is_read_newest_last(world: World) -> None:
    rows = run(lambda: world.sent(R.ReadLog(3))).rows
    assert [row.line for row in rows if isinstance(row, R.LogRow)] == [
        line + "\n" for line in Path(world.places.log).read_text().splitlines()[-3:]
    ]
    assert len(run(lambda: world.sent(R.ReadLog(0))).rows) == len(world.entries())


def test_a_bent_log_does_not_verify_and_a_restart_begins_anew(world: World) -> None:
    path = Path(world.places.log)
    assert isinstance(run(lambda: world.ask(R.VerifyLog())), R.Checked)
    data = path.read_bytes()
    path.write_bytes(data.replace(b'"replace"', b'"REPLACE"', 1))
    assert code(run(lambda: world.ask(R.VerifyLog()))) == "log-broken"
    reply = run(lambda: world.ask(R.RestartLog()))
    assert isinstance(reply, R.Done)
    assert Path(reply.notes[0].rpartition(" ")[2]).read_bytes() == data.replace(b'"replace"', b'"REPLACE"', 1)
    assert [entry["event"] for entry in world.entries()] == ["restart", "checkpoint"]
    assert isinstance(run(lambda: world.ask(R.VerifyLog())), R.Checked)


def test_a_whole_vault_verifies(world: World) -> None:
    replied = run(lambda: world.sent(R.VerifyVault()))
    records = sum(1 for _ in Path(world.places.vault).rglob("@0*"))
    assert isinstance(replied.reply, R.Checked)
    assert replied.reply[:2] == (records, 0)
    assert "would look whole" in replied.reply.notes[-1]
    assert not [row for row in replied.rows if isinstance(row, R.FaultRow)]


def bend(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def swap(vault: Path) -> None:
    one, two = vault / "level/shop/@00000001.json", vault / "level/shop/@00000002.json"
    first, second = one.read_bytes(), two.read_bytes()
    one.write_bytes(second)
    two.write_bytes(first)


def copy_in(vault: Path) -> None:
    (vault / "level/shop/@00000001.json").write_bytes((vault / "level/blog/@00000001.json").read_bytes())


def put(name: str, data: bytes) -> Callable[[Path], None]:
    def harm(vault: Path) -> None:
        (vault / name).write_bytes(data)

    return harm


def take(name: str) -> Callable[[Path], None]:
    return lambda vault: (vault / name).unlink()


HARMS: dict[str, tuple[Callable[[Path], None], str]] = {
    "a bent head": (lambda vault: bend(vault / "level/shop/@00000003.json"), "level/shop/@00000003.json"),
    "a bent old record": (lambda vault: bend(vault / "level/shop/@00000001.json"), "level/shop/@00000001.json"),
    "a bent key": (lambda vault: bend(vault / "key/shop/@00000001.age"), "key/shop/@00000001.age"),
    "a record that is gone": (take("level/shop/@00000002.json"), "level/shop"),
    "a head that is gone": (take("level/shop/@00000003.json"), "level/shop"),
    "a key that is gone": (take("key/shop/@00000001.age"), "level/shop"),
    "two records swapped": (swap, "level/shop/@00000001.json"),
    "a record of another level": (copy_in, "level/shop/@00000001.json"),
    "a stranger's file": (put("level/shop/@x\x1b[2J.json", b""), "level/shop/@x\x1b[2J.json"),
    "an added record": (put("level/shop/@00000004.json", b"{}"), "level/shop"),
}


@pytest.mark.parametrize(("harm", "named"), HARMS.values(), ids=HARMS)
def test_verify_names_what_is_wrong_and_nothing_in_other_streams(
    world: World, harm: Callable[[Path], None], named: str
) -> None:
    async def prepare() -> None:
        await world.write("/shop", "A=2\n")
        await world.write("/shop", "A=3\n")

    run(prepare)
    harm(Path(world.places.vault))
    time.sleep(0.08)
    replied = run(lambda: world.sent(R.VerifyVault()))
    assert isinstance(replied.reply, R.Checked)
    keys = [row.key for row in replied.rows if isinstance(row, R.FaultRow)]
    assert replied.reply.failed == len(keys) > 0
    assert any(key.startswith(named) for key in keys), keys
    assert all(key.startswith(("level/shop", "key/shop")) for key in keys)
    assert code(run(lambda: world.ask(R.ReadView("/blog", "dotenv", "show")))) == "ViewSent"


def test_a_rolled_back_level_is_refused_until_it_is_accepted(world: World) -> None:
    run(lambda: world.write("/shop", "A=2\n"))
    read = R.ReadView("/shop/prod", "dotenv", "show")
    run(lambda: world.ask(read))
    (Path(world.places.vault) / "level/shop/@00000002.json").unlink()
    time.sleep(0.08)
    for _ in range(3):
        assert code(run(lambda: world.ask(read))) == "rolled-back"
        assert code(run(lambda: world.ask(R.SetVariable("/shop", "B"), secret=b"1"))) == "rolled-back"
    reply = run(lambda: world.ask(R.Accept("/shop")))
    assert isinstance(reply, R.Done)
    assert "version 1" in reply.notes[0]
    assert code(run(lambda: world.ask(read))) == "ViewSent"
    assert run(lambda: world.sent(R.ReadView("/shop", "value", "get", ("LOG",)))).blob == b"debug"


def test_a_forged_newer_record_refuses_while_it_is_there_and_leaves_no_trace(world: World) -> None:
    read = R.ReadView("/shop", "dotenv", "show")
    run(lambda: world.ask(read))
    folder = Path(world.places.vault) / "level/shop"
    first = (folder / "@00000001.json").read_bytes()
    found = record.parse_record(first)
    header = found.header._replace(seq=2, prev=record.digest(first))
    forged = record.render_record(found._replace(header=header, protected=record.protect_header(header)))
    (folder / "@00000002.json").write_bytes(forged)
    time.sleep(0.08)
    for _ in range(2):
        assert code(run(lambda: world.ask(read))) == "authentication-failed"
    assert code(run(lambda: world.ask(R.ReadView("/shop", "dotenv", "show", (), 1)))) == "ViewSent"
    (folder / "@00000002.json").unlink()
    time.sleep(0.08)
    assert code(run(lambda: world.ask(read))) == "ViewSent"


def test_every_level_is_listed_though_one_is_rolled_back(world: World) -> None:
    run(lambda: world.write("/shop", "A=2\n"))
    run(lambda: world.ask(R.ReadView("/shop", "dotenv", "show")))
    (Path(world.places.vault) / "level/shop/@00000002.json").unlink()
    time.sleep(0.08)
    rows = run(lambda: world.sent(R.ListLevels("/blog"))).rows
    assert [row.level for row in rows if isinstance(row, R.LevelRow)] == ["/blog"]


@pytest.mark.parametrize("caller", [ME._replace(doubt="somebody"), ME._replace(pid=0)], ids=["in doubt", "no process"])
def test_the_status_tells_an_unidentified_caller_no_more_than_a_stranger(world: World, caller: Caller) -> None:
    world.allow(("/", ME.uid), ("/", STRANGER.uid))
    told = run(lambda: world.ask(R.Status(), caller))
    assert isinstance(told, R.StatusReport)
    assert told == R.StatusReport("", 0, ME.uid, "", "", "", False, 0, 0, "", 0, audience="other")
    asked = run(lambda: world.ask(R.Status(), STRANGER))
    assert isinstance(asked, R.StatusReport)
    assert (asked.grants, asked.audience) == (1, "approved")

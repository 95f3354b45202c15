"""Each request by its owner, by a stranger, and in every state: what is said, what is changed, what is on the log."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
import trio

from envfs.core import record
from envfs.core.policy import Caller, Grant
from envfs.daemon.keyholder_link import KeyholderLink
from envfs.dotenv.document import parse_document
from envfs.errors import WrongPassphrase
from envfs.protocol import control
from tests.component.world import LATER, ME, PROD, STRANGER, World, run


class Case(NamedTuple):
    """A request of the owner's: what goes along, what comes back, and what it needs."""

    request: NamedTuple
    reply: type
    secret: bytes | None = None
    needs_key: bool = True
    needs_log: bool = True


R = control
OTHER = "age17cyz8uddawjyrgxfl2pma468ptvmtal758qzdvqcqs9afjr5jqzql6x2nf"
CASES: dict[str, Case] = {
    "status": Case(R.Status(), R.StatusReport, needs_key=False, needs_log=False),
    "read a view": Case(R.ReadView("/shop/prod", "dotenv", "show"), R.ViewSent),
    "list variables": Case(R.ListVariables("/shop"), R.Done),
    "describe a view": Case(R.DescribeView("/shop"), R.Done),
    "watch a view": Case(R.WatchView("/shop"), R.Failed, needs_key=False, needs_log=False),  # no daemon goes on here
    "list levels": Case(R.ListLevels(), R.Done, needs_key=False, needs_log=False),
    "list history": Case(R.ListHistory("/shop"), R.Done),
    "init": Case(R.Init("/nowhere/id.txt"), R.Failed, needs_key=False, needs_log=False),
    "unlock": Case(R.Unlock(), R.Done, needs_key=False),
    "lock": Case(R.Lock(), R.Done, needs_key=False),
    "unmount": Case(R.Unmount(), R.Done, needs_key=False, needs_log=False),
    "check a write": Case(R.CheckWrite("/shop", "NEW"), R.Done),
    "set": Case(R.SetVariable("/shop", "NEW"), R.Written, b"1"),
    "unset": Case(R.UnsetVariable("/shop", "LOG"), R.Written),
    "rename": Case(R.RenameVariable("/shop", "LOG", "LEVEL"), R.Written),
    "import": Case(R.ImportText("/shop"), R.Written, b"NEW=1\n"),
    "try an import": Case(R.ImportText("/shop", dry=True), R.Written, b"NEW=1\n"),
    "rollback": Case(R.Rollback("/shop", 1), R.Written),
    "grant": Case(R.Grant("/shop", 7), R.Done, needs_key=False),
    "revoke": Case(R.Revoke("/", ME.uid), R.Done, needs_key=False),
    "list grants": Case(R.ListGrants(), R.Done, needs_key=False, needs_log=False),
    "read log": Case(R.ReadLog(), R.Done, needs_key=False, needs_log=False),
    "verify log": Case(R.VerifyLog(), R.Checked, needs_key=False, needs_log=False),
    "rotate log": Case(R.RotateLog(), R.Done, needs_key=False),
    "restart log": Case(R.RestartLog(), R.Done, needs_key=False, needs_log=False),
    "verify vault": Case(R.VerifyVault(), R.Checked, needs_log=False),
    "change the identity's passphrase": Case(R.ChangePassphrase(), R.Failed, b"x", needs_key=False, needs_log=False),
    "keep the identity": Case(R.KeepIdentity("kernel"), R.Failed, b"x", needs_key=False, needs_log=False),
    "forget the identity": Case(R.ForgetIdentity(), R.Failed, needs_key=False, needs_log=False),
    "new project": Case(R.NewProject("wiki", "managed"), R.Done),
    "list projects": Case(R.ListProjects(), R.Done, needs_key=False, needs_log=False),
    "change custody": Case(R.ChangeCustody("shop", "managed"), R.Done, needs_log=False),
    "change a project's passphrase": Case(
        R.ChangeProjectPassphrase("shop"), R.Failed, b"x", needs_key=False, needs_log=False
    ),
    "change recipients": Case(R.ChangeRecipients("shop", (OTHER,)), R.Done),
    "list keys": Case(R.ListKeys("shop"), R.Done, needs_log=False),
    "rotate a key": Case(R.RotateKey("shop"), R.Done),
    "add recovery": Case(R.AddRecovery(OTHER), R.RecoveryMade),
    "accept": Case(R.Accept("/shop"), R.Done, needs_key=False),
    "diagnose": Case(R.Diagnose(), R.Done, needs_key=False, needs_log=False),
}
READS = {"status", "read a view", "watch a view", "describe a view", "list variables", "list levels", "list history"}


def snapshot(world: World) -> dict[str, bytes]:
    """Return every file of the vault and the settings."""
    root = Path(world.places.vault)
    found = {str(path): path.read_bytes() for path in root.rglob("*") if path.is_file()}
    found["settings"] = Path(world.places.settings).read_bytes()
    return found


def code(reply: object) -> str:
    return reply.code if isinstance(reply, control.Failed) else type(reply).__name__


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
    if name in ("read log", "verify log"):
        return
    Path(world.places.log).unlink()
    assert type(run(lambda: world.ask(case.request, secret=case.secret))) is case.reply


@pytest.mark.parametrize("name", [name for name in CASES if name not in ("status", "init", "unlock")])
def test_without_a_vault_every_question_has_an_answer(empty: World, name: str) -> None:
    case = CASES[name]
    found = code(run(lambda: empty.ask(case.request, secret=case.secret)))
    assert found == {"unmount": "Done", "list grants": "Done", "diagnose": "Done", "revoke": "no-such-level"}.get(
        name, "no-vault"
    )
    assert not Path(empty.places.home).exists()


def test_asking_how_things_are_leaves_nothing_behind(empty: World) -> None:
    report = run(lambda: empty.ask(control.Status()))
    assert isinstance(report, control.StatusReport)
    assert "no vault" in report.problems[0]
    assert not Path(empty.places.home).exists()


# -- reading -----------------------------------------------------------------------------------------------------------

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
    "version -1": (R.ReadView("/shop", "dotenv", "show", (), -1), "bad-request"),
    "an unknown form": (R.ReadView("/shop", "yaml", "show"), "bad-request"),
    "a long form": (R.ReadView("/shop", "x" * 60_000, "show"), "bad-request"),
    "an unknown door": (R.ReadView("/shop", "dotenv", "\x1b[2J"), "bad-request"),
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


def test_no_refused_form_or_door_is_on_the_log(world: World) -> None:
    world.allow(("/", ME.uid))
    for request in (BAD_READS["a long form"][0], BAD_READS["an unknown door"][0]):
        for caller in (ME, STRANGER):
            run(lambda: world.ask(request, caller))  # noqa: B023
    assert max(map(len, Path(world.places.log).read_bytes().splitlines())) < 2000
    assert "\\u001b" not in Path(world.places.log).read_text()


def test_each_thing_that_is_read_is_one_entry(world: World) -> None:
    asked: list[tuple[NamedTuple, tuple[object, ...]]] = [
        (R.ReadView("/shop", "value", "get", ("LOG",)), ("read", "get", "/shop", 1, "value")),
        (R.ReadView("/shop/prod", "environ", "exec"), ("read", "exec", "/shop/prod", 1, "environ")),
        (R.ListVariables("/shop"), ("read", "socket", "/shop", 1, "names")),
        (R.ListHistory("/shop"), ("read", "socket", "/shop", None, "history")),
    ]
    for request, entry in asked:
        before = len(world.entries())
        run(lambda: world.ask(request))  # noqa: B023
        found = world.entries()[before:]
        assert [tuple(e.get(key) for key in ("event", "door", "level", "version", "form")) for e in found] == [entry]
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


# -- strangers ---------------------------------------------------------------------------------------------------------


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


# -- writing -----------------------------------------------------------------------------------------------------------


def test_writing_says_what_changed_and_is_on_the_log(world: World) -> None:
    before = len(world.entries())
    written = run(lambda: world.ask(R.SetVariable("/shop", "LOG"), secret=b"trace"))
    assert written == R.Written("/shop", 2, (), ("LOG",), ())
    entry = world.entries()[before]
    assert [entry[key] for key in ("event", "level", "version", "form", "uid")] == ["write", "/shop", 2, "set", ME.uid]
    assert "trace" not in Path(world.places.log).read_text()


@pytest.mark.parametrize(
    ("asked", "secret", "text"),
    [
        (R.SetVariable("/blog", "A"), b"1\n", "TITLE='My blog'\nA=\"1\n\"\n"),
        (R.SetVariable("/blog", "A", trim=True), b"1\n", "TITLE='My blog'\nA=1\n"),
        (R.UnsetVariable("/blog", "TITLE"), None, ""),
        (R.ImportText("/blog"), b"# c\nA=1\n", "TITLE='My blog'\nA=1\n"),
        (R.ImportText("/blog", replace=True), b"# c\nA=1\n", "# c\nA=1\n"),
    ],
)
def test_a_level_is_changed_as_asked(world: World, asked: NamedTuple, secret: bytes | None, text: str) -> None:
    run(lambda: world.ask(R.ImportText("/", replace=True), secret=b""))
    reply = run(lambda: world.ask(asked, secret=secret))
    assert isinstance(reply, R.Written), reply
    shown = run(lambda: world.sent(R.ReadView("/blog", "dotenv", "export"))).blob.decode()
    assert parse_document(shown).variables() == parse_document(text).variables()


def test_what_changes_nothing_makes_no_version(world: World) -> None:
    reply = run(lambda: world.ask(R.SetVariable("/shop", "LOG"), secret=b"debug"))
    assert reply == R.Written("/shop", 1, notes=("nothing changed",))


def test_a_rollback_is_a_new_version_with_the_old_text(world: World) -> None:
    async def main() -> None:
        await world.write("/shop", "A=2\n")
        assert await world.ask(R.Rollback("/shop", 1)) == R.Written("/shop", 3, ("DATABASE_URL", "LOG"), (), ("A",))
        assert (await world.sent(R.ReadView("/shop", "value", "get", ("LOG",)))).blob == b"debug"

    run(main)


BAD_WRITES: dict[str, tuple[NamedTuple, bytes | None, str]] = {
    "no value": (R.SetVariable("/shop", "A"), None, "bad-request"),
    "no text": (R.ImportText("/shop"), None, "bad-request"),
    "a bad level": (R.SetVariable("/shop/.x", "A"), b"1", "bad-name"),
    "a bad name": (R.SetVariable("/shop", "A-B"), b"1", "bad-name"),
    "a nul": (R.SetVariable("/shop", "A"), b"1\0", "malformed"),
    "no utf-8": (R.SetVariable("/shop", "A"), b"\xff", "malformed"),
    "a long value": (R.SetVariable("/shop", "A"), b"x" * 200_000, "too-large"),
    "a text with a fault": (R.ImportText("/shop"), b"A\n", "malformed"),
    "rename of nothing": (R.RenameVariable("/blog", "NOPE", "A"), None, "no-such-variable"),
    "rename to what is there": (R.RenameVariable("/shop", "LOG", "DATABASE_URL"), None, "already-exists"),
    "rename to no name": (R.RenameVariable("/shop", "LOG", "a-b"), None, "bad-name"),
    "unset of nothing": (R.UnsetVariable("/shop", "NOPE"), None, "no-such-variable"),
    "unset where there is no text": (R.UnsetVariable("/shop/prod/eu", "A"), None, "no-such-level"),
    "rollback to 0": (R.Rollback("/shop", 0), None, "no-such-level"),
    "rollback to what is not there": (R.Rollback("/shop", 9), None, "no-such-level"),
    "rollback of no level": (R.Rollback("/nope", 1), None, "no-such-level"),
    "a text with a fault for a new project": (R.ImportText("/nope"), b"A\n", "malformed"),
    "a grant to nobody": (R.Grant("/shop", -1), None, "bad-request"),
    "a grant to everybody": (R.Grant("/shop", 65534), None, "bad-request"),
    "a grant to a huge uid": (R.Grant("/shop", 1 << 40), None, "bad-request"),
    "a grant that ended": (R.Grant("/shop", 7, -5), None, "bad-request"),
    "a grant for ages": (R.Grant("/shop", 7, 10**12), None, "bad-request"),
    "a grant on no level": (R.Grant("shop//", 7), None, "bad-name"),
    "revoking nothing": (R.Revoke("/shop", 7), None, "no-such-level"),
}


@pytest.mark.parametrize(("asked", "secret", "wanted"), BAD_WRITES.values(), ids=BAD_WRITES)
def test_what_cannot_be_written_is_refused_and_leaves_everything_as_it_was(
    world: World, asked: NamedTuple, secret: bytes | None, wanted: str
) -> None:
    before = snapshot(world)
    assert code(run(lambda: world.ask(asked, secret=secret))) == wanted
    assert snapshot(world) == before


def test_many_writers_at_once_each_get_a_version(world: World) -> None:
    async def main() -> None:
        async def one(number: int) -> None:
            reply = await world.ask(R.SetVariable("/shop", f"N{number}"), secret=b"1")
            assert isinstance(reply, R.Written), reply

        async with trio.open_nursery() as nursery:
            for number in range(8):
                nursery.start_soon(one, number)
        rows = (await world.sent(R.ListVariables("/shop"))).rows
        assert {f"N{number}" for number in range(8)} <= {row.name for row in rows if isinstance(row, R.VariableRow)}

    run(main)


# -- grants ------------------------------------------------------------------------------------------------------------


def test_a_grant_and_its_end_and_taking_it_back(world: World) -> None:
    run(lambda: world.ask(R.Grant("/shop", STRANGER.uid)))
    assert Grant("/shop", STRANGER.uid) in world.grants()
    run(lambda: world.ask(R.Grant("/shop", STRANGER.uid, 60)))
    ending = [grant for grant in world.grants() if grant.uid == STRANGER.uid]
    assert len(ending) == 1
    assert ending[0].until
    assert ending[0].boot_until > 60
    assert code(run(lambda: world.ask(R.ReadView("/shop", "dotenv", "show"), STRANGER))) == "ViewSent"
    rows = run(lambda: world.sent(R.ListGrants())).rows
    mine, theirs = (row for row in rows if isinstance(row, R.GrantRow))
    assert (mine.level, mine.uid, mine.seconds_left) == ("/", ME.uid, -1)
    assert (theirs.level, theirs.uid) == ("/shop", STRANGER.uid)
    assert 50 <= theirs.seconds_left <= 60
    run(lambda: world.ask(R.Revoke("shop", STRANGER.uid)))
    time.sleep(LATER)
    assert code(run(lambda: world.ask(R.ReadView("/shop", "dotenv", "show"), STRANGER))) == "not-approved"
    assert [entry["event"] for entry in world.entries() if entry["event"] in ("grant", "revoke")] == [
        "grant",
        "grant",
        "revoke",
    ]


def test_a_grant_that_ran_out_allows_nothing_and_is_not_listed(world: World) -> None:
    run(lambda: world.ask(R.Grant("/shop", STRANGER.uid, 1)))
    assert code(run(lambda: world.ask(R.ReadView("/shop", "dotenv", "show"), STRANGER))) == "ViewSent"
    time.sleep(1.1)
    assert code(run(lambda: world.ask(R.ReadView("/shop", "dotenv", "show"), STRANGER))) == "not-approved"
    rows = run(lambda: world.sent(R.ListGrants())).rows
    assert [row.uid for row in rows if isinstance(row, R.GrantRow)] == [ME.uid]


def test_a_grant_on_a_level_that_is_not_there_yet_says_so(world: World) -> None:
    reply = run(lambda: world.ask(R.Grant("/later", 7)))
    assert isinstance(reply, R.Done)
    assert "/later" in reply.notes[0]


# -- making, locking, the log, verifying -------------------------------------------------------------------------------


def test_a_vault_is_made_with_an_identity_and_one_grant(made: World) -> None:
    assert made.grants() == (Grant("/", ME.uid),)
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
        world.service.locks.wrong("")
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
    assert replied.rows == []


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
    assert replied.reply.failed == len(replied.rows) > 0
    keys = [row.key for row in replied.rows if isinstance(row, R.FaultRow)]
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
    found = record.parse(first)
    header = found.header._replace(seq=2, prev=record.digest(first))
    forged = record.render(found._replace(header=header, protected=record.protect(header)))
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


def test_descriptors_are_closed_whatever_is_asked(world: World) -> None:
    before = len(os.listdir("/proc/self/fd"))
    for case in CASES.values():
        run(lambda: world.ask(case.request, STRANGER, b"secret"))  # noqa: B023
    for asked, secret, _ in BAD_WRITES.values():
        run(lambda: world.ask(asked, secret=secret))  # noqa: B023
    assert len(os.listdir("/proc/self/fd")) <= before

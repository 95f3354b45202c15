"""What each request needs: nothing is reached without it, and with it alone nothing else is asked for."""

import hashlib
import inspect
import json
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import trio

from envfs.control import dispatch
from envfs.control.call import Call, Sent
from envfs.control.dispatch import Where
from envfs.control.requests import log_entries
from envfs.core.access.caller import Caller
from envfs.core.access.evidence import Evidence, Need
from envfs.core.access.roles import NAMED_SETS, Capability
from envfs.core.access.rule import Pin, Rule
from envfs.core.access.verdict import Decision
from envfs.core.audit import Tip
from envfs.host.callers import callers
from envfs.host.evidence.process_source import SeenBefore
from envfs.protocol import control
from tests.component.requesting import CASES, code, snapshot
from tests.component.world import LATER, ME, STRANGER, World, run

ALL = frozenset(Capability)
OPEN = (
    "status",
    "watch the status",
    "use a token",
    "list levels",
    "find",
    "list rotations",
    "list proxies",
    "stop a proxy",
    "watch a view",
)  # the last one needs a daemon that goes on
PIDFD = frozenset((Need.PIDFD,))
R = control


def let(world: World, level: str, can: frozenset[Capability], more: str = "") -> None:
    """Let the stranger do this at a level, and nothing else anywhere."""
    world.allow(("/", world.service.owner))
    words = ", ".join(f'"{word}"' for word in sorted(can))
    table = f'[[grant]]\nid = "g1"\nlevel = "{level}"\nuid = {STRANGER.uid}\ncan = [{words}]\n{more}' if can else ""
    path = Path(world.places.rules)
    path.write_text("next = 2\n" + table)
    path.chmod(0o600)
    time.sleep(LATER)


def needs(name: str) -> frozenset[Capability]:
    """Return what a case needs: that of its row, for a text of the view the values."""
    row = dispatch._TABLE[type(CASES[name].request)]
    # a trial says which values are the same, and a new name that an old one is set
    extra = {
        "try an import": {Capability.READ},
        "rename": {Capability.NAMES},
        "rotate": {Capability.NAMES},
        "list holders": {Capability.HISTORY, Capability.NAMES},
        "report an incident": {Capability.HISTORY, Capability.NAMES},
    }.get(name, set())
    return frozenset({row.capability} | extra)


def test_every_request_has_a_handler_of_its_own() -> None:
    handlers = {kind: dispatch.handler_of(row) for kind, row in dispatch._TABLE.items()}
    assert len(set(handlers.values())) == len(handlers)
    for kind, handler in handlers.items():
        named = list(inspect.get_annotations(handler, eval_str=True).values())
        assert inspect.iscoroutinefunction(handler)
        assert (named[0], issubclass(kind, named[1]), named[2]) == (Call, True, Sent)


def test_every_request_states_what_it_needs() -> None:
    assert set(dispatch._TABLE) == set(control.Request.__args__)
    open_to_all = {kind for kind, row in dispatch._TABLE.items() if row.where is Where.NOWHERE}
    assert open_to_all == {R.Status, R.WatchStatus, R.UseToken}
    by_the_gate = {kind for kind, row in dispatch._TABLE.items() if row.where is Where.GATE}
    assert by_the_gate == {
        R.ReadView,
        R.SealView,
        R.FindVariables,
        R.ScanContent,
        R.DescribeView,
        R.WatchView,
        R.ListVariables,
        R.ListPresence,
        R.AskPerson,
        R.ListLevels,
        R.ListHistory,
        R.ListRotations,
        R.CompareLevels,
        R.OpenProxy,
        R.StopProxy,
        R.ListProxyRules,
    }


@pytest.mark.parametrize("name", [name for name in CASES if name not in OPEN])
def test_without_what_it_needs_a_request_is_refused_and_changes_nothing(world: World, name: str) -> None:
    for missing in needs(name):
        let(world, "/", ALL - {missing})
        before, case = snapshot(world), CASES[name]
        reply = run(lambda case=case: world.ask(case.request, STRANGER, case.secret))
        assert code(reply) == "not-approved", reply
        assert snapshot(world) == before
        assert not world.stopped


@pytest.mark.parametrize("name", [name for name in CASES if name not in ("init", "use a token")])
def test_with_what_it_needs_alone_a_request_is_answered(world: World, name: str) -> None:
    case, can = CASES[name], needs(name)
    if name == "grant-access":
        can |= {Capability.READ, Capability.NAMES, Capability.HISTORY}  # nobody gives what it has not
    if name in ("copy", "move"):  # the gate decides about the level that is read, and its past
        can |= {Capability.READ, Capability.HISTORY}
    let(world, "/", can)
    reply = run(lambda: world.ask(case.request, STRANGER, case.secret))
    if name == "revoke":  # of another one's rule
        assert "another one gave that rule" in str(reply)
    else:
        assert code(reply) != "not-approved", reply


AT_SHOP = [
    *(
        "set",
        "set several",
        "unset",
        "rename",
        "rotate",
        "import",
        "rollback",
        "check a write",
        "grant-access",
        "explain access",
        "accept",
    ),
    *("change custody", "rotate a key", "change recipients", "list keys", "list history", "list variables"),
]


@pytest.mark.parametrize("name", AT_SHOP)
def test_a_rule_counts_at_its_level_and_nowhere_else(world: World, name: str) -> None:
    case = CASES[name]
    let(world, "/blog", ALL)
    assert code(run(lambda: world.ask(case.request, STRANGER, case.secret))) == "not-approved"
    let(world, "/shop", ALL)
    assert code(run(lambda: world.ask(case.request, STRANGER, case.secret))) != "not-approved"


@pytest.mark.parametrize("name", ["unlock", "lock", "unmount", "diagnose", "verify vault", "verify log", "rotate log"])
def test_what_is_about_the_whole_vault_takes_a_rule_for_all_of_it(world: World, name: str) -> None:
    let(world, "/shop", ALL)
    assert code(run(lambda: world.ask(CASES[name].request, STRANGER))) == "not-approved"
    assert not world.stopped


@pytest.mark.parametrize("name", NAMED_SETS)
def test_no_set_of_capabilities_reaches_what_is_for_another(world: World, name: str) -> None:
    let(world, "/", NAMED_SETS[name])
    may = NAMED_SETS[name]
    for request, capability in (
        (R.ReadView("/shop", "dotenv", "show"), Capability.READ),
        (R.ReadView("/shop", "example", "show"), Capability.NAMES),
        (R.ListHistory("/shop"), Capability.HISTORY),
        (R.ReadLog(1), Capability.LOG),
        (R.UnsetVariable("/shop", "LOG"), Capability.WRITE),
        (R.ListGrants(), Capability.GRANT),
        (R.Lock(), Capability.ADMIN),
    ):
        reply = run(lambda request=request: world.ask(request, STRANGER))
        assert (code(reply) != "not-approved") is (capability in may), (request, reply)


def test_a_version_of_the_past_takes_the_history_too(world: World) -> None:
    request = R.ReadView("/shop", "dotenv", "show", version=1)
    let(world, "/", frozenset((Capability.READ,)))
    assert code(run(lambda: world.ask(request, STRANGER))) == "not-approved"
    let(world, "/", frozenset((Capability.READ, Capability.HISTORY)))
    assert code(run(lambda: world.ask(request, STRANGER))) == "ViewSent"


def test_one_who_may_write_and_not_read_learns_nothing_of_what_was_there(world: World) -> None:
    let(world, "/", frozenset((Capability.WRITE,)))
    requests = [
        *((R.SetVariable("/shop", "LOG"), value) for value in (b"debug", b"debug", b"another")),  # the first is right
        *((R.SetVariable("/shop", "LOG", template=True), value) for value in (b"another", b"$REGION")),
        *((R.ImportText("/shop"), text) for text in (b"LOG=$REGION\n", b"LOG=info\n")),
        *((R.UnsetVariable("/shop", name), None) for name in ("NOT_THERE", "LOG", "LOG")),
        (R.UnsetVariable("/", "NOT_THERE"), None),
        *((R.Rollback("/shop", version), None) for version in (1, 1)),
    ]
    for request, value in requests:
        before = world.open_vault.vault.head(request.level)
        reply = run(lambda request=request, value=value: world.ask(request, STRANGER, value))
        assert reply == R.Written(request.level, 0)
        after = world.open_vault.vault.head(request.level)
        assert before is not None
        assert after is not None
        assert after.seq == before.seq + 1
    written = [entry for entry in world.entries() if entry["event"] == "write"]
    assert len({entry["version"] for entry in written if entry["level"] == "/shop"}) >= len(requests) - 1
    assert written[-1]["rule"] == f"g1 uid {STRANGER.uid} /"


def placeholders(world: World, caller: Caller) -> dict[str, str]:
    reply = run(lambda: world.sent(R.ReadView("/shop/prod", "environ", "show"), caller))
    assert isinstance(reply.reply, R.ViewSent)
    assert reply.reply.masked
    return dict(pair.split("=", 1) for pair in reply.blob.decode().split("\0")[:-1])


def test_placeholders_do_not_tell_one_who_may_write_whether_a_guess_was_right(world: World) -> None:
    let(world, "/", ALL - {Capability.READ})
    world.service.book.give(Rule("/", STRANGER.uid, decision=Decision.MASK, can=ALL))
    time.sleep(LATER)
    before, seen = placeholders(world, STRANGER), set()
    for value in (b"debug", b"another", b"another"):  # right, wrong, right
        run(lambda value=value: world.ask(R.SetVariable("/shop", "LOG"), STRANGER, value))
        after = placeholders(world, STRANGER)
        seen.add(after["LOG"])
        assert {name for name in after if after[name] == before[name]} == {"REGION", "DATABASE_URL", "PAGER"}
    run(lambda: world.write("/shop", "LOG=another\nNEW=1\n"))  # by one who may read: they stay, and so does the guess
    assert placeholders(world, STRANGER)["LOG"] == after["LOG"]
    assert len(seen) == 3
    assert before["LOG"] not in seen


def test_an_owner_without_a_rule_learns_nothing_of_what_was_there(world: World) -> None:
    world.allow(("/blog", world.service.owner))
    first = run(lambda: world.ask(R.SetVariable("/shop", "LOG"), ME, b"debug"))
    assert first == R.Written("/shop", 2)
    assert run(lambda: world.ask(R.SetVariable("/shop", "LOG"), ME, b"debug")) == R.Written("/shop", 3)
    world.allow(("/", world.service.owner))
    again = run(lambda: world.ask(R.SetVariable("/shop", "LOG"), ME, b"debug"))
    assert again == R.Written("/shop", 3, notes=("nothing changed",))


@pytest.mark.parametrize("also", [Capability.HISTORY, Capability.NAMES, Capability.LOG])
def test_nothing_else_tells_one_who_may_write_whether_a_guess_was_right(world: World, also: Capability) -> None:
    let(world, "/", frozenset((Capability.WRITE, also)))
    seen = []
    for value in (b"debug", b"another", b"another"):  # right, wrong, right
        run(lambda value=value: world.ask(R.SetVariable("/shop", "LOG"), STRANGER, value))
        asked = {
            Capability.HISTORY: R.ListHistory("/shop", 1),
            Capability.NAMES: R.ListVariables("/shop"),
            Capability.LOG: R.ReadLog(1, level="/shop", event="write"),
        }[also]
        rows = run(lambda asked=asked: world.sent(asked, STRANGER)).rows
        assert rows
        seen.append([_without_its_place(row) for row in rows])
    assert seen[0] == seen[1] == seen[2]


def _without_its_place(row: object) -> object:
    if isinstance(row, R.VersionRow):
        return row._replace(version=0, time="")
    return sorted(json.loads(row.line)) if isinstance(row, R.LogRow) else row


def test_a_trial_of_an_import_counts_as_a_read(world: World) -> None:
    let(world, "/", frozenset((Capability.READ, Capability.WRITE)), "max_reads = 1\n")
    first, second = (STRANGER._replace(source=SeenBefore(Evidence(pidfd=n, seen=PIDFD))) for n in (71, 72))
    trial = R.ImportText("/shop", dry=True)
    assert code(run(lambda: world.ask(trial, first, b"LOG=debug\n"))) == "Written"
    for request, secret in ((trial, b"LOG=debug\n"), (R.ReadView("/shop", "dotenv", "show"), None)):
        assert code(run(lambda r=request, s=secret: world.ask(r, first, s))) != "not-approved"
        assert code(run(lambda r=request, s=secret: world.ask(r, second, s))) == "not-approved"
    assert world.service.uses.count("g1") == 1
    run(lambda: world.ask(R.Revoke("/", id="g1")))
    assert Path(world.places.uses).read_bytes() == b""


def test_a_guess_that_is_right_is_on_the_log_and_one_that_may_be_counted_is_not_told(world: World) -> None:
    let(world, "/", frozenset((Capability.READ, Capability.NAMES, Capability.WRITE)))
    same = R.SetVariable("/shop", "LOG")
    assert run(lambda: world.ask(same, STRANGER, b"debug")) == R.Written("/shop", 1, notes=("nothing changed",))
    last = world.entries()[-1]
    assert [last.get(name) for name in ("event", "format", "level", "uid")] == ["read", "compare", "/shop", 54_321]
    let(world, "/", frozenset((Capability.READ, Capability.NAMES, Capability.WRITE)), "max_reads = 1\n")
    caller = STRANGER._replace(source=SeenBefore(Evidence(pidfd=71, seen=PIDFD)))
    assert run(lambda: world.ask(same, caller, b"debug")) == R.Written("/shop", 0)
    assert world.service.uses.count("g1") == 0


SOME = frozenset((Capability.READ, Capability.NAMES, Capability.WRITE))


@pytest.mark.parametrize("name", ["rename", "import", "rollback", "a reference"])
def test_one_who_may_write_makes_no_name_that_it_reads_of_one_that_it_does_not(world: World, name: str) -> None:
    let(world, "/shop", SOME, 'only = ["LOG"]\n')
    requests = {
        "rename": (R.RenameVariable("/shop", "DATABASE_URL", "LOG"), None),
        "a reference": (R.SetVariable("/shop", "LOG", template=True), b"$DATABASE_URL"),
    }
    request, secret = requests.get(name) or (CASES[name].request, CASES[name].secret)
    before = snapshot(world)
    assert code(run(lambda: world.ask(request, STRANGER, secret))) == "not-approved"
    assert snapshot(world) == before
    assert world.entries()[-1]["event"] == "refuse"
    assert code(run(lambda: world.ask(R.SetVariable("/shop", "LOG"), STRANGER, b"$DATABASE_URL"))) == "Written"
    replied = run(lambda: world.sent(R.ReadView("/shop", "value", "get", ("LOG",)), STRANGER))
    assert replied.blob == b"$DATABASE_URL"


# -- giving ------------------------------------------------------------------------------------------------------------


def give(world: World, request: R.GrantAccess | R.Revoke) -> object:
    return run(lambda: world.ask(request, STRANGER))


READ_AND_GRANT = frozenset((Capability.READ, Capability.NAMES, Capability.HISTORY, Capability.GRANT))


@pytest.mark.parametrize(
    ("request_", "given"),
    [
        (R.GrantAccess("/shop", 7), True),
        (R.GrantAccess("/shop/prod", 7, can=("read",)), True),
        (R.GrantAccess("/shop", 7, can=("grant", "read")), True),
        (R.GrantAccess("/", 7), False),
        (R.GrantAccess("/blog", 7), False),
        (R.GrantAccess("/shop", 7, can=("write",)), False),
        (R.GrantAccess("/shop", 7, can=("admin",)), False),
        (R.GrantAccess("/shop", 7, can=("read", "log")), False),
        (R.GrantAccess("/shop", 7, decision="deny"), False),
        (R.GrantAccess("/shop", 7, decision="mask"), True),
    ],
)
def test_nobody_gives_more_than_it_has(world: World, request_: R.GrantAccess, *, given: bool) -> None:
    let(world, "/shop", READ_AND_GRANT)
    assert (code(give(world, request_)) == "RuleGiven") is given
    assert len(world.grants()) == 2 + given
    if given:
        assert world.grants()[-1].by == STRANGER.uid


def test_nobody_gives_what_it_lacks_further_down(world: World) -> None:
    let(world, "/shop", READ_AND_GRANT)
    with Path(world.places.rules).open("a") as file:
        file.write(f'[[grant]]\nid = "g2"\nlevel = "/shop/prod"\nuid = {STRANGER.uid}\ndecision = "deny"\n')
    text = Path(world.places.rules).read_text().replace("next = 2", "next = 3")
    Path(world.places.rules).write_text(text)
    time.sleep(LATER)
    assert code(give(world, R.GrantAccess("/shop", 7))) == "not-approved"


@pytest.mark.parametrize(
    ("denied", "request_", "given"),
    [
        ({"uid": 7}, R.GrantAccess("/shop/prod", 7), False),
        ({"uid": 7}, R.GrantAccess("/shop", 7, unit="x.service"), False),
        ({"uid": None, "cgroup": "/agents"}, R.GrantAccess("/shop/prod", 7), False),
        ({"uid": 7}, R.GrantAccess("/shop/prod", token="a" * 64), False),
        ({"uid": 7}, R.GrantAccess("/shop/prod", 8), True),
        ({"uid": 7, "can": frozenset((Capability.WRITE,))}, R.GrantAccess("/shop/prod", 7), True),
        ({"uid": 7, "level": "/shop/prod"}, R.GrantAccess("/shop", 7), True),
    ],
)
def test_nobody_but_the_owner_gives_what_a_rule_denies(
    world: World, denied: dict[str, object], request_: R.GrantAccess, *, given: bool
) -> None:
    let(world, "/shop", READ_AND_GRANT)
    deny = Rule("/shop", decision=Decision.DENY, can=ALL)
    world.service.book.give(deny._replace(**denied))
    time.sleep(LATER)
    assert (code(give(world, request_)) == "RuleGiven") is given


@pytest.mark.parametrize(
    ("request_", "given"),
    [
        (R.GrantAccess("/shop/prod", ME.uid, can=("names",)), False),
        (R.GrantAccess("/shop/prod", ME.uid, decision="ask"), False),
        (R.GrantAccess("/shop/prod", ME.uid, only=("LOG",)), False),
        (R.GrantAccess("/shop/prod", cgroup="/x", can=("names",)), False),
        (R.GrantAccess("/shop/prod", ME.uid), True),
        (R.GrantAccess("/shop/prod", 7, can=("names",)), True),
        (R.GrantAccess("/shop/prod", STRANGER.uid, cgroup="/x", decision="mask"), True),
        (R.GrantAccess("/shop/prod", 9, exe="/bin/a", can=("read", "names")), True),
        (R.GrantAccess("/shop/prod", 9, exe="/bin/a", can=("names",)), False),
        (R.GrantAccess("/shop/prod", can=("names",), token="a" * 64), True),
    ],
)
def test_nobody_but_the_owner_takes_from_others(world: World, request_: R.GrantAccess, *, given: bool) -> None:
    let(world, "/shop", READ_AND_GRANT)
    world.service.book.give(Rule("/shop", 9, decision=Decision.ASK))
    time.sleep(LATER)
    assert (code(give(world, request_)) == "RuleGiven") is given


def test_nobody_gives_for_longer_than_it_has(world: World) -> None:
    let(world, "/shop", READ_AND_GRANT, 'until = "2099-01-01T00:00:00.000000Z"\n')
    assert code(give(world, R.GrantAccess("/shop", 7))) == "not-approved"
    assert code(give(world, R.GrantAccess("/shop", 7, 3600))) == "RuleGiven"


def test_the_owners_rules_are_neither_replaced_nor_ended_by_others(world: World) -> None:
    let(world, "/shop", READ_AND_GRANT)
    world.service.book.give(world.grants()[0]._replace(level="/shop", uid=7, id=""))
    assert code(give(world, R.GrantAccess("/shop", 7))) == "already-exists"
    assert code(give(world, R.Revoke("/shop", 7))) == "not-approved"
    assert code(give(world, R.GrantAccess("/shop", 8))) == "RuleGiven"
    assert code(give(world, R.Revoke("/shop", 8))) == "Done"


def test_nothing_is_told_of_a_rule_that_is_elsewhere(world: World) -> None:
    let(world, "/shop", READ_AND_GRANT)
    elsewhere = [world.service.book.give(Rule(level, 7, id="")) for level in ("/blog", "/")]
    time.sleep(LATER)
    for rule in elsewhere:
        for there, absent in (
            (R.Revoke("/", id=rule.id), R.Revoke("/", id="g99")),
            (R.Revoke(rule.level, 7), R.Revoke(rule.level, 8)),
        ):
            told = [run(lambda request=request: world.ask(request, STRANGER)) for request in (there, absent)]
            assert code(told[0]) == code(told[1]) == "no-such-level"
            assert repr(told[0]).replace("uid 7", "uid 8") == repr(told[1])
    narrow = give(world, R.GrantAccess("/shop", 7, can=("names",)))
    assert "in place of a rule of a level above" in str(narrow)
    deny = world.service.book.give(Rule("/", 9, decision=Decision.DENY))
    time.sleep(LATER)
    assert "a rule of a level above denies" in str(denied := give(world, R.GrantAccess("/shop", 9)))
    assert deny.id not in str(denied)


def test_rules_are_listed_as_far_as_one_may_give_some(world: World) -> None:
    let(world, "/shop", READ_AND_GRANT)
    rows = run(lambda: world.sent(R.ListGrants(), STRANGER)).rows
    assert [(row.level, row.uid) for row in rows if isinstance(row, R.GrantRow)] == [("/shop", STRANGER.uid)]


def test_rules_are_explained_as_far_as_one_may_give_some(world: World) -> None:
    let(world, "/shop", READ_AND_GRANT)
    above = world.service.book.give(Rule("/", 7))
    time.sleep(LATER)
    for caller, rows, rule in ((STRANGER, 1, "a rule of a level above"), (ME, 3, f"{above.id} uid 7 /")):
        replied = run(lambda caller=caller: world.sent(R.ExplainAccess("/shop", uid=7), caller))
        assert isinstance(replied.reply, R.Explained)
        assert (replied.reply.decision, replied.reply.rule, len(replied.rows)) == ("allow", rule, rows)
    own = R.ExplainAccess("/shop", pid=ME.pid)
    assert code(run(lambda: world.ask(own, STRANGER))) == "not-approved"
    assert code(run(lambda: world.ask(own))) == "Explained"


def test_nothing_is_told_of_a_file_that_not_every_user_may_read(world: World, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"hunter2")
    secret.chmod(0o600)
    digest = hashlib.sha256(secret.read_bytes()).hexdigest()
    let(world, "/shop", READ_AND_GRANT)
    for sha256 in ("", digest, "0" * 64):
        world.service.book.give(Rule("/shop", 7, exe=Pin(str(secret), sha256)))
        time.sleep(LATER)
        request = R.ExplainAccess("/shop", uid=7, exe=str(secret))
        answers = [
            {row.answer for row in run(lambda caller=caller: world.sent(request, caller)).rows}  # type: ignore[union-attr]  # noqa: B023
            for caller in (STRANGER, ME)
        ]
        assert "decides" not in answers[0]
        assert ("decides" in answers[1]) is (sha256 != "0" * 64)


def test_the_log_is_shown_as_far_as_one_may_read_it(world: World) -> None:
    run(lambda: world.ask(R.ReadView("/shop/prod", "dotenv", "show")))
    run(lambda: world.ask(R.ReadView("/blog", "dotenv", "show")))
    let(world, "/shop", frozenset((Capability.LOG,)))
    rows = run(lambda: world.sent(R.ReadLog(), STRANGER)).rows
    lines = [row.line for row in rows if isinstance(row, R.LogRow)]
    assert any('"/shop/prod"' in line for line in lines)
    assert not any('"/blog"' in line or '"checkpoint"' in line for line in lines)


def test_the_log_is_counted_as_far_as_one_may_read_it(world: World) -> None:
    for level in ("/shop/prod", "/blog"):
        run(lambda level=level: world.ask(R.ReadView(level, "dotenv", "show")))
    let(world, "/shop", frozenset((Capability.LOG,)))
    for request in (R.CountLog(), R.CountLog("/")):
        rows = run(lambda request=request: world.sent(request, STRANGER)).rows
        assert {row.level for row in rows if isinstance(row, R.CallerStatRow)} == {"/shop", "/shop/prod"}
        hours = [row for row in rows if isinstance(row, R.HourStatRow)]
        assert sum(row.reads for row in hours) == 1
    assert run(lambda: world.sent(R.CountLog("/blog"), STRANGER)).rows == []


class _LongLog(NamedTuple):
    """A log of many long entries, each made when it is asked for."""

    tip: Tip
    entries: int

    def newest(self, count: int, accepts: Callable[[bytes], bool] | None = None) -> Iterator[bytes]:
        assert not (count > 100 and accepts)  # the log would hold as many
        first = max(0, self.entries - count) if count and accepts is None else 0
        for number in range(first, self.entries):
            level = "/shop" if number % 2 else "/blog"
            body = {"seq": number + 1, "event": "read", "level": level, "rule": "x" * 6000, "prev": "0" * 64}
            line = json.dumps(body, separators=(",", ":")).encode() + b"\n"
            if accepts is None or accepts(line):
                yield line


@pytest.mark.parametrize(("caller", "level"), [(STRANGER, ""), (ME, "/shop")], ids=["some of it", "a filter"])
def test_however_much_of_the_log_is_asked_for_little_is_held(
    world: World, monkeypatch: pytest.MonkeyPatch, caller: Caller, level: str
) -> None:
    let(world, "/shop", frozenset((Capability.LOG,)))
    monkeypatch.setattr(log_entries, "_MOST_HELD", 100)
    monkeypatch.setattr(log_entries, "_log", lambda _call: _LongLog(world.service.log.tip, 1600))
    sent, sizes = [], []

    async def send_rows(rows: Iterable[NamedTuple]) -> None:
        taken = list(rows)
        sent.extend(json.loads(row.line)["seq"] for row in taken)  # type: ignore[attr-defined]
        sizes.append(tracemalloc.get_traced_memory()[0])

    call = Call(world.service, caller, (), None, send_rows, lambda: True, None, lambda: True)  # type: ignore[arg-type]
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        run(lambda: log_entries.read_log(call, R.ReadLog(700, level=level)))
    finally:
        tracemalloc.stop()
    assert sent == list(range(2, 1601, 2))[-700:]
    assert max(sizes) - before < 5 << 20  # and not the 8 MiB that were asked for, as bytes and as text


def test_a_look_at_a_process_lets_everybody_else_be_answered(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    looks, goes_on = threading.Event(), threading.Event()

    def slow(_pid: int) -> Caller:  # as a process can let anybody wait who looks at it
        looks.set()
        assert goes_on.wait(60)
        return ME

    monkeypatch.setattr(callers, "caller_of", slow)
    answered: list[str] = []

    async def ask(request: NamedTuple) -> None:
        answered.append(code(await world.ask(request)))

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(ask, R.ExplainAccess("/shop", pid=ME.pid))
            await trio.to_thread.run_sync(looks.wait, 60)
            await ask(R.ListGrants())
            goes_on.set()

    run(main)
    assert answered == ["Done", "Explained"]


# -- a program of the owner's that a rule keeps from things ------------------------------------------------------------

AGENT, PERSON = ME._replace(cgroup="/agents/one"), ME._replace(cgroup="/login")


def bind(world: World, level: str, can: frozenset[Capability]) -> None:
    """Keep the agent, a program of the owner's, from these things at a level."""
    world.allow(("/", ME.uid))
    world.service.book.give(Rule(level, ME.uid, cgroup="/agents", decision=Decision.DENY, can=can))
    time.sleep(LATER)


def test_a_program_that_is_denied_does_not_take_that_rule_back(world: World) -> None:
    bind(world, "/shop", frozenset((Capability.GRANT, Capability.READ)))
    for request in (R.Revoke("/shop", id="g1"), R.Revoke("/shop", ME.uid, cgroup="/agents")):
        assert code(run(lambda request=request: world.ask(request, AGENT))) == "not-approved"
    assert code(run(lambda: world.ask(R.ReadView("/shop", "dotenv", "show"), AGENT))) == "not-approved"
    assert code(run(lambda: world.ask(R.Revoke("/shop", id="g1"), PERSON))) == "Done"


def test_a_program_that_is_denied_the_log_of_a_level_has_none_of_it(world: World) -> None:
    for level in ("/shop/prod", "/blog"):
        run(lambda level=level: world.ask(R.ReadView(level, "dotenv", "show")))
    bind(world, "/shop", frozenset((Capability.LOG,)))
    for request in (R.ReadLog(), R.ReadLog(1000), R.CountLog()):
        shown, all_of_it = (repr(run(lambda c=c, r=request: world.sent(r, c)).rows) for c in (AGENT, PERSON))
        assert "/blog" in shown
        assert "/shop/prod" not in shown
        assert "/shop/prod" in all_of_it


def test_a_rule_about_reading_lifts_no_denial_of_giving(world: World) -> None:
    bind(world, "/", ALL)
    world.service.book.give(Rule("/shop", ME.uid))
    time.sleep(LATER)
    for request in (R.GrantAccess("/shop", ME.uid), R.Revoke("/", id="g1"), R.UnsetVariable("/shop", "LOG")):
        assert code(run(lambda request=request: world.ask(request, AGENT))) == "not-approved"
    world.service.book.give(Rule("/shop/prod", ME.uid, can=ALL))
    time.sleep(LATER)
    assert code(run(lambda: world.ask(R.UnsetVariable("/shop/prod", "PAGER"), AGENT))) == "Written"
    assert code(run(lambda: world.ask(R.UnsetVariable("/shop", "LOG"), PERSON))) == "Written"


def test_a_reader_without_the_past_is_told_what_is_refused(world: World) -> None:
    let(world, "/shop", frozenset((Capability.READ, Capability.NAMES)))
    past = [R.ListHistory("/shop"), R.ReadView("/shop", "dotenv", "get", (), 1)]
    texts = [run(lambda request=request: world.ask(request, STRANGER)) for request in past]
    assert {str(getattr(reply, "text", "")) for reply in texts} == {
        f"uid {STRANGER.uid} is not approved for the past of /shop"
    }
    elsewhere = run(lambda: world.ask(R.ListHistory("/blog"), STRANGER))
    assert str(getattr(elsewhere, "text", "")) == f"uid {STRANGER.uid} is not approved for /blog"

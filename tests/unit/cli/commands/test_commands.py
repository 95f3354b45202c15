"""The commands' words about what the daemon answers, with a fake daemon: nothing foreign reaches the screen raw."""

import json
import os
from collections.abc import Callable

import pytest

from envfs.errors import BadRequest
from envfs.protocol import control
from envfs.tuples import NamedTuple
from tests.json_shapes import faults
from tests.unit.cli.fake_daemon import HOSTILE, REPORT, FakeLink

REVEALED = f"A={HOSTILE}\0".encode()


def log_row(**fields: object) -> control.LogRow:
    entry = {"seq": 1, "time": HOSTILE, "event": HOSTILE, "uid": 7, "gid": 7, "pid": 7, "executable": HOSTILE}
    entry |= {"script": HOSTILE, "command": HOSTILE, "ancestors": [HOSTILE], "unit": HOSTILE, "session": 7}
    entry |= {"cgroup": HOSTILE, "channel": HOSTILE, "level": HOSTILE, "format": HOSTILE, "rule": HOSTILE, "version": 3}
    return control.LogRow(json.dumps({**entry, **fields}) + "\n")


H = HOSTILE
QUESTION = control.QuestionRow(
    question=H,
    state="open",
    uid=7,
    user=H,
    level=H,
    version=3,
    format=H,
    channel=H,
    variables=2,
    program=H,
    script=H,
    folder=H,
    unit=H,
    reason=H,
    processes=(control.ProcessFact(7, 7, H, terminal=True), control.ProcessFact(6, 7, H, terminal=False)),
    waiting=1,
    asked=H,
    seconds_left=9,
    choices=(H, "process"),
)
ROTATION = control.RotationRow(
    *(H, H, "due", "2026-11-01T08:00:00.000000Z", 3, "2026-08-01T08:00:00.000000Z", H, H),
    *(False, 9, "", "", H, H, True, H, ""),
)
PRESENCE = control.PresenceRow(H, H, H, H, 3, "2026-08-01T08:00:00.000000Z", False)
HOLDER = control.HolderRow(H, H, 1, False, H, H, 2, H, H, 7, H, H, H, H, H, H, 2, H, H, False)
ANSWERS: dict[str, tuple[NamedTuple, tuple[NamedTuple, ...]]] = {
    "log": (control.Done(), (log_row(), log_row(version=HOSTILE, uid=HOSTILE, pid=HOSTILE))),
    "log verify": (control.Checked(1, 0, (H,)), ()),
    "log stats": (
        control.Done(),
        (control.CallerStatRow(H, 1, H, H, 1, 2, 3, 4, H, H), control.HourStatRow(H, 1, 2, 3, 4)),
    ),
    "log restart": (control.Done((H,)), ()),
    "verify": (control.Checked(2, 1, (H,)), (control.FaultRow(H, H),)),
    "ls": (control.Done(), (control.LevelRow(H, 1, H, allowed=True),)),
    "grants": (control.Done(), (control.GrantRow(H, 1, H, H, 5, H, H, H, H, (H,), (H,), exe=H),)),
    "explain /shop --uid 7": (control.Explained(H, H, 7, H), (control.RuleRow(H, H, H, H, H, H),)),
    "who /shop": (control.Done(), (control.ReaderRow(H, 1, H, H, 1, H, 2, H, H, 3),)),
    "proxy ls": (control.Done(), (control.ProxyRow(H, H, 7, H, 8, 9, (H,), 1, 2),)),
    "proxy rules /shop": (control.Done(), (control.ProxyRuleRow(H, H, (H,), (H,), (H,), (H,), H),)),
    "approvals": (control.Done(), (QUESTION,)),
    "approvals show q1": (control.Done(), (QUESTION,)),
    "approvals respond q1 yes": (control.Done((H,)), ()),
    "history /shop": (control.Done(), (control.VersionRow(1, H, H, (H,), (H,), (H,)),)),
    "show /shop": (control.Done(), (control.VariableRow("A", H),)),
    "show /shop --reveal": (control.Done(), (control.VariableRow("A", H),)),
    "status": (REPORT, ()),
    "doctor": (REPORT._replace(uid=os.geteuid()), (control.FindingRow(H, "note", H, H), control.FindingRow(H, H, H))),
    "rollback /shop 1 -y": (control.Written(H, 2, (H,), (H,), (H,), (H,)), ()),
    "unset /shop A": (control.Written(H, 2, (H,), (H,), (H,), (H,)), ()),
    "ls /shop --names": (control.Done(), (PRESENCE,)),
    "get /shop A --presence": (control.Done(), (PRESENCE,)),
    "stale": (control.Done((H,)), (ROTATION,)),
    "incident /shop A": (
        control.IncidentReported(H, H, H, "", "", 7, H, H, (H,), (H,)),
        (
            control.VersionFactRow(H, 1, H, H, H, H, 1, True),
            control.ReaderFactRow(1, 7, H, H, H, H, H, H, H, H, H, H, H, 1, 1, True, True, 2, 1, H, H),
            control.OtherReadRow(1, H, True, 2, H, H),
            control.RefusalFactRow(7, H, H, H, H, H, H, H, H, H, H, 2, H, H),
            control.CarrierRow(H, 1, H, H, 1),
            HOLDER,
        ),
    ),
    "holders /shop A": (control.Done((H,)), (HOLDER,)),
    "sync status": (
        control.SharingReport(H, H, H, "", 1, 1, 1, 0),
        (control.SharingRow("conflict", H, 2, (H,), H), control.SharingRow(H, H, 0)),
    ),
    "sync log": (
        control.Done(),
        (
            control.LogMachineRow(H, H, H, 1, 1, H, "silent", is_former=True, faults=(H,)),
            control.LogMachineRow(H, H, "", 0, 0, "", H),
        ),
    ),
    "log verify --machine ben": (
        control.Done(),
        (control.LogMachineRow(H, H, H, 1, 1, H, "broken", faults=(H,)), control.LogMachineRow(H, H, H, 0, 0, H, H)),
    ),
    "sync resolve /shop --mine": (control.Done((H,)), ()),
    "sync rejoin": (control.Done((H,)), ()),
    "sync accept": (control.Done((H,)), ()),
    "member ls": (
        control.Done(),
        (control.MemberRow(H, H, "joined", (H,), True, H, 1, H), control.MemberRow(H, H, "member", (H,), False, "", 1)),
    ),
    "member devices": (control.Done(), (control.DeviceRow(H, H, H, H, H, False),)),
    "member heads": (control.Done(), (control.MemberHeadRow(3, H, H),)),
    "member revoke ben -y": (control.Done((H,)), (control.ReadableRow(H, "A", True),)),
    "scan /etc/hostname": (control.ContentScanned(1, 0, 1, 0, 0), (control.LeakRow(0, H, H, H, (H,)),)),
    "find A": (control.Done((H,)), (control.LocationRow(H, 1, H, H),)),
    "cp /shop /blog": (control.Written(H, 2, (H,), (), (), (H,)), ()),
    "mv /shop /blog": (control.Written(H, 2, (), (), (), (H,)), ()),
    "rm /shop -y": (control.Written(H, 2, (), (), (H,), (H,)), ()),
    "forget /shop -y": (control.VersionsForgotten(H, 2, 3), ()),
    "accept /shop -y": (control.Done((H,)), ()),
    "grant /shop --uid 7": (control.RuleGiven(H, (H,), H), ()),
    "revoke /shop --uid 7": (control.Done((H,)), ()),
    "init --identity-file /tmp/id": (control.Made(H, H, H, 7), ()),
}


FACTS = (
    control.FactsRow("A", (H, H), (control.UseFact(H, H),), empty=False, doubts=(H,), refused=H),
    control.DanglingRow(H, ("A", H), H, 1, 2),
)
WITHOUT_JSON: dict[str, tuple[NamedTuple, tuple[NamedTuple, ...]]] = {
    "explain /shop A": (control.Done(), FACTS),
    "explain /shop A --reveal": (control.Done(), FACTS),
    "check /shop": (control.Done(), FACTS),
    "key rotate /shop": (
        control.Done((H,)),
        (control.ProjectRow("/shop", H, True, 1, 1, (), False), control.ResealedRow(H, 2)),
    ),
}


@pytest.mark.parametrize("line", [*ANSWERS, *WITHOUT_JSON])
def test_nothing_that_others_wrote_reaches_the_screen_raw(
    run: Callable[[str, FakeLink], int], line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    reply, rows = (ANSWERS | WITHOUT_JSON)[line]
    run(line, FakeLink(reply, rows, REVEALED))
    shown = capsys.readouterr()
    text = (shown.out + shown.err).replace("\n", "").replace("\t", "")
    assert text.isprintable(), repr(text)


@pytest.mark.parametrize(
    "line", [line for line in ANSWERS if not line.startswith(("accept", "approvals respond", "grant ", "revoke"))]
)
def test_json_is_one_document_or_one_a_line_and_clean(
    run: Callable[[str, FakeLink], int], line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    reply, rows = ANSWERS[line]
    if line == "log restart":
        return
    run(f"{line} --json", FakeLink(reply, rows, REVEALED))
    out = capsys.readouterr().out
    assert out.replace("\n", "").isprintable()
    documents = [json.loads(text) for text in out.splitlines()]
    assert len(documents) == (2 if line == "log" else 1)


@pytest.mark.parametrize(
    ("line", "shape"),
    [
        ("sync resolve /shop --mine", "sync resolve"),
        ("sync rejoin", "sync rejoin"),
        ("sync accept", "sync accept"),
        ("sync log", "sync log"),
        ("log verify --machine ben", "log verify --machine"),
        ("log verify", "log verify"),
        ("stale", "stale"),
        ("holders /shop A", "holders"),
    ],
)
def test_json_is_of_the_shape_that_the_schema_has(
    run: Callable[[str, FakeLink], int], line: str, shape: str, capsys: pytest.CaptureFixture[str]
) -> None:
    reply, rows = ANSWERS[line]
    run(f"{line} --json", FakeLink(reply, rows, b"A=1\0"))
    document = json.loads(capsys.readouterr().out)
    assert document
    # the fake daemon's words are of no closed set
    assert [fault for fault in faults(document, shape) if " is not one of " not in fault] == []


@pytest.mark.parametrize(
    ("line", "reply", "status"),
    [
        ("verify", control.Checked(5, 0), 0),
        ("verify", control.Checked(5, 2), 110),
        ("status", REPORT._replace(problems=()), 0),
        ("status", REPORT, 100),
        ("log verify", control.Checked(5, 0, ("no checkpoint",)), 0),
    ],
)
def test_the_exit_status_says_whether_all_is_well(
    run: Callable[[str, FakeLink], int], line: str, reply: object, status: int
) -> None:
    assert run(line, FakeLink(reply)) == status


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("get /shop A", control.ReadView("/shop", "value", "get", ("A",), 0)),
        ("get /shop A --version 3", control.ReadView("/shop", "value", "get", ("A",), 3)),
        ("get /shop@3 A", control.ReadView("/shop", "value", "get", ("A",), 3)),
        ("get /shop@-1 A", control.ReadView("/shop", "value", "get", ("A",), -1)),
        (
            "get /shop@2026-11-01T10:00Z A",
            control.ReadView("/shop", "value", "get", ("A",), moment="2026-11-01T10:00:00.000000Z"),
        ),
        ("show /shop@-2", control.ListVariables("/shop", -2)),
        ("show /shop@2 --own", control.ReadView("/shop", "own", "show", (), 2)),
        ("check /shop@2 --dialect node", control.DescribeView("/shop", 2, "node")),
        ("export /shop@2 -f json", control.ReadView("/shop", "json", "export", (), 2)),
        ("export /shop@-1 -f environ --only A", control.ReadView("/shop", "environ", "export", ("A",), -1)),
        ("export /shop", control.ReadView("/shop", "dotenv", "export", (), 0)),
        ("export /shop -f environ --version 2", control.ReadView("/shop", "environ", "export", (), 2)),
        ("export /shop -f json", control.ReadView("/shop", "json", "export", (), 0)),
        ("export /shop -f example", control.ReadView("/shop", "example", "export", (), 0)),
        ("export /shop --dialect node", control.ReadView("/shop", "dotenv", "export", (), 0, "node")),
        ("export /shop --own", control.ReadView("/shop", "own", "export", (), 0)),
        ("export /shop --own --version 2", control.ReadView("/shop", "own", "export", (), 2)),
        ("show /shop --own", control.ReadView("/shop", "own", "show", (), 0)),
        ("show /shop", control.ListVariables("/shop", 0)),
        ("ls", control.ListLevels("/")),
        ("ls /shop", control.ListLevels("/shop")),
        ("diff /shop", control.CompareLevels("/shop", -1, other="/shop", own=True)),
        ("diff shop@3", control.CompareLevels("/shop", 3, other="/shop", own=True)),
        ("diff /shop @3", control.CompareLevels("/shop", 3, other="/shop", own=True)),
        ("diff /shop 3 @-2", control.CompareLevels("/shop", 3, other="/shop", other_version=-2, own=True)),
        ("diff /shop@3 /shop@5", control.CompareLevels("/shop", 3, other="/shop", other_version=5, own=True)),
        ("diff /shop@3 5", control.CompareLevels("/shop", 3, other="/shop", other_version=5, own=True)),
        ("diff /a b@2", control.CompareLevels("/a", other="/b", other_version=2)),
        ("diff /a /b --own", control.CompareLevels("/a", other="/b", own=True)),
        ("diff /a /b --names", control.ListVariables("/a")),
        ("history /shop", control.ListHistory("/shop", 20)),
        ("history /shop@-2 --name A", control.ListHistory("/shop", 20, -2, name="A")),
        ("history /shop -n 0", control.ListHistory("/shop", 0)),
        ("log", control.ReadLog(20, follow=False)),
        ("log -n 3 --follow", control.ReadLog(3, follow=True)),
        ("log -f --level /shop --uid 7", control.ReadLog(20, follow=True, level="/shop", uid=7)),
        ("log --user root --exe cat --under sh", control.ReadLog(20, uid=0, exe="cat", under="sh")),
        ("log --event read --decision allow", control.ReadLog(20, event="read", decision="allow")),
        ("log --since 2026-11-21", control.ReadLog(0, since="2026-11-21T00:00:00")),
        ("log -n 5 --since 2026-11-21T08:00Z", control.ReadLog(5, since="2026-11-21T08:00:00")),
        ("log --until 2026-11-21T08:00:09", control.ReadLog(20, until="2026-11-21T08:00:09")),
        ("log stats --level /shop", control.CountLog("/shop")),
        ("log verify --pin 7:a", control.VerifyLog("7:a")),
        ("grant /shop --uid 7 --ttl 15m", control.GrantAccess("/shop", 7, 900)),
        ("grant /shop --user root", control.GrantAccess("/shop", 0, 0)),
        ("revoke /shop --uid 7", control.Revoke("/shop", 7)),
        ("unset /shop A", control.UnsetVariable("/shop", "A")),
        ("rename /shop A B", control.RenameVariable("/shop", "A", "B")),
        ("rollback /shop 3 -y", control.Rollback("/shop", 3)),
        ("proxy stop p1", control.StopProxy("p1")),
        ("stale /shop --within 1h --all", control.ListRotations("/shop", 3600, every=True)),
        ("rotate /shop A --finish -m x", control.RotateVariable("/shop", "A", "finish", message="x")),
        ("rotate /shop A --abort", control.RotateVariable("/shop", "A", "abort")),
        ("rotate /shop A --no-hook", control.ListRotations("/shop", name="A")),
        ("generate --set /shop A", control.CheckWrite("/shop", "A")),
        ("find A /shop", control.FindVariables("A", "/shop")),
        ("cp /shop /blog --only A,B --version 3", control.CopyVariables("/blog", "/shop", ("A", "B"), 3)),
        ("mv /shop /blog --only A", control.CopyVariables("/blog", "/shop", ("A",), move=True)),
        ("mv /shop /blog -m x", control.MoveLevel("/shop", "/blog", "x")),
        ("rm /shop -y --below -m x", control.RemoveLevel("/shop", below=True, message="x")),
        ("forget /shop -y --before 7", control.ForgetVersions("/shop", 7)),
        ("forget /shop -y --before @-3", control.ForgetVersions("/shop", -3)),
        (
            "forget /shop -y --before 2026-11-01T10:00:07+01:00",
            control.ForgetVersions("/shop", 0, "2026-11-01T09:00:07.000000Z"),
        ),
        ("cp /shop@-1 /blog", control.CopyVariables("/blog", "/shop", version=-1)),
        (
            "cp /shop@2026-11-01T10:00Z /blog",
            control.CopyVariables("/blog", "/shop", moment="2026-11-01T10:00:00.000000Z"),
        ),
        ("ls /shop --names", control.ListPresence("/shop", below=True)),
        ("get /shop@2 A,B --presence", control.ListPresence("/shop", ("A", "B"), ages=True, version=2)),
        ("exec /shop@2 --only A --explain -- x", control.ListPresence("/shop", ("A",), version=2)),
        ("ls --removed", control.ListLevels("/", removed=True)),
        ("accept /shop --yes", control.Accept("/shop")),
    ],
)
def test_a_command_asks_what_was_typed(run: Callable[[str, FakeLink], int], line: str, wanted: object) -> None:
    link = FakeLink(control.Done())
    run(line, link)
    assert link.asked[0] == wanted


@pytest.mark.parametrize("line", ["rollback /shop 1", "accept /shop", "rm /shop"])
def test_without_a_terminal_nothing_is_changed_unless_it_was_said(
    run: Callable[[str, FakeLink], int], line: str
) -> None:
    from envfs.errors import EnvFSError

    link = FakeLink(control.Done())
    with pytest.raises(EnvFSError, match="not confirmed"):
        run(line, link)
    assert [asked for asked in link.asked if not isinstance(asked, control.ListLevels)] == []


def test_nothing_is_forgotten_unless_it_was_said(run: Callable[[str, FakeLink], int]) -> None:
    from envfs.errors import EnvFSError

    link = FakeLink(control.VersionsForgotten("/shop", 2, 3))
    with pytest.raises(EnvFSError, match="not confirmed"):
        run("forget /shop", link)
    assert link.asked == [control.ForgetVersions("/shop", dry=True)]


@pytest.mark.parametrize(
    "line", ["grant /shop", "grant /shop --uid 1 --user root", "grant /shop --user nobody-of-that-name"]
)
def test_a_grant_is_for_one_user_that_there_is(run: Callable[[str, FakeLink], int], line: str) -> None:
    with pytest.raises(BadRequest):
        run(line, FakeLink(control.Done()))


@pytest.mark.parametrize(
    ("blob", "out"), [(b"value", b"value\n"), (b"value\n", b"value\n"), (b"", b"\n"), (b"\x00\xff", b"\x00\xff\n")]
)
def test_get_writes_the_value_with_one_line_end(
    run: Callable[[str, FakeLink], int], blob: bytes, out: bytes, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    run("get /shop A", FakeLink(control.ViewSent("/shop", 1, 1), (), blob))
    assert capfdbinary.readouterr().out == out

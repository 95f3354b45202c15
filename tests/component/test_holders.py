"""Live processes that were given a value of a variable, as the daemon lists them: by the log, the records and /proc."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from envfs.core.access.caller import Caller
from envfs.host.callers import process_tree
from envfs.protocol import control
from tests.component.requesting import code
from tests.component.world import LATER, ME, STRANGER, World, run

R = control
URL = "DATABASE_URL"
Seen = tuple[str, int, bool, str]


class Live(NamedTuple):
    """A process that does nothing, and reads as the caller of a request."""

    process: "subprocess.Popen[bytes]"

    @property
    def pid(self) -> int:
        return self.process.pid

    def reads(self, world: World, level: str, *only: str, text: str = "exec", channel: str = "exec") -> None:
        request = R.ReadView(level, text, channel, only)
        reply = run(lambda: world.ask(request, Caller(ME.uid, ME.gid, self.pid, os.path.realpath(sys.executable))))
        assert isinstance(reply, R.ViewSent), reply


@pytest.fixture
def live() -> Iterator[Live]:
    """Give one test a process."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    yield Live(process)
    process.kill()
    process.communicate()


def rows(world: World, level: str, name: str, who: Caller = ME, **chosen: int) -> list[R.HolderRow]:
    """Return the processes that are listed, but for this one: it asks."""
    sent = run(lambda: world.sent(R.ListHolders(level, name, **chosen), who))
    assert isinstance(sent.reply, R.Done), sent.reply
    return [row for row in sent.rows if isinstance(row, R.HolderRow) and row.pid != os.getpid()]


def seen(world: World, level: str, name: str, **chosen: int) -> list[Seen]:
    return [(row.source, row.version, row.is_current, row.kind) for row in rows(world, level, name, **chosen)]


def write(world: World, level: str, text: str) -> None:
    run(lambda: world.write(level, text))


def test_a_value_is_old_once_it_changed_and_not_when_it_came_back(world: World, live: Live) -> None:
    live.reads(world, "/shop")
    assert seen(world, "/shop", URL) == [("/shop", 1, True, "read")]
    write(world, "/shop", f"{URL}=other\nLOG=debug\n")
    assert seen(world, "/shop", URL) == [("/shop", 1, False, "read")]
    assert seen(world, "/shop", "LOG") == [("/shop", 1, True, "read")]
    run(lambda: world.ask(R.Rollback("/shop", 1)))
    assert seen(world, "/shop", URL) == [("/shop", 1, True, "read")]


def test_one_version_or_all_before_one_are_chosen_by_their_values(world: World, live: Live) -> None:
    live.reads(world, "/shop")
    write(world, "/shop", f"{URL}=second\nLOG=debug\n")
    assert seen(world, "/shop", URL, version=1) == [("/shop", 1, False, "read")]
    assert seen(world, "/shop", URL, version=2) == []
    assert seen(world, "/shop", URL, before=2) == [("/shop", 1, False, "read")]
    assert seen(world, "/shop", "LOG", before=2) == []
    live.reads(world, "/shop")
    assert seen(world, "/shop", URL, before=2) == [("/shop", 1, False, "read")]
    assert {each[1] for each in seen(world, "/shop", URL)} == {1, 2}


def test_a_level_below_gives_what_those_above_set_unless_it_sets_that_itself(world: World, live: Live) -> None:
    live.reads(world, "/shop/prod")
    assert seen(world, "/shop", "LOG") == [("/shop", 1, True, "read")]
    assert seen(world, "/", "REGION") == [("/", 1, True, "read")]
    assert seen(world, "/shop/prod", "LOG") == [("/shop", 1, True, "read")]
    assert seen(world, "/shop/prod", URL) == [("/shop/prod", 1, True, "read")]
    assert seen(world, "/shop", URL) == []  # another variable of that name
    assert seen(world, "/", "LOG") == []
    write(world, "/shop/prod", "LOG=warn\n")
    assert seen(world, "/shop/prod", "LOG") == [("/shop", 1, False, "read")]
    assert seen(world, "/shop", "LOG") == [("/shop", 1, False, "read")]  # the level that it read gives another one now


@pytest.mark.parametrize(
    ("only", "held"), [(("LOG",), False), ((URL,), True), (("LOG", URL), True), (("DSN",), True), (("COPY",), True)]
)
def test_single_variables_hold_what_they_are_made_of(
    world: World, live: Live, only: tuple[str, ...], held: bool
) -> None:
    write(world, "/shop", f'{URL}=first\nLOG=debug\nDSN="${{{URL}}}?x"\nCOPY="${{DSN}}"\n')
    live.reads(world, "/shop", *only)
    assert bool(rows(world, "/shop", URL)) is held
    assert bool(rows(world, "/shop", "LOG")) is ("LOG" in only)


def test_a_value_that_a_reference_changed_is_old(world: World, live: Live) -> None:
    write(world, "/shop", f'{URL}=first\nDSN="${{{URL}}}?x"\n')
    live.reads(world, "/shop", "DSN")
    write(world, "/shop", f'{URL}=second\nDSN="${{{URL}}}?x"\n')
    assert seen(world, "/shop", "DSN") == [("/shop", 2, False, "read")]


def test_the_own_text_gives_what_it_sets_and_a_copy_gives_nothing(world: World, live: Live) -> None:
    live.reads(world, "/shop/prod", text="own", channel="export")
    assert seen(world, "/shop/prod", URL) == [("/shop/prod", 1, True, "read")]
    assert seen(world, "/shop/prod", "LOG") == []
    caller = Caller(ME.uid, ME.gid, live.pid, "/usr/bin/app")
    run(lambda: world.ask(R.CopyVariables("/wiki", "/blog"), caller))
    assert seen(world, "/blog", "TITLE") == []


def test_names_facts_and_placeholders_are_no_values(world: World, live: Live) -> None:
    live.reads(world, "/shop", text="example", channel="export")
    caller = Caller(ME.uid, ME.gid, live.pid, "/usr/bin/app")
    run(lambda: world.ask(R.DescribeView("/shop"), caller))
    run(lambda: world.ask(R.ListHistory("/shop"), caller))
    assert rows(world, "/shop", URL) == []
    rule = f'[[grant]]\nlevel = "/shop"\nuid = {STRANGER.uid}\ndecision = "mask"\n'
    _add_rule(world, rule)
    masked = Caller(STRANGER.uid, STRANGER.gid, live.pid, "/usr/bin/app")
    assert isinstance(run(lambda: world.ask(R.ReadView("/shop", "exec", "exec"), masked)), R.ViewSent)
    assert rows(world, "/shop", URL) == []


def _add_rule(world: World, rule: str) -> None:
    path = Path(world.places.settings)
    path.write_text(path.read_text() + rule)
    time.sleep(LATER)


def test_a_rule_with_some_names_gives_these_alone_and_is_unclear_once_it_is_gone(world: World, live: Live) -> None:
    settings = Path(world.places.settings)
    before = settings.read_text()
    _add_rule(world, f'[[grant]]\nlevel = "/shop"\nuid = {STRANGER.uid}\nonly = ["L*"]\n')
    some = Caller(STRANGER.uid, STRANGER.gid, live.pid, "/usr/bin/app")
    run(lambda: world.ask(R.ReadView("/shop", "exec", "exec"), some))
    assert seen(world, "/shop", URL) == []
    assert seen(world, "/shop", "LOG") == [("/shop", 1, True, "read")]
    settings.write_text(before)
    time.sleep(LATER)
    assert seen(world, "/shop", URL) == [("/shop", 1, True, "unclear")]


def test_a_renamed_variable_is_followed_back(world: World, live: Live) -> None:
    live.reads(world, "/shop")
    run(lambda: world.ask(R.RenameVariable("/shop", URL, "DSN")))
    assert seen(world, "/shop", "DSN") == [("/shop", 1, True, "read")]
    run(lambda: world.ask(R.SetVariable("/shop", "DSN"), secret=b"new"))
    assert seen(world, "/shop", "DSN") == [("/shop", 1, False, "read")]


def test_a_moved_level_is_followed_back(world: World, live: Live) -> None:
    live.reads(world, "/shop/prod")
    assert isinstance(run(lambda: world.ask(R.MoveLevel("/shop/prod", "/shop/live"))), R.Written)
    assert seen(world, "/shop/live", URL) == [("/shop/prod", 1, True, "read")]
    run(lambda: world.ask(R.SetVariable("/shop/live", URL), secret=b"new"))
    assert seen(world, "/shop/live", URL) == [("/shop/prod", 1, False, "read")]


def test_a_version_that_was_forgotten_is_unclear(world: World, live: Live) -> None:
    live.reads(world, "/shop")
    write(world, "/shop", f"{URL}=second\n")
    assert isinstance(run(lambda: world.ask(R.ForgetVersions("/shop", 2))), R.VersionsForgotten)
    assert seen(world, "/shop", URL) == [("/shop", 1, False, "unclear")]


def test_a_variable_that_was_removed_has_holders_and_one_that_never_was_is_refused(world: World, live: Live) -> None:
    live.reads(world, "/shop")
    run(lambda: world.ask(R.UnsetVariable("/shop", URL)))
    assert seen(world, "/shop", URL) == [("/shop", 1, False, "read")]
    assert code(run(lambda: world.ask(R.ListHolders("/shop", "NEVER")))) == "no-such-variable"


def test_a_number_that_was_given_again_is_another_process(world: World, live: Live) -> None:
    live.reads(world, "/shop")
    log = Path(world.places.log)
    key = process_tree.key_of(process_tree.live_processes()[live.pid])
    text = log.read_bytes()
    assert key.encode() in text
    log.write_bytes(text.replace(key.encode(), key[:-1].encode() + bytes([ord(key[-1]) ^ 1])))
    assert rows(world, "/shop", URL) == []


def test_an_entry_of_an_older_release_is_judged_by_its_time(world: World, live: Live) -> None:
    live.reads(world, "/shop/prod")
    write(world, "/shop", "LOG=warn\n")
    log = Path(world.places.log)
    text = log.read_bytes()
    for member in (b'"process":', b'"above":'):
        assert member in text
        text = text.replace(member, member[:-3] + b'_":')  # one that this release does not know
    log.write_bytes(text)
    assert seen(world, "/shop", "LOG") == [("/shop", 1, False, "read")]


def test_what_a_process_started_before_and_after(world: World) -> None:
    script = (
        "import os, sys, time\n"
        "def child():\n"
        "    pid = os.fork()\n"
        "    if not pid:\n        time.sleep(600)\n"
        "    print(pid, flush=True)\n    return pid\n"
        "pids = [child()]\ninput()\npids.append(child())\ninput()\n"
        "for pid in pids:\n    os.kill(pid, 9)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        early = int(process.stdout.readline())
        time.sleep(1.2)  # the times of entries and of processes are compared with a second's room
        Live(process).reads(world, "/shop")  # type: ignore[arg-type]
        process.stdin.write("\n")
        process.stdin.flush()
        late = int(process.stdout.readline())
        listed = {row.pid: (row.kind, row.reader) for row in rows(world, "/shop", URL)}
        assert listed == {process.pid: ("read", process.pid), late: ("inherited", process.pid)}
        assert early not in listed
    finally:
        process.communicate("\n\n")


def test_a_process_that_ended_is_no_holder(world: World) -> None:
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    Live(process).reads(world, "/shop")
    process.communicate(b"\n")
    assert rows(world, "/shop", URL) == []


def test_others_see_the_levels_whose_log_they_may_read(world: World, live: Live) -> None:
    live.reads(world, "/shop/prod")
    can = '["read", "names", "history", "log"]'
    _add_rule(world, f'[[grant]]\nlevel = "/shop"\nuid = {STRANGER.uid}\ncan = {can}\n')
    assert {row.level for row in rows(world, "/shop", "LOG", STRANGER)} == {"/shop/prod"}
    rule = f'[[grant]]\nlevel = "/shop/prod"\nuid = {STRANGER.uid}\ndecision = "deny"\ncan = ["log"]\n'
    _add_rule(world, rule)
    assert {row.level for row in rows(world, "/shop", "LOG", STRANGER)} == set()
    assert code(run(lambda: world.ask(R.ListHolders("/blog", "TITLE"), STRANGER))) == "not-approved"


def test_without_the_values_a_value_that_came_back_is_another_one(world: World, live: Live) -> None:
    _add_rule(world, f'[[grant]]\nlevel = "/"\nuid = {STRANGER.uid}\ncan = ["names", "history", "log"]\n')
    live.reads(world, "/shop")
    write(world, "/shop", f"{URL}=other\n")
    run(lambda: world.ask(R.Rollback("/shop", 1)))
    assert [row.is_current for row in rows(world, "/shop", URL, STRANGER)] == [False]
    assert [row.is_current for row in rows(world, "/shop", URL)] == [True]


def test_without_the_values_a_version_is_not_told_to_have_the_value_of_another_one(world: World, live: Live) -> None:
    _add_rule(world, f'[[grant]]\nlevel = "/"\nuid = {STRANGER.uid}\ncan = ["names", "history", "log"]\n')
    write(world, "/shop", f"{URL}=other\n")
    run(lambda: world.ask(R.Rollback("/shop", 1)))
    live.reads(world, "/shop")
    write(world, "/shop", f"{URL}=last\n")
    chosen = ({"version": 1}, {"version": 3}, {"before": 3}, {"before": 4})
    assert [len(rows(world, "/shop", URL, STRANGER, **each)) for each in chosen] == [0, 1, 0, 1]
    assert len(rows(world, "/shop", URL, version=1)) == 1


@pytest.mark.parametrize("decision", ["allow", "mask"])
def test_one_who_may_write_a_value_and_not_read_it_is_not_told_who_has_it(world: World, decision: str) -> None:
    can = '["names", "history", "log", "write"' + (', "read"]' if decision == "mask" else "]")
    _add_rule(world, f'[[grant]]\nlevel = "/"\nuid = {STRANGER.uid}\ncan = {can}\ndecision = "{decision}"\n')
    for request in (R.ListHolders("/shop", URL), R.ReportIncident("/shop", URL)):
        assert code(run(lambda request=request: world.ask(request, STRANGER))) == "not-approved"


@pytest.mark.parametrize("asked", [R.ListHolders("/shop", "A", 1, 2), R.ListHolders("/shop", "A", -1)])
def test_two_choices_and_negative_ones_are_refused(world: World, asked: R.ListHolders) -> None:
    assert code(run(lambda: world.ask(asked))) == "bad-request"


def test_no_value_is_in_the_rows(world: World, live: Live) -> None:
    live.reads(world, "/shop/prod")
    assert "hunter" not in repr(rows(world, "/shop/prod", URL))

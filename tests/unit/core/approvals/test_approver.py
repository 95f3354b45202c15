"""Nobody approves what it asked for by itself: the judgement, over process trees as they occur."""

import os

import pytest

from envfs.core.approvals.approver import AnsweringProcess, AskingProcess, reason_to_refuse
from envfs.core.approvals.lineage import Lineage, Process, Terminal

ASKED, WALL = 1000.0, 5_000_000_000_000
OLD, NEW = Terminal("/dev/pts/2", WALL - 10**9), Terminal("/dev/pts/9", WALL + 1)
ME, SERVICE = 1000, 1001

INIT = Process(1, 0.0, 1, 0, name="systemd")
USER_MANAGER = Process(50, 10.0, 50, ME, name="systemd", program="/usr/lib/systemd/systemd")
SERVER = Process(60, 20.0, 60, ME, program="/usr/libexec/gnome-terminal-server")
SHELL = Process(100, 30.0, 100, ME, 34817, "/usr/bin/bash")  # of the terminal in which the program runs
AGENT = Process(200, 500.0, 100, ME, 34817, "/usr/bin/mytool")
READER = Process(300, 999.0, 100, ME, 34817, "/usr/bin/cat")
OTHER_SHELL = Process(110, 40.0, 110, ME, 34818, "/usr/bin/bash")  # of the person's other terminal
CLIENT = Process(400, 1005.0, 110, ME, 34818, "/usr/bin/python3.11", "/usr/bin/envfs")

DESKTOP = (SERVER, USER_MANAGER, INIT)
ASKING: Lineage = (READER, AGENT, SHELL, *DESKTOP)
PERSON: Lineage = (CLIENT, OTHER_SHELL, *DESKTOP)


def judge(lineage: Lineage, leader: Process | None, terminal: Terminal | None, asking: Lineage = ASKING) -> str:
    return reason_to_refuse(AnsweringProcess(lineage, leader, terminal), AskingProcess(asking, ASKED, WALL))


def in_session(leader: Process, **changes: object) -> Process:
    return CLIENT._replace(session=leader.pid, terminal=leader.terminal, **changes)  # type: ignore[arg-type]


def test_a_person_in_another_terminal_that_was_open_before_may_answer() -> None:
    assert judge(PERSON, OTHER_SHELL, OLD) == ""


def test_the_program_itself_what_it_started_and_what_started_it_may_not() -> None:
    child = CLIENT._replace(session=100)
    assert "process tree" in judge(ASKING, SHELL, OLD)
    assert "process tree" in judge((child, *ASKING), SHELL, OLD)
    assert "process tree" in judge((AGENT, SHELL, *DESKTOP), SHELL, OLD)


def test_a_process_whose_ancestors_cannot_all_be_seen_may_not() -> None:
    cut = OTHER_SHELL._replace(parent=60)
    assert "come" in judge((CLIENT, cut), cut, OLD)
    assert "come" in judge(PERSON, OTHER_SHELL, OLD, asking=(READER, AGENT._replace(parent=100)))


def test_another_process_of_the_same_session_may_not() -> None:
    assert "session" in judge((in_session(SHELL), SHELL, *DESKTOP), SHELL, OLD)


def test_a_number_that_was_given_again_is_another_process() -> None:
    again = READER._replace(start=1004.0, session=110, terminal=34818)
    assert judge((again, OTHER_SHELL, *DESKTOP), OTHER_SHELL, OLD) == ""


@pytest.mark.parametrize("terminal", [NEW, OLD])
def test_a_session_that_began_after_the_question_may_not_whatever_its_terminal(terminal: Terminal) -> None:
    young = Process(900, 1001.0, 900, ME, 34825, "/usr/bin/script")
    assert "after the question" in judge((in_session(young), young, *DESKTOP), young, terminal)


def test_a_session_that_began_in_the_same_tick_of_the_clock_as_the_question_may_not() -> None:
    young = OTHER_SHELL._replace(start=ASKED - 0.005)
    assert "after the question" in judge((CLIENT, young, *DESKTOP), young, OLD)


def test_a_terminal_that_was_made_after_the_question_may_not_even_in_an_old_session() -> None:
    assert "terminal" in judge(PERSON, OTHER_SHELL, NEW)
    assert "terminal" in judge(PERSON, OTHER_SHELL, Terminal("/dev/pts/2", WALL))


def test_a_session_without_its_leader_may_not() -> None:
    assert "ended" in judge(PERSON, None, OLD)


def test_a_terminal_that_cannot_be_seen_counts_against_the_one_who_answers() -> None:
    assert "cannot be seen" in judge(PERSON, OTHER_SHELL, None)


def test_what_cannot_be_seen_at_all_may_not() -> None:
    assert judge((), OTHER_SHELL, OLD)
    assert judge(PERSON, OTHER_SHELL, OLD, asking=())


@pytest.mark.parametrize(
    "agent",
    [
        Process(250, 35.0, 110, ME, 34818, "/usr/bin/node", "/usr/local/bin/claude"),
        Process(250, 35.0, 110, ME, 34818, "/usr/bin/node", "/x/node_modules/@anthropic-ai/claude-code/cli.js"),
        Process(250, 35.0, 110, ME, 34818, "/opt/Cursor/cursor"),
        Process(250, 35.0, 110, ME, 34818, "/usr/bin/python3.11", "/home/me/.local/bin/aider"),
        Process(250, 35.0, 110, ME, 34818, "/usr/bin/node", name="codex"),
        Process(250, 35.0, 110, ME, 34818, "/home/me/Cursor-1.2.AppImage", name="Codex"),
    ],
)
def test_nothing_below_a_program_that_counts_as_an_agent_may(agent: Process) -> None:
    assert "agent" in judge((CLIENT, agent, OTHER_SHELL, *DESKTOP), OTHER_SHELL, OLD)
    assert "agent" in judge((CLIENT._replace(uid=0), agent, OTHER_SHELL, *DESKTOP), OTHER_SHELL, OLD)


def test_a_program_counts_as_an_agent_by_the_settings_as_well() -> None:
    tool = Process(250, 35.0, 110, ME, 34818, "/usr/bin/mytool")
    answering = AnsweringProcess((CLIENT, tool, OTHER_SHELL, *DESKTOP), OTHER_SHELL, OLD)
    assert reason_to_refuse(answering, AskingProcess(ASKING, ASKED, WALL)) == ""
    assert "agent" in reason_to_refuse(answering, AskingProcess(ASKING, ASKED, WALL), ("MyTool",))


def test_a_program_in_the_folder_of_an_agent_counts_as_one_by_whatever_name() -> None:
    agent = Process(250, 35.0, 110, ME, 34818, "/home/me/.local/share/claude/versions/1.0.30")
    assert "agent" in judge((CLIENT, agent, OTHER_SHELL, *DESKTOP), OTHER_SHELL, OLD)


def test_a_script_in_a_folder_that_is_called_as_an_agent_is_none() -> None:
    script = Process(250, 35.0, 110, ME, 34818, "/usr/bin/python3.11", "/home/me/cursor/run.py")
    assert judge((CLIENT, script, OTHER_SHELL, *DESKTOP), OTHER_SHELL, OLD) == ""


# -- the same uid: nothing but the tree tells them apart ---------------------------------------------------------------


def test_a_program_that_leaves_its_session_is_not_answered_from_the_session_that_it_left() -> None:
    left = READER._replace(session=300, terminal=0)
    assert "started from its session" in judge(
        (in_session(SHELL), SHELL, *DESKTOP), SHELL, OLD, asking=(left, AGENT, SHELL, *DESKTOP)
    )


def test_a_terminal_that_was_prepared_in_the_session_of_the_program_may_not() -> None:
    script = Process(210, 600.0, 100, ME, 34817, "/usr/bin/script")
    inner = Process(211, 600.0, 211, ME, 34819, "/usr/bin/bash")
    assert "within the session" in judge((in_session(inner), inner, script, AGENT, SHELL, *DESKTOP), inner, OLD)


@pytest.mark.parametrize("adopter", [(INIT,), (USER_MANAGER, INIT)])
def test_a_terminal_that_was_prepared_and_whose_maker_has_ended_may_not(adopter: Lineage) -> None:
    script = Process(210, 600.0, 210, ME, 0, "/usr/bin/script")
    inner = Process(211, 600.0, 211, ME, 34819, "/usr/bin/bash")
    assert "nothing shows who made it" in judge((in_session(inner), inner, script, *adopter), inner, OLD)


def test_a_multiplexer_that_is_older_than_the_program_may_answer() -> None:
    tmux = Process(70, 25.0, 70, ME, 0, "/usr/bin/tmux")
    pane = Process(120, 45.0, 120, ME, 34820, "/usr/bin/bash")
    assert judge((in_session(pane), pane, tmux, INIT), pane, OLD) == ""


def test_a_login_over_the_network_may_answer_whenever_it_began() -> None:
    login = Process(700, 800.0, 700, ME, 34821, "/usr/bin/bash")
    sshd = Process(690, 799.0, 690, ME, 0, "/usr/sbin/sshd")
    master = Process(680, 799.0, 680, 0, 0, "/usr/sbin/sshd")
    assert judge((in_session(login), login, sshd, master, INIT), login, OLD) == ""


def test_a_program_whose_maker_has_ended_is_answered_from_what_is_younger_or_elsewhere_alone() -> None:
    orphan = READER._replace(session=300, terminal=0, parent=1)
    at_shell = (CLIENT._replace(session=100, terminal=34817), SHELL, *DESKTOP)
    assert "nothing shows who started" in judge(at_shell, SHELL, OLD, (orphan, USER_MANAGER, INIT))
    assert "nothing shows who started" in judge(PERSON, OTHER_SHELL, OLD, (orphan, INIT))
    login = Process(700, 800.0, 700, ME, 34821, "/usr/bin/bash")
    network = (in_session(login), login, Process(680, 799.0, 680, 0, 0, "/usr/sbin/sshd"), INIT)
    assert "nothing shows who started" in judge(network, login, OLD, (orphan, INIT))
    assert judge(network, login, OLD, (orphan._replace(start=790.0), INIT)) == ""  # before anybody logged in there
    here, there = "/user.slice/session-3.scope", "/user.slice/app-code.scope"
    for cgroup, answer in ((here, "nothing shows who started"), (there, ""), ("", "nothing shows who started")):
        answering = AnsweringProcess(PERSON, OTHER_SHELL, OLD, here)
        asking = AskingProcess((orphan, INIT), ASKED, WALL, cgroup)
        assert answer in reason_to_refuse(answering, asking)
        assert bool(answer) == bool(reason_to_refuse(answering, asking))


def test_a_program_that_another_user_or_one_outside_started_is_no_orphan() -> None:
    cron = Process(40, 5.0, 40, 0, 0, "/usr/sbin/cron")
    job = READER._replace(session=300, terminal=0)
    assert judge(PERSON, OTHER_SHELL, OLD, (job, cron, INIT)) == ""
    assert judge(PERSON, OTHER_SHELL, OLD, (job._replace(parent=0),)) == ""


def test_a_program_in_a_terminal_that_started_both_may_not() -> None:
    job = READER._replace(session=300, terminal=0)
    inner = Process(211, 600.0, 211, ME, 34819, "/usr/bin/bash")
    answering = (in_session(inner), inner, AGENT, SHELL, *DESKTOP)
    assert "started both" in judge(answering, inner, OLD, (job, AGENT, SHELL, *DESKTOP))


def test_windows_of_one_desktop_on_a_console_may_answer_for_each_other() -> None:
    manager = Process(90, 20.0, 90, ME, os.makedev(4, 1), "/usr/bin/dwm")
    windows = [Process(91 + at, 30.0, 91 + at, ME, 34817 + at, "/usr/bin/bash") for at in range(2)]
    asking = (READER._replace(session=91), windows[0], manager, INIT)
    assert judge((in_session(windows[1]), windows[1], manager, INIT), windows[1], OLD, asking) == ""


def test_without_a_terminal_the_same_user_may_not() -> None:
    job = Process(720, 800.0, 720, ME, 0, "/usr/bin/dash")
    assert "no terminal" in judge((in_session(job), job, USER_MANAGER, INIT), job, None)


# -- another uid: that is the boundary ---------------------------------------------------------------------------------


def test_another_user_may_answer_without_a_terminal_and_from_below_a_common_program() -> None:
    harness = Process(80, 30.0, 80, ME, 0, "/usr/bin/make")
    asking = (READER._replace(uid=SERVICE, session=300, terminal=0), harness, INIT)
    assert judge((CLIENT._replace(session=80, terminal=0), harness, INIT), harness, None, asking) == ""


def test_another_user_in_the_session_or_the_tree_of_the_program_may_not() -> None:
    asking = (READER._replace(uid=SERVICE), AGENT, SHELL, *DESKTOP)
    assert "session" in judge((in_session(SHELL), SHELL, *DESKTOP), SHELL, OLD, asking)
    assert "process tree" in judge((AGENT, SHELL, *DESKTOP), SHELL, OLD, asking)

"""Nobody answers for the program that they are, however they go about it; a person at another terminal does."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Homes
from tests.system.answering import Person
from tests.system.home import ENVFS, Home, eventually
from tests.system.test_asking import LEVEL, ask_about, name_of, program, python, question_of, set_approvals


@pytest.fixture(scope="module")
def own(new_home: Homes, stocked: Home) -> Iterator[Home]:
    """Give a module a mount whose owner, root, is asked about programs of its own."""
    home = new_home(stocked)
    set_approvals(home, 'unattended = "wait"', 'wait = "60s"', 'agents = ["mybot"]')
    with home.served():
        ask_about(home, 0)
        yield home


@pytest.fixture(scope="module")
def text(new_home: Homes, stocked: Home) -> str:
    """Give the text that a reader gets."""
    return new_home(stocked).envfs("export", LEVEL).text


@pytest.fixture
def person(own: Home) -> Iterator[Person]:
    """Give a test somebody whose terminal is older than all that the test starts."""
    with Person(own.socket) as someone:
        yield someone


def attempts() -> dict[str, str]:
    """Return the ways in which a program of the same session may answer, as lines of a shell. ANSWER is the command."""
    return {
        "itself": "ANSWER",
        "without its environment": "env -i HOME=/ ENVFS_HOME=$ENVFS_HOME ANSWER",
        "in a new session": "setsid -w ANSWER",
        "in a new session, and left alone": "setsid -f ANSWER; sleep 1",
        "in a new terminal": "script -qec 'ANSWER' /dev/null",
        "in a new terminal, left alone": "setsid -f script -qec 'ANSWER' /dev/null; sleep 1",
        "by two forks": "(setsid sh -c 'ANSWER' &); sleep 1",
        "by another program's terminal": "PYTHON -c \"import pty; pty.spawn(['sh', '-c', 'ANSWER'])\"",
    }


def line(own: Home, how: str, question: str) -> str:
    command = f"{ENVFS} approvals respond {question} yes"
    return attempts()[how].replace("ANSWER", command).replace("PYTHON", sys.executable)


_LIGHT = ("itself", "in a new session, and left alone", "in a new terminal, left alone")


@pytest.mark.parametrize(
    "how", [pytest.param(how, marks=() if how in _LIGHT else pytest.mark.soak) for how in attempts()]
)
def test_a_program_does_not_answer_its_own_question(own: Home, person: Person, how: str, text: str) -> None:
    # the shell's own session asks, is told the name of the question, and tries to answer it
    code = f'cat {own.view(LEVEL)} & read name; eval "$name"; kill $!; wait'
    words = ["sh", "-c", code]
    with subprocess.Popen(
        words,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        env={**own.environ(), "PATH": os.environ["PATH"]},
        cwd="/",
    ) as shell:
        question = name_of(question_of(person, shell))
        out = shell.communicate(line(own, how, question).encode() + b"\n", timeout=60)[0].decode()
    assert text not in out
    refused = [entry for entry in own.log() if str(entry.get("rule", "")).startswith(f"{question}: ")]
    assert [entry["event"] for entry in refused] == ["refuse"], out
    eventually(lambda: not person.questions(), "the question is taken back")


_DETACHED = {  # ASK is the command that asks
    "left alone": "setsid -f ASK",
    "by two forks": "(setsid ASK &)",
    "as a child": "(read go < FIFO; exec setsid ASK) & script -qec 'echo > FIFO; ANSWER' /dev/null",
}


@pytest.mark.parametrize("how", _DETACHED)
def test_a_program_that_asks_from_elsewhere_is_not_answered_at_its_terminal(
    own: Home, person: Person, tmp_path: Path, how: str
) -> None:
    # script(1) gives the shell a terminal that is older than the question
    answer = f"read name; {ENVFS} approvals respond $name yes"
    line = _DETACHED[how] if "ANSWER" in _DETACHED[how] else f"{_DETACHED[how]}; ANSWER"
    line = line.replace("ASK", f"cat {own.view(LEVEL)} > /dev/null").replace("ANSWER", answer)
    os.mkfifo(fifo := tmp_path / "fifo")
    line = line.replace("FIFO", str(fifo))
    with subprocess.Popen(
        ["script", "-qec", line, "/dev/null"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
        env={**own.environ(), "PATH": os.environ["PATH"]},
        cwd="/",
    ) as terminal:
        eventually(person.questions, "the question")
        (question,) = person.questions()
        out = terminal.communicate(f"{name_of(question)}\n".encode(), timeout=60)[0]
        assert b"may not answer" in out
        assert b"after the question" not in out
    (asker, *_) = question["processes"]  # type: ignore[misc]
    os.kill(asker["pid"], signal.SIGKILL)
    eventually(lambda: not person.questions(), "the question is taken back")


def test_a_person_at_a_terminal_that_was_open_before_answers(own: Home, person: Person, text: str) -> None:
    with program("cat", own.view(LEVEL), uid=0) as cat:
        assert person.answer(name_of(question_of(person, cat)), "once")["type"] == "done"
        assert cat.communicate()[0].decode() == text


def test_a_terminal_that_was_opened_after_the_question_does_not(own: Home, person: Person, text: str) -> None:
    with program("cat", own.view(LEVEL), uid=0) as cat:
        question = name_of(question_of(person, cat))
        with Person(own.socket) as late:
            assert "after the question" in str(late.answer(question, "once")["text"])
        person.answer(question, "once")
        assert cat.communicate()[0].decode() == text


def test_without_a_terminal_the_same_user_does_not(own: Home, person: Person, text: str) -> None:
    with Person(own.socket, terminal=False) as job, program("cat", own.view(LEVEL), uid=0) as cat:
        question = name_of(question_of(person, cat))
        assert "no terminal" in str(job.answer(question, "once")["text"])
        person.answer(question, "once")
        assert cat.communicate()[0].decode() == text


@pytest.mark.parametrize("name", ["claude", "mybot"])
def test_below_a_program_that_counts_as_an_agent_nobody_does(
    own: Home, person: Person, tmp_path: Path, name: str, text: str
) -> None:
    agent = tmp_path / name
    agent.write_text('#!/bin/sh\n"$@"; :\n')  # which starts a program, and waits for it
    agent.chmod(0o755)
    with (
        Person(own.socket, words=("setsid", "-w", str(agent))) as tool,
        program("cat", own.view(LEVEL), uid=0) as cat,
    ):
        question = name_of(question_of(person, cat))
        assert "agent" in str(tool.answer(question, "once")["text"])
        person.answer(question, "once")
        assert cat.communicate()[0].decode() == text


def test_the_process_that_asks_does_not_answer_by_its_own_connection(own: Home, person: Person) -> None:
    code = (
        f"import sys, threading; sys.path.insert(0, {str(Path(__file__).parents[2])!r})\n"
        "from pathlib import Path; from tests.system.peer import HELLO, Peer\n"
        f"peer = Peer(Path({str(own.socket)!r})); peer.ask(HELLO)\n"
        f"threading.Thread(target=lambda: open({str(own.view(LEVEL))!r}), daemon=True).start()\n"
        "name = input()\n"
        "print(peer.ask({'type': 'respond-approval', 'question': name, 'scope': 'once'})['text'], flush=True)\n"
    )
    command = [*python(code)]
    command.remove("-I")
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True, cwd="/"
    ) as process:
        question = name_of(question_of(person, process))
        assert process.stdin is not None
        process.stdin.write(f"{question}\n".encode())
        process.stdin.flush()
        assert process.stdout is not None
        assert b"process tree" in process.stdout.readline()
        process.kill()

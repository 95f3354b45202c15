"""A program whose rule says ask waits in `open` until a person answers, or leaves, or nobody is there."""

import errno
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conftest import Homes
from tests.system.answering import Person
from tests.system.home import ENVFS, LOOK, SECONDS, Home, as_user, eventually
from tests.system.probing import attempt
from tests.system.samples import LEVELS

ASKER, OTHER, READER = 1001, 1002, 1003
LEVEL = "/shop/prod"
VALUES = LEVELS[LEVEL][1]
Program = subprocess.Popen[bytes]


def set_approvals(home: Home, *lines: str) -> None:
    """Let the settings say this of questions, and nothing else."""
    text, mark = home.settings.read_text(), "# questions\n"
    first = text.partition(mark)[2].partition("# end\n")[2] if mark in text else text
    home.settings.write_text("\n".join((f"{mark}[approvals]", *lines, f"# end\n{first}")))
    time.sleep(LOOK)


def ask_about(home: Home, uid: int) -> None:
    """Let a person decide about the programs of a user."""
    with home.settings.open("a") as file:
        file.write(f'\n[[grant]]\nlevel = "{LEVEL}"\nuid = {uid}\ndecision = "ask"\n')
    time.sleep(LOOK)


@pytest.fixture(scope="module")
def asked(new_home: Homes, stocked: Home) -> Iterator[Home]:
    """Give a module a mount where a person decides for two users, and questions wait where nobody watches."""
    home = new_home(stocked)
    set_approvals(home, 'unattended = "wait"', 'wait = "60s"')
    with home.served():
        for uid in (ASKER, OTHER):
            ask_about(home, uid)
        yield home


@pytest.fixture(scope="module")
def text(asked: Home) -> str:
    """Give the text that a reader gets."""
    return asked.view(LEVEL).read_text()


@pytest.fixture(scope="module")
def person(asked: Home) -> Iterator[Person]:
    with Person(asked.socket) as someone:
        yield someone


@contextmanager
def program(*words: str | Path, uid: int = ASKER, environ: dict[str, str] | None = None) -> Iterator[Program]:
    """Run a program as a user, in a session of its own; it is ended at the end."""
    process = subprocess.Popen(
        [*as_user(uid), *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", **(environ or {})},
        cwd="/",
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def question_of(person: Person, process: Program) -> dict[str, object]:
    """Wait until a program's question is there."""
    found: list[dict[str, object]] = []

    def is_there() -> bool:
        found[:] = [row for row in person.questions() if _asks(row, process.pid)]
        return bool(found)

    eventually(is_there, "the question")
    return found[0]


def _asks(row: dict[str, object], pid: int) -> bool:
    processes = row["processes"]
    return isinstance(processes, list) and any(process["pid"] == pid for process in processes)


def name_of(question: dict[str, object]) -> str:
    return str(question["question"])


def python(code: str) -> tuple[str, str, str, str]:
    return (sys.executable, "-I", "-c", code)


# -- what a yes gives --------------------------------------------------------------------------------------------------


def test_an_open_waits_and_goes_on_with_the_true_text_after_a_yes(asked: Home, person: Person, text: str) -> None:
    before = len(asked.log())
    with program("cat", asked.view(LEVEL), environ={"ENVFS_REASON": "to test it"}) as cat:
        question = question_of(person, cat)
        assert (question["level"], question["uid"], question["reason"]) == (LEVEL, ASKER, "to test it")
        assert question["variables"] == len(VALUES)
        assert question["folder"] == "/"
        assert cat.poll() is None
        assert person.answer(name_of(question), "once")["type"] == "done"
        assert cat.communicate()[0].decode() == text
    entries = [(entry["event"], entry["uid"], entry.get("rule")) for entry in asked.log()[before:]]
    name = name_of(question)
    assert entries == [("ask", ASKER, name), ("answer", 0, name), ("read", ASKER, f"{name} once")]


@pytest.mark.parametrize("code", ["source {0}; echo $APP_NAME", "cat < {0}", "dd if={0} status=none", "tar cf - {0}"])
def test_programs_that_go_by_the_size_read_it_whole(asked: Home, person: Person, code: str, text: str) -> None:
    path = asked.view(LEVEL)
    with program("bash", "-c", code.format(path)) as shell:
        person.answer(name_of(question_of(person, shell)), "once")
        out = shell.communicate()[0].decode(errors="replace")
    assert (VALUES["APP_NAME"] if code.startswith("source") else text) in out


def test_a_yes_for_once_is_for_no_second_open_and_one_for_the_process_is(
    asked: Home, person: Person, text: str
) -> None:
    twice = python(f"for _ in (1, 2): print(len(open({str(asked.view(LEVEL))!r}).read()))")
    with program(*twice) as process:
        first = question_of(person, process)
        person.answer(name_of(first), "once")
        eventually(lambda: [row for row in person.questions() if _asks(row, process.pid)], "the second question")
        second = question_of(person, process)
        assert second["question"] != first["question"]
        person.answer(name_of(second), "process")
        assert process.communicate()[0].split() == [b"%d" % len(text)] * 2
    with program(*twice) as process:
        person.answer(name_of(question_of(person, process)), "process")
        assert process.communicate()[0].split() == [b"%d" % len(text)] * 2
    assert person.questions() == []


def test_a_yes_for_an_executable_is_for_that_one_and_that_user(asked: Home, person: Person, text: str) -> None:
    with program("head", "-c3", asked.view(LEVEL)) as head:
        question = question_of(person, head)
        assert question["choices"] == ["once", "process", "executable", "always"]
        person.answer(name_of(question), "executable")
        head.communicate()
    with program("head", "-c3", asked.view(LEVEL)) as head:
        assert head.communicate()[0].decode() == text[:3]
    for words, uid in ((("tail", "-c3"), ASKER), (("head", "-c3"), OTHER)):
        with program(*words, asked.view(LEVEL), uid=uid) as other:
            person.answer(name_of(question_of(person, other)))
            assert other.wait() != 0


def test_while_a_yes_stands_a_read_by_a_rule_alone_is_one_entry(asked: Home, person: Person, text: str) -> None:
    # what is seen of the reader's program is compared with the yes, and takes a moment to read
    with program("tac", asked.view(LEVEL)) as tac:
        person.answer(name_of(question_of(person, tac)), "executable")
        tac.communicate()
    with asked.settings.open("a") as file:
        file.write(f'\n[[grant]]\nlevel = "{LEVEL}"\nuid = {READER}\n')
    time.sleep(LOOK)
    for _ in range(2):
        before = len(asked.log())
        with program("cat", asked.view(LEVEL), uid=READER) as cat:
            assert cat.communicate()[0].decode() == text
        entries = [(entry["event"], entry["pid"]) for entry in asked.log()[before:] if entry["uid"] == READER]
        assert entries == [("read", cat.pid)]


def test_a_yes_for_an_executable_ends_when_something_else_is_written_into_it(
    asked: Home, person: Person, text: str, tmp_path: Path
) -> None:
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)
    printer = tmp_path / "printer"
    shutil.copy("/bin/cat", printer)
    with program(printer, asked.view(LEVEL)) as process:
        person.answer(name_of(question_of(person, process)), "executable")
        process.communicate()
    with program(printer, asked.view(LEVEL)) as process:
        assert process.communicate()[0].decode() == text
    before = printer.stat()
    with printer.open("ab") as file:  # in place: the path, the device and the inode stay
        file.write(b"\n")
    os.utime(printer, ns=(before.st_atime_ns, before.st_mtime_ns))
    with program(printer, asked.view(LEVEL)) as process:
        person.answer(name_of(question_of(person, process)))
        assert process.wait() != 0


def test_an_interpreter_whose_script_cannot_be_told_gets_no_yes_for_what_it_runs(asked: Home, person: Person) -> None:
    with program(*python(f"open({str(asked.view(LEVEL))!r})")) as process:
        question = question_of(person, process)
        assert question["choices"] == ["once", "process"]
        reply = person.answer(name_of(question), "executable")
        assert (reply["type"], reply["code"]) == ("failed", "bad-request")
        person.answer(name_of(question), "once")
        assert process.wait() == 0


def test_a_yes_for_always_writes_a_rule_that_pins_the_program(asked: Home, person: Person) -> None:
    with program("wc", "-c", asked.view(LEVEL)) as wc:
        assert person.answer(name_of(question_of(person, wc)), "always")["type"] == "done"
        wc.communicate()
    rule = next(row for row in asked.rows("grants") if row["exe"] == "/usr/bin/wc")
    assert (rule["level"], rule["uid"], rule["decision"], rule["pinned"]) == (LEVEL, ASKER, "allow", True)
    with program("wc", "-c", asked.view(LEVEL)) as wc:
        assert wc.wait() == 0
    assert str(asked.log()[-1]["rule"]).startswith(str(rule["id"]))


def test_a_yes_gives_placeholders_where_another_rule_of_that_rank_masks(asked: Home, person: Person, text: str) -> None:
    both = 1008
    ask_about(asked, both)
    with asked.settings.open("a") as file:
        file.write(f'\n[[grant]]\nlevel = "{LEVEL}"\nuid = {both}\ndecision = "mask"\n')
    time.sleep(LOOK)
    with program("cat", asked.view(LEVEL), uid=both) as cat:
        person.answer(name_of(question_of(person, cat)), "once")
        out = cat.communicate()[0].decode()
    assert out.startswith("# masked by envfs")
    assert [line.split("=")[0] for line in out.splitlines() if "=" in line]
    assert "STRIPE_API_KEY=" in out
    assert VALUES["STRIPE_API_KEY"] not in out
    said = asked.envfs("explain", LEVEL, "--uid", str(both)).text
    assert "gives placeholders" in said
    assert "once a person said yes" in said


def test_an_approver_by_a_rule_answers_at_its_level_and_nowhere_else(asked: Home, person: Person) -> None:
    approver, stranger = 1004, 1005
    asked.envfs("grant", LEVEL, "--uid", str(approver), "--can", "approve")
    with Person(asked.socket, approver) as other, Person(asked.socket, stranger) as nobody:
        with program("cat", asked.view(LEVEL)) as cat:
            question = name_of(question_of(person, cat))
            assert nobody.answer(question, "once")["code"] == "not-approved"
            assert other.answer(question, "always")["code"] == "not-approved"  # it may approve, and give no rules
            assert [name_of(row) for row in other.questions()] == [question]
            assert other.answer(question, "once")["type"] == "done"
            assert cat.wait() == 0
        asked.envfs("grant", "/shop", "--uid", str(ASKER), "--exe", "/usr/bin/tac", "--decision", "ask")
        with program("tac", asked.view("/shop")) as tac:
            question = name_of(question_of(person, tac))
            assert other.questions() == []
            assert other.answer(question, "once")["code"] == "no-such-level"
            person.answer(question)
            tac.wait()


# -- what is there before ----------------------------------------------------------------------------------------------


def test_before_a_yes_a_caller_learns_that_the_texts_are_there_and_asks_nobody(asked: Home, person: Person) -> None:
    folder = asked.view(LEVEL).parent
    with program("ls", "-A", folder) as ls:
        assert ls.communicate()[0].split() == [b".env", b".env.example", b".env.json", b".environ"]
    with program("stat", "-c", "%s", folder / ".env", folder / ".env.json") as stat:
        assert stat.communicate()[0].split() == [b"0", b"0"]
    for path in (folder / ".vars", folder / ".history", folder / ".vars" / "APP_NAME", asked.history_view(LEVEL, 1)):
        assert attempt(ASKER, "read", path).how == "EACCES"
    assert attempt(ASKER, "read", asked.view("/shop")).how == "EACCES"
    assert person.questions() == []


# -- the other ends ----------------------------------------------------------------------------------------------------


def ended_with(asked: Home, process: Program) -> str:
    process.wait()
    return errno.errorcode[process.returncode] if process.returncode in errno.errorcode else str(process.returncode)


def opening(path: Path) -> tuple[str, ...]:
    code = f"import sys\ntry: open({str(path)!r}).read()\nexcept OSError as error: sys.exit(error.errno)"
    return python(code)


def test_a_no_is_eacces_and_is_not_asked_again_at_once(asked: Home, person: Person) -> None:
    with program(*opening(asked.view(LEVEL)), uid=OTHER) as process:
        person.answer(name_of(question_of(person, process)))
        assert ended_with(asked, process) == "EACCES"
    with program(*opening(asked.view(LEVEL)), uid=OTHER) as process:
        assert ended_with(asked, process) == "EACCES"
    assert [entry["rule"] for entry in asked.refusals(OTHER)][-1] == "asked before denied"


def test_a_wait_that_nobody_ends_is_etimedout_and_an_absent_person_eperm(served: tuple[Home, object]) -> None:
    home = served[0]
    ask_about(home, ASKER)
    with program(*opening(home.view(LEVEL))) as process:
        assert ended_with(home, process) == "EPERM"
    home.envfs("get", LEVEL, "APP_NAME", uid=ASKER, status=125)
    set_approvals(home, 'unattended = "wait"', 'wait = "1s"')
    with program(*opening(home.view(LEVEL))) as process:
        assert ended_with(home, process) == "ETIMEDOUT"
    home.envfs("get", LEVEL, "APP_NAME", uid=ASKER, status=121)
    rules = [str(entry["rule"]) for entry in home.refusals(ASKER)]
    assert rules == ["nobody there to ask", "nobody there to ask", "q1 timed out", "q2 timed out"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL, signal.SIGTERM])
def test_a_signal_ends_a_waiting_caller_and_no_other(
    asked: Home, person: Person, number: signal.Signals, text: str
) -> None:
    with program("cat", asked.view(LEVEL)) as cat, program("cat", asked.view(LEVEL)) as other:
        eventually(lambda: [row["waiting"] for row in person.questions()] == [2], "both wait")
        cat.send_signal(number)
        assert cat.wait(SECONDS) == -number
        eventually(lambda: [row["waiting"] for row in person.questions()] == [1], "the other waits on")
        person.answer(name_of(person.questions()[0]), "once")
        assert other.communicate()[0].decode() == text


def test_a_program_that_a_signal_diverts_and_that_tries_again_finds_its_question(
    asked: Home, person: Person, text: str
) -> None:
    code = "import signal; signal.signal(signal.SIGUSR1, lambda *_: print('diverted', flush=True));"
    code += f"print(len(open({str(asked.view(LEVEL))!r}).read()))"
    with program(*python(code)) as process:
        names = [name_of(question_of(person, process))]
        for _ in range(5):  # a question stays for a second; a busy machine may take longer than that to try again
            process.send_signal(signal.SIGUSR1)
            assert process.stdout is not None
            assert process.stdout.readline() == b"diverted\n"
            eventually(lambda: [row["waiting"] for row in person.questions()] == [1], "it waits again")
            names.append(name_of(question_of(person, process)))
            if names[-1] == names[-2]:
                break
        assert names[-1] == names[-2]
        person.answer(names[-1], "once")
        assert process.communicate()[0].split()[-1] == b"%d" % len(text)


def test_what_was_opened_by_a_yes_ends_with_its_rule(asked: Home, person: Person, text: str) -> None:
    code = f"import os, sys; h = os.open({str(asked.view(LEVEL))!r}, 0); print(os.pread(h, 3, 0), flush=True)"
    code += "\nsys.stdin.read()\ntry: print(os.pread(h, 3, 0))\nexcept OSError as error: print(error.errno)"
    third = 1003
    ask_about(asked, third)
    words = [*as_user(third), *python(code)]
    with subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True, cwd="/"
    ) as process:
        person.answer(name_of(question_of(person, process)), "process")
        assert process.stdout is not None
        assert process.stdout.readline() == f"{text[:3].encode()!r}\n".encode()
        asked.envfs("revoke", LEVEL, "--uid", str(third))
        assert process.communicate()[0] == b"%d\n" % errno.EACCES


# -- at the socket -----------------------------------------------------------------------------------------------------


def test_a_command_says_that_it_waits_and_gets_its_answer(asked: Home, person: Person) -> None:
    words = (ENVFS, "get", LEVEL, "APP_NAME", "--reason", "the \x1b[31mreport")
    with program(*words, environ=asked.environ()) as get:
        question = question_of(person, get)
        assert (question["channel"], question["choices"]) == ("get", ["once"])
        assert question["reason"] == "the \x1b[31mreport"
        shown = asked.envfs("approvals", "show", name_of(question)).text
        assert "the \\x1b[31mreport" in shown
        assert shown.replace("\n", "").isprintable()
        assert person.answer(name_of(question), "process")["code"] == "bad-request"
        person.answer(name_of(question), "once")
        out, err = get.communicate()
    assert out.strip()
    assert b"waiting for a person" in err
    assert get.returncode == 0


def test_ctrl_c_ends_a_command_that_waits_and_takes_its_question_back(asked: Home, person: Person) -> None:
    with program(ENVFS, "exec", LEVEL, "--", "env", environ={**asked.environ(), "ENVFS_REASON": "x"}) as command:
        assert question_of(person, command)["reason"] == "x"
        command.send_signal(signal.SIGINT)
        assert command.wait(SECONDS) == 130
    eventually(lambda: person.questions() == [], "the question is taken back")


def test_a_reason_too_long_to_be_shown_is_refused_and_not_shortened(asked: Home, person: Person) -> None:
    long = {**asked.environ(), "ENVFS_REASON": "x" * 501}
    asked.envfs("get", LEVEL, "APP_NAME", uid=ASKER, environ=long, status=107)
    with program(*opening(asked.view(LEVEL)), environ=long) as process:
        assert ended_with(asked, process) == "EFBIG"
    assert person.questions() == []
    assert str(asked.refusals(ASKER)[-1]["rule"]).startswith("not asked: the reason is too long")

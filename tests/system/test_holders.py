"""Processes that were given a value by a real mount or a command, of several users, whatever became of them since."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.system.home import ENVFS, SECONDS, Home, as_user, eventually

Homes = Callable[..., Home]
ANA, BEN, CAL, EVE = 61_001, 61_002, 61_004, 61_003  # CAL reads and no more, EVE has no rule at first
NAME, OLD, NEW = "DB_PASSWORD", "old-71-sentinel", "new-72-sentinel"
WAIT = "import os, sys, time\n"


@pytest.fixture(scope="module")
def served(new_home: Homes) -> Iterator[Home]:
    """Give the module a mount that two users may read."""
    home = new_home()
    home.envfs("import", "-", "/app", given=f"{NAME}={OLD}\nOTHER=1\nDSN=x-${{{NAME}}}\n")
    home.envfs("import", "-", "/app/web", given="PORT=80\n")
    with home.served():
        for uid in (ANA, BEN, CAL):
            home.envfs("grant", "/app", "--uid", str(uid))
        yield home


class Started:
    """Processes that a test started, and those that it heard of: all of them are ended."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._processes: list[subprocess.Popen[str]] = []
        self.pids: list[int] = []

    def start(self, *words: str, uid: int = 0) -> "subprocess.Popen[str]":
        """Start a command. It says its number, or what it did, in a line."""
        process = subprocess.Popen(
            [*as_user(uid), *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=self._home.environ({"HOME": "/"}),
            cwd="/",
        )
        self._processes.append(process)
        return process

    def told(self, process: "subprocess.Popen[str]") -> int:
        """Return the number that a process says."""
        assert process.stdout is not None
        self.pids.append(int(process.stdout.readline()))
        return self.pids[-1]

    def python(self, text: str, uid: int = 0) -> int:
        """Run a script that says the number of the process that counts."""
        return self.told(self.start(sys.executable, "-c", WAIT + text, str(self._home.mnt), uid=uid))

    def end(self) -> None:
        for pid in self.pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for process in self._processes:
            process.kill()
            process.wait(SECONDS)
            for stream in filter(None, (process.stdin, process.stdout)):
                stream.close()


@pytest.fixture
def started(served: Home) -> Iterator[Started]:
    """Give one test its processes."""
    processes = Started(served)
    yield processes
    processes.end()


def asked(home: Home, *words: str, uid: int = 0, status: int = 0) -> "dict[int, dict[str, object]]":
    rows = json.loads(home.envfs("holders", *words, "--json", uid=uid, status=status).out)
    return {row["pid"]: row for row in rows}


READ = "open(sys.argv[1] + '/app/.env').read()\n"
SAY = "print(os.getpid(), flush=True)\ntime.sleep(600)\n"
PROCESSES: dict[str, tuple[str, str | None]] = {  # a script, and how its process has the value; None: it has not
    "a reader": (READ + SAY, "read"),
    "one variable": ("open(sys.argv[1] + '/app/.vars/DB_PASSWORD').read()\n" + SAY, "read"),
    "one that refers to it": ("open(sys.argv[1] + '/app/.vars/DSN').read()\n" + SAY, "read"),
    "another variable": ("open(sys.argv[1] + '/app/.vars/OTHER').read()\n" + SAY, None),
    "names alone": (
        "open(sys.argv[1] + '/app/.env.example').read(); os.listdir(sys.argv[1] + '/app/.vars')\n" + SAY,
        None,
    ),
    "an attribute": ("os.stat(sys.argv[1] + '/app/.env')\n" + SAY, None),
    "a level below": ("open(sys.argv[1] + '/app/web/.env.json').read()\n" + SAY, "read"),
    "an old version": ("open(sys.argv[1] + '/app/.history/1/.env').read()\n" + SAY, "read"),
    "another program": (READ + "print(os.getpid(), flush=True)\nos.execvp('sleep', ['sleep', '600'])\n", "replaced"),
    "a child": (READ + "if not os.fork():\n    " + SAY.replace("\n", "\n    ") + "\ntime.sleep(600)\n", "descends"),
    "a program of a child": (
        READ + "if not os.fork():\n    print(os.getpid(), flush=True)\n    os.execvp('sleep', ['sleep', '600'])\n"
        "time.sleep(600)\n",
        "descends",
    ),
    "a session of its own": (
        READ + "if not os.fork():\n    os.setsid()\n    " + SAY.replace("\n", "\n    ") + "\ntime.sleep(600)\n",
        "descends",
    ),
    "a daemon": (
        READ + "if os.fork():\n    os._exit(0)\nos.setsid()\nmiddle = os.getpid()\nif os.fork():\n    os._exit(0)\n"
        "while os.getppid() == middle:\n    time.sleep(0.01)\n" + SAY,
        "orphan",
    ),
    "a thread": (
        "import threading\nt = threading.Thread(target=lambda: open(sys.argv[1] + '/app/.env').read())\n"
        "t.start(); t.join()\n" + SAY,
        "read",
    ),
    "a map": (
        "import mmap\nf = os.open(sys.argv[1] + '/app/.environ', os.O_RDONLY)\n"
        "m = mmap.mmap(f, os.fstat(f).st_size, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ)\nos.close(f)\nlen(m[:])\n"
        + SAY,
        "open",
    ),
}


def _is_taken_over_by_python(pid: int) -> bool:
    # by what runs these tests, perhaps: then it looks like a child of that one
    parent = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(") ")[2].split()[1]
    with suppress(PermissionError):
        return Path(os.readlink(f"/proc/{parent}/exe")) == Path(sys.executable).resolve()
    return False


def test_each_kind_of_process_is_listed_as_what_it_is(served: Home, started: Started) -> None:
    expected = {}
    for number, (name, (script, kind)) in enumerate(PROCESSES.items()):
        expected[started.python(script, uid=(0, ANA)[number % 2])] = (name, kind)
    listed = asked(served, "/app", NAME)
    expected = {
        pid: case for pid, case in expected.items() if case[0] != "a daemon" or not _is_taken_over_by_python(pid)
    }
    seen = {pid: (name, listed[pid]["kind"] if pid in listed else None) for pid, (name, _) in expected.items()}
    assert seen == expected
    assert {listed[pid]["user"] or listed[pid]["uid"] for pid in seen if pid in listed} == {"root", ANA}
    assert all(listed[pid]["is_current"] for pid, (name, kind) in expected.items() if kind and "old" not in name)
    others = asked(served, "/app", "OTHER")
    assert {name for pid, (name, _) in expected.items() if pid in others} >= {"another variable", "a reader"}
    assert "one variable" not in {name for pid, (name, _) in expected.items() if pid in others}


def test_a_descriptor_that_was_handed_on_is_found_with_its_new_process(served: Home, started: Started) -> None:
    script = (
        "import array, socket\nours, theirs = socket.socketpair()\n"
        "if not os.fork():\n"
        "    _, rights, _, _ = theirs.recvmsg(1, socket.CMSG_SPACE(4))\n"
        "    ours.close(); theirs.sendall(b'x')\n"
        "    print(os.getpid(), flush=True)\n    time.sleep(600)\n"
        "time.sleep(1.5)\n"  # so that the child began before the read, and nothing is inherited
        "file = open(sys.argv[1] + '/app/.env')\n"
        "ours.sendmsg([b'x'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', [file.fileno()]))])\n"
        "ours.recv(1)\n"
    )
    pid = started.python(script, uid=ANA)
    assert asked(served, "/app", NAME)[pid]["kind"] == "open"
    assert pid not in asked(served, "/app/web", "PORT")


def test_a_command_and_all_that_it_leaves_has_the_old_value(served: Home, started: Started) -> None:
    script = "setsid sh -c 'echo $$; exec sleep 600' & sh -c 'echo $$; exec sleep 600' & echo $$; exec sleep 600"
    process = started.start(ENVFS, "exec", "/app", "--", "sh", "-c", script, uid=BEN)
    pids = {started.told(process) for _ in range(3)}
    left = started.start(ENVFS, "exec", "/app", "--only", NAME, "--", "sh", "-c", "setsid sleep 600 & echo $!", uid=BEN)
    orphan = started.told(left)
    left.wait()
    served.envfs("set", "/app", "OTHER", given="2")
    assert all(row["is_current"] for row in asked(served, "/app", NAME).values())
    served.envfs("set", "/app", NAME, given=NEW)
    listed = asked(served, "/app", NAME)
    assert {listed[pid]["kind"] for pid in pids} == {"read", "inherited"}
    assert listed[orphan]["kind"] == "orphan"
    assert not any(listed[pid]["is_current"] for pid in (*pids, orphan))
    version = str(served.rows("history", "/app", "-n", "1")[0]["version"])
    assert set(asked(served, "/app", NAME, "--before", version)) >= pids
    assert not pids & set(asked(served, "/app", NAME, "--version", version))
    text = served.envfs("holders", "/app", NAME).text
    assert OLD not in text
    assert NEW not in text
    assert [line.split("\t")[5] for line in text.splitlines() if line.split("\t")[0] == str(process.pid)] == ["old"]
    done = json.loads(served.envfs("holders", "/app", NAME, "--signal", "TERM", "-y", "--json", status=100).out)
    outcomes = {pid: (each["done"], each["action"]) for each in done for pid in each["pids"]}
    assert {outcomes[pid] for pid in pids} == {(True, "SIGTERM")}
    assert outcomes[orphan] == (False, "none")  # it is not certain
    assert not pids & set(asked(served, "/app", NAME))


def test_a_log_that_was_rotated_and_a_daemon_that_was_started_again_lose_none(served: Home, started: Started) -> None:
    pid = started.python(READ + SAY, uid=ANA)
    served.envfs("log", "rotate")
    assert asked(served, "/app", NAME)[pid]["kind"] == "read"
    served.end(served.daemon())
    served.mount()
    assert asked(served, "/app", NAME)[pid]["kind"] == "read"


def test_who_may_not_read_the_log_learns_nothing(served: Home, started: Started) -> None:
    started.python(READ + SAY, uid=ANA)
    for command in ("holders", "incident"):
        for uid in (CAL, 61_009):
            said = served.envfs(command, "/app", NAME, uid=uid, status=102)
            assert said.out == b""
    served.envfs("grant", "/app", "--uid", str(EVE), "--can", "log,names,history")
    assert {row["uid"] for row in asked(served, "/app", NAME, uid=EVE).values()} >= {ANA}


def test_a_signal_of_a_user_reaches_its_own_processes_alone(served: Home, started: Started) -> None:
    script = "print(os.getpid(), flush=True)\nopen(sys.argv[1] + '/app/.env').read()\ntime.sleep(600)\n"
    ana, ben = started.python(script, uid=ANA), started.python(script, uid=BEN)
    eventually(lambda: {ana, ben} <= set(asked(served, "/app", NAME)), "both have read")
    served.envfs("grant", "/app", "--uid", str(BEN), "--can", "reader,log")
    served.envfs("set", "/app", NAME, given="another")
    done = served.envfs("holders", "/app", NAME, "--signal", "KILL", "-y", "--json", uid=BEN, status=100)
    outcomes = {pid: (each["done"], each["text"]) for each in json.loads(done.out) for pid in each["pids"]}
    assert outcomes[ben] == (True, "ended")
    assert outcomes[ana] == (False, "this user may not signal it")


def test_without_a_yes_nothing_is_signalled(served: Home, started: Started) -> None:
    pid = started.python(READ + SAY)
    served.envfs("set", "/app", NAME, given="one more")
    said = served.envfs("holders", "/app", NAME, "--signal", "KILL", status=100)
    assert "not confirmed" in said.complaint
    assert Path(f"/proc/{pid}").exists()


def test_a_report_names_readers_and_no_value(served: Home, started: Started) -> None:
    started.python(READ + SAY, uid=ANA)
    served.envfs("get", "/app", NAME, uid=BEN)
    said = served.envfs("get", "/app", NAME, uid=61_009, status=102)
    served.envfs("import", "-", "/other", given=f"COPY={served.envfs('get', '/app', NAME).text}")
    text, markdown = (
        served.envfs("incident", "/app", NAME).text,
        served.envfs("incident", "/app", NAME, "--markdown").text,
    )
    report = json.loads(served.envfs("incident", "/app", NAME, "--json").out)
    value = served.envfs("get", "/app", NAME).text.strip()
    for shown in (text, markdown, json.dumps(report), said.complaint):
        assert value not in shown
        assert OLD not in shown
    assert {ANA, BEN} <= {row["uid"] for row in report["readers"]}
    assert {61_009} <= {row["uid"] for row in report["refusals"]}
    assert ("/other", "COPY") in {(row["level"], row["name"]) for row in report["carriers"]}
    assert report["log_state"] == "whole"
    for part in ("Values", "Readers", "Refused", "The log", "Next"):
        assert part in text
        assert f"## {part}" in markdown
    for command in report["commands"]:
        assert command in text
        words = command.split()
        assert served.envfs(words[1], "--help").status == 0

"""However a keyholder ends at its start, or before it has answered, the request says so, soon, and names the cause."""

import os
import resource
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from envfs.daemon.keyholder_process import KeyholderLink
from envfs.daemon.keyholder_start import StartedKeyholder, start_keyholder
from envfs.errors import KeyholderGone, MountFailed
from envfs.protocol.keyholding import NO_ROOM, DescribeProtection
from tests.component.world import run

_KILL = "import os; os.kill(os.getpid(), {})"
_BY_A_CALL = "import resource; resource.setrlimit(resource.RLIMIT_CPU, (0, 0))\nwhile True: pass"
_TAKES_ONE = """
import os, signal, socket, sys
daemon = socket.socket(fileno=int(sys.argv[1]))
_, rights, _, _ = daemon.recvmsg(1, 64)
conversation = int.from_bytes(rights[0][2][:4], sys.byteorder)
"""
ENDS = {
    "SIGKILL": (_KILL.format("9"), "the keyholder was ended by SIGKILL"),
    "SIGSYS, as by a filter of system calls": (_KILL.format("31"), "the keyholder was ended by SIGSYS"),
    "SIGABRT, as a library without memory does": (_KILL.format("6"), "the keyholder was ended by SIGABRT"),
    "a signal without a name": (_KILL.format("40"), "the keyholder was ended by signal 40"),
    "the limit of processor time": (_BY_A_CALL, "the keyholder was ended by SIGKILL"),
    "an exception": ("raise SystemExit(1)", "the keyholder ended with status 1"),
    "a module that is missing": ("import envfs.nowhere", "the keyholder ended with status 1"),
    "no process to fork": (f"raise SystemExit({NO_ROOM})", "the keyholder can start no process: the limit is too low"),
    "a quiet end": ("", "the keyholder disconnected"),
    "an end in the middle of a request": (_TAKES_ONE + _KILL.format("9"), "the keyholder was ended by SIGKILL"),
}


@contextmanager
def started(program: str) -> Iterator[KeyholderLink]:
    """Start a program as if it was the keyholder."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        words = [sys.executable, "-I", "-c", program, str(theirs.fileno())]
        process = subprocess.Popen(words, pass_fds=(theirs.fileno(),), stderr=subprocess.DEVNULL)
    ours.setblocking(False)
    link = KeyholderLink(started=StartedKeyholder(process, ours))
    try:
        yield link
    finally:
        link.close()


def refusal(link: KeyholderLink) -> KeyholderGone:
    """Return what a request is told."""
    with pytest.raises(KeyholderGone) as told:
        run(lambda: link.ask(DescribeProtection(), tuple))
    return told.value


@pytest.mark.parametrize(("program", "text"), ENDS.values(), ids=ENDS)
def test_the_first_request_is_told_how_it_ended(program: str, text: str) -> None:
    with started(program) as link:
        error = refusal(link)
    assert error.text == text
    assert "envfs unlock" not in error.hint  # there is no daemon yet that starts another one


@pytest.mark.parametrize("limit", [resource.RLIMIT_DATA, resource.RLIMIT_AS], ids=["data", "address space"])
def test_a_limit_on_memory_is_named_where_it_may_be_the_cause(limit: int) -> None:
    before = resource.getrlimit(limit)
    resource.setrlimit(limit, (8 << 30, before[1]))
    try:
        with started(_KILL.format("6")) as link:
            error = refusal(link)
    finally:
        resource.setrlimit(limit, before)
    assert error.hint.startswith("the limit on memory is 8192 MiB: raise it, in the shell with `ulimit -")


def test_a_later_end_says_that_another_one_is_started() -> None:
    with started(_KILL.format("31")) as link:
        link.is_replaced = True
        assert refusal(link).hint == "another one is started at once; unlock it with `envfs unlock`"


def test_a_child_that_is_killed_at_its_request_is_told_apart_from_the_keyholder() -> None:
    with started(f"{_TAKES_ONE}os.close(conversation)\nsignal.pause()") as link:
        assert refusal(link).text == "the keyholder's process for this request ended in the middle of it"
        assert link._process is not None
        assert link._process.poll() is None


def test_a_program_that_cannot_be_run_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python3")
    with pytest.raises(MountFailed) as told:
        start_keyholder()
    assert told.value.text == "the keyholder cannot be started: no such file or directory"
    assert "/nowhere/python3" in told.value.hint


def test_after_a_start_that_failed_there_is_none_until_one_succeeds(monkeypatch: pytest.MonkeyPatch) -> None:
    with started(_KILL.format("9")) as link:
        refusal(link)
        with monkeypatch.context() as context:
            context.setattr(sys, "executable", "/nowhere/python3")
            with pytest.raises(MountFailed):
                link.start()
            assert link.pid == 0
            assert refusal(link).text == "there is no keyholder"
        link.start()
        assert run(lambda: link.ask(DescribeProtection(), tuple)).message


def test_a_limit_of_the_daemon_is_for_the_daemon_to_name() -> None:
    before, handles = resource.getrlimit(resource.RLIMIT_NOFILE), []
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, before[1]))
    try:
        with suppress(OSError):
            while True:
                handles.append(os.open("/dev/null", os.O_RDONLY))
        for _ in range(2):  # for the socket pair
            os.close(handles.pop())
        with pytest.raises(OSError, match="Too many open files"):
            start_keyholder()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
        for handle in handles:
            os.close(handle)

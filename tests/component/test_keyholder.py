"""The keyholder as a process: one child a request, no garbage breaks it, and nothing is left behind."""

import array
import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import trio

from envfs.core.protection import Protection
from envfs.daemon.keyholder_process import KeyholderLink
from envfs.errors import (
    AuthenticationFailed,
    EnvFSError,
    Locked,
)
from envfs.host import memory as memory_of_hosts
from envfs.host.process import landlock, seccomp
from envfs.protocol import framing, keyholding, wire
from envfs.protocol.keyholding import (
    CompareVersions,
    CreateIdentity,
    DescribeProtection,
    RenderView,
    VerifyCheckpoint,
    WriteLevel,
)
from tests.component.cheap import TIME
from tests.component.keyholders import KEY_PLACE, LAYER, PLACE, Chain, ask
from tests.component.world import run
from tests.system.home import eventually


def conversation(link: KeyholderLink) -> socket.socket:
    """Open a conversation by hand."""
    ours, theirs = socket.socketpair()
    with theirs:
        rights = array.array("i", [theirs.fileno()])
        assert link._socket is not None
        link._socket.sendmsg([b"?"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])
    ours.settimeout(10)
    return ours


def answered(ours: socket.socket) -> object:
    """Read one reply."""
    decoder = framing.Decoder(1 << 20, 1 << 20)
    while (found := decoder.next()) is None:
        data = ours.recv(1 << 16)
        if not data:
            return None
        decoder.feed(data)
    return wire.from_body(found[0], keyholding.REPLIES)


GARBAGE: dict[str, bytes] = {
    "no frame": b"\xff" * 100,
    "no json": b"\0\0\0\5hello",
    "an unknown request": framing.encode_frame({"type": "shutdown"}),
    "a reply": framing.encode_frame({"type": "unchanged"}),
    "a missing field": framing.encode_frame({"type": "sign-checkpoint"}),
    "too many blobs": framing.encode_frame({"type": "sign-checkpoint", "seq": 1, "digest": "", "blobs": [1 << 40]}),
    "an unknown operation": framing.encode_frame(
        wire.to_body(WriteLevel(PLACE, TIME, "explode", "A", KEY_PLACE, 0)), [b"x"]
    )
    + b"x",
    "a blob that is not there": framing.encode_frame(wire.to_body(RenderView((LAYER,)))),
    "no descriptor": framing.encode_frame(wire.to_body(CreateIdentity(plain=True))),
    "a checkpoint of two parts": framing.encode_frame(wire.to_body(VerifyCheckpoint((("1", "x"),)))),
    "a checkpoint without a number": framing.encode_frame(wire.to_body(VerifyCheckpoint((("x", "y", "z"),)))),
}


@pytest.mark.parametrize("data", GARBAGE.values(), ids=GARBAGE)
def test_garbage_is_refused_and_the_next_request_is_answered(link: KeyholderLink, data: bytes) -> None:
    with conversation(link) as ours:
        ours.sendall(data)
        ours.shutdown(socket.SHUT_WR)
        assert isinstance(answered(ours), keyholding.Refused)
    ask(link, VerifyCheckpoint((("1", "x", "y"),)))


@pytest.mark.parametrize("data", [b"", b"\0\0", framing.encode_frame({"type": "sign-checkpoint"})[:-3]])
def test_a_conversation_that_breaks_off_ends_its_child_alone(link: KeyholderLink, data: bytes) -> None:
    with conversation(link) as ours:
        ours.sendall(data)
    ask(link, VerifyCheckpoint((("1", "x", "y"),)))
    at_rest(link)


def test_a_conversation_that_says_nothing_holds_up_no_other(link: KeyholderLink) -> None:
    with conversation(link), conversation(link):
        for _ in range(5):
            ask(link, VerifyCheckpoint((("1", "x", "y"),)))


WAITING = 3  # children that the keyholder has ready when it has been calm


def children(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


def at_rest(link: KeyholderLink) -> list[int]:
    """Wait until the children that wait are left, and for as long as a rehearsal may take; return their numbers."""
    with contextlib.suppress(EnvFSError):  # of a child that was killed, too
        ask(link, VerifyCheckpoint((("1", "x", "y"),)))  # before the first question it keeps one
    until, since, waiting = time.monotonic() + 60, time.monotonic(), [""]
    while time.monotonic() - since < 0.6:
        now = children(link.pid)
        if now != waiting or len(now) != WAITING:
            since, waiting = time.monotonic(), now
        assert time.monotonic() < until, f"{len(now)} children stay"
        time.sleep(0.01)
    return [int(child) for child in waiting]


def test_each_request_is_a_child_that_ends(link: KeyholderLink, chain: Chain) -> None:
    for _ in range(20):
        chain.render()
        with contextlib.suppress(EnvFSError):
            chain.render(b"garbage")
    at_rest(link)


@pytest.mark.skipif(os.geteuid() != 0, reason="a process that cannot be dumped shows its descriptors to root alone")
def test_two_hundred_requests_leave_no_descriptor_on_either_side(link: KeyholderLink, chain: Chain) -> None:
    chain.render()
    at_rest(link)
    before = [len(os.listdir(f"/proc/{pid}/fd")) for pid in ("self", link.pid)]

    async def many() -> None:
        request = RenderView((chain.layer(1, 0, 1),))
        for turn in range(200):
            bad = turn % 4 == 0
            try:
                answer = await link.ask(request, tuple, (b"x" if bad else chain.records[0], chain.key))
            except AuthenticationFailed:
                continue
            for descriptor in answer.descriptors:
                os.close(descriptor)

    run(many)
    at_rest(link)
    assert [len(os.listdir(f"/proc/{pid}/fd")) for pid in ("self", link.pid)] == before


@pytest.mark.skipif(os.geteuid() != 0, reason="a process that cannot be dumped shows its descriptors to root alone")
def test_the_keyholder_has_no_file_open(link: KeyholderLink) -> None:
    folder = f"/proc/{link.pid}/fd"
    targets = {int(number): os.readlink(f"{folder}/{number}") for number in os.listdir(folder)}
    beyond = {number: target for number, target in targets.items() if number > 2}
    assert all(
        target.startswith(("socket:", "pipe:", "/secretmem", "/memfd:envfs", "anon_inode:"))
        for target in beyond.values()
    )
    assert targets[0] == "/dev/null"


def test_it_says_what_protects_it(link: KeyholderLink) -> None:
    said = ask(link, DescribeProtection()).message
    assert isinstance(said, Protection)
    assert (said.core_dumps, said.dumpable, said.no_new_privs) == (False, False, True)
    assert said.landlock == landlock.landlock_version()
    assert said.seccomp == (seccomp._library is not None) == (not said.no_seccomp)
    assert (said.memory, said.memory_reason) == memory_of_hosts.protection()


def test_a_child_that_is_killed_while_it_waits_is_replaced(link: KeyholderLink) -> None:
    for count in (1, 2, WAITING):
        for child in at_rest(link)[:count]:
            os.kill(child, signal.SIGKILL)
    at_rest(link)
    ask(link, VerifyCheckpoint((("1", "x", "y"),)))


def test_a_keyholder_that_nobody_asked_yet_does_not_warm_up(fresh: KeyholderLink) -> None:
    eventually(lambda: children(fresh.pid), "a child waits")
    time.sleep(0.7)  # as long as it is idle before it warms up, and more
    assert len(children(fresh.pid)) == 1
    at_rest(fresh)


@pytest.mark.skipif(os.geteuid() != 0, reason="root alone sees in which call a process waits")
def test_a_child_that_waits_since_before_the_warm_up_makes_room_for_a_warm_one(fresh: KeyholderLink) -> None:
    calls = {Path(f"/proc/{child}/syscall").read_text(encoding="ascii").split()[0] for child in at_rest(fresh)}
    assert len(calls) == 1  # one that is not warm waits for its parent as well


def test_the_waiting_children_end_with_the_keyholder(fresh: KeyholderLink) -> None:
    waiting = [Path(f"/proc/{child}") for child in at_rest(fresh)]
    os.kill(fresh.pid, signal.SIGKILL)
    until = time.monotonic() + 60
    while any(child.exists() for child in waiting) and time.monotonic() < until:
        time.sleep(0.01)
    assert not any(child.exists() for child in waiting)


def test_many_requests_at_once_are_all_answered(link: KeyholderLink, chain: Chain) -> None:
    async def many() -> None:
        done = []

        async def one() -> None:
            answer = await link.ask(CompareVersions((chain.layer(1, 0, 1),)), tuple, (chain.records[0], chain.key))
            done.append(answer.message)

        async with trio.open_nursery() as nursery:
            for _ in range(30):
                nursery.start_soon(one)
        assert len(done) == 30

    run(many)


def test_large_requests_and_replies_pass(link: KeyholderLink) -> None:
    chain = Chain(link)
    text = "".join(f"NAME_{n}={'x' * 100}\n" for n in range(9000))
    chain.write("replace", text.encode())
    assert len(chain.records[0]) > 1_000_000
    assert chain.render() == text


@pytest.mark.parametrize("end", ["closed", "killed"])
def test_it_ends_when_the_daemon_does(end: str) -> None:
    code = (
        "import sys, time, trio\n"
        "from envfs.daemon.keyholder_process import KeyholderLink\n"
        "link = KeyholderLink()\n"
        "print(link.pid, flush=True)\n"
        "sys.stdin.read(1)\n"
        "link._socket.close()\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as daemon:
        assert daemon.stdout is not None
        assert daemon.stdin is not None
        handle = os.pidfd_open(int(daemon.stdout.readline()))
        time.sleep(0.3)
        assert not select.select([handle], [], [], 0)[0]
        if end == "killed":
            daemon.kill()
        else:
            daemon.stdin.write(b"x")
            daemon.stdin.flush()
        assert select.select([handle], [], [], 60)[0]
        os.close(handle)
        daemon.kill()


@pytest.mark.parametrize("number", [2, 15, 1], ids=["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_key_typed_at_the_terminal_does_not_end_it(fresh: KeyholderLink, number: int) -> None:
    with contextlib.suppress(Locked):
        ask(fresh, VerifyCheckpoint((("1", "x", "y"),)))  # it has started
    os.kill(fresh.pid, number)
    with pytest.raises(Locked):
        ask(fresh, VerifyCheckpoint((("1", "x", "y"),)))


NO_FILES = """
import socket, sys
from envfs.host.process import hardening, landlock
hardening.harden_keyholder()
tcp = socket.socket()
if not landlock.confine_landlock():
    sys.exit(77)
attempts = {
    "read": lambda: open("/etc/passwd"),
    "write": lambda: open("/tmp/envfs-test-never", "w"),
    "list": lambda: __import__("os").listdir("/"),
}
if landlock.landlock_version() >= 4:
    attempts["connect"] = lambda: tcp.connect(("127.0.0.1", 9))
for name, attempt in attempts.items():
    try:
        attempt()
    except PermissionError:
        continue
    sys.exit(f"{name} was possible")
"""


def test_where_the_kernel_can_it_opens_no_file_and_no_network() -> None:
    done = subprocess.run([sys.executable, "-c", NO_FILES], capture_output=True, text=True, check=False)
    if done.returncode == 77:
        pytest.skip("this kernel has no Landlock")
    assert (done.returncode, done.stderr) == (0, "")


def readable_regions(pid: int) -> Callable[[bytes], bool]:
    """Return a way to look for bytes in all memory of a process that root can read."""
    chunks = []
    with open(f"/proc/{pid}/maps", encoding="ascii", errors="replace") as maps, open(f"/proc/{pid}/mem", "rb") as mem:
        for line in maps:
            edges, rights = line.split()[:2]
            start, end = (int(edge, 16) for edge in edges.split("-"))
            if "r" in rights and "[v" not in line:
                with contextlib.suppress(OSError, ValueError):
                    mem.seek(start)
                    chunks.append(mem.read(end - start))
    return lambda needle: any(needle in chunk for chunk in chunks)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root reads another process's memory")
def test_no_value_is_left_in_the_keyholder_after_its_requests(link: KeyholderLink) -> None:
    chain = Chain(link)
    value = b"needle-" + os.urandom(16).hex().encode()
    chain.write("set", value, "A")
    for _ in range(5):
        assert value.decode() in chain.render()
    for pid in (link.pid, *at_rest(link)):
        found = readable_regions(pid)
        assert found(b"envfs")  # the look itself works
        assert not found(value)

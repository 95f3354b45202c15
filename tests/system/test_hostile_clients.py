"""Whatever a client sends, it harms its own connection at most: the daemon goes on to serve everybody else."""

import os
import random
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from tests.conftest import Homes
from tests.system.home import SECONDS, Home, alive, as_user, eventually, open_in
from tests.system.peer import HELLO, STATUS, Body, Peer, frame, memory

_STRANGER = 4711
_A_SECOND = 501  # refusals of one user that are written in one second, and one that counts the others
_VALUE: Body = {"type": "read-view", "level": "/shop", "format": "value", "channel": "get", "only": ["APP_NAME"]}


@pytest.fixture(scope="module")
def victim(new_home: Homes, stocked: Home) -> Iterator[Home]:
    """Give a mounted home that every test of this module attacks."""
    home = new_home(stocked)
    with home.served():
        yield home


_TRICKLES, _REST = frame({"type": "x" * 250}), 0.4


@pytest.fixture(scope="module", autouse=True)
def trickle(victim: Home) -> Iterator[Future[tuple[float, int]]]:
    """Send a frame byte by byte while the other tests run; gives when the daemon gave it up, in seconds and bytes."""
    with ThreadPoolExecutor(1) as pool, Peer(victim.socket) as peer:
        yield pool.submit(_trickle, peer)


def _trickle(peer: Peer) -> tuple[float, int]:
    begun, sent = time.monotonic(), 0
    with suppress(BrokenPipeError, ConnectionResetError):
        for sent, byte in enumerate(_TRICKLES):  # noqa: B007 - its last value counts
            peer.send(bytes([byte]))
            time.sleep(_REST)
    return time.monotonic() - begun, sent


@pytest.fixture(autouse=True)
def _still_serves(victim: Home) -> Iterator[None]:
    before = _answers(victim)
    open_before = open_in(int(str(before["pid"])))
    yield
    after = _answers(victim)
    for name in ("pid", "keyholder_pid"):
        assert after[name] == before[name]
        assert alive(int(str(after[name])))
    assert after["problems"] == []
    eventually(lambda: open_in(int(str(after["pid"]))) <= open_before, "its descriptors are closed")


def _answers(home: Home) -> Body:
    """Read a file and a value, in this process, which takes less than commands do; return the daemon's status."""
    assert "COMPANY_NAME" in home.view("/shop/prod").read_text(encoding="utf-8")
    with Peer(home.socket) as peer:
        assert peer.ask(HELLO)["type"] == "hello"
        assert peer.ask(_VALUE)["type"] == "view-sent"
        assert peer.blob == b"shop."
        return peer.ask(STATUS)


@pytest.mark.parametrize("seed", range(8))
def test_random_bytes_end_their_own_connection(victim: Home, seed: int) -> None:
    data = random.Random(seed).randbytes(1 << (seed * 2))
    with Peer(victim.socket) as peer:
        with suppress(BrokenPipeError, ConnectionResetError):
            peer.send(data)
            peer.socket.shutdown(socket.SHUT_WR)
        assert peer.ended()


_FRAMES = {
    "an empty frame": b"\0\0\0\0",
    "a huge length": b"\xff\xff\xff\xff" + b"x" * 1000,
    "just over the limit": (65537).to_bytes(4, "big") + b"{" * 1000,
    "no JSON": b"\0\0\0\x05hello",
    "not UTF-8": b"\0\0\0\x04\xff\xfe\xfd\xfc",
    "an array": b"\0\0\0\x02[]",
    "a number": b"\0\0\0\x0212",
    "deep JSON": (60000).to_bytes(4, "big") + b"[" * 60000,
    "no type": frame({"protocol": 1}),
    "an unknown type": frame({"type": "open-sesame"}),
    "a type that is a list": frame({"type": ["status"]}),
    "a reply for a request": frame({"type": "done", "notes": []}),
    "a field too many": frame({"type": "status", "also": 1}),
    "a field too few": frame({"type": "hello", "protocol": 1}),
    "a field of another type": frame({"type": "read-log", "newest": "all", "follow": False}),
    "true for a number": frame({"type": "read-log", "newest": True, "follow": False}),
    "blobs announced": frame({"type": "status", "blobs": [5]}) + b"12345",
    "blobs that are no sizes": frame({"type": "status", "blobs": [-1, "x"]}),
    "another protocol": frame({"type": "hello", "protocol": 999, "release": "9"}),
    "the year 2038 in a version": frame(
        {"type": "read-view", "level": "/", "format": "dotenv", "channel": "get", "only": [], "version": 1 << 80}
    ),
}


@pytest.mark.parametrize("name", _FRAMES)
def test_a_frame_that_is_none_is_answered_by_an_error_or_an_end(victim: Home, name: str) -> None:
    with Peer(victim.socket) as peer:
        peer.send(_FRAMES[name])
        peer.socket.shutdown(socket.SHUT_WR)
        try:
            answer = peer.receive()
        except (EOFError, ConnectionResetError):
            return
        assert answer["type"] == "failed", answer
        assert answer["code"] in ("bad-request", "no-such-level", "failed"), answer
        assert "Traceback" not in str(answer)


def test_a_frame_cut_short_and_connections_half_open_keep_nobody_waiting(victim: Home) -> None:
    with ExitStack() as stack:
        for cut in (0, 1, 3, 4, 5, 20):
            peer = stack.enter_context(Peer(victim.socket))
            peer.send(frame({"type": "log", "x": "y" * 100})[:cut])
        _answers(victim)


def test_a_client_that_never_reads_keeps_nobody_waiting(victim: Home) -> None:
    request = frame({"type": "read-log", "newest": 0, "follow": False})
    with Peer(victim.socket) as peer:
        peer.socket.settimeout(0.5)
        with suppress(TimeoutError, BrokenPipeError, ConnectionResetError):
            for _ in range(2000):
                peer.send(request)
        _answers(victim)


_CONNECTS_200_TIMES = """
import socket, sys
held = []
for _ in range(200):
    peer = socket.socket(socket.AF_UNIX)
    peer.connect(sys.argv[1])
    held.append(peer)
print("connected", flush=True)
sys.stdin.read()
"""


def test_two_hundred_connections_of_one_user_leave_room_for_the_others(victim: Home) -> None:
    words = [*as_user(_STRANGER), sys.executable, "-I", "-S", "-c", _CONNECTS_200_TIMES, str(victim.socket)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as crowd:
        assert crowd.stdin is not None
        assert crowd.stdout is not None
        assert crowd.stdout.readline() == "connected\n"
        assert victim.envfs("get", "/shop", "APP_NAME").text == "shop\n"
        assert victim.envfs("get", "/shop", "APP_NAME", uid=4712, status=102).out == b""
        crowd.stdin.close()
        assert crowd.wait(SECONDS) == 0


def test_connections_over_the_limit_end_and_others_work_once_there_is_room(victim: Home) -> None:
    with ExitStack() as stack:
        peers = [stack.enter_context(Peer(victim.socket)) for _ in range(100)]
        ended = [peer for peer in peers if _refused(peer)]
        assert 30 <= len(ended) <= 40
    eventually(lambda: victim.envfs("status", status=None).status == 0, "there is room again")


def _refused(peer: Peer) -> bool:
    try:
        return peer.ask(HELLO)["type"] != "hello"
    except (EOFError, OSError):
        return True


_READ: Body = {"type": "read-view", "level": "/", "format": "dotenv", "channel": "get", "only": [], "version": 0}
_SET: Body = {"type": "set-variable", "level": "/shop", "name": "APP_NAME", "trim": False}


@pytest.mark.parametrize("level", ["/a\0b", "/..", "/a/../..", "/\udcff", "/" + "a/" * 30000, "\0", "/.new-x", "/@"])
def test_a_level_that_no_command_line_could_carry_is_refused(victim: Home, level: str) -> None:
    with Peer(victim.socket) as peer:
        bodies: list[Body] = [{**_READ, "level": level}, {"type": "list-levels", "level": level}]
        for body in bodies:
            answer = peer.ask(body)
            assert answer["type"] == "failed", answer
            assert answer["code"] in ("bad-name", "too-large", "no-such-level", "bad-request"), answer


def test_descriptors_with_a_request_that_takes_none_are_refused_and_closed(victim: Home) -> None:
    for body, count in ((STATUS, 1), (_READ, 2), (_SET, 2), (STATUS, 4)):
        held = [memory(b"x") for _ in range(count)]
        with Peer(victim.socket) as peer:
            answer = peer.ask(body, tuple(held))
            assert (answer["type"], answer["code"]) == ("failed", "bad-request")
        for handle in held:
            os.close(handle)


def test_descriptors_galore_end_the_connection(victim: Home) -> None:
    held = [memory(b"x") for _ in range(250)]
    with Peer(victim.socket) as peer:
        with suppress(BrokenPipeError, ConnectionResetError):
            for _ in range(20):
                peer.send(b"\0", tuple(held))
        assert peer.ended()
    for handle in held:
        os.close(handle)


def test_a_secret_in_something_that_is_no_file_is_refused(victim: Home) -> None:
    reading, writing = os.pipe()
    ours, theirs = socket.socketpair()
    zero = os.open("/dev/zero", os.O_RDONLY)
    for handle in (reading, writing, ours.fileno(), zero):
        with Peer(victim.socket) as peer:
            answer = peer.ask(_SET, (handle,))
            assert (answer["type"], answer["code"]) == ("failed", "bad-request"), answer
    for handle in (reading, writing, zero):
        os.close(handle)
    ours.close()
    theirs.close()


def test_a_secret_that_is_no_memory_of_ours_or_too_large_is_refused(victim: Home) -> None:
    huge = os.memfd_create("huge")
    os.ftruncate(huge, 1 << 40)
    blind = os.open("/etc/hostname", os.O_PATH)
    for handle, code in ((huge, "too-large"), (blind, None)):
        with Peer(victim.socket) as peer:
            answer = peer.ask(_SET, (handle,))
            assert answer["type"] == "failed"
            assert code is None or answer["code"] == code
        os.close(handle)
    with Peer(victim.socket) as peer:
        assert peer.ask(_SET)["code"] == "bad-request"


_HANDS_OVER = """
import array, os, socket, sys
descriptor = os.open(sys.argv[2], getattr(os, sys.argv[3]))
for request in sys.argv[4:]:
    with socket.socket(socket.AF_UNIX) as peer:
        peer.connect(sys.argv[1])
        rights = array.array("i", [descriptor])
        peer.sendmsg([bytes.fromhex(request)], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])
        print("bad-request" in str(peer.recv(10000)), flush=True)
"""
_TOKEN: Body = {"type": "use-token"}


@contextmanager
def _handing_over(victim: Home, path: Path, flag: str, requests: int) -> Iterator[list[str]]:
    """Have a stranger send a descriptor of a path with a token's request and with a write: gives the answers."""
    words = [str(victim.socket), str(path), flag, *(frame(_TOKEN).hex(), frame(_SET).hex()) * requests]
    command = [*as_user(_STRANGER), sys.executable, "-I", "-S", "-c", _HANDS_OVER, *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        yield [process.stdout.readline().strip() for _ in range(2 * requests)]


def test_a_descriptor_of_the_mount_itself_is_refused_and_asked_nothing(victim: Home) -> None:
    with _handing_over(victim, victim.mnt, "O_PATH", 2) as answers:
        assert answers == ["True"] * 4


def test_a_descriptor_on_a_file_system_that_never_answers_lets_nobody_wait(victim: Home, tmp_path: Path) -> None:
    mount = tmp_path / "stuck"
    mount.mkdir()
    for folder in (tmp_path, *list(tmp_path.parents)[:3]):
        if folder.owner() == "root" and folder != Path("/tmp"):
            folder.chmod(0o711)
    serve = [sys.executable, str(Path(__file__).with_name("stuck_file.py")), str(mount)]
    with ExitStack() as held:
        server = held.enter_context(subprocess.Popen(serve, stdout=subprocess.PIPE))
        assert server.stdout
        assert server.stdout.readline() == b"ready\n"
        answers = held.enter_context(_handing_over(victim, mount / "file", "O_RDONLY", 6))
        held.callback(subprocess.run, ["umount", "-l", str(mount)], check=True)
        held.callback(server.kill)  # only then can the stranger end: it waits for its own descriptor
        assert answers == ["True"] * 12
        _answers(victim)


def test_what_a_stranger_says_cannot_write_on_a_terminal(victim: Home) -> None:
    body = {**_READ, "level": "/shop", "channel": "\x1b[2J\x1b[H", "format": "\x1b]0;x\x07"}
    done = subprocess.run(
        [*as_user(_STRANGER), sys.executable, "-I", "-S", "-c", _SENDS, str(victim.socket), frame(body).hex()],
        check=True,
        capture_output=True,
        timeout=SECONDS,
    )
    assert b"failed" in done.stdout
    assert b"\x1b" not in victim.envfs("log", "-n", "0").out
    assert b"\x07" not in victim.envfs("log", "-n", "0").out


_SENDS = """
import socket, sys
peer = socket.socket(socket.AF_UNIX)
peer.connect(sys.argv[1])
peer.sendall(bytes.fromhex(sys.argv[2]))
print(peer.recv(10000))
"""


def test_a_strangers_refusals_on_the_socket_do_not_fill_the_log(victim: Home) -> None:
    before = len(victim.refusals(_STRANGER))
    script = "import sys\nfor _ in range(3000):\n    sys.stdout.buffer.write(bytes.fromhex(sys.argv[1]))\n"
    flood = [*as_user(_STRANGER), sys.executable, "-I", "-S", "-c", script + _FLOODS]
    body = frame({"type": "unmount"})
    begun = time.monotonic()
    subprocess.run([*flood, body.hex(), str(victim.socket)], check=True, capture_output=True, timeout=SECONDS)
    seconds = int(time.monotonic() - begun) + 2  # those that it touches, at both ends
    assert len(victim.refusals(_STRANGER)) - before <= _A_SECOND * seconds


_FLOODS = """
import socket
sys.stdout.flush()
peer = socket.socket(socket.AF_UNIX)
peer.connect(sys.argv[2])
for _ in range(3000):
    peer.sendall(bytes.fromhex(sys.argv[1]))
    peer.recv(10000)
"""


def test_many_commands_at_once_are_all_answered(victim: Home) -> None:
    with ThreadPoolExecutor(12) as pool:
        found = list(pool.map(lambda _: victim.envfs("get", "/shop", "APP_NAME").text, range(48)))
    assert found == ["shop\n"] * 48


def test_a_frame_that_does_not_come_to_its_end_is_given_up(trickle: Future[tuple[float, int]]) -> None:
    """Ten seconds for a frame, however its bytes trickle in (docs/protocol.md §2)."""
    seconds, sent = trickle.result(3 * SECONDS)
    assert seconds > 9
    assert sent < len(_TRICKLES) - 1

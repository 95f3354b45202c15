"""Whatever the keyholder's end does, one request fails by one error, in time, and no descriptor is left."""

import array
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from envfs.core import limits
from envfs.core.keyfile import Custody
from envfs.daemon.keyholder_process import KeyholderLink
from envfs.errors import KeyholderGone, TooLarge
from envfs.gate.keyholder import KeyholderAnswer
from envfs.protocol import framing, keyholding, wire
from envfs.protocol.keyholding import DescribeProtection, Forget, RenderView
from tests.component.world import run

_PATIENCE = 1.0
Behaviour = Callable[[socket.socket], None]


@pytest.fixture
def link() -> Iterator[KeyholderLink]:
    """Give a link whose keyholder is put aside: its conversations are answered by the test."""
    before = len(os.listdir("/proc/self/fd"))
    link = KeyholderLink(_PATIENCE)
    yield link
    link.close()
    assert len(os.listdir("/proc/self/fd")) <= before


def answering(link: KeyholderLink, behaviour: Behaviour, request: object = DescribeProtection()) -> KeyholderAnswer:
    """Ask, with `behaviour` at the other end of the conversation."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    assert link._socket is not None
    link._socket.close()
    ours.setblocking(False)
    link._socket = ours

    def behave() -> None:
        with theirs:
            _, ancillary, _, _ = theirs.recvmsg(1, socket.CMSG_SPACE(4))
            with socket.socket(fileno=array.array("i", ancillary[0][2])[0]) as conversation:
                behaviour(conversation)

    thread = threading.Thread(target=behave)
    thread.start()
    try:
        return run(lambda: link.ask(request, tuple))  # type: ignore[arg-type]
    finally:
        thread.join()


def test_more_than_one_message_may_hold_is_not_sent(link: KeyholderLink) -> None:
    half = bytes(limits.BLOB_BYTES // 2 + 1)
    with pytest.raises(TooLarge):
        run(lambda: link.ask(DescribeProtection(), tuple, (half, half)))  # type: ignore[arg-type]
    assert link.pid


def _says(data: bytes, *descriptors: int) -> Behaviour:
    def behave(conversation: socket.socket) -> None:
        conversation.recv(1 << 16)
        if descriptors:
            rights = array.array("i", descriptors)
            conversation.sendmsg([data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])
        else:
            conversation.sendall(data)

    return behave


def _frame(message: object, blobs: tuple[bytes, ...] = ()) -> bytes:
    return framing.encode_frame(wire.to_body(message), blobs) + b"".join(blobs)  # type: ignore[arg-type]


def _never(conversation: socket.socket) -> None:
    conversation.settimeout(60)
    while conversation.recv(1 << 16):  # until who asked has gone
        pass


def _slowly(conversation: socket.socket) -> None:
    for byte in _frame(keyholding.Forgotten()):
        time.sleep(0.2)
        try:
            conversation.send(bytes([byte]))
        except OSError:
            return


_ENDS: dict[str, Behaviour] = {
    "closes at once": lambda _: None,
    "reads and closes": _says(b""),
    "half a length": _says(b"\0\0"),
    "half a frame": _says(_frame(keyholding.Forgotten())[:-3]),
    "a blob is missing": _says(_frame(keyholding.Rewrapped(), (b"x" * 100,))[:-50]),
    "garbage": _says(os.urandom(4096)),
    "an empty frame": _says(b"\0\0\0\0"),
    "a huge length": _says(b"\xff\xff\xff\xff"),
    "no JSON": _says(b"\0\0\0\x05hello"),
    "a list": _says(b"\0\0\0\x02[]"),
    "an unknown message": _says(b'\0\0\0\x0f{"type":"xyzt"}'),
    "wrong fields": _says(b'\0\0\0\x19{"type":"signed","sig":1}'),
    "the answer to something else": _says(_frame(keyholding.Forgotten())),
    "a request": _says(_frame(DescribeProtection())),
    "no answer in time": _never,
    "a byte now and then": _slowly,
}


@pytest.mark.parametrize("name", _ENDS)
def test_whatever_comes_is_one_request_that_failed(link: KeyholderLink, name: str) -> None:
    with pytest.raises(KeyholderGone):
        answering(link, _ENDS[name])
    link.start()
    link._seconds = 60.0  # a keyholder that is really started takes its time on a busy machine
    assert run(lambda: link.ask(DescribeProtection(), tuple)).message


_SIZES = (1, 1, 1, 1, 1, 1)
_SHAPES = [(), (1,), (*_SIZES[1:], -1), (*_SIZES[1:], 1 << 60)]


@pytest.mark.parametrize("sizes", _SHAPES)
def test_a_view_of_an_impossible_shape_is_no_answer(link: KeyholderLink, sizes: tuple[int, ...]) -> None:
    data = _frame(keyholding.Rendered(sizes, 1, "portable"))
    with os.fdopen(os.memfd_create("x"), "wb") as memory, pytest.raises(KeyholderGone):
        answering(link, _says(data, memory.fileno()), RenderView(()))


@pytest.mark.parametrize("count", [0, 2, 3, 9])
def test_another_number_of_descriptors_than_one_view_has_is_no_answer(link: KeyholderLink, count: int) -> None:
    memories = [os.memfd_create("x") for _ in range(count)]
    with pytest.raises(KeyholderGone):
        answering(link, _says(_frame(keyholding.Rendered(_SIZES, 1, "portable")), *memories), RenderView(()))
    for memory in memories:
        os.close(memory)


def test_a_descriptor_that_nobody_asked_for_is_no_answer(link: KeyholderLink) -> None:
    with os.fdopen(os.memfd_create("x"), "wb") as memory, pytest.raises(KeyholderGone):
        answering(link, _says(_frame(keyholding.Forgotten()), memory.fileno()), Forget())


def test_a_keyholder_that_takes_no_conversations_keeps_the_daemon_waiting_for_nothing_else(
    link: KeyholderLink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link, "_seconds", 0.005)
    os.kill(link.pid, signal.SIGSTOP)

    async def main() -> None:
        for _ in range(500):  # its queue of conversations is full long before
            with pytest.raises(KeyholderGone):
                await link.ask(DescribeProtection(), tuple)

    run(main)


def test_a_keyholder_that_does_not_forget_is_ended(link: KeyholderLink) -> None:
    pid = link.pid
    with pytest.raises(KeyholderGone):
        answering(link, _says(b""), Forget(None, Custody.MANAGED))
    run(link.wait_ended)
    assert link._process is not None
    assert link._process.returncode in (0, -signal.SIGKILL)  # it ends by itself too, once its socket is closed
    assert link.pid == pid
    link.start()
    assert link.pid != pid
    link._seconds = 60.0  # a keyholder that is really started takes its time on a busy machine
    assert run(lambda: link.ask(DescribeProtection(), tuple)).message

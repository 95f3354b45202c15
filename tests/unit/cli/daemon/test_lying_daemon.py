"""A daemon of this user that lies: each of its answers is taken or refused, in bounded time and memory."""

import array
import contextlib
import os
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envfs.errors import BadRequest, EnvFSError, TimedOut, TooLarge
from envfs.protocol import control, framing
from envfs.protocol.control.vocabulary import REPLIES
from envfs_cli.daemon import client, session
from envfs_cli.daemon.client import Link

_HELLO: framing.Body = {"type": "hello", "protocol": 1, "release": "0"}
_DONE: framing.Body = {"type": "done"}


def _heard(data: bytes) -> tuple[object, bytes, list[object]]:
    """Ask, and hear these bytes and then the end."""
    ours, theirs = socket.socketpair()
    rows: list[object] = []
    with theirs:
        theirs.sendall(data)
        theirs.shutdown(socket.SHUT_WR)
        link = Link(ours, private=True)  # type: ignore[arg-type]
        try:
            reply, blob = link.ask(control.Status(), (), rows.append)
        finally:
            link.close()
    return reply, blob, rows


def _frame(body: object) -> bytes:
    return framing.encode_frame(body)  # type: ignore[arg-type]


_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
_FIELDS = {name: list(kind.__annotations__) for name, kind in REPLIES.items()}


@st.composite
def _bodies(draw: st.DrawFn) -> framing.Body:
    name = draw(st.sampled_from(sorted(_FIELDS)))
    fields = {field: draw(_JSON) for field in draw(st.lists(st.sampled_from([*_FIELDS[name], "more", "blobs"])))}
    return {"type": name, **fields}


@given(st.lists(_bodies().map(_frame) | st.binary(max_size=30), max_size=4).map(b"".join))
def test_whatever_a_daemon_says_is_taken_or_refused(said: bytes) -> None:
    with contextlib.suppress(EnvFSError):
        _heard(_frame(_HELLO) + said)


@pytest.mark.parametrize(
    "said",
    [
        b"\xff" * 8,
        (1 << 24 | 1).to_bytes(4, "big"),
        b"\0\0\0\2[]",
        _frame({**_DONE, "blobs": [3, -1]}),
        _frame({"type": "x"}),
    ],
)
def test_what_is_no_answer_is_said_to_be_the_daemons(said: bytes) -> None:
    with pytest.raises(BadRequest, match="the daemon's answer is not understood: "):
        _heard(_frame(_HELLO) + said)


def test_descriptors_that_nobody_asked_for_are_closed() -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        rights = array.array("i", [0] * 200)
        theirs.sendmsg([_frame(_HELLO) + _frame(_DONE)], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])
        before = len(os.listdir("/proc/self/fd"))
        link = Link(ours, private=True)  # type: ignore[arg-type]
        assert link.ask(control.Status())[0] == control.Done()
        assert len(os.listdir("/proc/self/fd")) == before
        link.close()


def test_a_message_that_trickles_in_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "_MESSAGE_SECONDS", -1)
    with pytest.raises(TimedOut, match="the daemon does not answer"):
        _heard(_frame(_HELLO)[:5])


def test_rows_without_an_end_are_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "_MOST_HEARD", 1000)
    ours, theirs = socket.socketpair()
    with theirs:
        row = _frame({"type": "fault-row", "key": "k", "reason": "x" * 100})
        theirs.sendall(_frame(_HELLO) + row * 50 + _frame(_DONE))
        asking = session.Session(Link(ours, private=True))  # type: ignore[arg-type]
        with pytest.raises(TooLarge, match="has no end"):
            asking.rows(control.ListAuthors())
        asking.close()

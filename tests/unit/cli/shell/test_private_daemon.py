"""The daemon that the shell keeps: its link is used by one process at a time, and never in the middle of an answer."""

import _socket
import signal
import socket
import threading
from contextlib import nullcontext
from typing import NamedTuple

import pytest

from envfs.errors import KeyholderGone, Locked
from envfs.protocol import control, framing, wire
from envfs.protocol.framing import Decoder
from envfs_cli.completion import time_limit
from envfs_cli.daemon import session
from envfs_cli.daemon.client import Link
from envfs_cli.shell import children, private_daemon
from tests.unit.cli.fake_shell_link import FakeLink

_REPORT = control.StatusReport("", 0, 0, "", "", "", unlocked=True, keyholder_pid=0, grants=0, log="", log_entries=0)


@pytest.mark.parametrize(
    ("failure", "spoilt"),
    [
        (None, False),
        (Locked("locked"), False),
        (KeyholderGone("gone"), True),
        (KeyboardInterrupt(), True),
        (time_limit.TooSlow(), True),
    ],
)
def test_a_link_left_in_the_middle_of_an_answer_is_spoilt(failure: BaseException | None, spoilt: bool) -> None:
    held = private_daemon.SharedLink(FakeLink(private=True, failure=failure))
    with nullcontext() if failure is None else pytest.raises(type(failure)):
        held.ask(control.ListGrants())
    assert held.spoilt is spoilt


def test_a_log_that_is_followed_is_ended_by_control_c_and_the_link_goes_on() -> None:
    ours, theirs = socket.socketpair()

    def serve() -> None:
        requests = Decoder()
        told: list[object] = []
        while not any(isinstance(one, control.ReadLog) for one in told):
            told += _messages(theirs, requests)
        theirs.sendall(_frame(control.LogRow("{}")))
        while not any(isinstance(one, control.Status) for one in told):
            told += _messages(theirs, requests)
        theirs.sendall(_frame(control.Done()) + _frame(_REPORT))
        while not any(isinstance(one, control.ListGrants) for one in told):
            told += _messages(theirs, requests)
        theirs.sendall(_frame(control.Done()))

    daemon = threading.Thread(target=serve)
    daemon.start()
    with ours, theirs:
        shared = private_daemon.SharedLink(Link(_socket.socket(fileno=ours.detach()), private=True))
        with pytest.raises(KeyboardInterrupt):
            shared.ask(control.ReadLog(1, follow=True), (), lambda row: signal.raise_signal(signal.SIGINT))
        assert not shared.spoilt
        assert shared.ask(control.ListGrants()) == (control.Done(), b"")
        daemon.join()
        shared.close()


def _frame(message: NamedTuple) -> bytes:
    return framing.encode_frame(wire.to_body(message))


def _messages(connection: socket.socket, decoder: Decoder) -> list[object]:
    decoder.feed(connection.recv(1 << 16))
    found = []
    while (frame := decoder.next()) is not None:
        found.append(wire.from_body(frame[0], control.REQUESTS))
    return found


def test_a_link_spoilt_by_a_child_is_known_to_the_shell() -> None:
    held = private_daemon.SharedLink(FakeLink(private=True, failure=KeyboardInterrupt()))
    assert children.in_child(lambda: len(held.ask(control.ListGrants())), with_input=True) == 130
    assert held.spoilt


def test_a_spoilt_link_is_let_go_and_a_whole_one_kept() -> None:
    for failure, kept in ((None, True), (KeyboardInterrupt(), False)):
        held = private_daemon.SharedLink(FakeLink(private=True, failure=failure))
        session.share_link(held)
        if failure:
            with pytest.raises(KeyboardInterrupt):
                held.ask(control.ListGrants())
        private_daemon.done_with(private_daemon.borrow_link())
        assert (session.shared_link() is held) is kept
    session.share_link(None)

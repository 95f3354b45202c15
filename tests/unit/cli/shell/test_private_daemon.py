"""The daemon that the shell keeps: its link is used by one process at a time, and never in the middle of an answer."""

from contextlib import nullcontext

import pytest

from envfs.errors import KeyholderGone, Locked
from envfs.protocol import control
from envfs_cli.completion import time_limit
from envfs_cli.daemon import session
from envfs_cli.shell import children, private_daemon
from tests.unit.cli.fake_shell_link import FakeLink


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

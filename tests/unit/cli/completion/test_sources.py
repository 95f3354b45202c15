"""What completion offers is asked for once, and within a moment."""

import signal

import pytest

from envfs.errors import Locked, NotRunning
from envfs_cli.completion import time_limit
from tests.unit.cli.fake_shell_link import FakeLink, sources


def test_names_are_asked_for_once_until_something_changes() -> None:
    link = FakeLink()
    known = sources(link)
    assert known.names("/shop", ask=False) == ()
    assert known.names("/shop") == known.names("/shop") == ("DATABASE_URL",)
    assert len(link.asked) == 1
    known.forget()
    assert known.names("/shop") == ("DATABASE_URL",)
    assert len(link.asked) == 2


@pytest.mark.parametrize("failure", [Locked("locked"), NotRunning("no"), OSError(), time_limit.TooSlow()])
def test_without_an_answer_there_is_nothing_to_offer_and_it_is_asked_again(failure: Exception) -> None:
    link = FakeLink(failure=failure)
    known = sources(link)
    assert known.levels() == known.names("/shop") == ()
    link.failure = None
    assert known.names("/shop") == ("DATABASE_URL",)


def test_completion_never_takes_longer_than_a_moment() -> None:
    with pytest.raises(time_limit.TooSlow), time_limit.at_most(0.01):
        signal.pause()

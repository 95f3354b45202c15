"""The keyring holds what it is told, for whom it is told; children that use it at once never see half of anything."""

import os
import signal
import time
from collections.abc import Callable, Iterator

import pytest

from envfs.core import limits
from envfs.core.names import Project
from envfs.core.secret import Secret
from envfs.errors import Locked, TooLarge
from envfs.keyholder.held.fork_lock import ForkLock
from envfs.keyholder.held.keyring import Keyring

IDENTITY = "AGE-SECRET-KEY-1" + "Q" * 58
NAME, OTHER = "n" * 43, "o" * 43
LONGEST = "/" + "p" * limits.COMPONENT_BYTES


@pytest.fixture
def keyring() -> Iterator[Keyring]:
    found = Keyring()
    yield found
    found._region.close()


def keys(count: int, start: int = 1) -> tuple[Secret[bytes], ...]:
    return tuple(Secret(bytes((start + number,)) * 32) for number in range(count))


def in_child(what: Callable[[], object]) -> int:
    """Do something in a forked child; return its process id."""
    pid = os.fork()
    if pid == 0:
        try:
            what()
        finally:
            os._exit(0)
    return pid


# -- the identity ------------------------------------------------------------------------------------------------------


def test_nothing_is_held_at_first(keyring: Keyring) -> None:
    with pytest.raises(Locked):
        keyring.identity()
    assert keyring.project("/shop", NAME) is None
    assert not keyring.is_closed("/shop")


def test_an_identity_is_held_until_it_is_forgotten_or_another_takes_its_place(keyring: Keyring) -> None:
    keyring.hold(Secret(IDENTITY))
    assert keyring.identity().reveal() == IDENTITY
    keyring.hold(Secret("AGE-SECRET-KEY-1SHORT"))
    assert keyring.identity().reveal() == "AGE-SECRET-KEY-1SHORT"
    keyring.forget()
    with pytest.raises(Locked):
        keyring.identity()


# -- projects ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 2, limits.PROJECT_KEYS])
@pytest.mark.parametrize("project", ["/", "/shop", LONGEST])
def test_all_keys_of_a_project_come_back(keyring: Keyring, project: str, count: int) -> None:
    keyring.hold_project(project, NAME, keys(count))
    assert keyring.project(project, NAME) == keys(count)


def test_keys_are_those_of_one_key_file(keyring: Keyring) -> None:
    keyring.hold_project("/shop", NAME, keys(2))
    assert keyring.project("/shop", OTHER) is None
    assert keyring.project("/shop", "") is None
    keyring.hold_project("/shop", OTHER, keys(1))
    assert keyring.project("/shop", NAME) is None
    assert keyring.project("/shop", OTHER) == keys(1)


@pytest.mark.parametrize("alike", ["/", "/sho", "/shop2", "/shop.x", "/shop-", "/Shop"])
def test_a_project_is_its_whole_name(keyring: Keyring, alike: str) -> None:
    keyring.hold_project("/shop", NAME, keys(1))
    keyring.close_project(alike)
    assert keyring.project(alike, NAME) is None
    assert keyring.project("/shop", NAME) == keys(1)
    assert not keyring.is_closed("/shop")
    keyring.forget_project(alike)
    assert keyring.project("/shop", NAME) == keys(1)


def test_there_is_room_for_so_many_and_for_one_again_that_is_forgotten(keyring: Keyring) -> None:
    for number in range(64):
        keyring.hold_project(f"/p{number}", NAME, keys(3, number))
    with pytest.raises(TooLarge):
        keyring.hold_project("/one-more", NAME, keys(1))
    with pytest.raises(TooLarge):
        keyring.close_project("/one-more")
    assert [keyring.project(f"/p{number}", NAME) for number in range(64)] == [keys(3, number) for number in range(64)]
    keyring.hold_project("/p7", OTHER, keys(1))  # in its own place
    keyring.forget_project("/p9")
    keyring.hold_project("/one-more", NAME, keys(1))
    assert keyring.project("/one-more", NAME) == keys(1)


def test_what_is_forgotten_leaves_nothing_behind(keyring: Keyring) -> None:
    keyring.hold(Secret(IDENTITY))
    keyring.hold_project("/shop", NAME, keys(5))
    keyring.hold_project("/safe", NAME, keys(5))
    keyring.forget_project("/shop")
    assert b"/shop" not in bytes(keyring._region.map)
    keyring.forget()
    assert not any(bytes(keyring._region.map))


# -- what the identity opened ------------------------------------------------------------------------------------------

ME, SOMEBODY = Secret(IDENTITY), Secret("AGE-SECRET-KEY-1" + "P" * 58)


@pytest.fixture
def opened(keyring: Keyring) -> Keyring:
    keyring.hold(ME)
    keyring.hold_opened(ME, Project("/shop"), NAME, keys(3))
    assert keyring.opened(ME, Project("/shop"), NAME) == keys(3)
    return keyring


def has_key(keyring: Keyring) -> bool:
    return keys(1)[0].reveal() in bytes(keyring._region.map)


def test_opened_keys_are_those_of_one_identity_project_and_key_file(opened: Keyring) -> None:
    assert opened.opened(SOMEBODY, Project("/shop"), NAME) is None
    assert opened.opened(ME, Project("/sho"), NAME) is None
    assert opened.opened(ME, Project("/shop"), OTHER) is None
    assert opened.project(Project("/shop"), NAME) is None  # they are no keys that a passphrase opened


@pytest.mark.parametrize(
    "lock",
    [
        lambda keyring: keyring.forget(),
        lambda keyring: keyring.close_project(Project("/shop")),
        lambda keyring: keyring.forget_project(Project("/shop")),
        lambda keyring: keyring.hold(SOMEBODY),
        lambda keyring: keyring.hold_opened(ME, Project("/shop"), OTHER, keys(1, 100)),
    ],
    ids=["all forgotten", "project locked", "project forgotten", "another identity", "another key file"],
)
def test_opened_keys_are_wiped_with_what_they_rest_on(opened: Keyring, lock: Callable[[Keyring], None]) -> None:
    assert has_key(opened)
    lock(opened)
    assert opened.opened(ME, Project("/shop"), NAME) is None
    assert not has_key(opened)


def test_what_was_opened_before_a_lock_is_not_held_after_it(keyring: Keyring) -> None:
    # a child that opens a key file may be slower than the lock
    keyring.hold(ME)
    keyring.close_project(Project("/shop"))
    keyring.hold_opened(ME, Project("/shop"), NAME, keys(1))
    assert not has_key(keyring)
    keyring.forget_project(Project("/shop"))
    keyring.forget()
    keyring.hold_opened(ME, Project("/shop"), NAME, keys(1))
    assert not has_key(keyring)
    keyring.hold(SOMEBODY)
    keyring.hold_opened(ME, Project("/shop"), NAME, keys(1))
    assert not has_key(keyring)


def test_a_lock_hides_what_was_opened_until_it_is_removed(opened: Keyring) -> None:
    opened.close_project(Project("/other"))
    assert opened.opened(ME, Project("/shop"), NAME) == keys(3)
    opened.reopen_all()
    assert opened.opened(ME, Project("/shop"), NAME) == keys(3)


def test_more_projects_than_there_is_room_for_are_no_error(opened: Keyring) -> None:
    names = [chr(ord("A") + number % 26) + NAME[1:] for number in range(40)]
    for number, name in enumerate(names):
        opened.hold_opened(ME, Project(f"/p{number}"), name, keys(1, number + 50))
        assert opened.opened(ME, Project(f"/p{number}"), name) == keys(1, number + 50)
    opened.hold_project(Project("/safe"), NAME, keys(2))  # they take no place from what a passphrase opened
    assert opened.project(Project("/safe"), NAME) == keys(2)
    opened.hold_opened(ME, Project("/many"), NAME, keys(100))
    assert opened.opened(ME, Project("/many"), NAME) is None
    opened.forget()
    assert not any(bytes(opened._region.map))


def test_what_a_killed_child_left_is_wiped_with_the_next_lock(opened: Keyring) -> None:
    at = opened._opened._start
    opened._region.map[at] = 0  # the length comes last: so far a child may have come
    assert opened.opened(ME, Project("/shop"), NAME) is None
    opened.close_project(Project("/blog"))
    assert not has_key(opened)


# -- marks -------------------------------------------------------------------------------------------------------------


def test_a_mark_takes_the_place_of_keys_and_keys_that_of_a_mark(keyring: Keyring) -> None:
    keyring.hold_project("/shop", NAME, keys(5))
    keyring.close_project("/shop")
    assert keyring.is_closed("/shop")
    assert keyring.project("/shop", NAME) is None
    assert keys(1)[0].reveal() not in bytes(keyring._region.map)
    keyring.hold_project("/shop", NAME, keys(1))
    assert not keyring.is_closed("/shop")


def test_marks_outlive_the_keys_until_they_are_removed(keyring: Keyring) -> None:
    keyring.hold_project("/safe", NAME, keys(1))
    for project in ("/shop", "/", "/blog"):
        keyring.close_project(project)
    keyring.forget()
    keyring.hold(Secret(IDENTITY))
    keyring.forget_project("/blog")
    assert [keyring.is_closed(project) for project in ("/shop", "/", "/blog", "/safe")] == [True, True, False, False]
    keyring.reopen_all()
    assert not keyring.is_closed("/shop")


def test_removing_every_mark_removes_no_keys(keyring: Keyring) -> None:
    keyring.close_project("/shop")
    keyring.hold_project("/safe", NAME, keys(2))
    keyring.reopen_all()
    assert keyring.project("/safe", NAME) == keys(2)


# -- children ----------------------------------------------------------------------------------------------------------


def test_what_a_child_learns_all_know(keyring: Keyring) -> None:
    os.waitpid(in_child(lambda: (keyring.hold(Secret(IDENTITY)), keyring.hold_project("/shop", NAME, keys(2)))), 0)
    assert keyring.identity().reveal() == IDENTITY
    assert keyring.project("/shop", NAME) == keys(2)


def test_children_that_write_at_once_take_no_place_from_each_other(keyring: Keyring) -> None:
    children = [in_child(lambda n=number: keyring.hold_project(f"/p{n}", NAME, keys(2, n))) for number in range(40)]
    for pid in children:
        os.waitpid(pid, 0)
    assert [keyring.project(f"/p{number}", NAME) for number in range(40)] == [keys(2, number) for number in range(40)]


def test_a_reader_never_sees_half_of_what_is_written(keyring: Keyring) -> None:
    before, after = keys(1) * 48, keys(1, 2) * 48
    keyring.hold_project("/shop", NAME, before)

    def write() -> None:
        for _ in range(400):
            keyring.hold_project("/shop", NAME, after)
            keyring.hold_project("/shop", NAME, before)

    pid = in_child(write)
    seen = set()
    while os.waitpid(pid, os.WNOHANG) == (0, 0):
        seen.add(keyring.project("/shop", NAME))
    assert seen <= {before, after}


def test_one_that_is_killed_with_the_turn_keeps_nobody_waiting_for_long() -> None:
    turn = ForkLock()

    def take() -> None:
        turn.__enter__()
        os.kill(os.getpid(), signal.SIGKILL)

    os.waitpid(in_child(take), 0)
    waits = []
    for _ in range(4):
        begun = time.monotonic()
        with turn:
            waits.append(time.monotonic() - begun)
    assert waits[0] > 1
    assert min(waits) < 1  # those after it find it free, whatever else the machine does


def test_the_author_of_an_identity_is_held_beside_it_and_goes_with_it(keyring: Keyring) -> None:
    keyring.hold(Secret(IDENTITY), "a" * 43)
    assert keyring.identity_and_author() == (Secret(IDENTITY), "a" * 43)
    keyring.hold(Secret("AGE-SECRET-KEY-1SHORT"))
    assert keyring.identity_and_author() == (Secret("AGE-SECRET-KEY-1SHORT"), "")
    keyring.hold(Secret(IDENTITY), "a" * 43)
    keyring.forget()
    keyring.hold(Secret(IDENTITY))
    assert keyring.identity_and_author()[1] == ""

"""Who is not approved gets EACCES from every question about every path, root included; and each refusal is logged."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Homes
from tests.system.home import FILES, Home, eventually
from tests.system.probing import Ended, attempt, attempts, reads

_STRANGER = 4711
_QUESTIONS = ("read", "open", "stat", "lstat", "listdir", "access", "readlink", "getxattr", "listxattr")


@pytest.fixture(scope="module")
def closed(new_home: Homes, stocked: Home) -> Iterator[Home]:
    """Give a mounted home whose root daemon approves nobody, not even root."""
    home = new_home(stocked)
    home.envfs("revoke", "/", "--uid", "0")
    home.settle()
    with home.served():
        yield home


def _paths(home: Home) -> list[Path]:
    levels = [home.mnt / "shop", home.mnt / "shop" / "prod"]
    views = [home.view(level) for level in ("/", "/shop", "/shop/prod")]
    past = [view.parent / ".history" for view in views]
    past += [folder / "1" for folder in past]
    past += [folder / ".env" for folder in past if folder.name == "1"]
    return [*levels, *views, *past]


@pytest.mark.parametrize("uid", [_STRANGER, 65533])
@pytest.mark.parametrize("question", _QUESTIONS)
def test_an_unapproved_user_is_refused_every_question_about_every_path(shared: Home, uid: int, question: str) -> None:
    paths = _paths(shared)
    found = {str(path): ended.how for path, ended in zip(paths, _ask(uid, question, paths), strict=True)}
    assert found == dict.fromkeys(map(str, paths), "EACCES")


@pytest.mark.parametrize("uid", [0, 1, _STRANGER])
@pytest.mark.parametrize("question", _QUESTIONS)
def test_where_nobody_is_approved_root_is_refused_as_anybody_is(closed: Home, uid: int, question: str) -> None:
    paths = _paths(closed)
    found = {str(path): ended.how for path, ended in zip(paths, _ask(uid, question, paths), strict=True)}
    assert found == dict.fromkeys(map(str, paths), "EACCES")


def _ask(uid: int, question: str, paths: list[Path]) -> list[Ended]:
    return list(attempts(uid, [[question, path] for path in paths]))


@pytest.mark.parametrize("uid", [_STRANGER])
def test_the_list_of_levels_is_refused_too(shared: Home, uid: int) -> None:
    assert attempt(uid, "listdir", shared.mnt).how == "EACCES"


def test_a_stranger_cannot_tell_what_exists_from_what_does_not(shared: Home) -> None:
    names = ("shop", "nothing", ".env", "nothing/.env", "shop/nothing", "shop/.env/x", ".history", "shop/.history/99")
    assert {attempt(_STRANGER, "stat", shared.mnt / name).how for name in names} == {"EACCES"}


def test_what_a_stranger_may_know_of_the_top_folder_says_nothing(shared: Home) -> None:
    assert attempt(_STRANGER, "stat", shared.mnt) == ("ok", 0)


def test_each_refusal_is_on_the_log_with_who_and_what(served_by_itself: Home) -> None:
    home = served_by_itself
    assert reads(_STRANGER, home.view("/shop/prod")) == "EACCES"
    refusal = home.refusals(_STRANGER)[-1]
    assert refusal["decision"] == "deny"
    assert refusal["channel"] == "mount"
    assert refusal["level"] in ("/shop", "/shop/prod")
    assert refusal["gid"] == _STRANGER
    assert "python" in str(refusal["executable"])
    assert home.envfs("log", "verify").status == 0


def test_root_that_is_not_approved_is_on_the_log_as_well(closed: Home) -> None:
    before = len(closed.refusals(0))
    assert reads(0, closed.view("/shop")) == "EACCES"
    assert reads(0, closed.view("/")) == "EACCES"
    assert len(closed.refusals(0)) >= before + 2


def test_a_flood_of_refusals_is_counted_and_does_not_fill_the_log(served_by_itself: Home) -> None:
    home = served_by_itself
    entries, started = len(home.refusals(_STRANGER)), time.monotonic()
    found = attempts(_STRANGER, [["stat", home.view("/shop")]] * 2000)
    seconds = time.monotonic() - started + 2  # those that begin and end within a second count it as well
    assert {ended.how for ended in found} == {"EACCES"}
    assert len(home.refusals(_STRANGER)) - entries <= 500 * seconds
    eventually(lambda: _refused_again(home) >= 2000, "the refusals held back are counted")


def _refused_again(home: Home) -> int:
    assert reads(_STRANGER, home.view("/shop")) == "EACCES"
    return sum(int(str(entry.get("times", 1))) for entry in home.refusals(_STRANGER))


def test_refusing_somebody_never_opens_the_door_for_the_next(served_by_itself: Home) -> None:
    """Whoever asks first, each one gets an answer of its own, for contents, names and sizes."""
    home = served_by_itself
    path = home.view("/shop/prod")
    for _ in range(3):
        assert reads(_STRANGER, path) == "EACCES"
        assert attempt(0, "stat", path).how == "ok"
        assert attempt(_STRANGER, "stat", path).how == "EACCES"
        assert reads(0, path).startswith("COMPANY_NAME=")
        assert reads(_STRANGER, path) == "EACCES"
        assert attempt(_STRANGER, "listdir", home.mnt / "shop").how == "EACCES"
        assert attempt(0, "listdir", home.mnt / "shop").found == sorted([*FILES, ".history", "prod"])
        assert attempt(_STRANGER, "listdir", home.mnt / "shop").how == "EACCES"


def test_a_descriptor_that_a_user_got_is_its_own_to_use(served_by_itself: Home) -> None:
    """What was opened was approved; `open` of the same path through /proc by a stranger is a new question."""
    home = served_by_itself
    with home.view("/shop/prod").open("rb") as held:
        again = f"/proc/self/fd/{held.fileno()}"
        assert Path(again).read_bytes() == home.view("/shop/prod").read_bytes()
        home.envfs("revoke", "/", "--uid", "0")
        assert attempt(0, "read", home.view("/shop/prod")).how == "EACCES"
        with pytest.raises(PermissionError):
            Path(again).read_bytes()


@pytest.fixture
def served_by_itself(shop: Home) -> Iterator[Home]:
    """Give one test a mounted home that it may fill the log of."""
    with shop.served():
        yield shop

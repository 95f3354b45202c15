"""However many commands ran here: the vault has a hundred checkpoints, and what they vouch for is vouched for."""

from pathlib import Path

import pytest

from envfs.vault.window import KEPT
from tests.conftest import Homes
from tests.system.bending import checkpoints, notice
from tests.system.home import Home
from tests.system.long_chain import lengthen

_COUNT = 700


@pytest.fixture(scope="module")
def made(new_home: Homes, ground: Path) -> Home:
    """Give a home with 700 checkpoints, as an older release left them. To be copied."""
    home = new_home()
    home.envfs("set", "/a", "X", given="v1")
    home.settle()
    lengthen(home, ground / "identity.txt", _COUNT)
    return home


@pytest.fixture
def long(new_home: Homes, made: Home) -> Home:
    """Give one test a copy of it, which goes on where it was: under another name it would begin a stream of its own."""
    home = new_home(made)
    home.envfs("get", "/a", "X")
    home.settle()
    return home


def _newest(home: Home, back: int = 0) -> Path:
    long_one = max({path.parent for path in checkpoints(home)}, key=lambda folder: len(list(folder.iterdir())))
    return sorted(long_one.iterdir())[-1 - back]


def test_the_checkpoints_before_the_newest_hundred_are_removed(made: Home) -> None:
    for more in (1, 2, 3):
        made.envfs("get", "/a", "X")
        made.settle()
        numbers = [int(path.stem[1:]) for path in sorted(_newest(made).parent.iterdir())]
        assert numbers == list(range(_COUNT + more - KEPT + 1, _COUNT + more + 1))
    said = notice(made, "/a", "X")
    assert said[:3] == (0, 0, 0), said


def test_a_removed_one_that_is_put_back_is_no_harm_and_one_that_is_kept_is_missed(made: Home) -> None:
    path = _newest(made)
    stray = path.with_name("@00000007.json")
    stray.write_bytes(path.read_bytes())
    assert notice(made, "/a", "X")[:3] == (0, 0, 0)
    stray.unlink(missing_ok=True)  # the daemon removes it as well, when it signs the next one
    middle = _newest(made, 30)
    data = middle.read_bytes()
    middle.unlink()
    said = notice(made, "/a", "X")
    assert (said.get, said.verify) == (0, 110), said
    assert "the record is gone" in said.words
    middle.write_bytes(data)
    assert notice(made, "/a", "X")[:3] == (0, 0, 0)


def test_the_newest_that_is_taken_away_is_missed_and_with_the_marks_too(made: Home) -> None:
    path = _newest(made)
    path.unlink()
    said = notice(made, "/a", "X")
    assert (said.get, said.verify, said.log_verify) == (0, 110, 122), said
    (made.state / "seen.jsonl").unlink()
    said = notice(made, "/a", "X")
    assert said.verify == 110, said
    assert f"older than checkpoint {int(path.stem[1:])}" in said.words
    made.envfs("accept", "/a", "--yes")
    made.settle()
    assert notice(made, "/a", "X")[:3] == (0, 0, 0)


def test_a_copy_of_the_home_goes_on_from_it(long: Home) -> None:
    assert notice(long, "/a", "X")[:3] == (0, 0, 0)

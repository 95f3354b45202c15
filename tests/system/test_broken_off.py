"""A change whose process was killed between its entry in the log and its record: told, and never taken for tampering.

A record that was acknowledged and then taken away is told apart from it. Of what may be broken off where, `make test`
tries each member once, `make soak` all together.
"""

import contextlib
import hashlib
import json
from pathlib import Path

import pytest

from tests.conftest import Homes
from tests.selection import spread
from tests.system.bending import notice
from tests.system.crashing import STRACE, Moment, Served, struck
from tests.system.home import Home, Row
from tests.system.peer import Body

pytestmark = pytest.mark.skipif(not STRACE, reason="needs strace")
_SET: Body = {"type": "set-variable", "level": "/shop/prod", "name": "DATABASE_URL", "trim": False}
_SEEN = "state/seen.jsonl"


@pytest.fixture(scope="module")
def made(new_home: Homes) -> Home:
    """Give a home with one version of /shop/prod. To be copied."""
    home = new_home()
    home.envfs("set", "/shop/prod", "DATABASE_URL", given="v1")
    home.settle()
    return home


@pytest.fixture
def shop(new_home: Homes, made: Home) -> Home:
    """Give one test a copy of it."""
    return new_home(made)


def _events(home: Home, event: str) -> list[Row]:
    return [entry for entry in home.log() if entry["event"] == event]


def _break_off(home: Home, moment: Moment, *, alone: bool = False, body: Body = _SET, value: str = "v2") -> None:
    with (
        Served(home, alone=alone) as served,
        struck(served, moment, "daemon"),
        contextlib.suppress(EOFError, OSError),
    ):
        served.peer.ask_all(body, (value,))
        raise AssertionError("it was not broken off")


def _set_and_kill(home: Home) -> None:
    with Served(home) as served:
        assert served.peer.ask_all(_SET, ("v2",))[1]["type"] == "written"


def _record(home: Home, seq: int) -> Path:
    return home.vault / f"level/shop/prod/@{seq:08d}.json"


def _forget_mark(home: Home, seq: int) -> None:
    path = home.path / _SEEN
    lines = path.read_bytes().splitlines(keepends=True)
    marks = [(json.loads(line), line) for line in lines]
    gone = ("level/shop/prod", seq)
    path.write_bytes(b"".join(line for mark, line in marks if (mark["stream"], mark["seq"]) != gone))


@pytest.mark.parametrize(("call", "alone"), spread(["fdatasync", "fsync", "linkat"], [False, True]))
def test_a_change_that_never_took_effect_is_told_and_is_no_fault(shop: Home, call: str, alone: bool) -> None:
    _break_off(shop, Moment(0, call, 1), alone=alone)
    assert not _record(shop, 2).exists()
    said = notice(shop)
    assert said[:3] == (0, 0, 0), said
    assert "level/shop/prod: version 2 was never stored: the change was interrupted" in said.words
    assert [(void["level"], void["version"], void["operation"]) for void in _events(shop, "void")] == [
        ("/shop/prod", 2, "write")
    ]
    shop.envfs("set", "/shop/prod", "DATABASE_URL", given="v3")
    shop.settle()
    said = notice(shop)
    assert said[:3] == (0, 0, 0), said
    assert "never stored" not in said.words
    assert len(_events(shop, "void")) == 1


@pytest.mark.parametrize(("number", "level"), spread([1, 2, 3], ["/new", "/new/deep"]))
def test_the_first_text_of_a_project_may_be_broken_off_too(shop: Home, level: str, number: int) -> None:
    _break_off(shop, Moment(0, "linkat", number), body={**_SET, "level": level})
    said = notice(shop)
    assert said[:3] == (0, 0, 0), said
    assert _events(shop, "void")[0]["level"] == level
    listed = shop.envfs("ls").text
    assert "deep" not in listed
    shop.envfs("log", "restart")
    shop.settle()
    assert notice(shop)[:3] == (0, 0, 0)


def test_a_key_that_was_never_stored_is_told(shop: Home) -> None:
    _break_off(shop, Moment(0, "linkat", 1), body={"type": "rotate-key", "project": "shop"}, value="")
    said = notice(shop)
    assert said[:3] == (0, 0, 0), said
    assert [(void["version"], void["operation"]) for void in _events(shop, "void")] == [(2, "key")]


def test_a_change_that_was_stored_and_not_acknowledged_took_effect(shop: Home) -> None:
    _break_off(shop, Moment(0, "fdatasync", 2))
    assert _record(shop, 2).exists()
    assert notice(shop)[:3] == (0, 0, 0)
    assert _events(shop, "void") == []


def test_an_acknowledged_version_that_was_taken_away_after_a_kill_is_missed(shop: Home) -> None:
    _set_and_kill(shop)
    _record(shop, 2).unlink()
    said = notice(shop)
    assert (said.get, said.verify) == (111, 110), said
    assert _events(shop, "void") == []


def test_also_together_with_its_mark_where_anything_was_logged_after_it(shop: Home) -> None:
    with Served(shop) as served:
        assert served.peer.ask_all(_SET, ("v2",))[1]["type"] == "written"
        shop.envfs("get", "/shop", "NOTHING", status=None)
    _record(shop, 2).unlink()
    _forget_mark(shop, 2)
    said = notice(shop)
    assert said.verify == 110, said
    assert "the access log names version 2, and the newest here is 1" in said.words
    assert _events(shop, "void") == []


def test_a_word_that_somebody_adds_takes_no_change_back(shop: Home) -> None:
    _set_and_kill(shop)
    with Served(shop) as served:
        served.peer.ask({"type": "status"})
    _record(shop, 2).unlink()
    _forget_mark(shop, 2)
    last = shop.log_file.read_bytes().splitlines(keepends=True)[-1]
    body: Row = {"seq": int(json.loads(last)["seq"]) + 1, "event": "void", "level": "/shop/prod", "version": 2}
    body |= {"operation": "write", "prev": hashlib.sha256(last).hexdigest()}
    with shop.log_file.open("ab") as file:
        file.write(json.dumps(body, separators=(",", ":")).encode() + b"\n")
    said = notice(shop)
    assert said.verify == 110, said
    assert "the access log names version 2, and the newest here is 1" in said.words


def test_a_change_that_fails_is_taken_back_at_once(shop: Home) -> None:
    (shop.vault / "level" / "blocked").write_bytes(b"")
    with Served(shop) as served:
        reply = served.peer.ask_all({**_SET, "level": "/blocked"}, ("v1",))[1]
        assert reply["type"] == "failed", reply
    (shop.vault / "level" / "blocked").unlink()
    assert [(void["level"], void["version"]) for void in _events(shop, "void")] == [("/blocked", 1)]
    said = notice(shop)
    assert said.get == 0, said
    assert "names version" not in said.words

"""`envfs log verify` names the line at which a log was changed; a daemon does not serve from such a log."""

import hashlib
import json
import shutil
from collections.abc import Callable

import pytest

from tests.conftest import Homes
from tests.system.alone import answers, reading
from tests.system.home import Home, Row
from tests.system.probing import attempt

_READ = reading("/shop", "APP_NAME")


@pytest.fixture(scope="module")
def made(new_home: Homes, stocked: Home) -> Home:
    """Give a home with a log of some length. To be copied."""
    home = new_home(stocked)
    with home.served():
        for level in ("/", "/shop", "/shop/prod"):
            home.view(level).read_bytes()
    return home


@pytest.fixture
def logged(new_home: Homes, made: Home) -> Home:
    """Give one test a copy of it, not served."""
    return new_home(made)


def _lines(home: Home) -> list[bytes]:
    return home.log_file.read_bytes().splitlines(keepends=True)


def _changed(lines: list[bytes]) -> list[bytes]:
    lines[4] = lines[4].replace(b'"uid":0', b'"uid":7')
    return lines


def _dropped(lines: list[bytes]) -> list[bytes]:
    return lines[:4] + lines[5:]


def _reordered(lines: list[bytes]) -> list[bytes]:
    lines[4], lines[5] = lines[5], lines[4]
    return lines


def _doubled(lines: list[bytes]) -> list[bytes]:
    return [*lines[:5], lines[4], *lines[5:]]


def _renumbered(lines: list[bytes]) -> list[bytes]:
    return [line.replace(b'"seq":5,', b'"seq":6,') for line in lines]


def _no_json(lines: list[bytes]) -> list[bytes]:
    return [*lines[:4], b"hello\n", *lines[5:]]


def _headless(lines: list[bytes]) -> list[bytes]:
    return lines[1:]


def _truncated(lines: list[bytes]) -> list[bytes]:
    return lines[:-2]


def _emptied(_: list[bytes]) -> list[bytes]:
    return []


def _rechained(lines: list[bytes]) -> list[bytes]:
    """Change an entry and write the hashes of all that follow anew; only the signatures stand against that."""
    bodies: list[Row] = [json.loads(line) for line in lines]
    bodies[1]["uid"] = 7
    made, digest = [], "0" * 64
    for body in bodies:
        line = json.dumps({**body, "prev": digest}, separators=(",", ":")).encode() + b"\n"
        digest = hashlib.sha256(line).hexdigest()
        made.append(line)
    return made


_HARMS: dict[str, tuple[Callable[[list[bytes]], list[bytes]], str]] = {
    "changed": (_changed, "line 6"),
    "dropped": (_dropped, "line 5"),
    "reordered": (_reordered, "line 5"),
    "doubled": (_doubled, "line 6"),
    "renumbered": (_renumbered, "line 5"),
    "no JSON": (_no_json, "line 5"),
    "headless": (_headless, "line 1"),
    "truncated": (_truncated, "entry"),
    "emptied": (_emptied, "entry"),
    "written anew with right hashes": (_rechained, "access log"),
}
_AT_THE_END = {"changed", "reordered", "renumbered"} ^ _HARMS.keys()  # what a start notices, that reads the end only


def test_an_untouched_log_is_whole(logged: Home) -> None:
    entries = len(logged.log())
    said = logged.envfs("log", "verify")
    assert f"the access log is whole: {entries} entries" in said.text
    assert "signed checkpoints" in said.text


@pytest.mark.parametrize("harm", _HARMS)
def test_verify_notices_and_where_the_end_is_another_nothing_is_served_until_a_restart(logged: Home, harm: str) -> None:
    do, words = _HARMS[harm]
    logged.log_file.write_bytes(b"".join(do(_lines(logged))))
    said = answers(logged, [{"type": "verify-log"}])[0]
    assert (said.status, words in str(said.reply)) == (122, True), said
    if harm in _AT_THE_END:
        mounting = logged.envfs("mount", status=None)
        assert mounting.status in (112, 122), mounting
        assert "access log" in mounting.complaint
        before, restarted, after = answers(logged, [_READ, {"type": "restart-log"}, _READ])
        assert [each.status for each in (before, restarted, after)] == [112, 0, 0]
        assert logged.log()[0]["event"] == "restart"


def test_signatures_stand_against_a_log_written_anew_together_with_its_remembered_end(logged: Home) -> None:
    logged.log_file.write_bytes(b"".join(_rechained(_lines(logged))))
    for path in logged.state.glob("access.jsonl.*"):
        path.unlink()
    said = logged.envfs("log", "verify", status=122)
    assert "is not the one that was signed" in said.complaint
    shutil.rmtree(logged.vault / "log")
    said = logged.envfs("log", "verify", status=122)
    assert "is not the one that was signed" in said.complaint  # another place remembers it
    logged.forget_witness()
    (logged.state / "seen.jsonl").unlink()
    said = logged.envfs("log", "verify", status=122)
    assert "not signed by the vault's owner" in said.complaint
    logged.settle()


def test_a_log_that_was_deleted_while_nothing_ran_is_missed_at_the_next_start(logged: Home) -> None:
    logged.log_file.unlink()
    said = logged.envfs("mount", status=112)
    assert "the access log is gone" in said.complaint
    assert "access log is gone" in logged.problems()
    assert not logged.log_file.exists()


def test_half_an_entry_that_a_power_cut_left_is_dropped_and_service_goes_on(logged: Home) -> None:
    whole = logged.log_file.read_bytes()
    logged.log_file.write_bytes(whole + b'{"seq":99,"time":"2026-')
    with logged.served():
        assert attempt(0, "read", logged.view("/shop")).how == "ok"
        assert logged.envfs("log", "verify").status == 0
    assert logged.log_file.read_bytes().startswith(whole)


def test_the_log_prints_on_lines_for_people_and_as_json(logged: Home) -> None:
    from_file = logged.log()
    printed = [json.loads(line) for line in logged.envfs("log", "-n", "0", "--json").text.splitlines()]
    assert printed[: len(from_file)] == from_file
    assert len(logged.envfs("log", "-n", "3").text.splitlines()) == 3

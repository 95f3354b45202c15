"""Refusals are on the log, but no stranger can fill the disk with them."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from envfs.core import events
from envfs.core.access.caller import Caller
from envfs.core.access_request import AccessRequest, Channel, Format
from envfs.errors import AuditUnavailable
from envfs.gate.audit_log.log import AccessLog
from envfs.gate.audit_log.refusals import Refusals

EVENT = events.refused(AccessRequest("/", Channel.SOCKET, Format.NAMES), "no grant")
ONE, OTHER = Caller(1, 1, 1), Caller(2, 2, 2)


class Clock:
    """A clock that goes when it is told."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def log(tmp_path: Path) -> Iterator[AccessLog]:
    found = AccessLog(tmp_path / "access.jsonl")
    yield found
    found.close()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr(time, "monotonic", found)
    return found


def counts(log: AccessLog, uid: int) -> list[int]:
    entries = [json.loads(line) for line in log.newest(0)]
    return [entry.get("times", 1) for entry in entries if entry["uid"] == uid]


@pytest.mark.parametrize("count", [1, 499, 500])
def test_few_refusals_are_each_written(log: AccessLog, clock: Clock, count: int) -> None:
    refusals = Refusals(lambda: log)
    for _ in range(count):
        refusals.record(EVENT, ONE)
    assert counts(log, 1) == [1] * count


def test_many_refusals_in_a_second_are_counted_in_an_entry_of_their_own(log: AccessLog, clock: Clock) -> None:
    refusals = Refusals(lambda: log)
    for _ in range(1000):
        refusals.record(EVENT, ONE)
    assert counts(log, 1) == [1] * 500
    clock.now += 1
    refusals.record(EVENT, ONE)
    assert counts(log, 1) == [1] * 500 + [500, 1]


def test_what_was_counted_is_written_though_nobody_is_refused_again(log: AccessLog, clock: Clock) -> None:
    refusals = Refusals(lambda: log)
    for _ in range(501):
        refusals.record(EVENT, ONE)
    refusals.flush()
    assert sum(counts(log, 1)) == 500
    clock.now += 1
    refusals.flush()
    assert sum(counts(log, 1)) == 501


def test_one_uids_flood_hides_nobody_elses_refusal(log: AccessLog, clock: Clock) -> None:
    refusals = Refusals(lambda: log)
    for _ in range(600):
        refusals.record(EVENT, ONE)
    refusals.record(EVENT, OTHER)
    assert counts(log, 2) == [1]


def test_over_many_seconds_nothing_is_lost_from_the_count(log: AccessLog, clock: Clock) -> None:
    refusals, total = Refusals(lambda: log), 0
    for second, number in enumerate([560, 1, 0, 500, 501, 2000, 1]):
        clock.now = 2000.0 + second
        for _ in range(number):
            refusals.record(EVENT, ONE)
        total += number
    assert sum(counts(log, 1)) == total


def test_a_log_that_cannot_be_written_is_said_so(log: AccessLog, clock: Clock) -> None:
    refusals = Refusals(lambda: log)
    refusals.record(EVENT, ONE)
    log.path.unlink()
    with pytest.raises(AuditUnavailable):
        refusals.record(EVENT, ONE)


def test_what_was_counted_is_written_at_the_end_also_within_its_second(log: AccessLog, clock: Clock) -> None:
    refusals = Refusals(lambda: log)
    for _ in range(700):
        refusals.record(EVENT, ONE)
    refusals.flush(is_end=True)
    assert counts(log, 1) == [1] * 500 + [200]


def test_what_was_counted_is_not_lost_where_the_log_cannot_be_written(
    log: AccessLog, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusals = Refusals(lambda: log)
    for caller in (ONE, OTHER):
        for _ in range(700):
            refusals.record(EVENT, caller)
    clock.now += 1
    with monkeypatch.context() as patch:
        patch.setattr(log, "append", _fail)
        with pytest.raises(AuditUnavailable):
            refusals.flush()
    clock.now += 1
    refusals.flush()
    for caller in (ONE, OTHER):
        assert counts(log, caller.uid) == [1] * 500 + [200]


def _fail(*_arguments: object) -> None:
    raise AuditUnavailable("full")

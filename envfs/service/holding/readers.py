"""The readers of a level: open files of the mount, and live processes that read it before."""

from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import NamedTuple

from envfs.core import names
from envfs.gate.readings import LevelReading
from envfs.host import clocks
from envfs.host.callers import callers
from envfs.service.service import Service


class ReaderState(StrEnum):
    """How a process has what it read."""

    OPEN = "open"
    PASSED_ON = "passed on"  # it has ended, and another process has its descriptor
    READ = "read"


class LevelReader(NamedTuple):
    """One process, what it got, and how it has that."""

    reading: LevelReading
    state: ReaderState

    @property
    def seconds_ago(self) -> int:
        """The seconds since it opened or last read it."""
        return max(0, round(clocks.boot_seconds() - self.reading.seconds))


def level_readers(service: Service, level: str) -> list[LevelReader]:
    """List the processes that read a level or one below it, the latest first.

    Raises:
        NoVault: there is none
    """
    opened = [*_unlike(_of_level(service.open_files(), level))]
    readers = [
        LevelReader(reading, ReaderState.OPEN if _lives(reading) else ReaderState.PASSED_ON) for reading in opened
    ]
    before = _of_level(service.open_vault.gate.readings, level)
    shown = {_what(reading) for reading in opened}
    readers += [LevelReader(each, ReaderState.READ) for each in before if _what(each) not in shown and _lives(each)]
    return sorted(readers, key=lambda reader: -reader.reading.seconds)


def _of_level(readings: Iterable[LevelReading], level: str) -> Iterator[LevelReading]:
    # a reader of a level below gets what this one sets
    return (reading for reading in readings if names.within(reading.request.level, level))


def _unlike(readings: Iterable[LevelReading]) -> Iterable[LevelReading]:
    # a process may have one file open many times
    return {_what(reading): reading for reading in sorted(readings, key=lambda each: each.seconds)}.values()


def _what(reading: LevelReading) -> tuple[object, ...]:
    caller, request = reading.caller, reading.request
    return caller.uid, caller.pid, request.level, request.format, reading.version


def _lives(reading: LevelReading) -> bool:
    return callers.lived_at(reading.caller.pid, reading.seconds)

"""The cost of a shared vault: what the code asks of an engine for each write, each machine and each hour. Pure.

The numbers of requests are those of envfs/service/sharing and envfs/courier, and tests/component/test_scale.py counts
them there. What a request costs a server is measured (measure.py), and everything else follows.
"""

import math
import random
import statistics
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

HEADS, GET, PUT = "heads", "get", "put_new"
WRITER: Mapping[str, int] = MappingProxyType({PUT: 1, GET: 2, HEADS: 1})  # it hears of its own write as well
READER: Mapping[str, int] = MappingProxyType({GET: 1})
START: Mapping[str, int] = MappingProxyType({HEADS: 1, GET: 1})  # with up to 120 streams, and nothing to fetch
PREFIXES_OF_A_PROJECT, PREFIXES_OF_ALL = 4, 6  # of all: members, its own shared log, four of level /


class Engine(NamedTuple):
    """What a machine costs an engine whatever is written.

    `looks` are whole looks at the heads in an hour, `questions` other ones. `processes` are those of the server for a
    machine, `connections` those that it holds, `watches` those for a machine of one project. With `reads_records` the
    server goes through all records of a part for a look, and with `lists_records` its answer has a row for each, and
    not for each stream. With `sends_record` a hint brings the record.
    """

    looks: float
    questions: float
    connections: int
    processes: int
    watches: int
    hint_bytes: int = 150
    reads_records: bool = False
    lists_records: bool = False
    sends_record: bool = False


ENGINES: Mapping[str, Engine] = MappingProxyType(
    {
        "ssh": Engine(looks=60, questions=0, connections=1, processes=3, watches=12, reads_records=True),
        "postgres": Engine(looks=0, questions=120, connections=2, processes=2, watches=3),
        "etcd": Engine(
            12, 0, 2, 0, watches=10, hint_bytes=400, reads_records=True, lists_records=True, sends_record=True
        ),
    }
)


class Measured(NamedTuple):
    """Figures of one engine on one machine: processor seconds of the server, and bytes.

    `look_seconds` and `look_bytes` are those of a look at the heads that finds nothing, `row_` what each row adds.
    `foreign_seconds` is the work for a machine of another project when something is written.
    """

    put_seconds: float
    get_seconds: float
    look_seconds: float
    row_seconds: float
    hint_seconds: float
    foreign_seconds: float
    connect_seconds: float
    idle_seconds: float  # of a machine, in a second
    machine_bytes: float  # memory of the server
    record_bytes: float  # on its disk, beside the record itself
    request_bytes: float  # both ways, beside the record itself
    look_bytes: float
    row_bytes: float


class Fleet(NamedTuple):
    """Machines that share one vault. Each is in one project, and writes so many versions a day, all of one size."""

    machines: int
    projects: int
    writes_a_day: float  # of the whole fleet
    record: int = 1500
    streams_of_a_project: int = 3

    @property
    def hearers(self) -> float:
        """Machines of one project."""
        return self.machines / self.projects


class Cost(NamedTuple):
    """The cost of a fleet. Seconds are those of the server's processors, `busy` the part of one that is never free."""

    requests_a_write: float
    seconds_a_write: float
    bytes_a_write: float
    busy: float
    look_bytes_a_day: float  # of one machine
    watches: int
    connections: int
    processes: int
    memory: float
    start_seconds: float  # when all machines come at once
    records_a_year: float
    disk_a_year: float
    mirror_a_year: float  # of one machine


def cost_of(fleet: Fleet, engine: Engine, measured: Measured) -> Cost:
    """Work out what a fleet costs, a year after it began."""
    others, records = fleet.hearers - 1, fleet.writes_a_day * 365
    counts = {verb: WRITER.get(verb, 0) + others * READER.get(verb, 0) for verb in (HEADS, GET, PUT)}
    hints = fleet.hearers * measured.hint_seconds + (fleet.machines - fleet.hearers) * measured.foreign_seconds
    sent = 1 + others + (fleet.hearers * 4 / 3 if engine.sends_record else 0)
    streams, of_a_part = PREFIXES_OF_ALL + fleet.streams_of_a_project, records / fleet.projects
    look = measured.look_bytes + measured.row_bytes * (of_a_part if engine.lists_records else streams)
    look_seconds = measured.look_seconds + measured.row_seconds * (of_a_part if engine.reads_records else streams)
    looks, questions = engine.looks / 3600, engine.questions / 3600
    idle = measured.idle_seconds + looks * look_seconds + questions * measured.get_seconds
    start = measured.connect_seconds + START[HEADS] * look_seconds + START[GET] * measured.get_seconds
    return Cost(
        sum(counts.values()),
        counts[PUT] * measured.put_seconds + (counts[GET] + counts[HEADS]) * measured.get_seconds + hints,
        sum(counts.values()) * measured.request_bytes + fleet.hearers * engine.hint_bytes + fleet.record * sent,
        fleet.machines * idle,
        86_400 * (looks * look + questions * measured.request_bytes),
        fleet.machines * engine.watches,
        fleet.machines * engine.connections,
        fleet.machines * engine.processes,
        fleet.machines * measured.machine_bytes,
        fleet.machines * start,
        records,
        records * (fleet.record + measured.record_bytes),
        records / fleet.projects * fleet.record,
    )


class Arrival(NamedTuple):
    """Seconds until the last machine of a project has what was written: of the median write, and of the slowest."""

    median: float
    slowest: float


def simulate(fleet: Fleet, engine: Engine, measured: Measured, processors: int, hours: float = 24) -> Arrival:
    """Let a fleet write for so long, at random times, and have a server with so many processors do it all in turn."""
    cost, chance = cost_of(fleet, engine, measured), random.Random(1)  # noqa: S311 - the same each time
    speed = processors - cost.busy  # in seconds of work a second
    if speed <= 0:
        return Arrival(math.inf, math.inf)
    now = free = 0.0
    waits: list[float] = []
    while now < hours * 3600 or not waits:
        now += chance.expovariate(fleet.writes_a_day / 86_400)
        free = max(now, free) + cost.seconds_a_write / speed
        waits.append(free - now)
    return Arrival(statistics.median(waits), max(waits))

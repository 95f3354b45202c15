"""The figures of a daemon: what it served and refused, whether it can serve, and what waits for somebody.

Laws: no value, no name of a variable, no path and no user is in them, and the name of a level only where it is asked
for. Looking changes nothing, and begins no log.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from typing import NamedTuple

from envfs import __version__
from envfs.core.events import EventKind
from envfs.core.rotation import RotationState
from envfs.errors import EnvFSError
from envfs.service.service import Service

COUNTER, GAUGE, INFO = "counter", "gauge", "info"
RotationCounts = Mapping[tuple[str, RotationState], int]
_NS = 1_000_000_000
_KINDS = {
    EventKind.WRITE: ("envfs_writes", "Versions of levels that were written"),
    EventKind.CANARY: ("envfs_canary_reads", "Reads of a canary: each is an alarm"),
    EventKind.ASK: ("envfs_questions", "Questions to a person"),
    EventKind.FORWARD: ("envfs_forwarded_requests", "Requests that a proxy put values into"),
}


class Metric(NamedTuple):
    """A metric: its name without `_total` or `_info`, its kind, what it is, and its samples."""

    name: str
    kind: str
    text: str
    samples: tuple[tuple[Mapping[str, str], int], ...]


def collect_metrics(service: Service, rotations: RotationCounts | None, *, levels: bool) -> Iterator[Metric]:
    """Return the figures of a daemon. `rotations` are how many variables are due, or None if that is not known."""
    yield Metric("envfs_build", INFO, "The release that runs", (({"release": __version__}, 1),))
    yield _single("envfs_start_time_seconds", "When the daemon began", service.started_ns // _NS)
    yield from _states(service)
    yield from _log(service)
    yield from _events(service, levels=levels)
    yield from _views(service)
    if rotations is not None:
        yield _rotations(rotations, levels=levels)
    if service.sharing.address():
        yield from _sharing(service)


def _single(name: str, text: str, value: float, kind: str = GAUGE) -> Metric:
    return Metric(name, kind, text, (({}, int(value)),))


def _states(service: Service) -> Iterator[Metric]:
    yield _single("envfs_mounted", "Whether the views are mounted", bool(service.mount))
    yield _single("envfs_locked", "Whether the vault is locked", not service.locks.unlocked)
    closed = sum(bool(scope.project) for scope in service.locks.closed)
    yield _single("envfs_locked_projects", "Projects that a person locked", closed)
    yield _single("envfs_keyholder_up", "Whether the process with the keys runs", bool(service.keyholder_pid))
    text = "Times that the process with the keys ended and was started again"
    yield _single("envfs_keyholder_restarts", text, service.keyholder_restarts, COUNTER)
    rules = 0
    with suppress(EnvFSError):
        rules = len(service.book.load())
    yield _single("envfs_rules", "Rules that give access", rules)
    yield _single("envfs_problems", "Problems that `envfs status` lists", len(service.problems()))


def _log(service: Service) -> Iterator[Metric]:
    if not service.has_open_vault:
        return
    log = service.log
    yield _single("envfs_log_entries", "Entries of the access log", log.tip.seq, COUNTER)
    yield _single(
        "envfs_log_writable", "Whether the access log can be written: without it all is refused", not log.look()
    )
    yield _single("envfs_log_copies_dropped", "Copies of entries that were not taken", log.copies.dropped, COUNTER)


def _events(service: Service, *, levels: bool) -> Iterator[Metric]:
    reads, refusals = Counter[tuple[str, str, str]](), Counter[str]()
    counts = [*service.log.counts] if service.has_open_vault else []
    for row in counts:
        channel = str(row.channel or "")
        if row.kind is EventKind.READ:
            reads[channel, str(row.format or ""), row.level if levels else ""] += row.times
        elif row.kind is EventKind.REFUSE:
            refusals[channel] += row.times
    text = "Reads that were served, by what was asked and what was given"
    samples = tuple(
        ({"channel": channel, "format": shown, **({"level": level} if levels else {})}, count)
        for (channel, shown, level), count in sorted(reads.items())
    )
    yield Metric("envfs_reads", COUNTER, text, samples)
    refused = tuple(({"channel": channel}, count) for channel, count in sorted(refusals.items()))
    yield Metric("envfs_refusals", COUNTER, "Requests and reads that were refused", refused)
    for kind, (name, what) in _KINDS.items():
        yield _single(name, what, sum(row.times for row in counts if row.kind is kind), COUNTER)


def _views(service: Service) -> Iterator[Metric]:
    views = questions = waiting = 0
    if service.has_open_vault:
        board = service.open_vault.approvals.board
        views, open_questions = service.open_vault.views.count(), board.questions()
        questions, waiting = len(open_questions), sum(map(board.waiting, open_questions))
    yield _single("envfs_approvals_pending", "Questions that wait for a person", questions)
    yield _single("envfs_approvals_waiting", "Programs that wait for an answer", waiting)
    yield _single("envfs_views", "Views that are ready in memory", views)
    yield _single("envfs_open_files", "Files of the mount that are open", sum(1 for _ in service.open_files()))
    yield _single("envfs_proxies", "Sessions of the proxy", sum(1 for _ in service.proxies))


def _rotations(counts: RotationCounts, *, levels: bool) -> Metric:
    urgent = [state for state in RotationState if state is not RotationState.GOOD]
    text = "Variables that are due for a new value, or soon"
    if levels:
        rows = [(level, state, count) for (level, state), count in sorted(counts.items()) if state in urgent]
        samples = [({"state": state, "level": level}, count) for level, state, count in rows]
    else:
        totals = Counter[RotationState]()
        for (_, state), count in counts.items():
            totals[state] += count
        samples = [({"state": state}, totals[state]) for state in urgent]
    return Metric("envfs_rotations", GAUGE, text, tuple(samples))


def _sharing(service: Service) -> Iterator[Metric]:
    facts, outbox = service.sharing.facts, service.sharing.store.outbox
    contact = facts.contact.time if facts.contact.engine == service.sharing.address() else ""
    yield _single("envfs_sync_connected", "Whether the engine of the shared vault is in contact", facts.connected)
    yield _single("envfs_sync_outbox_versions", "Versions that wait for the engine", len(outbox))
    yield _single("envfs_sync_conflicts", "Versions in conflict with another machine's", len(outbox.conflicts()))
    yield _single("envfs_sync_behind", "Records of the engine that are not here yet", facts.behind)
    seconds = datetime.fromisoformat(contact).timestamp() if contact else 0
    yield _single("envfs_sync_last_contact_timestamp_seconds", "When all was last compared with the engine", seconds)

"""The request for the daemon's figures."""

from collections import Counter
from contextlib import aclosing
from functools import partial

from envfs.control.call import Call, Sent
from envfs.control.requests.writers import may_guess
from envfs.core import names
from envfs.core.events import EventKind
from envfs.core.rotation import RotationState
from envfs.errors import EnvFSError
from envfs.gate.rotations import RotationQuery
from envfs.host import clocks
from envfs.protocol.control import Done, MetricLabel, MetricRow, ReadMetrics
from envfs.service.monitoring.metrics import RotationCounts, collect_metrics
from envfs.service.rotation_counts import CountedRotations


async def read_metrics(call: Call, request: ReadMetrics) -> Sent:
    """Send the daemon's figures."""
    rotations = await _rotations(call)
    for metric in collect_metrics(call.service, rotations, levels=request.levels):
        for labels, value in metric.samples:
            shown = tuple(MetricLabel(*label) for label in labels.items())
            await call.send_row(MetricRow(metric.name, metric.kind, metric.text, shown, value))
    return Sent(Done())


async def _rotations(call: Call) -> RotationCounts | None:
    # of the levels where the caller has `names` and `history`. Each look is in the log, so it is remembered for a while
    service = call.service
    if not (service.has_open_vault and service.locks.unlocked):
        return None
    counted, now = service.counted_rotations, clocks.boot_seconds()
    written = service.log.counts.total(EventKind.WRITE)
    before = counted.remembered(call.caller.uid, written, now)
    if before is not None:
        return before
    counts = Counter[tuple[str, RotationState]]()
    query = RotationQuery(names.ROOT, clocks.wall_time(), partial(may_guess, call))
    try:
        async with aclosing(service.open_vault.rotations.list_rotations(call.caller, query)) as pages:
            async for some in pages:
                counts.update((row.level, row.judgement.state) for row in some if row.error is None)
    except EnvFSError:  # such as a lock meanwhile: the other figures are told all the same
        return None
    counted.remember(call.caller.uid, CountedRotations(written, now, counts))
    return counts

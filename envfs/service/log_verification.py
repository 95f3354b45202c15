"""The access log as a whole: its chain followed, every signature over it checked, and held against the vault's."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import NamedTuple

from envfs.core import record
from envfs.core.checkpoint import StoredCheckpoint
from envfs.errors import AuditUnavailable, EnvFSError, LogBroken
from envfs.gate.audit_log.ledger import Ledger
from envfs.gate.audit_log.log_files import HINT
from envfs.gate.audit_log.log_reading import Verified
from envfs.protocol.control import Checked, FaultRow
from envfs.protocol.keyholding import CheckCheckpoints, Faults, VerifyCheckpoint
from envfs.service.service import Service

_AT_ONCE = 256
LIMITS = (
    "an older log, vault, state and witness, all put back together, would look whole here; "
    "the machine's journal, where there is one, has a line of each checkpoint: `journalctl -t envfs`"
)


class Inquiry(NamedTuple):
    """A look at everything, on behalf of a client: where faults go, and whether the client has left."""

    service: Service
    left: Callable[[], bool]
    report: Callable[[FaultRow], Awaitable[None]]


class Vouched(NamedTuple):
    """A log that was verified, the checkpoints of the vault, and what is wrong with each, by its key."""

    log: Verified
    points: tuple[StoredCheckpoint, ...]
    faults: dict[str, str]


async def verify_access_log(inquiry: Inquiry) -> Checked:
    """Follow the log's chain, check its signed checkpoints, and hold them against those of the vault.

    Raises:
        LogBroken: one of them is wrong, or the log is behind the vault
    """
    _ = inquiry.service.open_vault  # a log without a vault would be one that this question begins
    ledger = inquiry.service.ledger
    vouched = await vouch_for_log(inquiry, ledger)
    faults = tuple(vouched.faults.values())
    if faults or ledger.behind:
        raise LogBroken(faults[0] if faults else ledger.behind, HINT)
    return Checked(ledger.log.tip.seq, 0, _notes(ledger, vouched))


async def vouch_for_log(inquiry: Inquiry, ledger: Ledger) -> Vouched:
    """Follow the log's whole chain and check every signature over it.

    Raises:
        LogBroken: the chain, or a signature in it, is wrong
    """
    points = await ledger.read_whole(ledger.points, inquiry.left)
    try:
        verified = await _followed(inquiry, ledger, {point.claim.entries for point in points})
    except AuditUnavailable as error:
        raise LogBroken(ledger.log.problem or error.text, HINT) from None
    await _check_lines(inquiry, verified)
    faults = await _check_points(inquiry, points)
    for point in points:
        key, claim = _key(point), point.claim
        if key not in faults and claim.begin == verified.begin and _differs(verified, point):
            which = f"checkpoint {point.header.seq}: entry {claim.entries} is another"
            faults[key] = f"the access log is not the one of {which}"
    return Vouched(verified, points, faults)


async def _followed(inquiry: Inquiry, ledger: Ledger, entries: set[int]) -> Verified:
    # in a thread: a long log takes a minute, and the daemon serves meanwhile; what is logged then is followed as well
    while True:
        tip = ledger.log.tip
        try:
            return await ledger.read_whole(partial(ledger.log.verify, entries), inquiry.left)
        except LogBroken:
            if ledger.log.tip == tip:
                raise


def _differs(verified: Verified, point: StoredCheckpoint) -> bool:
    claim = point.claim
    return claim.entries >= verified.first and verified.digests.get(claim.entries) != claim.tip


async def _check_lines(inquiry: Inquiry, verified: Verified) -> None:
    for first in range(0, len(verified.points), _AT_ONCE):
        points = verified.points[first : first + _AT_ONCE]
        asked = tuple((str(point.seq), point.digest, point.signature) for point in points)
        answer = await inquiry.service.keyholder.ask(VerifyCheckpoint(asked), Faults)
        for point, text in zip(points, answer.message.texts, strict=True):
            if text:
                raise LogBroken(f"the checkpoint at entry {point.seq + 1} is not signed by the vault's owner", HINT)


async def _check_points(inquiry: Inquiry, points: tuple[StoredCheckpoint, ...]) -> dict[str, str]:
    vault = inquiry.service.open_vault.vault
    faults: dict[str, str] = {}
    for first in range(0, len(points), _AT_ONCE):
        some = points[first : first + _AT_ONCE]
        places = tuple(vault.place(point.header.stream, point.header.seq) for point in some)
        blobs = tuple(point.statement.stored() for point in some)
        answer = await inquiry.service.keyholder.ask(CheckCheckpoints(places), Faults, blobs)
        pairs = zip(some, answer.message.texts, strict=True)
        faults |= {_key(point): f"{_key(point)}: {text}" for point, text in pairs if text}
    return faults


def _key(point: StoredCheckpoint) -> str:
    return record.record_key(point.header.stream, point.header.seq)


def _notes(ledger: Ledger, vouched: Vouched) -> tuple[str, ...]:
    log, tip, count = vouched.log, ledger.log.tip, len(vouched.log.points)
    notes = [f"{count} signed checkpoint{'s' * (count > 1)}" if count else "the log has no signed checkpoint yet"]
    if not tip.seq:
        return tuple(notes)
    notes.append(f"it is vouched for from entry {log.first} of {_moment(log.since)} on")
    if log.first > 1:
        notes.append(f"entries 1 to {log.first - 1} were kept in other files, which are not here")
    notes += begun_again(vouched)
    newest = max((point.claim.entries for point in vouched.points if point.claim.begin == log.begin), default=0)
    signed = max([newest, *(point.seq for point in log.points)])
    unsigned = tip.seq - signed - bool(signed)
    if unsigned > 0:
        after = f"{unsigned} after entry {signed}" if signed else str(unsigned)
        notes.append(f"entries that are not signed yet: {after}")
    notes.append(LIMITS)
    return tuple(notes)


def begun_again(vouched: Vouched) -> list[str]:
    """Say that the log is not the first of this machine, as its own first entry and the checkpoints have it."""
    log, notes = vouched.log, []
    if log.restarted is not None:
        after, _, behind = log.restarted.partition("; ")
        where = f" {after.rpartition(' ')[0]} of the log before" if after.startswith("after entry ") else ""
        notes.append(f"it was begun again{where}{f'; then {behind}' if behind else ''}")
    others = [point for point in vouched.points if point.claim.begin != log.begin] if log.begin else []
    if others:
        last = max(others, key=lambda point: point.header.seq)
        signed = f"{last.claim.entries} entries of {_moment(last.header.time)}"
        notes.append(f"the log before it is not here: checkpoint {last.header.seq} signed {signed}")
    return notes


def _moment(time: str) -> str:
    return time[:19].replace("T", " ")


async def sign_log(service: Service) -> None:
    """Sign where the log ends, if there is a key; what cannot be signed now is signed later."""
    if service.locks.unlocked:
        with suppress(EnvFSError):
            await service.ledger.sign(service.keyholder)

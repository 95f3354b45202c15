"""The access log as a whole: its chain followed, every signature over it checked, and held against the vault's."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import NamedTuple

from envfs.core import pins, record
from envfs.core.audit import Tip
from envfs.core.checkpoint import StoredCheckpoint
from envfs.errors import AuditUnavailable, EnvFSError, LogBroken
from envfs.gate.audit_log.chain_verification import Verified
from envfs.gate.audit_log.ledger import Ledger
from envfs.gate.audit_log.log_files import HINT
from envfs.protocol.control import Checked, FaultRow, ProgressRow
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
    report: Callable[[FaultRow | ProgressRow], Awaitable[None]]


class Vouched(NamedTuple):
    """A log that was verified, the checkpoints of the vault, and what is wrong with each, by its key."""

    log: Verified
    points: tuple[StoredCheckpoint, ...]
    faults: dict[str, str]


async def verify_access_log(inquiry: Inquiry, pin: Tip | None = None) -> Checked:
    """Follow the log's chain, check its signed checkpoints, and hold them against those of the vault and the pin.

    Raises:
        LogBroken: one of them is wrong, or the log is behind the vault
    """
    _ = inquiry.service.open_vault  # a log without a vault would be one that this question begins
    ledger = inquiry.service.ledger
    vouched = await vouch_for_log(inquiry, ledger, pin)
    faults = tuple(vouched.faults.values())
    if faults or ledger.behind:
        raise LogBroken(faults[0] if faults else ledger.behind, HINT)
    end = vouched.log.end
    return Checked(end.seq, 0, _notes(ledger, vouched), pins.render_pin(end) if end.seq else "")


async def vouch_for_log(inquiry: Inquiry, ledger: Ledger, pin: Tip | None = None) -> Vouched:
    """Follow the log's whole chain and check every signature over it.

    Raises:
        LogBroken: the chain, or a signature in it, is wrong
    """
    points = await ledger.read_whole(ledger.points, inquiry.left)
    try:
        entries = {point.claim.entries for point in points} | ({pin.seq} if pin else set())
        verified = await _followed(inquiry, ledger, entries)
    except AuditUnavailable as error:
        raise LogBroken(ledger.log.problem or error.text, HINT) from None
    if pin is not None:
        _check_pin(verified, pin)
    await _check_lines(inquiry, verified)
    _check_start(verified)
    faults = await _check_points(inquiry, points)
    same = 0
    for point in points:
        key, claim = _key(point), point.claim
        if key in faults or claim.begin != verified.begin:
            continue
        if _differs(verified, point):
            which = f"checkpoint {point.header.seq}: of the entries from {same + 1} to {claim.entries} one is another"
            faults[key] = f"the access log is not the one of {which}"
        else:
            same = claim.entries
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


def _check_start(verified: Verified) -> None:
    if verified.gap is not None:
        raise LogBroken(
            f"entries 1 to {verified.gap.last} of the access log are not here, and no entry says that they were "
            f"removed: it is vouched for from entry {verified.first} of {_moment(verified.since)} on",
            "put the files back beside the log; if you removed them, `envfs log rotate` records that",
        )


def _differs(verified: Verified, point: StoredCheckpoint) -> bool:
    claim = point.claim
    return claim.entries >= verified.first and verified.digests.get(claim.entries) != claim.tip


def _check_pin(verified: Verified, pin: Tip) -> None:
    here, end, before = verified.digests.get(pin.seq, ""), verified.end, verified.first - 1
    if pin.seq == before and verified.dropped is not None:
        here = verified.dropped.digest
    if here == pin.digest:
        return
    if pin.seq > end.seq:
        raise LogBroken(
            f"the access log ends at entry {end.seq}, before the pinned entry {pin.seq}: "
            "it is an older or another one, or its end was cut off",
            HINT,
        )
    if pin.seq <= before:
        raise LogBroken(f"the pinned entry {pin.seq} is not here any more: the log begins at entry {before + 1}", HINT)
    raise LogBroken(
        f"entry {pin.seq} of the access log is not the one that was pinned: of the entries from {before + 1} to "
        f"{pin.seq} one is another",
        HINT,
    )


async def _check_lines(inquiry: Inquiry, verified: Verified) -> None:
    signed = verified.first - 1
    for first in range(0, len(verified.points), _AT_ONCE):
        points = verified.points[first : first + _AT_ONCE]
        asked = tuple((str(point.seq), point.digest, point.signature) for point in points)
        answer = await inquiry.service.keyholder.ask(VerifyCheckpoint(asked), Faults)
        for point, text in zip(points, answer.message.texts, strict=True):
            if text:
                raise LogBroken(
                    f"the checkpoint over entry {point.seq} is not signed by the vault's owner: of the entries from "
                    f"{signed + 1} to {point.seq + 1} one was changed",
                    HINT,
                )
            signed = point.seq


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
    if log.dropped is not None:
        which = f"entries {log.dropped.first} to {log.dropped.last}"
        notes.append(f"{which} are not here: a signed entry says that they were removed")
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
    return f"{time[:19].replace('T', ' ')} UTC"


async def sign_log(service: Service) -> None:
    """Sign where the log ends, if there is a key; what cannot be signed now is signed later."""
    if service.locks.unlocked:
        with suppress(EnvFSError):
            await service.ledger.sign(service.keyholder)

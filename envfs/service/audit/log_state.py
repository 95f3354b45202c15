"""The state of the access log over a time, in words: whether all of it is here, and vouched for."""

from enum import StrEnum
from typing import NamedTuple

from envfs.errors import LogBroken
from envfs.service.audit.log_verification import Inquiry, vouch_for_log


class LogState(StrEnum):
    """Whether the entries of a time are all here, and are those that were written."""

    WHOLE = "whole"
    GAP = "gap"  # older ones were removed, or are not here
    BROKEN = "broken"
    UNCHECKED = "unchecked"


class LogFacts(NamedTuple):
    """The state, and the reasons for it."""

    state: LogState
    texts: tuple[str, ...]


async def look_at_log(inquiry: Inquiry, since: str) -> LogFacts:
    """Follow the whole chain of the log and check its signatures. `since` is the begin of the time (empty: of all)."""
    ledger = inquiry.service.ledger
    try:
        vouched = await vouch_for_log(inquiry, ledger)
    except LogBroken as error:
        return LogFacts(LogState.BROKEN, (error.text,))
    if vouched.faults or ledger.behind:
        return LogFacts(LogState.BROKEN, (next(iter(vouched.faults.values()), ledger.behind),))
    log, texts = vouched.log, list[str]()
    texts.append(f"entries {log.first} to {log.end.seq} follow from each other, from {_moment(log.since)} on")
    if log.dropped is not None:
        texts.append(f"entries {log.dropped.first} to {log.dropped.last} were removed, as a signed entry says")
    if log.restarted is not None:
        texts.append(
            f"the log was begun again then: {log.restarted.partition('; ')[0] or 'the one before is not here'}"
        )
    lacks = log.dropped is not None or log.restarted is not None
    return LogFacts(LogState.GAP if lacks and (not since or since < log.since) else LogState.WHOLE, tuple(texts))


def _moment(time: str) -> str:
    return f"{time[:19].replace('T', ' ')} UTC"

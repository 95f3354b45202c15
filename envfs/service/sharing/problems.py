"""The sentences of `status` about a vault that machines share. Facts in, sentences out."""

from collections.abc import Iterator, Mapping
from datetime import datetime

from envfs.errors import EnvFSError
from envfs.service.sharing.facts import RefusedRecord, SharingFacts
from envfs.service.sharing.outbox import Outbox

REJOIN = "`envfs sync rejoin` takes the engine's, and merges this machine's versions into them"
ACCEPT = "`envfs sync accept` says that you know"

_LONG_SECONDS = 600  # that an engine may be away before somebody is told, where nothing waits
_NAMED = 3  # of streams


def sharing_problems(facts: SharingFacts, outbox: Outbox, engine: str, now: str) -> Iterator[str]:
    """Say what keeps machines from having the same vault. `now` is UTC, as records have it."""
    if facts.problem and (len(outbox) or _seconds_between(facts.contact.time, now) > _LONG_SECONDS):
        since = f"since {facts.contact.time[:19]}Z" if facts.contact.engine == engine else "from the beginning"
        count = f"; {_versions(len(outbox))} for it" if len(outbox) else ""
        yield f"the engine has been away {since}: {facts.problem}{count}"
    if lost := facts.lost.all():
        yield f"the engine went back: it had lost records of {_some(lost)}, and was given them again; {ACCEPT}"
    if facts.forked:
        names = _some(dict.fromkeys(sorted(facts.forked)))
        yield f"the engine has other records than this machine of {names}; {REJOIN}"
    if facts.unfinished:
        yield f"`envfs sync rejoin` was interrupted, and cannot be finished: {facts.unfinished}"
    for stream, refusal in sorted(facts.refused.items())[:_NAMED]:
        yield f"a record of {stream} was not taken from the engine: {refusal_words(refusal, engine)}"
    for level in sorted({conflict.level for conflict in outbox.conflicts()}):
        yield f"a version of {level} is in conflict with another machine's; `envfs sync resolve {level} --mine` decides"
    for number, fault in sorted(facts.unmerged.items())[:_NAMED]:
        yield f"version {number} of the outbox cannot be merged: {fault}"
    if outbox.damaged:
        yield f"{_some(dict.fromkeys(outbox.damaged))} in {outbox.folder} cannot be read"


def refusal_words(refusal: RefusedRecord, engine: str) -> str:
    """Say why a record is not taken, which one that is at the engine, and what ends that."""
    from envfs.courier.address import parse_address  # noqa: PLC0415 - few vaults are shared
    from envfs.courier.removal import removal_command  # noqa: PLC0415 - the same

    address = shown_address(engine)
    if refusal.is_withheld:
        return f"{refusal.fault}: `envfs store push {address}` on a machine that has it brings it back"
    if not refusal.key or not engine:
        return refusal.fault
    words = f"{refusal.fault}. Nothing behind {refusal.key} at {address} is taken"
    command = removal_command(parse_address(engine), refusal.key)
    return f"{words}. If each machine says so, its administrator removes it: `{command}`" if command else words


def engine_state(facts: SharingFacts, engine: str, late: str, *, is_daemon: bool) -> tuple[str, str]:
    """Return `none`, `away`, `locked`, `connected`, `connecting` or `idle`, and a sentence about that or nothing."""
    if not engine:
        return "none", "this vault is this machine's alone"
    if facts.problem:
        return "away", facts.problem
    if facts.waits_for_unlock:
        return "locked", "what came is checked once the vault is unlocked"
    if facts.connected:
        return "connected", late
    return ("connecting", "") if is_daemon else ("idle", "no daemon runs that would stay in contact")


def shown_address(address: str) -> str:
    """Return an engine's address without what nobody needs to see."""
    from envfs.courier.address import parse_address  # noqa: PLC0415 - few vaults are shared

    try:
        return str(parse_address(address)) if address else ""
    except EnvFSError:
        return "not an address of an engine"


def _versions(count: int) -> str:
    return f"{count} version{' waits' if count == 1 else 's wait'}"


def _some(names: Mapping[str, object]) -> str:
    more = len(names) - _NAMED
    return ", ".join(list(names)[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def _seconds_between(before: str, after: str) -> float:
    if not before:
        return float("inf")
    return (datetime.fromisoformat(after) - datetime.fromisoformat(before)).total_seconds()

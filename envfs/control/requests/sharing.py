"""Requests about the engine that machines share: how it is, and which side of a conflict counts."""

from collections.abc import Iterator

from envfs.control.call import Call, Sent
from envfs.core import names, record
from envfs.protocol.control import (
    AcceptLosses,
    DescribeSharing,
    Done,
    RejoinEngine,
    ResolveConflict,
    ShareVault,
    SharingReport,
    SharingRow,
)
from envfs.service.levels.accepting_losses import accept_losses, loss_words
from envfs.service.levels.conflicts import resolve_conflicts
from envfs.service.levels.rejoining import rejoin_engine
from envfs.service.maintenance.shared_engine import check_engine, choose_engine
from envfs.service.service import Service
from envfs.service.sharing.erasing import left_words
from envfs.service.sharing.problems import engine_state, refusal_words, shown_address


async def describe_sharing(call: Call, _request: DescribeSharing) -> Sent:
    """Report the engine's state. The variables of a conflict are named to the owner alone."""
    service, is_owner = call.service, call.caller.is_user(call.service.owner)
    await call.send_rows(row if is_owner else row._replace(names=()) for row in _rows(service))
    facts, outbox = service.sharing.facts, service.sharing.store.outbox
    engine = service.sharing.address()
    contact = facts.contact.time if facts.contact.engine == engine else ""
    members = service.open_vault.vault.last(record.MEMBERS)
    counts = (facts.behind, len(outbox), len(outbox.conflicts()), members)
    state = engine_state(facts, engine, service.sharing.late, is_daemon=bool(service.mount))
    return Sent(SharingReport(shown_address(engine), *state, contact, *counts))


def _rows(service: Service) -> Iterator[SharingRow]:
    facts, outbox = service.sharing.facts, service.sharing.store.outbox
    for waiting in outbox:
        fault = facts.unmerged.get(waiting.number, "")
        yield SharingRow("unmerged" if fault else "waiting", waiting.level, waiting.seq, (), fault)
    for conflict in outbox.conflicts():
        text = "" if conflict.names else "both sides changed comments, or the order of lines"
        yield SharingRow("conflict", conflict.level, record.parse_header(conflict.mine).seq, conflict.names, text)
    for stream, loss in facts.lost.all().items():
        yield SharingRow("went-back", stream, loss.had, (), loss_words(loss))
    for stream in sorted(facts.forked):
        yield SharingRow("forked", stream, 0, (), "the engine's records are not those of this machine")
    for line in service.sharing.aside:
        if line.done:
            yield SharingRow(
                "aside",
                line.stream,
                line.last,
                (),
                f"from record {line.common + 1}, in {service.sharing.aside.place(line)}",
            )
    engine = service.sharing.address()
    for stream, refusal in sorted(facts.refused.items()):
        yield SharingRow("refused", stream, 0, (), refusal_words(refusal, engine))
    for stream, number in sorted(facts.left.items()):
        yield SharingRow("left", stream, 0, (), left_words(number))
    for name in outbox.damaged:
        yield SharingRow("damaged", f"{outbox.folder}/{name}", 0, (), "it cannot be read")


async def share_vault(call: Call, request: ShareVault) -> Sent:
    """Name the vault's engine."""
    _ = call.service.open_vault  # a vault is there, and may be read
    if request.dry:
        check_engine(call.service, request.engine)
    else:
        choose_engine(call.service, call.caller, request.engine)
    return Sent(Done())


async def resolve_conflict(call: Call, request: ResolveConflict) -> Sent:
    """Decide the conflicts of a level."""
    level = names.parse_level(request.level)
    version = await resolve_conflicts(call.service, call.caller, level, mine=request.mine)
    side = "this machine's values count" if request.mine else "the values of the other machine stay"
    return Sent(Done((f"{level} is at version {version}: {side}",)))


async def rejoin(call: Call, _request: RejoinEngine) -> Sent:
    """Take the engine's records where it is forked from this machine, and have this machine's versions merged."""
    return Sent(Done(tuple(await rejoin_engine(call.service, call.caller))))


async def accept_lost_records(call: Call, _request: AcceptLosses) -> Sent:
    """Take the owner's word that they know which records the engine lost."""
    _ = call.service.open_vault  # a vault is there, and may be read
    return Sent(Done(tuple(accept_losses(call.service, call.caller))))

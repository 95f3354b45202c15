"""The request for a report on a variable: who was given it, what else they got, what carries its values."""

from collections.abc import Iterator

from envfs.control.call import Call, Sent
from envfs.control.requests.holders import holder_row
from envfs.control.requests.rules import user_name
from envfs.control.requests.writers import admit_past
from envfs.core import names
from envfs.core.access.roles import Capability
from envfs.core.incident_tally import AccessTally, IncidentTally
from envfs.core.logged_reads import LoggedCaller, LoggedRefusal
from envfs.errors import BadRequest, NoSuchVariable
from envfs.protocol.control import (
    CarrierRow,
    IncidentReported,
    OtherReadRow,
    ReaderFactRow,
    RefusalFactRow,
    ReportIncident,
    VersionFactRow,
)
from envfs.service.access import rights
from envfs.service.audit import log_state
from envfs.service.audit.log_pass import pass_over
from envfs.service.audit.log_state import LogFacts, LogState
from envfs.service.audit.log_verification import Inquiry
from envfs.service.holding import holders, incident
from envfs.service.holding.holders import HoldersQuestion
from envfs.service.holding.incident import Incident, IncidentQuestion, Inquirer, OtherRead, ReadFact
from envfs.service.holding.live_reads import Times
from envfs.service.progress import Progress

_LONGEST_TIME = 32
_UIDS = 1 << 32


async def report_incident(call: Call, request: ReportIncident) -> Sent:
    """Send the parts of a report.

    Raises:
        BadRequest: a time is none
        NotApproved: the caller may not have the names and versions of the level. That is on the log
        NoSuchVariable: the level has no such variable, and nobody was given one
    """
    level, name = names.parse_level(request.level), names.parse_variable(request.name)
    if max(len(request.since), len(request.until)) > _LONGEST_TIME:
        raise BadRequest("not a time")
    exact = admit_past(call, level, name)

    def sees(level: str) -> bool:
        return rights.may(call.service, call.caller, Capability.LOG, level)

    question = IncidentQuestion(level, name, request.since, request.until)
    tally, live = IncidentTally(request.since, request.until), await holders.living()
    progress = Progress(call.send_row, call.service.log.tip.seq)
    await pass_over(call.service.log, progress, tally.take, live.take)
    report = await incident.look_into(call.service, question, Inquirer(call.caller, sees, exact), tally)
    living = await holders.holders_of(call.service, HoldersQuestion(level, name), sees, live, exact=exact)
    if not (report.reads or report.versions or living.holders):
        raise NoSuchVariable(f"{level} has no variable of that name, and nobody was given one")
    await call.send_rows(_rows(call, report, exact=exact))
    in_time = (holder for holder in living.holders if _overlaps(holder.times, question))
    await call.send_rows(map(holder_row, in_time))
    log = await _log_facts(call, request.since)
    return Sent(
        IncidentReported(
            level=level,
            name=name,
            source=report.past.source,
            since=request.since,
            until=request.until,
            entries=report.entries,
            log_begins=report.log_begins,
            log_state=log.state,
            log_facts=log.texts,
            notes=(*report.notes, *living.notes),
        )
    )


def _overlaps(times: Times, question: IncidentQuestion) -> bool:
    return times.last >= question.since and (not question.until or times.first < question.until)


async def _log_facts(call: Call, since: str) -> LogFacts:
    if not rights.may(call.service, call.caller, Capability.LOG, names.ROOT):
        return LogFacts(LogState.UNCHECKED, ("to verify the log takes `log` for the vault",))
    return await log_state.look_at_log(Inquiry(call.service, call.left, call.send_row), since)


def _rows(
    call: Call, report: Incident, *, exact: bool
) -> Iterator[VersionFactRow | ReaderFactRow | OtherReadRow | RefusalFactRow | CarrierRow]:
    author_names = call.service.author_names()
    numbers: dict[LoggedCaller, int] = {}
    for version, value in reversed(report.versions):
        change = version.version.change
        yield VersionFactRow(
            level=report.past.source,
            version=change.version,
            time=version.version.time,
            author=change.author,
            author_name=author_names.get(change.author, ""),
            operation=change.operation,
            value=value,
            is_current=bool(value) and version.mark == report.past.mark and (exact or version.is_last),
        )
    for fact in report.reads:
        yield _reader_row(fact, numbers.setdefault(fact.read.caller, len(numbers) + 1))
    for other in report.others:
        yield _other_row(other, numbers[other.caller])
    for refusal, tally in report.refusals:
        yield _refusal_row(refusal, tally)
    for location, value in report.carriers:
        yield CarrierRow(location.level, location.version, location.name, location.kind, value)


def _reader_row(fact: ReadFact, number: int) -> ReaderFactRow:
    read, tally, (sighting, is_current, is_clear, _), value = fact
    return ReaderFactRow(
        reader=number,
        user=_user(read.uid),
        **read.caller._asdict(),
        rule=read.rule,
        level=read.level,
        channel=read.route,
        source=sighting.level,
        version=sighting.version,
        value=value,
        is_current=is_current,
        is_clear=is_clear,
        times=tally.times,
        processes=tally.processes,
        first=tally.first,
        last=tally.last,
    )


def _other_row(other: OtherRead, number: int) -> OtherReadRow:
    tally = other.tally
    return OtherReadRow(number, other.level, other.is_whole, tally.times, tally.first, tally.last)


def _refusal_row(refusal: LoggedRefusal, tally: AccessTally) -> RefusalFactRow:
    return RefusalFactRow(
        user=_user(refusal.caller.uid),
        **refusal.caller._asdict(),
        level=refusal.level,
        what=refusal.what,
        rule=refusal.rule,
        times=tally.times,
        first=tally.first,
        last=tally.last,
    )


def _user(uid: int) -> str:
    return user_name(uid) if 0 <= uid < _UIDS else ""  # who bends a log may write any number there

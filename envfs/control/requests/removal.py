"""Requests that remove a level, move one, and forget versions for good."""

from collections.abc import Iterator

from envfs.control.call import Call, Sent
from envfs.control.requests.writers import (
    admit_source,
    check_part,
    check_writing,
    is_owner,
    may_compare,
    note_custody,
    writing_rule,
)
from envfs.core import names, record
from envfs.core.operations import Operation
from envfs.core.version_choice import VersionChoice
from envfs.errors import BadRequest
from envfs.protocol.control import ForgetVersions, MoveLevel, RemoveLevel, VersionsForgotten, Written
from envfs.service.levels import forgetting, moving, removal
from envfs.service.progress import Progress
from envfs.service.writer import LevelChange

_MOST_NAMED = 20


async def remove_level(call: Call, request: RemoveLevel) -> Sent:
    """Remove a level, and those below it if the request says so.

    Raises:
        BadRequest: there are levels below it
        NotApproved: the caller may not write one of them
    """
    open_vault, level = call.service.open_vault, names.parse_level(request.level)
    levels = removal.subtree(open_vault.vault, level)
    if levels != [level] and not request.below:
        raise BadRequest(f"there are levels below {level}", f"`envfs rm {level} --below` removes them too")
    change = LevelChange(Operation.REMOVE, level, message=request.message, rule=writing_rule(call, level))
    for each in levels:
        check_writing(call, each, type(request).__name__)
        check_part(call, change._replace(level=each))
    removed = await removal.remove_levels(open_vault, call.caller, levels, change)
    if not is_owner(call) and not may_compare(call, level):
        return Sent(Written(level, 0))
    result = removed[-1].result
    notes = (*_others(removed, level), *_notes(call, level, result.version))
    return Sent(Written(level, result.version, removed=result.changes.removed if result.changes else (), notes=notes))


def _others(removed: list[removal.Removed], level: str) -> Iterator[str]:
    others = [each for each in removed if each.level != level]
    for each in others[:_MOST_NAMED]:
        yield f"{each.level} is removed too, by its version {each.result.version}"
    if others[_MOST_NAMED:]:
        yield f"and {len(others) - _MOST_NAMED} more; `envfs ls --removed` lists them"


def _notes(call: Call, level: str, version: int) -> Iterator[str]:
    if version > 1:
        yield f"its versions stay: `envfs rollback {level} {version - 1}` brings it back"
        yield f"`envfs forget {level}` forgets them for good"
    yield from _rule_notes(call, level)


def _rule_notes(call: Call, level: str) -> Iterator[str]:
    if is_owner(call):
        rules = [rule for rule in call.service.book.load() if names.within(rule.level, level)]
        if rules:
            yield f"rules for {level} stay as well ({len(rules)}): `envfs grants` lists them"


async def move_level(call: Call, request: MoveLevel) -> Sent:
    """Move a level and all below it, with their versions.

    Raises:
        BadRequest: it cannot go there
        AlreadyExists: there is a level already
        NotApproved: the caller may not have the versions, or may not write one of the levels
    """
    open_vault, level = call.service.open_vault, names.parse_level(request.level)
    vault, target = open_vault.vault, names.parse_level(request.target)
    places = moving.destinations(removal.subtree(vault, level), level, target)
    for source, destination in places.items():
        for each in (source, destination):
            check_writing(call, each, type(request).__name__)
            check_part(call, LevelChange(Operation.MOVE, each))
    starts = {
        source: await moving.moved_versions(vault, call.service.keyholder, source, destination)
        for source, destination in places.items()
    }
    for source in places:
        admit_source(call, source, vault.versions(source)[-1])
    progress = Progress(call.send_row, sum(vault.versions(source)[-1] - starts[source] for source in places))
    for source, destination in places.items():
        rule = writing_rule(call, destination)
        change = LevelChange(Operation.MOVE, destination, restore_level=source, message=request.message, rule=rule)
        await moving.move_versions(open_vault, call.caller, change, starts[source], progress)
    notes = (*_moved(places, level), *note_custody(call, level, target), *_rule_notes(call, level))
    is_told = is_owner(call) or may_compare(call, target)
    return Sent(Written(target, vault.versions(target)[-1] if is_told else 0, notes=notes))


def _moved(places: dict[str, str], level: str) -> Iterator[str]:
    others = [(source, place) for source, place in places.items() if source != level]
    for source, place in others[:_MOST_NAMED]:
        yield f"{source} is {place} now"
    if others[_MOST_NAMED:]:
        yield f"and {len(others) - _MOST_NAMED} more; `envfs ls` lists them"
    if level in places:
        yield f"the versions of {level} are still in the vault; `envfs forget {level}` ends that"


async def forget_past(call: Call, request: ForgetVersions) -> Sent:
    """Forget the bytes of versions of a level.

    Raises:
        BadRequest: a number and a time, or a number that is none
        NoSuchLevel: there is no such level
    """
    plan = _plan(call, request)
    if plan.versions and not request.dry:
        await forgetting.forget_payloads(call.service, call.caller, plan)
    notes = () if request.dry else await _note_engine(call, plan.level)
    return Sent(VersionsForgotten(plan.level, len(plan.versions), plan.first_left, notes))


async def _note_engine(call: Call, level: str) -> tuple[str, ...]:
    sharing = call.service.sharing
    note = await sharing.erasing.outcome(record.level_stream(level)) if sharing.address() else ""
    return (note,) if note else ()


def _plan(call: Call, request: ForgetVersions) -> forgetting.ForgetPlan:
    if request.before and request.before_time:
        raise BadRequest("name one version, or one time")
    vault, level = call.service.open_vault.vault, names.parse_level(request.level)
    before = vault.chosen(level, VersionChoice(request.before)) if request.before < 0 else request.before
    return forgetting.plan_forgetting(vault, level, before, request.before_time)

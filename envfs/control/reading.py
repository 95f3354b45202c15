"""Requests for what views hold and what levels there are. Open to every uid: the gate decides."""

from collections.abc import Callable
from functools import partial

from envfs.control.call import Call, Sent
from envfs.control.damage import DAMAGED, fault
from envfs.core import names, record
from envfs.core.access_request import AccessRequest, Channel, Format
from envfs.dotenv import dialects
from envfs.errors import BadRequest, EnvFSError, NoSuchLevel, NoSuchVariable
from envfs.gate.views.ready_views import Keyholder
from envfs.gate.views.view import View
from envfs.protocol.control import (
    VIEW_END,
    DanglingRow,
    DescribeView,
    Done,
    FactsRow,
    FaultRow,
    LevelRow,
    ListHistory,
    ListLevels,
    ListVariables,
    ReadView,
    UseFact,
    VariableRow,
    VersionRow,
    ViewSent,
)
from envfs.protocol.keyholding import Compared, CompareVersions, Examined, ExamineView, Facts, VersionChange
from envfs.protocol.parts import Part
from envfs.service.service import House
from envfs.vault.vault import Vault

_COMPARED_AT_ONCE, _COMPARED_BYTES = 64, 2 << 20
_EXEC = "exec"  # `environ`, and what the environment of the command is to complete
_CHANNELS = (Channel.EXEC, Channel.GET, Channel.SHOW, Channel.EXPORT)  # the commands that read by the socket


async def read_view(call: Call, request: ReadView) -> Sent:
    """Send a view, or the part of it that was asked for."""
    level = names.level(request.level)
    if request.format not in _FORMATS or request.channel not in _CHANNELS or request.version < 0:
        raise BadRequest("an unknown format of a view, channel or version")
    shown, blobs_of = _FORMATS[request.format]
    for name in request.only:
        names.variable(name)
    is_lenient = request.format == _EXEC and request.dialect == dialects.INHERITING
    dialect = _dialect(call, level, "" if is_lenient else request.dialect)
    if is_lenient:
        dialect = f"{dialects.INHERITING} {dialect}"
    view = await _admit(call, AccessRequest(level, Channel(request.channel), shown, request.version, dialect))
    try:
        blobs = blobs_of(view, request.only)
    except EnvFSError:
        view.release()
        raise
    return Sent(
        ViewSent(level, view.version, view.variables, view.dialect), (*blobs, VIEW_END), view.check, view.release
    )


async def list_variables(call: Call, request: ListVariables) -> Sent:
    """Send the names of a view and the level that sets each."""
    level = names.level(request.level)
    view = await _admit(call, AccessRequest(level, Channel.SOCKET, Format.NAMES, request.version))
    try:
        origins = view.origins()
    finally:
        view.release()
    await call.send_rows(VariableRow(name, origin) for name, origin in origins)
    return Sent(Done())


async def describe_view(call: Call, request: DescribeView) -> Sent:
    """Send what is to be known of a view beside its values."""
    level, house = names.level(request.level), call.service.house
    check_visible(call, level, AccessRequest(level, Channel.SOCKET, Format.NAMES, request.version))
    house.gate.admit_facts(call.caller, AccessRequest(level, Channel.SOCKET, Format.NAMES, request.version))
    dialect = _dialect(call, level, request.dialect)
    examined = await examine(house, call.service.keyholder, level, request.version, dialect)
    await call.send_rows(map(_row, examined.variables))
    await call.send_rows(DanglingRow(*dangling) for dangling in examined.dangling)
    return Sent(Done())


def _row(facts: Facts) -> FactsRow:
    uses = tuple(UseFact(*use) for use in facts.uses)
    return FactsRow(facts.name, facts.levels, uses, facts.empty, facts.doubts, facts.refused)


async def examine(
    house: House, keyholder: Keyholder, level: str, version: int = 0, dialect: str = "", *, doubtful: bool = False
) -> Examined:
    """Ask what is to be known of a view beside its values; version 0 is now; `doubtful`: of doubtful ones alone."""
    async with keyholder.turn():
        versions = house.vault.versions_at(level, version) if version else house.vault.versions(level)
        layers = house.vault.layers(list(zip(names.chain(level), versions, strict=True)))
        answer = await keyholder.ask(ExamineView(layers.layers, dialect, doubtful), layers.blobs)
    if not isinstance(answer.message, Examined):
        raise TypeError("the keyholder answered something else")
    return answer.message


async def list_levels(call: Call, request: ListLevels) -> Sent:
    """Send the levels that the caller may know of."""
    top, house = names.level(request.level), call.service.house
    check_visible(call, top)
    for level in house.vault.levels():
        if names.within(level, top) and _visible(call, level):
            try:
                row: LevelRow | FaultRow = _level_row(call, level)
            except DAMAGED as error:
                row = fault(level, error)
            await call.send_row(row)
    return Sent(Done())


def _level_row(call: Call, level: str) -> LevelRow:
    vault = call.service.house.vault
    head = vault.head(level)
    time = vault.header(level, head.seq).time if head else ""
    allowed = call.service.house.gate.allows(call.caller, level)
    return LevelRow(level, head.seq if head else 0, time, allowed)


async def list_history(call: Call, request: ListHistory) -> Sent:
    """Send the versions of a level, the newest first, with the names that each changed."""
    level, house = names.level(request.level), call.service.house
    check_visible(call, level)
    house.gate.admit_facts(call.caller, AccessRequest(level, Channel.SOCKET, Format.HISTORY))
    head = house.vault.head(level)
    newest = head.seq if head else 0
    oldest = max(1, newest - request.newest + 1) if request.newest else 1
    last = newest
    while last >= oldest:
        try:
            rows: list[VersionRow | FaultRow] = [*await _compare(call, level, oldest, last)]
        except DAMAGED:
            first = max(oldest, last - _COMPARED_AT_ONCE + 1)
            rows = [await _version_or_fault(call, level, version) for version in range(last, first - 1, -1)]
        await call.send_rows(rows)
        last -= max(1, len(rows))
    return Sent(Done())


async def _compare(call: Call, level: str, oldest: int, last: int) -> list[VersionRow]:
    # as many versions as are bounded in number and in bytes, the newest first; the turn ends before they are sent
    house = call.service.house
    async with call.service.keyholder.turn():
        first = _first_of(house.vault, level, oldest, last)
        layers = house.vault.layers([(level, version) for version in range(max(1, first - 1), last + 1)])
        answer = await call.service.keyholder.ask(CompareVersions(layers.layers), layers.blobs)
        times = {each.record.seq: record.parse_header(layers.blobs[each.record_blob]).time for each in layers.layers}
    changes = answer.message.versions if isinstance(answer.message, Compared) else ()
    return [_version_row(change, times[change.version]) for change in reversed(changes)]


async def _version_or_fault(call: Call, level: str, version: int) -> VersionRow | FaultRow:
    try:
        return (await _compare(call, level, version, version))[0]
    except DAMAGED as error:
        return fault(record.key(record.level_stream(level), version), error)


def _first_of(vault: Vault, level: str, oldest: int, last: int) -> int:
    stream, size, first = record.level_stream(level), 0, last
    while first > oldest and last - first + 1 < _COMPARED_AT_ONCE:
        size += len(vault.read(stream, first) or b"")
        if size > _COMPARED_BYTES:
            break
        first -= 1
    return first


def _version_row(change: VersionChange, time: str) -> VersionRow:
    return VersionRow(change.version, time, change.author, change.added, change.changed, change.removed)


def _dialect(call: Call, level: str, asked: str) -> str:
    if asked and asked not in dialects.NAMES:
        raise BadRequest("there is no dialect of that name", f"there are {', '.join(dialects.NAMES)}")
    return asked or call.service.house.gate.dialect(call.caller, level)


async def _admit(call: Call, access: AccessRequest) -> View:
    check_visible(call, access.level, access)
    if access.format is Format.OWN:
        return await call.service.house.gate.admit_own(call.caller, access)
    return await call.service.house.gate.admit(call.caller, access)


def _visible(call: Call, level: str) -> bool:
    is_owner = call.caller.uid == call.service.owner and not call.caller.unknown
    return is_owner or call.service.house.gate.sees(call.caller, level)


def check_visible(call: Call, level: str, access: AccessRequest | None = None) -> None:
    """Raise NoSuchLevel if there is no such level, and NotApproved for whoever may not know of it."""
    # who may not know of a level is told the same whether it exists or not
    gate = call.service.house.gate
    if not _visible(call, level):
        gate.refuse(call.caller, access or AccessRequest(level, Channel.SOCKET, Format.NAMES), "no grant")
    if not call.service.house.vault.exists(level):
        raise NoSuchLevel(f"there is no level {level}", "`envfs ls` lists the levels")


# A blob is the view's own memory, sent from where it is: no copy of a value comes into the daemon's heap.
_Blobs = tuple[bytes | memoryview, ...]


def _whole(part: Part, view: View, only: tuple[str, ...]) -> _Blobs:
    if only:
        raise BadRequest("a text is sent whole")
    return (view.look(view.part(part)),)


def _environ(view: View, only: tuple[str, ...]) -> _Blobs:
    if not only:
        return _whole(Part.ENVIRON, view, ())
    values = [(name, _variable(view, name)) for name in only]
    return tuple(part for name, value in values for part in (f"{name}=".encode(), value, b"\0"))


def _for_a_command(view: View, only: tuple[str, ...]) -> _Blobs:
    # an entry without a name ends the variables; what follows is for the environment of the command to complete
    opened = view.part(Part.OPENED)
    return (*_environ(view, only), *((b"\0", view.look(opened)) if opened.size else ()))


def _value(view: View, only: tuple[str, ...]) -> _Blobs:
    if len(only) != 1:
        raise BadRequest("ask for one variable")
    return (_variable(view, only[0]),)


def _variable(view: View, name: str) -> memoryview:
    extent = view.value(names.variable(name))
    if extent is None:
        raise NoSuchVariable(f"{view.level} has no variable of that name", f"`envfs show {view.level}` lists them")
    return view.look(extent)


_FORMATS: dict[str, tuple[Format, Callable[[View, tuple[str, ...]], _Blobs]]] = {
    Format.DOTENV: (Format.DOTENV, partial(_whole, Part.DOTENV)),
    Format.JSON: (Format.JSON, partial(_whole, Part.JSON)),
    Format.EXAMPLE: (Format.EXAMPLE, partial(_whole, Part.EXAMPLE)),
    Format.OWN: (Format.OWN, partial(_whole, Part.DOTENV)),
    Format.ENVIRON: (Format.ENVIRON, _environ),
    _EXEC: (Format.ENVIRON, _for_a_command),
    Format.VALUE: (Format.VALUE, _value),
}

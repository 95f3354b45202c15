"""Requests for what views hold and what levels there are. Open to every uid: the gate decides."""

from envfs.control.call import Call, Sent
from envfs.control.damage import fault
from envfs.core import names
from envfs.dotenv import dialects
from envfs.errors import BadRequest, EnvFSError, NoSuchVariable
from envfs.gate.gate import Wish
from envfs.gate.reader import OWN, Damaged, Version
from envfs.gate.views.view import View
from envfs.protocol.answers import Facts
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
from envfs.vault.damage import DAMAGED

_EXEC = "exec"
_DOORS = ("exec", "get", "show", "export")  # what the log says of a request through the socket


async def read_view(call: Call, request: ReadView) -> Sent:
    """Send a view, or the part of it that was asked for."""
    level = names.level(request.level)
    if request.form not in _FORMS or request.door not in _DOORS or request.version < 0:
        raise BadRequest("an unknown form of a view, door or version")
    for name in request.only:
        names.variable(name)
    form = "environ" if request.form == _EXEC else request.form
    is_lenient = request.form == _EXEC and request.dialect == dialects.INHERITING
    dialect = _dialect(call, level, "" if is_lenient else request.dialect)
    if is_lenient:
        dialect = f"{dialects.INHERITING} {dialect}"
    wish = Wish(level, request.door, form, request.version, dialect)
    view = await call.service.house.reader.view(call.caller, wish)
    try:
        blobs = _FORMS[request.form](view, form, request.only)
    except EnvFSError:
        view.release()
        raise
    return Sent(
        ViewSent(level, view.version, view.variables, view.dialect), (*blobs, VIEW_END), view.check, view.release
    )


async def list_variables(call: Call, request: ListVariables) -> Sent:
    """Send the names of a view and the level that sets each."""
    wish = Wish(names.level(request.level), "socket", "names", request.version)
    origins = await call.service.house.reader.names(call.caller, wish)
    await call.send_rows(VariableRow(name, origin) for name, origin in origins)
    return Sent(Done())


async def describe_view(call: Call, request: DescribeView) -> Sent:
    """Send what is to be known of a view beside its values."""
    level = names.level(request.level)
    wish = Wish(level, "socket", "names", request.version, _dialect(call, level, request.dialect))
    examined = await call.service.house.reader.facts(call.caller, wish)
    await call.send_rows(map(_row, examined.variables))
    await call.send_rows(DanglingRow(*dangling) for dangling in examined.dangling)
    return Sent(Done())


def _row(facts: Facts) -> FactsRow:
    uses = tuple(UseFact(*use) for use in facts.uses)
    return FactsRow(facts.name, facts.levels, uses, facts.empty, facts.doubts, facts.refused)


async def list_levels(call: Call, request: ListLevels) -> Sent:
    """Send the levels that the caller may know of."""
    top, house = names.level(request.level), call.service.house
    house.reader.check(call.caller, Wish(top, "socket", "names"))
    for level in house.vault.levels():
        if names.within(level, top) and house.reader.knows(call.caller, level):
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
    allowed = call.service.house.gate.decide(call.caller, level).decision == "allow"
    return LevelRow(level, head.seq if head else 0, time, allowed)


async def list_history(call: Call, request: ListHistory) -> Sent:
    """Send the versions of a level, the newest first, with the names that each changed."""
    wish = Wish(names.level(request.level), "socket", "history")
    async for versions in call.service.house.reader.history(call.caller, wish, request.newest):
        await call.send_rows(map(_version_row, versions))
    return Sent(Done())


def _version_row(version: Version | Damaged) -> VersionRow | FaultRow:
    match version:
        case Damaged(key, error):
            return fault(key, error)
        case Version(change, time):
            return VersionRow(change.version, time, change.author, change.added, change.changed, change.removed)


def _dialect(call: Call, level: str, asked: str) -> str:
    if asked and asked not in dialects.NAMES:
        raise BadRequest("there is no dialect of that name", f"there are {', '.join(dialects.NAMES)}")
    return asked or call.service.house.gate.dialect(call.caller, level)


# A blob is the view's own memory, sent from where it is: no copy of a value comes into the daemon's heap.
_Blobs = tuple[bytes | memoryview, ...]


def _whole(view: View, form: str, only: tuple[str, ...]) -> _Blobs:
    if only:
        raise BadRequest("a text is sent whole")
    return (view.look(view.part(form)),)


def _own(view: View, _form: str, only: tuple[str, ...]) -> _Blobs:
    return _whole(view, "dotenv", only)


def _environ(view: View, form: str, only: tuple[str, ...]) -> _Blobs:
    if not only:
        return _whole(view, form, ())
    values = [(name, _variable(view, name)) for name in only]
    return tuple(part for name, value in values for part in (f"{name}=".encode(), value, b"\0"))


def _for_a_command(view: View, form: str, only: tuple[str, ...]) -> _Blobs:
    # an entry without a name ends the variables; what follows is for the environment of the command to complete
    opened = view.part("opened")
    return (*_environ(view, form, only), *((b"\0", view.look(opened)) if opened.size else ()))


def _value(view: View, _form: str, only: tuple[str, ...]) -> _Blobs:
    if len(only) != 1:
        raise BadRequest("ask for one variable")
    return (_variable(view, only[0]),)


def _variable(view: View, name: str) -> memoryview:
    extent = view.value(names.variable(name))
    if extent is None:
        raise NoSuchVariable(f"{view.level} has no variable of that name", f"`envfs show {view.level}` lists them")
    return view.look(extent)


_FORMS = {
    "dotenv": _whole,
    "json": _whole,
    "example": _whole,
    OWN: _own,
    "environ": _environ,
    _EXEC: _for_a_command,
    "value": _value,
}

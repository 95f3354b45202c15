"""Requests for what views hold and what levels there are. Open to every uid: the gate decides."""

from envfs.control.call import Call, Sent
from envfs.control.damage import DAMAGED, fault
from envfs.core import names
from envfs.dotenv import dialects
from envfs.errors import BadRequest, EnvFSError, NoSuchLevel, NoSuchVariable
from envfs.gate.gate import Wish
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
    ListLevels,
    ListVariables,
    ReadView,
    UseFact,
    VariableRow,
    ViewSent,
)
from envfs.protocol.keyholding import Examined, ExamineView, Facts
from envfs.service.service import House

_EXEC = "exec"
_OWN = "own"  # not of the view: the level's own text
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
    view = await _admit(call, Wish(level, request.door, form, request.version, dialect))
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
    level = names.level(request.level)
    view = await _admit(call, Wish(level, "socket", "names", request.version))
    try:
        origins = view.origins()
    finally:
        view.release()
    await call.send_rows(VariableRow(name, origin) for name, origin in origins)
    return Sent(Done())


async def describe_view(call: Call, request: DescribeView) -> Sent:
    """Send what is to be known of a view beside its values."""
    level, house = names.level(request.level), call.service.house
    check_visible(call, level, Wish(level, "socket", "names", request.version))
    house.gate.admit_facts(call.caller, Wish(level, "socket", "names", request.version))
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
    allowed = call.service.house.gate.decide(call.caller, level).decision == "allow"
    return LevelRow(level, head.seq if head else 0, time, allowed)


def _dialect(call: Call, level: str, asked: str) -> str:
    if asked and asked not in dialects.NAMES:
        raise BadRequest("there is no dialect of that name", f"there are {', '.join(dialects.NAMES)}")
    return asked or call.service.house.gate.dialect(call.caller, level)


async def _admit(call: Call, wish: Wish) -> View:
    check_visible(call, wish.level, wish)
    if wish.form == _OWN:
        return await call.service.house.gate.admit_own(call.caller, wish)
    return await call.service.house.gate.admit(call.caller, wish)


def is_owner(call: Call) -> bool:
    """Tell whether the vault's owner asks."""
    return call.caller.uid == call.service.owner and not call.caller.unknown


def _visible(call: Call, level: str) -> bool:
    return is_owner(call) or call.service.house.gate.sees(call.caller, level)


def check_visible(call: Call, level: str, wish: Wish | None = None) -> None:
    """Raise NoSuchLevel if there is no such level, and NotApproved for whoever may not know of it."""
    # who may not know of a level is told the same whether it exists or not
    gate = call.service.house.gate
    if not _visible(call, level):
        gate.refuse(call.caller, wish or Wish(level, "socket", "names"), "no grant")
    if not call.service.house.vault.exists(level):
        raise NoSuchLevel(f"there is no level {level}", "`envfs ls` lists the levels")


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
    _OWN: _own,
    "environ": _environ,
    _EXEC: _for_a_command,
    "value": _value,
}

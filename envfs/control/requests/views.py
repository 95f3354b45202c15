"""Requests for what views hold and what levels there are. Open to every uid: the gate decides."""

import itertools
from collections.abc import Callable, Mapping
from contextlib import aclosing
from functools import partial

from envfs.control.call import Call, Sent
from envfs.control.requests.chosen_version import choose_version
from envfs.control.requests.damage import fault_row
from envfs.control.requests.writers import may_guess
from envfs.core import names, record
from envfs.core.access.face import Face
from envfs.core.access.roles import Capability
from envfs.core.access_request import AccessRequest, Channel, Format
from envfs.core.view_parts import Part
from envfs.dotenv import dialect_names
from envfs.errors import BadRequest, EnvFSError, NoSuchVariable
from envfs.gate.approvals.board import Patience
from envfs.gate.level_differences import TextPair
from envfs.gate.level_history import Damaged, Version
from envfs.gate.views.view import View
from envfs.protocol.answers import Facts
from envfs.protocol.control import (
    VIEW_END,
    CompareLevels,
    DanglingRow,
    DescribeView,
    DifferenceRow,
    Done,
    FactsRow,
    FaultRow,
    LevelRow,
    ListHistory,
    ListLevels,
    ListVariables,
    ReadView,
    RenameFact,
    UseFact,
    VariableRow,
    VersionRow,
    ViewSent,
    WaitingRow,
    WrongDirectiveRow,
)
from envfs.vault.damage import DAMAGED

_VERSIONS = (Capability.HISTORY, Capability.WRITE)  # by which the versions of a level are known
_NOT_EXACT = "a changed variable was written between the two; whether its value is the same again takes `read`"
_LONGEST_TARGET = 16
_LEVELS = 16  # in one piece of an answer: others have their turn between two
_EXEC = "exec"  # `environ`, and what the environment of the command is to complete
_CHANNELS = (
    Channel.EXEC,
    Channel.GET,
    Channel.SHOW,
    Channel.EXPORT,
    Channel.PUSH,
)  # the commands that read by the socket


async def read_view(call: Call, request: ReadView) -> Sent:
    """Send a view, or the requested part of it. Raises BadRequest for an unknown form or channel."""
    level = names.parse_level(request.level)
    if request.format not in _FORMATS or request.channel not in _CHANNELS:
        raise BadRequest("an unknown format of a view, or channel")
    _check_target(request)
    shown, blobs_of = _FORMATS[request.format]
    for name in request.only:
        names.parse_variable(name)
    is_lenient = request.format == _EXEC and request.dialect == dialect_names.INHERITING
    face = _face(call, level, "" if is_lenient else request.dialect, shown)
    if is_lenient:
        face = face._replace(dialect=f"{dialect_names.INHERITING} {face.dialect}")
    face = face._replace(masked=face.masked or request.masked)
    access = AccessRequest(level, Channel(request.channel), shown, 0, face, tuple(request.only), "", request.target)
    access = await choose_version(call, access, request.version, request.moment)
    patience = Patience(call.left, lambda: request.reason, partial(tell_waiting, call))
    view = await call.service.open_vault.reader.view(call.caller, access, patience)
    try:
        blobs = blobs_of(view, request.only)
    except EnvFSError:
        view.release()
        raise
    dangerous = view.dangerous_names(access.variables) if request.format == _EXEC else ()
    sent = ViewSent(level, view.version, view.variables, view.dialect, face.masked, dangerous)
    return Sent(sent, (*blobs, VIEW_END), view.check, view.release)


def _check_target(request: ReadView) -> None:
    target = request.target
    is_word = target.isascii() and target.isalpha() and target.islower() and len(target) <= _LONGEST_TARGET
    if not is_word if request.channel == Channel.PUSH else target:
        raise BadRequest("an unknown target of a push")


async def tell_waiting(call: Call, question: str, seconds: float) -> None:
    """Tell a client that its request waits for a person."""
    await call.send_row(WaitingRow(question, round(seconds)))


async def list_variables(call: Call, request: ListVariables) -> Sent:
    """Send the names of a view and the level that sets each."""
    access = AccessRequest(names.parse_level(request.level), Channel.SOCKET, Format.NAMES)
    access = await choose_version(call, access, request.version, request.moment)
    origins = await call.service.open_vault.reader.names(call.caller, access)
    await call.send_rows(VariableRow(name, origin) for name, origin in origins)
    return Sent(Done())


async def describe_view(call: Call, request: DescribeView) -> Sent:
    """Send the facts about a view, without its values."""
    level = names.parse_level(request.level)
    face = _face(call, level, request.dialect, Format.NAMES)
    access = AccessRequest(level, Channel.SOCKET, Format.NAMES, face=face)
    access = await choose_version(call, access, request.version, request.moment)
    examined = await call.service.open_vault.reader.facts(call.caller, access)
    await call.send_rows(map(_row, examined.variables))
    await call.send_rows(DanglingRow(*dangling) for dangling in examined.dangling)
    await call.send_rows(WrongDirectiveRow(*wrong) for wrong in examined.directives)
    return Sent(Done())


def _row(facts: Facts) -> FactsRow:
    uses = tuple(UseFact(*use) for use in facts.uses)
    return FactsRow(facts.name, facts.levels, uses, facts.empty, facts.doubts, facts.refused)


async def list_levels(call: Call, request: ListLevels) -> Sent:
    """Send the levels that the caller may know of."""
    top, open_vault = names.parse_level(request.level), call.service.open_vault
    if request.removed:
        return await _list_removed(call, top)
    open_vault.reader.check(call.caller, AccessRequest(top, Channel.SOCKET, Format.NAMES))
    levels = (level for level in open_vault.vault.levels() if names.within(level, top))
    while some := tuple(itertools.islice(levels, _LEVELS)):
        await call.send_rows(_row_of(call, level) for level in some if open_vault.reader.knows(call.caller, level))
    return Sent(Done())


def _row_of(call: Call, level: str) -> LevelRow | FaultRow:
    try:
        return _level_row(call, level)
    except DAMAGED as error:
        return fault_row(level, error)


async def _list_removed(call: Call, top: str) -> Sent:
    # others than the owner learn nothing of what is not there
    vault = call.service.open_vault.vault
    if call.caller.is_user(call.service.owner):
        await call.send_rows(_level_row(call, level) for level in vault.removed_levels() if names.within(level, top))
    return Sent(Done())


def _level_row(call: Call, level: str) -> LevelRow:
    vault = call.service.open_vault.vault
    caller, gate = call.caller, call.service.open_vault.gate
    allowed = gate.allows(caller, level)
    # whoever comes by for a level below, or for names, learns neither how often it was written nor when
    has_versions = (
        caller.is_user(call.service.owner) or allowed or any(gate.allows(caller, level, c) for c in _VERSIONS)
    )
    head = vault.head(level) if has_versions else None
    time = record.parse_header(head.data).time if head else ""
    return LevelRow(level, head.seq if head else 0, time, allowed)


async def list_history(call: Call, request: ListHistory) -> Sent:
    """Send the versions of a level, the newest first, with the names that each changed."""
    if request.name:
        names.parse_variable(request.name)
    access = AccessRequest(names.parse_level(request.level), Channel.SOCKET, Format.HISTORY)
    access = await choose_version(call, access, request.version, request.moment)
    author_names = call.service.author_names()
    reader, hides = call.service.open_vault.reader, may_guess(call, access.level)
    listing = reader.history(call.caller, access, request.newest, request.name, hides_changed=hides)
    async with aclosing(listing) as pages:  # the client may leave in between
        async for versions in pages:
            await call.send_rows(_version_row(version, author_names) for version in versions)
    return Sent(Done())


async def compare_levels(call: Call, request: CompareLevels) -> Sent:
    """Send the names in which two versions of a level differ, or two levels."""
    level = names.parse_level(request.level)
    other, open_vault = names.parse_level(request.other) if request.other else level, call.service.open_vault
    own = request.own or other == level
    shown = Format.OWN if own else Format.COMPARE
    sides = []
    for at, version, moment in (
        (level, request.version, request.moment),
        (other, request.other_version, request.other_moment),
    ):
        access = AccessRequest(at, Channel.SOCKET, shown)
        open_vault.reader.check(call.caller, access)
        sides.append(await choose_version(call, access, version, moment))
    pair, hides = TextPair(sides[0], sides[1], own), may_guess(call, level)
    differences = await open_vault.differences.between(call.caller, pair, hides_changed=hides)
    for change, group in differences.names._asdict().items():
        await call.send_rows(DifferenceRow(change, name) for name in group)
    return Sent(Done(() if differences.is_exact else (_NOT_EXACT,)))


def _version_row(version: Version | Damaged, author_names: Mapping[str, str]) -> VersionRow | FaultRow:
    match version:
        case Damaged(key, error):
            return fault_row(key, error)
        case Version(change, time, has_names):
            renamed = tuple(RenameFact(*pair) for pair in change.renamed)
            name = author_names.get(change.author, "")
            return VersionRow(change.version, time, *change[1:-1], renamed, name, has_names)


def _face(call: Call, level: str, asked: str, what: Format) -> Face:
    if asked and asked not in dialect_names.NAMES:
        raise BadRequest("there is no dialect of that name", f"there are {', '.join(dialect_names.NAMES)}")
    return call.service.open_vault.gate.face(
        call.caller, level, asked, AccessRequest(level, Channel.SOCKET, what).capability
    )


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


def command_blobs(view: View, only: tuple[str, ...]) -> _Blobs:
    """Return what the environment of a command is made of."""
    # an entry without a name ends the variables; what follows is for the environment of the command to complete
    opened = view.part(Part.OPENED)
    return (*_environ(view, only), *((b"\0", view.look(opened)) if opened.size else ()))


def _value(view: View, only: tuple[str, ...]) -> _Blobs:
    if len(only) != 1:
        raise BadRequest("ask for one variable")
    return (_variable(view, only[0]),)


def _variable(view: View, name: str) -> memoryview:
    extent = view.value(names.parse_variable(name))
    if extent is None:
        raise NoSuchVariable(f"{view.level} has no variable of that name", f"`envfs show {view.level}` lists them")
    return view.look(extent)


_FORMATS: dict[str, tuple[Format, Callable[[View, tuple[str, ...]], _Blobs]]] = {
    Format.DOTENV: (Format.DOTENV, partial(_whole, Part.DOTENV)),
    Format.JSON: (Format.JSON, partial(_whole, Part.JSON)),
    Format.EXAMPLE: (Format.EXAMPLE, partial(_whole, Part.EXAMPLE)),
    Format.OWN: (Format.OWN, partial(_whole, Part.DOTENV)),
    Format.ENVIRON: (Format.ENVIRON, _environ),
    _EXEC: (Format.ENVIRON, command_blobs),
    Format.VALUE: (Format.VALUE, _value),
}

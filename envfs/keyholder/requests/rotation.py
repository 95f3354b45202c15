"""The rotation of values: the text after each step of one, what texts say of it, and since when a value is there.

Laws: a value comes in and none goes out. The value that a step replaces stays in the versions before. A step that
takes something away takes what a rotation wrote, and nothing else.
"""

from collections.abc import Callable

from envfs.core.rotation import NEXT, PREVIOUS, Directives, RotationPhase, written_end
from envfs.dotenv import canaries, directives
from envfs.dotenv.document import Document, parse_document
from envfs.dotenv.references import has_references
from envfs.errors import AlreadyExists, Conflict, Malformed, NoSuchVariable
from envfs.keyholder.requests.work import Work, WorkResult
from envfs.protocol.keyholding import (
    DirectivesRead,
    Matched,
    MatchValues,
    ReadDirectives,
    SharedDirectives,
    WriteLevel,
)

_TO_THE_MINUTE = len("2027-01-31T10:00")
_FORMS: tuple[tuple[str, Callable[[str], bool]], ...] = (
    ("an address", lambda value: "://" in value),
    ("a key or a certificate", lambda value: "-----BEGIN " in value),
)


def rotated_text(request: WriteLevel, old: Document, value: str) -> Document:
    """Return a level's text after a step of a rotation. `value` is the new one, for the steps that come with one.

    Raises:
        NoSuchVariable: the variable is not set here, or the step has nothing to end
        AlreadyExists: another rotation of it is under way, or its overlap is not over
        Malformed: the value is not new, or cannot take the other's place
    """
    return _STEPS[request.phase](request, old, value)


def _direct(request: WriteLevel, old: Document, value: str) -> Document:
    _check_new(request, old, value)
    _check_no_other(request, old)
    return _with_value(request, old, value)


def _begin(request: WriteLevel, old: Document, value: str) -> Document:
    name = request.name
    _check_new(request, old, value)
    _check_no_other(request, old)
    _check_over(request, old)
    begun = _after(old, name, name + NEXT, value)
    return directives.with_directive(begun, name + NEXT, "rotation-begun", f"{request.time[:_TO_THE_MINUTE]}Z")


def _apply(request: WriteLevel, old: Document, applied: str) -> Document:
    value = _pending(old, request.name)
    if applied and applied != value and not request.always:  # else nothing is said of what is there
        text = f"{request.name}{NEXT} has another value than the one that was applied"
        raise Conflict(text, f"`envfs history {_level(request)} --name {request.name}{NEXT}` lists its versions")
    value = applied or value
    return _with_value(request, _without(old, request.name + NEXT), value)


def _abort(request: WriteLevel, old: Document, _value: str) -> Document:
    _pending(old, request.name)
    return _without(old, request.name + NEXT)


def _finish(request: WriteLevel, old: Document, _value: str) -> Document:
    if not _said(old, request.name + PREVIOUS).overlap_until:
        raise NoSuchVariable(f"{request.name} has no value before it that a rotation left")
    return _without(old, request.name + PREVIOUS)


_STEPS: dict[RotationPhase, Callable[[WriteLevel, Document, str], Document]] = {
    RotationPhase.DIRECT: _direct,
    RotationPhase.BEGIN: _begin,
    RotationPhase.APPLY: _apply,
    RotationPhase.ABORT: _abort,
    RotationPhase.FINISH: _finish,
}


def rotation_message(phase: RotationPhase, name: str) -> str:
    """Return what a version of a step says of itself, where a person gave no message."""
    return _MESSAGES[phase].format(name)


_MESSAGES = {
    RotationPhase.DIRECT: "a new value for {0}",
    RotationPhase.BEGIN: f"{{0}}{NEXT} is the value that {{0}} is to have",
    RotationPhase.APPLY: f"{{0}} has the value of {{0}}{NEXT}",
    RotationPhase.ABORT: "the rotation of {0} was given up",
    RotationPhase.FINISH: "the overlap of {0} is over",
}


def _said(document: Document, name: str) -> Directives:
    return directives.rotation_directives(document).get(name, Directives())


def _with_value(request: WriteLevel, old: Document, value: str) -> Document:
    new = old.set(request.name, value)
    return _with_previous(request, old, new) if request.until else new


def _with_previous(request: WriteLevel, old: Document, new: Document) -> Document:
    name, older_name = request.name, request.name + PREVIOUS
    _check_over(request, old)
    new = _without(new, older_name) if older_name in new.variables() else new
    new = _after(new, name, older_name, old.variables()[name])
    new = directives.with_directive(new, older_name, "overlap-until", written_end(request.until))
    return canaries.with_mark(new, older_name) if name in canaries.marked_names(old) else new


def _after(document: Document, name: str, new_name: str, value: str) -> Document:
    # the new variable in the line below the other one, where a person looks for it
    place = max(at for at, entry in enumerate(document.entries) if entry.name == name)
    text = "".join(entry.raw for entry in document.entries[: place + 1])
    from_here = Document(document.entries[: place + 1]).set(new_name, value).render()
    if not from_here.startswith(text):  # it ended without a line end
        return document.set(new_name, value)
    return parse_document(from_here + "".join(entry.raw for entry in document.entries[place + 1 :]))


def _without(document: Document, name: str) -> Document:
    return canaries.without_mark(directives.without_directives(document, (name,)).unset(name), name)


def _pending(old: Document, name: str) -> str:
    present = old.variables()
    if not _said(old, name + NEXT).begun:
        raise NoSuchVariable(f"no rotation of {name} is under way")
    if name not in present:
        raise NoSuchVariable(f"{name} is not set here any more", f"{name}{NEXT} has its new value")
    return present[name + NEXT]


def _check_new(request: WriteLevel, old: Document, value: str) -> None:
    present, name = old.variables(), request.name
    if name not in present:
        raise NoSuchVariable(
            f"{name} is not set at this level itself", f"`envfs generate --set {_level(request)} {name}`"
        )
    if request.until and any(has_references(entry) for entry in old.entries if entry.name == name):
        raise Malformed(f"{name} refers to other variables, so it has no value before", "rotate those")
    if not value:
        raise Malformed("the new value is empty, so nothing was changed")
    if not request.always:  # else nothing is said of what was there
        _check_kind(name, present[name], value)


def _check_kind(name: str, old_value: str, value: str) -> None:
    if value == old_value:
        raise Malformed("the new value is the one that is there, so nothing was changed")
    hint = "make the whole value with --command, or pipe it in with --stdin"
    for words, is_one in _FORMS:
        if is_one(old_value) and not is_one(value):
            raise Malformed(f"{name} holds {words}, and the new value is none, so nothing was changed", hint)


def _level(request: WriteLevel) -> str:
    return request.place.stream.removeprefix("level") or "/"


def _check_no_other(request: WriteLevel, old: Document) -> None:
    name = request.name
    if name + NEXT not in old.variables():
        return
    begun = _said(old, name + NEXT).begun
    if not begun:
        raise AlreadyExists(f"{name}{NEXT} is set here, and by no rotation", "rename it first")
    text = f"a rotation of {name} is under way since {_minute(begun)}"
    level = _level(request)
    resume, abort = f"`envfs rotate {level} {name} --resume`", f"`envfs rotate {level} {name} --abort`"
    raise AlreadyExists(text, f"{resume} goes on with it, and {abort} gives it up")


def _check_over(request: WriteLevel, old: Document) -> None:
    older_name = request.name + PREVIOUS
    if not request.until or older_name not in old.variables():
        return
    until = _said(old, older_name).overlap_until
    if not until:
        raise AlreadyExists(f"{older_name} is set here, and by no rotation", "rename it first")
    if until > request.time:
        text = f"{request.name} has another value before it until {_minute(until)}"
        raise AlreadyExists(text, f"`envfs rotate {_level(request)} {request.name} --finish` ends that overlap")


def _minute(time: str) -> str:
    return f"{time[:_TO_THE_MINUTE].replace('T', ' ')} UTC"


def read_directives(request: ReadDirectives, work: Work) -> WorkResult:
    """Say what each text says of the rotation of its variables."""
    answers = []
    for number, layer in enumerate(request.layers):
        document = work.open(layer)
        said = directives.rotation_directives(document)
        if request.name:
            is_set = request.name in document.variables()
            said = {request.name: said.get(request.name, Directives())} if is_set else {}
        groups: dict[Directives, list[str]] = {}
        for name, about in said.items():
            groups.setdefault(about, []).append(name)
        answers += [SharedDirectives(number, about, tuple(names)) for about, names in groups.items()]
    return WorkResult(DirectivesRead(tuple(answers)))


def match_values(request: MatchValues, work: Work) -> WorkResult:
    """Say for each version which variables have the value of the newest one."""
    newest = work.open(request.newest).variables()
    pairs = [(newest.get(name), older) for name, older in zip(request.names, request.older_names, strict=True)]
    signs = []
    for layer in request.layers:
        values = work.open(layer).variables()
        signs.append("".join(_sign(value, values.get(older)) for value, older in pairs))
    return WorkResult(Matched(tuple(signs)))


def _sign(now: str | None, then: str | None) -> str:
    if then is None:
        return "-"
    return "=" if now == then else "~"

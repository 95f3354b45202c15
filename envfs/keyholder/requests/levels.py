"""The request that seals a level's next text."""

import os
from collections.abc import Callable, Collection

from envfs.core import extensions, keyfile, limits, names, record
from envfs.core.line_ends import without_line_end
from envfs.core.membership.members import Claimed
from envfs.core.notes import Note, check_message
from envfs.core.operations import Operation
from envfs.core.rotation import RotationPhase
from envfs.core.secret import Secret
from envfs.dotenv import canaries, dialects, directives, merging, portability, references, writing
from envfs.dotenv.document import Document, parse_document
from envfs.dotenv.placeholders.redaction import refuse_credential
from envfs.dotenv.values import literal_dollars
from envfs.errors import BadRequest, Malformed, NoSuchVariable, TooLarge
from envfs.keyholder.crypto import sealing
from envfs.keyholder.crypto.sealing import Content
from envfs.keyholder.requests.rebase import rebased, rebased_note, removes_again
from envfs.keyholder.requests.rotation import rotated_text, rotation_message
from envfs.keyholder.requests.work import Work, WorkResult
from envfs.protocol.keyholding import Sealed, Unchanged, WriteLevel

_PLACEHOLDER_BYTES = 16


def write_level(request: WriteLevel, work: Work) -> WorkResult:
    """Apply an operation to a level's text and seal the result. Raises TooLarge."""
    _refuse_credentials(request)
    key = _key(request, work)
    old = work.open(request.head) if request.head else parse_document("")
    new, notes = _OPERATIONS[request.operation](request, work, old)
    text = new.render()
    content = _content(request, work, text)
    is_same = text == old.render() and extensions.is_removed(content.ext) == extensions.is_removed(_ext(request, work))
    if is_same and not request.always and request.operation not in _ALWAYS:
        return WorkResult(Unchanged())
    if len(text.encode()) > limits.TEXT_BYTES:
        raise TooLarge("the level's text would be too long", f"at most {limits.TEXT_BYTES} bytes a level")
    changes = merging.name_changes(old.variables(), new.variables())
    if request.operation is not Operation.REBASE:  # who wrote it has left, and cannot fix it
        _check_dialect(new, {*changes.added, *changes.changed}, request.place.stream.removeprefix("level") or "/")
        for name in changes.added:
            refuse_credential(name, "a name")
    doubtful = _is_doubtful(request, new, changes)
    data = sealing.seal_record(work.identity, request.place, request.time, key, content)
    notes = (*notes, *_wrong_directives(request, new))
    sealed = Sealed(keyfile.kid(key), *changes, notes=notes, doubtful=doubtful)
    if request.operation is Operation.REBASE:
        _, names_of_both, comments = rebased(request, work, old)
        sealed = sealed._replace(unmerged=names_of_both, comments=comments)
    return WorkResult(sealed, (data,))


def _refuse_credentials(request: WriteLevel) -> None:
    # messages and levels are told to others than who may have the values
    check_message(request.message)
    if request.operation is not Operation.REBASE:
        refuse_credential(request.message, "the message")
    if not request.head:
        refuse_credential(request.place.stream.removeprefix("level"), "the level's name")


def _key(request: WriteLevel, work: Work) -> Secret[bytes]:
    # where there are members, only who may write here seals anything, and never with a key that a former one has
    members = work.members(request.place.vault, request.members)
    place, author = request.place, work.identity.author
    if members.check_right(Claimed(place.stream, place.seq, author, request.time)) is None:
        return work.level_keys(request.key, request.key_blob, request.members)[0]
    keys = work.keys(request.key, request.key_blob, request.members)
    if keys.recipients:
        members.check_current(record.project_of_stream(request.key.stream), keys.members)
    return keys.keys[0]


def _wrong_directives(request: WriteLevel, new: Document) -> tuple[str, ...]:
    if request.operation in _SILENT:
        return ()
    faults = directives.directive_faults(new)
    shown = tuple(f"line {fault.line}, column {fault.column}: {fault.text}" for fault in faults[:_NAMES_SAID])
    more, level = len(faults) - _NAMES_SAID, request.place.stream.removeprefix("level") or "/"
    return (*shown, f"{more} more directives are wrong: `envfs check {level}` lists them") if more > 0 else shown


def _content(request: WriteLevel, work: Work, text: str) -> Content:
    # an extension is about the text: it goes where that goes, whoever knows what it means
    is_of_source = request.operation in (Operation.RESTORE, Operation.MOVE, Operation.COPY) and not request.names
    is_of_source = is_of_source and not (request.operation is Operation.COPY and request.head)
    source = request.restore if is_of_source else request.head
    ext = record.parse_header(work.blobs[source.record_blob]).ext if source else ""  # opened before
    if request.operation is not Operation.RESEAL:
        is_gone = request.half or request.operation is Operation.REMOVE
        is_gone = is_gone or (request.operation is Operation.REBASE and removes_again(request, work, text))
        ext = extensions.with_removed(ext, removed=is_gone)
    if request.always:  # else a guess that is right would have the placeholder of before
        ext = extensions.with_placeholder_text(ext, os.urandom(_PLACEHOLDER_BYTES).hex())
    version = request.restore.record.seq if request.restore else 0
    level = request.restore.level if request.restore and request.operation is not Operation.RESTORE else ""
    note = Note(_word(request), version, level, request.message or _given_message(request, work))
    return Content(
        text,
        rebased_note(request, work) if request.operation is Operation.REBASE else note,
        work.members(request.place.vault, request.members).newest,
        ext,
    )


def _given_message(request: WriteLevel, work: Work) -> str:
    # where a person gave none
    match request.operation:
        case Operation.MOVE if request.restore:
            return sealing.open_note(work.open_record(request.restore)).message
        case Operation.RESTORE:
            return _own_message(request, work)
        case Operation.ROTATE:
            return rotation_message(request.phase, request.name)
        case _:
            return ""


def _ext(request: WriteLevel, work: Work) -> str:
    return record.parse_header(work.blobs[request.head.record_blob]).ext if request.head else ""


def _word(request: WriteLevel) -> str:
    return "restore" if request.operation is Operation.RESTORE and request.names else _WORDS[request.operation]


def _own_message(request: WriteLevel, work: Work) -> str:
    # for what brings something back
    if request.restore is None:
        return ""
    then = record.parse_header(work.blobs[request.restore.record_blob])
    about = f"as in version {then.seq} of {then.time[:19].replace('T', ' ')} UTC"
    shown = ", ".join(request.names[:_NAMES_SAID])
    more = f" and {len(request.names) - _NAMES_SAID} more" if len(request.names) > _NAMES_SAID else ""
    return f"{shown}{more} {about}" if request.names else about


def _is_doubtful(request: WriteLevel, document: Document, changes: merging.NameChanges) -> bool:
    """Tell whether somebody should look at the view after this. A level of 190,000 plain values is looked at once."""
    match request.operation:
        case Operation.SET:
            values = document.variables()
            return any(portability.is_doubtful(values[name]) for name in _named(request))
        case Operation.MERGE | Operation.REPLACE:
            # what is plain, refers to nothing and takes nothing away gives nobody anything to read otherwise
            if changes.removed or dialects.named_in(document) or any(map(references.has_references, document.entries)):
                return True
            values = document.variables()
            return any(portability.is_doubtful(values[name]) for name in (*changes.added, *changes.changed))
        case _:
            return False  # the others are looked at in any case, for their references


def _check_dialect(document: Document, written: Collection[str], level: str) -> None:
    # what a dialect must not write is refused here, where a person can still fix it. Templates when they are shown
    dialect = dialects.named_in(document)
    if not dialect:
        return
    plain = {entry.name: entry.value for entry in document.entries if not references.has_references(entry)}
    values = {name: value for name, value in plain.items() if name and value}
    dialects.dialect_text({name: value for name, value in values.items() if name in written}, dialect)
    if any(dialects.dialect_refusal(value, dialect) for name, value in values.items() if name not in written):
        # who writes may not be approved to read: what was here before is named by `check`, which asks the gate
        raise Malformed(
            f"the dialect {dialect} cannot carry a variable that is set here already",
            f"`envfs check {level} --dialect {dialect}` names it",
        )


_SILENT = (Operation.RESEAL, Operation.MOVE, Operation.REMOVE, Operation.REBASE)  # of these, the text is no news
_ALWAYS = (Operation.RESEAL, Operation.MOVE, Operation.REBASE)  # what makes a record though the text is the same
_NAMES_SAID = 6  # in a message that is made here: they are long
_Edited = tuple[Document, tuple[str, ...]]  # the new text, and sentences for the person who asked


def _set(request: WriteLevel, work: Work, old: Document) -> _Edited:
    new = old
    for name, value in _values(request, work):
        new = new.set(name, value)
    return (canaries.with_mark(new, request.name) if request.canary else new), ()


def _named(request: WriteLevel) -> tuple[str, ...]:
    return tuple(map(names.parse_variable, request.names or (request.name,)))


def _values(request: WriteLevel, work: Work) -> list[tuple[str, str]]:
    named, line_end = _named(request), limits.LINE_END_BYTES * request.trim
    if not request.names:
        texts = [work.read_text(0, limits.VALUE_BYTES, "the value", line_end)]
        if "\0" in texts[0]:
            raise Malformed("the value holds a NUL character", "no environment can carry one")
    else:
        *texts, after = work.read_text(0, limits.TEXT_BYTES, "all that is set").split("\0")
        if len(texts) != len(named) or after:
            raise Malformed("there is not one value for each variable", "no environment can carry a NUL character")
        if any(len(text.encode()) > limits.VALUE_BYTES + line_end for text in texts):
            raise TooLarge("the value is too large", f"at most {limits.VALUE_BYTES} bytes")
    return [(name, without_line_end(text) if request.trim else text) for name, text in zip(named, texts, strict=True)]


def _template(request: WriteLevel, work: Work, old: Document) -> _Edited:
    lines = [f"{name}={writing.template_value(*literal_dollars(value))}\n" for name, value in _values(request, work)]
    return old.merged(parse_document("".join(lines))), ()


def _unset(request: WriteLevel, _work: Work, old: Document) -> _Edited:
    new, present = old, old.variables()
    for name in _named(request):
        if name in present or not request.quiet:
            new = without_variable(new, name)
    return new, ()


def without_variable(document: Document, name: str) -> Document:
    """Return a text without a variable, its mark and its directives.

    Raises:
        NoSuchVariable: it does not set it
    """
    new = directives.without_directives(document, (name,)).unset(name)
    return canaries.without_mark(new, name)


def _rename(request: WriteLevel, _work: Work, old: Document) -> _Edited:
    new = old.rename(request.name, request.new_name)
    return canaries.with_mark_renamed(new, request.name, request.new_name), ()


def _rotate(request: WriteLevel, work: Work, old: Document) -> _Edited:
    has_value = bool(work.descriptors) or request.phase in (RotationPhase.DIRECT, RotationPhase.BEGIN)
    value = _values(request, work)[0][1] if has_value else ""
    return rotated_text(request, old, value), ()


def _replace(_request: WriteLevel, work: Work, _old: Document) -> _Edited:
    new = parse_document(work.read_text(0, limits.TEXT_BYTES, "the text"))
    new.check()
    return new, tuple(f"{name} is set more than once; the last one counts" for name in new.duplicates())


def _merge(request: WriteLevel, work: Work, old: Document) -> _Edited:
    new, notes = _replace(request, work, old)
    merged = _with_directives_of(new, old.merged(new), new.variables()) if old.render() else new
    dialect = dialects.named_in(new)
    return (dialects.with_directive(merged, dialect) if dialect else merged), notes


def _restore(request: WriteLevel, work: Work, old: Document) -> _Edited:
    then = work.open(request.restore) if request.restore else parse_document("")
    return (_with_variables_of(then, old, request.names) if request.names else then), ()


def _with_variables_of(then: Document, old: Document, several: tuple[str, ...]) -> Document:
    new = old.merged(Document(tuple(entry for entry in then.entries if entry.name in several)))
    new = _with_directives_of(then, new, set(several).difference(old.variables()))
    present, marked = new.variables(), canaries.marked_names(then)
    for name in several:
        if name in then.variables():
            new = canaries.with_mark(new, name) if name in marked else new
        elif name in present:
            new = without_variable(new, name)
        else:
            raise NoSuchVariable(f"{name} is set neither now nor in that version")
    return new


def _copy(request: WriteLevel, work: Work, old: Document) -> _Edited:
    if request.restore is None:
        raise BadRequest("a copy needs its source")
    source = work.open(request.restore)
    marked, present = canaries.marked_names(source), source.variables()
    if not request.names and not old.render():
        return source, ()
    copied = frozenset(request.names or present)
    for name in sorted(copied):
        if name not in present:
            raise NoSuchVariable(f"{request.restore.level} does not set {name} itself")
    new = old.merged(Document(tuple(entry for entry in source.entries if entry.name in copied)))
    for name in sorted(copied & marked):
        new = canaries.with_mark(new, name)
    return _with_directives_of(source, new, copied), ()


def _with_directives_of(source: Document, document: Document, several: Collection[str]) -> Document:
    if not directives.has_directives(source.render()):
        return document
    lines, names_of = directives.directive_lines(source), frozenset(several)
    return directives.with_directive_lines(document, {name: text for name, text in lines.items() if name in names_of})


def _move(request: WriteLevel, work: Work, _old: Document) -> _Edited:
    if request.restore is None:
        raise BadRequest("a move needs its source")
    return work.open(request.restore), ()


def _remove(_request: WriteLevel, _work: Work, _old: Document) -> _Edited:
    return parse_document(""), ()


def _reseal(_request: WriteLevel, _work: Work, old: Document) -> _Edited:
    return old, ()


def _rebase(request: WriteLevel, work: Work, old: Document) -> _Edited:
    return rebased(request, work, old).document, ()


_OPERATIONS: dict[Operation, Callable[[WriteLevel, Work, Document], _Edited]] = {
    Operation.SET: _set,
    Operation.TEMPLATE: _template,
    Operation.UNSET: _unset,
    Operation.RENAME: _rename,
    Operation.ROTATE: _rotate,
    Operation.MERGE: _merge,
    Operation.REPLACE: _replace,
    Operation.RESTORE: _restore,
    Operation.COPY: _copy,
    Operation.MOVE: _move,
    Operation.REMOVE: _remove,
    Operation.RESEAL: _reseal,
    Operation.REBASE: _rebase,
}
_WORDS = {  # the operation that a record's note names
    Operation.SET: "set",
    Operation.TEMPLATE: "set",
    Operation.UNSET: "unset",
    Operation.RENAME: "rename",
    Operation.ROTATE: "rotate",
    Operation.MERGE: "import",
    Operation.REPLACE: "replace",
    Operation.RESTORE: "rollback",
    Operation.COPY: "copy",
    Operation.MOVE: "move",
    Operation.REMOVE: "remove",
    Operation.RESEAL: "reseal",
    Operation.REBASE: "set",  # in place of which the word of the version that waited stands
}

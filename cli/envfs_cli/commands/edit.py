"""`edit`: open a level's own text in an editor, in memory only, and write what it leaves as a new version.

Laws: nothing is written before the person has seen which names change, and said yes. While the editor is open, no
daemon of this command's own runs. A change that others wrote meanwhile is never written over unseen.
"""

from envfs.core import names
from envfs.dotenv.document import parse_document
from envfs.dotenv.merging import name_changes
from envfs.errors import Conflict, EnvFSError, Malformed, NoSuchLevel, NoSuchVariable, TooLarge
from envfs.protocol import control
from envfs.tuples import NamedTuple
from envfs_cli import output, secrets
from envfs_cli.daemon import session
from envfs_cli.editing import editors, memory_folder, three_way
from envfs_cli.replies.written import report_written
from envfs_cli.terminal import prompts
from envfs_cli.version_message import check_message

_AGAIN = "open the editor again?"


class EditArguments(NamedTuple):
    """The arguments of `edit`."""

    level: str
    name: str | None
    yes: bool
    message: str | None
    passphrase_file: str | None


class OwnText(NamedTuple):
    """A level's own text, and the version that it is of. 0: there is none."""

    text: str
    version: int


class Edit(NamedTuple):
    """A text that is edited, what it is made of, and where the editor is to begin."""

    base: OwnText
    text: str
    line: int = 1
    column: int = 1


def run_edit(arguments: EditArguments) -> int:
    """Edit a level's own text, from the line of a variable on if one is named.

    Raises:
        NoSuchVariable: the level's own text does not set it
        EnvFSError: the person did not say yes, or the editor failed
    """
    level, message = names.parse_level(arguments.level), check_message(arguments.message)
    words = editors.wanted_editor()
    if not arguments.yes:
        prompts.check_answers("with --yes the text is written when the editor ends")
    asking = session.start_session(arguments.passphrase_file)
    base = _own_text(asking, level)
    edit: Edit | None = Edit(base, base.text, _line_of(arguments.name, base, level))
    while edit is not None:
        asking.let_go()
        edit = _next(asking, arguments._replace(level=level, message=message), _edited(words, level, edit))
    return 0


def _next(asking: session.Session, arguments: EditArguments, edit: Edit) -> "Edit | None":
    # what is to be edited next, or None at the end
    if edit.text == edit.base.text:
        output.note("nothing changed")
        return None
    try:
        _show_changes(edit)
    except (Malformed, TooLarge) as error:
        return _again(edit, error)
    if not arguments.yes and not prompts.confirm(f"write this as a new version of {arguments.level}?"):
        return _again(edit, EnvFSError("not confirmed, so nothing was changed"))
    try:
        _write(asking, arguments, edit)
    except Conflict as error:
        return _overtaken(asking, arguments, edit, error)
    except (Malformed, TooLarge) as error:
        return _again(edit, error)
    return None


def _line_of(name: "str | None", base: OwnText, level: str) -> int:
    if name is None:
        return 1
    lines = [entry.line for entry in parse_document(base.text).entries if entry.name == name]
    if not lines:
        raise NoSuchVariable(
            f"the text of {level} itself does not set that variable", f"`envfs explain {level} {name}`"
        )
    return lines[-1]  # the one that counts


def _own_text(asking: session.Session, level: str) -> OwnText:
    try:
        reply, blob = asking.ask(control.ReadView(level, "own", "show"))
    except NoSuchLevel:
        output.note(f"{level} is a new level")
        return OwnText("", 0)
    return OwnText(blob.decode(), reply.version if isinstance(reply, control.ViewSent) else 0)


def _edited(words: "list[str]", level: str, edit: Edit) -> Edit:
    name = f"{level.rpartition('/')[2] or 'top'}.env"
    data = memory_folder.edit_in_memory(
        edit.text.encode(errors="surrogateescape"),
        name,
        lambda path: editors.editor_command(words, path, edit.line, edit.column),
    )
    return edit._replace(text=data.decode("utf-8", "surrogateescape"))


def _show_changes(edit: Edit) -> None:
    document = parse_document(edit.text)
    document.check()
    changes = name_changes(parse_document(edit.base.text).variables(), document.variables())
    signed = [f"{sign}{name}" for sign, group in zip("+~-", changes, strict=True) for name in group]
    output.note(" ".join(signed) or "the text alone changes: comments, order or quotes")


def _write(asking: session.Session, arguments: EditArguments, edit: Edit) -> None:
    text = secrets.from_bytes(edit.text.encode())
    message = arguments.message or ""
    request = control.ImportText(arguments.level, replace=True, message=message, expected=edit.base.version)
    report_written(asking.reply(request, (text,)), as_json=False)


def _again(edit: Edit, error: EnvFSError) -> Edit:
    if not prompts.confirm(f"{error.text}; {_AGAIN}", default=True):  # Enter loses nothing
        raise error
    return edit._replace(line=getattr(error, "line", 0) or 1, column=getattr(error, "column", 0) or 1)


def _overtaken(asking: session.Session, arguments: EditArguments, edit: Edit, error: Conflict) -> "Edit | None":
    theirs = _own_text(asking, arguments.level)
    if theirs.version == edit.base.version:
        raise error  # it is about something else
    merged = three_way.merge_edits(edit.base.text, edit.text, theirs.text)
    output.note(f"{arguments.level} was changed meanwhile, and is at version {theirs.version}")
    if merged.taken:
        output.note(f"taken from there: {', '.join(merged.taken)}")
    later = Edit(theirs, merged.text)
    if merged.conflicts:
        text = f"both changed {', '.join(merged.conflicts)}, and the text has your values"
        return _again(later, Conflict(text, "edit the level again"))
    return _next(asking, arguments, later)

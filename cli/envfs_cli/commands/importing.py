"""`import`: the variables of a file, or of a family of files, into levels.

Law: every file is read and checked before the first level is written, and what was written when a later one fails is
said. The client reads the file, to take it as its own readers do; no value of it is printed.
"""

import os

from envfs.core import limits
from envfs.errors import BadRequest, EnvFSError
from envfs.protocol import control
from envfs_cli import output, secrets
from envfs_cli.commands import values as setting
from envfs_cli.daemon import session
from envfs_cli.importing.readers.plain import is_plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from envfs_cli.arguments import Values
    from envfs_cli.importing.adaptation import Text
    from envfs_cli.importing.input_files import Job
    from envfs_cli.importing.sources import Found

    Row = tuple[str, str, str, list[str]]

_DOTENV = "dotenv"
_ENDINGS = {".json": "json", ".yaml": "yaml", ".yml": "yaml"}
_UNKNOWN: dict[str, str] = {}  # of a text that is going to be refused
_SAME, _ADDED, _CHANGED, _REMOVED = "same", "added", "changed", "removed"


def import_file(values: "Values") -> int:
    """Set every variable of a file, or of the files in a folder."""
    path = str(values["file"])
    if path != "-" and os.path.isdir(path):
        from envfs_cli.importing import folder

        return _carry_out(folder.jobs(path, values), values)
    if values["order"]:
        raise BadRequest("--order is for folders", "name the folder that the .env files are in")
    form = str(values["format"] or _ENDINGS.get(os.path.splitext(path)[1].lower(), _DOTENV))
    if form != _DOTENV and values["as"]:
        raise BadRequest("--as is for dotenv text", "JSON, YAML and compose files are read in one way")
    if form == _DOTENV and not (values["dry_run"] or values["flatten"] or values["service"]):
        return _dotenv(path, values)
    return _carry_out((_read(path, form, values),), values)


def _read(path: str, form: str, values: "Values") -> "Job":
    from envfs.core import names
    from envfs_cli.importing import input_files

    notes: tuple[str, ...] = ()
    if form == _DOTENV and not (values["flatten"] or values["service"]):
        text = _adapted(input_files.text_of(path), path, values)
        source, notes = input_files.source_of(text.text, path), text.notes
    else:
        source = input_files.source(path, form, values)
    notes = (*notes, *(source.notes if values["dry_run"] else source.remarks()))
    level = names.level(str(values["level"]))
    return input_files.Job(level, source.text, (input_files.Part(path, source.found),), notes)


def _adapted(text: str, path: str, values: "Values") -> "Text":
    from envfs_cli.importing import adaptation

    folder = None if path == "-" else os.path.dirname(os.path.abspath(path))
    return adaptation.adapted(text, adaptation.readers(folder, values))


def _dotenv(path: str, values: "Values") -> int:
    descriptor = secrets.from_file(path, "the text" if path == "-" else path, limits.TEXT_BYTES)
    notes: tuple[str, ...] = ()
    try:
        before = os.pread(descriptor, limits.TEXT_BYTES, 0).decode()
    except UnicodeDecodeError:
        pass  # the daemon says so, as of all texts
    else:
        text, notes = (before, ()) if is_plain(before) else _adapted(before, path, values)[:2]
        if text != before:
            os.close(descriptor)
            descriptor = secrets.from_bytes(text.encode())
    request = control.ImportText(str(values["level"]), bool(values["replace"]))
    written = session.start(values).reply(request, (descriptor,))
    if isinstance(written, control.Written):
        setting.report(written._replace(notes=(*notes, *written.notes)), as_json=bool(values["json"]))
    return 0


def _carry_out(jobs: "tuple[Job, ...]", values: "Values") -> int:
    if values["dry_run"]:
        return _rehearse(jobs, values)
    _check(jobs)
    link = session.start(values)
    written: list[control.Written] = []
    try:
        written.extend(_ask(link, job, values, dry=False) for job in jobs)
    except EnvFSError:
        if written:
            output.note(f"written before that: {', '.join(each.level for each in written)}")
        raise
    whole = [each._replace(notes=(*job.notes, *each.notes)) for each, job in zip(written, jobs, strict=True)]
    if values["json"] and len(jobs) != 1:
        output.rows_json(whole)
        return 0
    for each in whole:
        setting.report(each, as_json=bool(values["json"]))
    return 0


def _check(jobs: "tuple[Job, ...]") -> None:
    from envfs_cli.importing import input_files

    for part in (part for job in jobs for part in job.parts):
        for found in part.found:
            if found.problem is not None:
                raise input_files.named(found.problem, part.file)


def _ask(link: session.Session, job: "Job", values: "Values", *, dry: bool) -> control.Written:
    descriptor = secrets.from_bytes(job.text.encode())
    try:
        request = control.ImportText(job.level, bool(values["replace"]), dry)
        reply = link.reply(request, (descriptor,))
    finally:
        os.close(descriptor)
    if not isinstance(reply, control.Written):
        raise TypeError("the daemon answered something else")
    return reply


# -- a dry run ---------------------------------------------------------------------------------------------------------


def _rehearse(jobs: "tuple[Job, ...]", values: "Values") -> int:
    link = session.start(values)
    rows = [row for job in jobs for row in _rows(link, job, values)]
    if values["json"]:
        output.as_json([dict(zip(("file", "level", "name", "what"), row, strict=True)) for row in rows])
    else:
        cells = [(file, level, name, ", ".join(what)) for file, level, name, what in rows]
        output.table(("FILE", "LEVEL", "NAME", "WHAT"), cells)
    for text in (text for job in jobs for text in job.notes):
        output.note(text)
    _check(jobs)
    output.done("nothing was written")
    return 0


def _rows(link: session.Session, job: "Job", values: "Values") -> "list[Row]":
    state = _states(link, job, values)
    by: dict[str, str] = {}  # which file counts, by name
    rows: list[Row] = []
    for part in reversed(job.parts):
        for found in part.found:
            over = by.setdefault(found.name, part.file)
            told = [f"overridden by {over}"] if over != part.file else _what(found, state)
            rows.append((part.file, job.level, found.name, told))
    return [*rows, *(("-", job.level, name, [_REMOVED]) for name, what in state.items() if what == _REMOVED)]


def _what(found: "Found", state: dict[str, str]) -> list[str]:
    if found.problem is not None:
        return [found.problem.text.removeprefix(f"{found.name}: ")]
    return [*((state.get(found.name, _SAME),) if found.line and state is not _UNKNOWN else ()), *found.remarks]


def _states(link: session.Session, job: "Job", values: "Values") -> dict[str, str]:
    if any(found.problem for part in job.parts for found in part.found):
        return _UNKNOWN
    reply = _ask(link, job, values, dry=True)
    kinds = ((_ADDED, reply.added), (_CHANGED, reply.changed), (_REMOVED, reply.removed))
    return {name: kind for kind, listed in kinds for name in listed}

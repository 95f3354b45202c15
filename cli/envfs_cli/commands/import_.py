"""`import`: the variables of a file, or of a family of files, into levels.

Law: every file is read and checked before the first level is written, and what was written when a later one fails is
said. The client reads the file, to take it as its own readers do. No value of it is printed.
"""

import os

from envfs.core import limits
from envfs.errors import BadRequest, EnvFSError
from envfs.protocol import control
from envfs.tuples import NamedTuple
from envfs_cli import output, secrets
from envfs_cli.daemon import session
from envfs_cli.importing.readers.plain import is_plain
from envfs_cli.replies.written import report_written
from envfs_cli.version_message import check_message

TYPE_CHECKING = False
if TYPE_CHECKING:
    from envfs_cli.grammar.words import ImportFormat, ImportTool
    from envfs_cli.importing.adaptation import Text
    from envfs_cli.importing.input_files import Job
    from envfs_cli.importing.sources import FileVariable

_ENDINGS: "dict[str, ImportFormat]" = {".json": "json", ".yaml": "yaml", ".yml": "yaml"}
_UNKNOWN: dict[str, str] = {}  # of a text that is going to be refused
_SAME, _ADDED, _CHANGED, _REMOVED = "same", "added", "changed", "removed"


class ImportArguments(NamedTuple):
    """The arguments of `import`."""

    file: str
    level: str
    format: "ImportFormat | None"
    flatten: str | None
    service: str | None
    order: str | None
    as_: str | None
    from_: "ImportTool | None"
    folder: str | None
    replace: bool
    dry_run: bool
    message: str | None
    passphrase_file: str | None
    json: bool


class Row(NamedTuple):
    """A line of a dry run: what would become of a name."""

    file: str
    level: str
    name: str
    what: list[str]


def run_import(arguments: ImportArguments) -> int:
    """Set every variable of a file, or of the files in a folder.

    Raises:
        BadRequest: an option is for files of another kind
    """
    path = arguments.file
    if arguments.from_ is not None:
        return _carry_out((_job_of_tool(arguments.from_, arguments),), arguments)
    if arguments.folder is not None:
        raise BadRequest("--folder is for what another tool exported", "name the tool with --from")
    if path != "-" and os.path.isdir(path):
        return _carry_out(_jobs_of_folder(arguments), arguments)
    if arguments.order:
        raise BadRequest("--order is for folders", "name the folder that the .env files are in")
    format_name = arguments.format or _ENDINGS.get(os.path.splitext(path)[1].lower(), "dotenv")
    if format_name != "dotenv" and arguments.as_:
        raise BadRequest("--as is for dotenv text", "JSON, YAML and compose files are read in one way")
    if format_name == "dotenv" and not (arguments.dry_run or arguments.flatten or arguments.service):
        return _import_dotenv(arguments)
    return _carry_out((_job_of_file(format_name, arguments),), arguments)


def _jobs_of_folder(arguments: ImportArguments) -> "tuple[Job, ...]":
    if arguments.flatten or arguments.service or arguments.format not in (None, "dotenv"):
        raise BadRequest("a folder is imported as dotenv files", "name the one file that is to be read otherwise")
    from envfs_cli.importing import folder

    return folder.import_jobs(arguments.file, arguments.level, arguments.order, arguments.as_)


def _job_of_file(format_name: "ImportFormat", arguments: ImportArguments) -> "Job":
    from envfs.core import names
    from envfs_cli.importing import input_files

    path, notes = arguments.file, tuple[str, ...]()
    if format_name == "dotenv" and not (arguments.flatten or arguments.service):
        text = _adapted(input_files.text_of(path), arguments)
        source, notes = input_files.source_of(text.text, path), text.notes
    else:
        is_named = arguments.format is not None
        source = input_files.read_source(
            path, input_files.FileFormat(format_name, is_named, arguments.flatten, arguments.service)
        )
    notes = (*notes, *(source.notes if arguments.dry_run else source.remarks()))
    level = names.parse_level(arguments.level)
    return input_files.Job(level, source.text, (input_files.FilePart(path, source.variables),), notes)


def _job_of_tool(tool: "ImportTool", arguments: ImportArguments) -> "Job":
    if arguments.format or arguments.service or arguments.order or arguments.as_:
        raise BadRequest("--from says how the file is read", "leave out --format, --service, --order and --as")
    from envfs.core import names
    from envfs_cli.importing import input_files, sources
    from envfs_cli.importing.tools import table

    level = names.parse_level(arguments.level)
    given = table.tool_variables(tool, arguments.file, arguments.folder)
    source = sources.of_tree(given.tree, arguments.flatten)
    notes = (*given.notes, *(source.notes if arguments.dry_run else source.remarks()))
    return input_files.Job(level, source.text, (input_files.FilePart(arguments.file, source.variables),), notes)


def _adapted(text: str, arguments: ImportArguments) -> "Text":
    from envfs_cli.importing import adaptation

    folder = None if arguments.file == "-" else os.path.dirname(os.path.abspath(arguments.file))
    return adaptation.adapted_text(text, adaptation.folder_readers(folder, arguments.as_))


def _import_dotenv(arguments: ImportArguments) -> int:
    path, notes = arguments.file, tuple[str, ...]()
    descriptor = secrets.from_file(path, "the text" if path == "-" else path, limits.TEXT_BYTES)
    try:
        original = os.pread(descriptor, limits.TEXT_BYTES, 0).decode()
    except UnicodeDecodeError:
        pass  # the daemon says so, as of all texts
    else:
        is_read_alike = is_plain(original) and "=encrypted:" not in original
        text, notes = (original, ()) if is_read_alike else _adapted(original, arguments)[:2]
        if text != original:
            os.close(descriptor)
            descriptor = secrets.from_bytes(text.encode())
    request = control.ImportText(arguments.level, arguments.replace, message=check_message(arguments.message))
    written = session.start_session(arguments.passphrase_file).reply(request, (descriptor,))
    if isinstance(written, control.Written):
        report_written(written._replace(notes=(*notes, *written.notes)), as_json=arguments.json)
    return 0


def _carry_out(jobs: "tuple[Job, ...]", arguments: ImportArguments) -> int:
    if arguments.dry_run:
        return _try_out(jobs, arguments)
    _check(jobs)
    link = session.start_session(arguments.passphrase_file)
    written: list[control.Written] = []
    try:
        written.extend(_ask(link, job, arguments, dry=False) for job in jobs)
    except EnvFSError:
        if written:
            output.note(f"written before that: {', '.join(reply.level for reply in written)}")
        raise
    replies = [reply._replace(notes=(*job.notes, *reply.notes)) for reply, job in zip(written, jobs, strict=True)]
    if arguments.json and len(jobs) != 1:
        output.rows_json(replies)
        return 0
    for reply in replies:
        report_written(reply, as_json=arguments.json)
    return 0


def _check(jobs: "tuple[Job, ...]") -> None:
    from envfs_cli.importing import input_files

    for part in (part for job in jobs for part in job.parts):
        for variable in part.variables:
            if variable.problem is not None:
                raise input_files.with_file_name(variable.problem, part.file)


def _ask(link: session.Session, job: "Job", arguments: ImportArguments, *, dry: bool) -> control.Written:
    descriptor = secrets.from_bytes(job.text.encode())
    try:
        request = control.ImportText(job.level, arguments.replace, dry, check_message(arguments.message))
        reply = link.reply(request, (descriptor,))
    finally:
        os.close(descriptor)
    if not isinstance(reply, control.Written):
        raise BadRequest("the daemon answered something else")
    return reply


# -- a dry run ---------------------------------------------------------------------------------------------------------


def _try_out(jobs: "tuple[Job, ...]", arguments: ImportArguments) -> int:
    link = session.start_session(arguments.passphrase_file)
    rows = [row for job in jobs for row in _rows(link, job, arguments)]
    if arguments.json:
        output.as_json([row._asdict() for row in rows])
    else:
        cells = [(row.file, row.level, row.name, ", ".join(row.what)) for row in rows]
        output.print_table(("FILE", "LEVEL", "NAME", "WHAT"), cells, none="there is nothing to import")
    for text in (text for job in jobs for text in job.notes):
        output.note(text)
    _check(jobs)
    output.done("nothing was written")
    return 0


def _rows(link: session.Session, job: "Job", arguments: ImportArguments) -> list[Row]:
    state = _states(link, job, arguments)
    by: dict[str, str] = {}  # which file counts, by name
    rows: list[Row] = []
    for part in reversed(job.parts):
        for variable in part.variables:
            over = by.setdefault(variable.name, part.file)
            effect = [f"overridden by {over}"] if over != part.file else _what(variable, state)
            rows.append(Row(part.file, job.level, variable.name, effect))
    return [*rows, *(Row("-", job.level, name, [_REMOVED]) for name, effect in state.items() if effect == _REMOVED)]


def _what(variable: "FileVariable", state: dict[str, str]) -> list[str]:
    if variable.problem is not None:
        return [variable.problem.text.removeprefix(f"{variable.name}: ")]
    return [*((state.get(variable.name, _SAME),) if variable.line and state is not _UNKNOWN else ()), *variable.remarks]


def _states(link: session.Session, job: "Job", arguments: ImportArguments) -> dict[str, str]:
    if any(variable.problem for part in job.parts for variable in part.variables):
        return _UNKNOWN
    reply = _ask(link, job, arguments, dry=True)
    kinds = ((_ADDED, reply.added), (_CHANGED, reply.changed), (_REMOVED, reply.removed))
    return {name: kind for kind, listed in kinds for name in listed}

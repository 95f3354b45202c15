"""A folder with a family of `.env` files: which of its files count, in which order, and what they give each level."""

import os

from envfs import safe_open
from envfs.core import names
from envfs.dotenv.document import parse_document
from envfs.errors import EnvFSError
from envfs_cli import output
from envfs_cli.folder_links import state
from envfs_cli.importing import adaptation, families, input_files
from envfs_cli.importing.input_files import FilePart, Job
from envfs_cli.importing.sources import FileSource

TYPE_CHECKING = False
if TYPE_CHECKING:
    from envfs.dotenv.document import Document
    from envfs_cli.importing.adaptation import Readers
    from envfs_cli.importing.families import Planned

_PACKAGES = ("dependencies", "devDependencies")


def import_jobs(folder: str, level: str, order: "str | None", read_as: "str | None") -> tuple[Job, ...]:
    """Return what is to be written to the levels of a family, and say how its files were taken.

    `order` and `read_as` are the tool and the reader that a person named.

    Raises:
        EnvFSError: there is none, or a file of it cannot be read or is no dotenv text
    """
    level = names.parse_level(level)
    there = _listed(folder)
    readers = adaptation.folder_readers(folder, read_as)
    order = order or _order(folder, there, readers, read_as)
    files, skipped = families.sort_family(there, order)
    for file, why in skipped:
        output.note(f"{file} is left out: {why}")
    texts = {file: _read(folder, file, readers) for file in files}
    if not texts:
        raise EnvFSError(f"there are no .env files in {folder}", "a family is .env, .env.local, .env.NAME …")
    documents = {file: _parsed(text, file) for file, text in texts.items()}
    set_names = {name for document in documents.values() for name in document.variables()}
    by_file = {file: input_files.source_of(text, file, set_names) for file, text in texts.items()}
    return tuple(_job(level, planned, by_file) for planned in families.plan_levels(documents, order))


def _listed(folder: str) -> list[str]:
    try:
        listed = [file for file in os.listdir(folder) if file == ".env" or file.startswith(".env.")]
    except OSError as error:
        raise EnvFSError(f"cannot read {folder}: {safe_open.error_words(error)}") from None
    there = []
    for file in sorted(listed):
        path = os.path.join(folder, file)
        if file == ".env" and state.leads_to_a_view(path):
            output.note(f"{file} is left out: a link to a view, made by `envfs link`")
        elif not input_files.is_plain_file(path):
            output.note(f"{file} is left out: not a file")
        elif _leads_out(folder, path):
            output.note(f"{file} is left out: a link out of the folder; import that file by its own name")
        else:
            there.append(file)
    return there


def _leads_out(folder: str, path: str) -> bool:
    # who made the folder, such as the author of a cloned repository, is not to choose among this user's other files
    return os.path.dirname(os.path.realpath(path)) != os.path.realpath(folder)


def _order(folder: str, files: list[str], who: "Readers", read_as: "str | None") -> str:
    if read_as == families.SYMFONY:
        return families.SYMFONY
    order, why = families.detect_order(_dependencies(folder), files)
    if why == families.NOTHING and who.order:
        order, why = who.order, who.why[0]
    if any(file not in (".env", families.DEFAULTS) for file in files):
        output.note(f"the files count in the order of {order}, as {why}; --order chooses another")
    return order


def _dependencies(folder: str) -> set[str]:
    # a package.json that cannot be read speaks for nothing: the order that was taken is said in any case
    from envfs_cli.importing import json_trees
    from envfs_cli.importing.trees import NamedItems

    path = os.path.join(folder, "package.json")
    if not input_files.is_plain_file(path):
        return set()
    try:
        tree = json_trees.parse_json(input_files.text_of(path))
    except EnvFSError:
        return set()
    tables = [tree.get(name) for name in _PACKAGES] if isinstance(tree, NamedItems) else []
    return {name for table in tables if isinstance(table, NamedItems) for name, _ in table.pairs}


def _read(folder: str, file: str, who: "Readers") -> str:
    text = adaptation.adapted_text(input_files.text_of(os.path.join(folder, file)), who)
    for note in text.notes:
        output.note(f"{file}: {note}")
    return text.text


def _parsed(text: str, file: str) -> "Document":
    try:
        return parse_document(text)
    except EnvFSError as error:
        raise input_files.with_file_name(error, file) from None


def _job(level: str, planned: "Planned", by_file: "dict[str, FileSource]") -> Job:
    for part in planned.below:
        level = names.child(level, part)
    parts = []
    for file, own_names in planned.files:
        listed = [
            variable
            for variable in by_file[file].variables
            if variable.problem is not None or variable.name in own_names
        ]
        parts.append(FilePart(file, tuple(listed)))
    return Job(names.parse_level(level), planned.text, tuple(parts), planned.notes)

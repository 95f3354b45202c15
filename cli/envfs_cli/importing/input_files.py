"""Files for import, in whatever format they are, read and checked before anything is written."""

import os
import stat

from envfs.core import limits
from envfs.errors import BadRequest, EnvFSError, Malformed
from envfs_cli import secrets
from envfs_cli.closed_sets import Unhandled
from envfs_cli.importing import sources
from envfs_cli.importing.sources import FileSource, FileVariable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection
    from typing import NamedTuple

    from envfs_cli.grammar.words import ImportFormat
else:
    from envfs.tuples import NamedTuple


class FileFormat(NamedTuple):
    """The format of a file, whether a person named it, and what is taken of such a file.

    `separator` joins the names of nested objects, `service` is the one of a compose file.
    """

    name: "ImportFormat"
    is_named: bool
    separator: str | None = None
    service: str | None = None


class FilePart(NamedTuple):
    """The variables that one file gives a level."""

    file: str
    variables: tuple[FileVariable, ...]


class Job(NamedTuple):
    """The text for one level, what it is made of (the file that counts most last), and what is to be said of it."""

    level: str
    text: str
    parts: tuple[FilePart, ...]
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        """Show the level, and not the text."""
        return f"Job({self.level!r})"


def read_source(path: str, file_format: FileFormat) -> FileSource:
    """Read one file (`-`: standard input).

    Raises:
        EnvFSError: it cannot be read, or is not of its format. The name of the file is in the text
    """
    text = text_of(path)
    try:
        return _source(text, file_format)
    except EnvFSError as error:
        raise with_file_name(error, path) from None


def source_of(text: str, path: str, beside: "Collection[str]" = ()) -> FileSource:
    """Read dotenv text that came from a file. `beside` are names that other files of its family set.

    Raises:
        EnvFSError: it is none. The name of the file is in the text
    """
    try:
        return sources.of_text(text, beside)
    except EnvFSError as error:
        raise with_file_name(error, path) from None


def text_of(path: str) -> str:
    """Read a file as text.

    Raises:
        EnvFSError: it cannot be read
        TooLarge: it is over what a level can hold
        Malformed: it is no UTF-8
    """
    handle = secrets.from_file(path, "the file" if path == "-" else path, limits.TEXT_BYTES)
    try:
        data = os.pread(handle, limits.TEXT_BYTES, 0)
    finally:
        os.close(handle)
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
    raise with_file_name(Malformed("not UTF-8 text", "convert it first", line, 1), path)


def with_file_name(error: EnvFSError, path: str) -> EnvFSError:
    """Put the name of the file before an error's text."""
    error.text = error.text if path == "-" else f"{path}: {error.text}"
    error.args = (error.text,)
    return error


def is_plain_file(path: str) -> bool:
    """Tell whether there is an ordinary file at a path, through links."""
    try:
        return stat.S_ISREG(os.stat(path).st_mode)
    except OSError:
        return False


def _source(text: str, file_format: FileFormat) -> FileSource:
    match file_format.name:
        case "dotenv":
            _check_options("dotenv", file_format)
            return sources.of_text(text)
        case "json":
            from envfs_cli.importing import json_trees

            tree = json_trees.parse_json(text)
            _check_options("json", file_format)
            return sources.of_tree(tree, file_format.separator)
        case "yaml" | "compose":
            from envfs_cli.importing import yaml_trees

            tree = yaml_trees.parse_yaml(text)
            if file_format.name == "compose" or (not file_format.is_named and sources.is_compose(tree)):
                _check_options("compose", file_format)
                return sources.of_compose(tree, file_format.service)
            _check_options("yaml", file_format)
            return sources.of_tree(tree, file_format.separator)
        case _:
            raise Unhandled(file_format.name)


def _check_options(name: "ImportFormat", file_format: FileFormat) -> None:
    if file_format.separator is not None and name not in ("json", "yaml"):
        raise BadRequest("--flatten is for JSON and YAML", "dotenv and compose files have nothing to flatten")
    if file_format.service is not None and name != "compose":
        raise BadRequest("--service is for compose files", "say `-f compose` if it is one")

"""The contents of a git repository: the files that are staged, and every object of its history, each once.

Law: git reads its objects, packed or loose, and runs nothing for it.
"""

import os

from envfs.tuples import NamedTuple
from envfs_cli.git_commands import git_output, git_process
from envfs_cli.scanning.contents import PIECE, ScannedFile, ScanPlace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from subprocess import Popen
    from typing import IO

_AT_ONCE = 256  # names that are asked for before an answer is read: they fit into a pipe
_TREE, _BLOB = "tree", "blob"
_HEAD_WORDS = 3  # name, type, size: another answer says that the object is missing
_COMMIT = "commit "
_MODULE = b" 160000 "  # the mode of another repository within this one
_CHANGES = (  # in full, in one form, whatever the settings of the person and of the repository are
    *("-z", "--raw", "--no-abbrev", "--no-renames", "--no-ext-diff", "--no-textconv", "--no-relative", "--no-color"),
    *("-O/dev/null", "--ignore-submodules=all", "--submodule=short"),
)


class ObjectOrigin(NamedTuple):
    """The path of an object, and the commit that brought it."""

    path: str
    commit: str = ""


_MESSAGE = ObjectOrigin("(message of a commit or tag)")
_LEFT_BEHIND = ObjectOrigin("(no commit leads to it)")


def staged_contents(folder: str) -> "Iterator[ScannedFile]":
    """Yield the files of the index that differ from the last commit."""
    staged = list(_staged(folder))
    paths: dict[str, list[str]] = {}  # the same content may be staged at several
    for name, path in staged:
        paths.setdefault(name, []).append(path)
    for name, pieces in _objects(folder, [content for content, _ in staged]):
        yield ScannedFile(ScanPlace(paths[name].pop(0)), pieces)


def _staged(folder: str) -> "Iterator[tuple[str, str]]":
    fields = git_output(folder, "diff", "--cached", "--diff-filter=d", *_CHANGES).split(b"\0")
    for head, path in zip(fields[0::2], fields[1::2], strict=False):
        if head and _MODULE not in head:
            yield _object(head.decode()), os.fsdecode(path)


def history_contents(folder: str) -> "Iterator[ScannedFile]":
    """Yield every object but trees: what branches lead to, and what none leads to any more. A place has its name."""
    for name, pieces in _objects(folder, [name for name, kind in _all_objects(folder) if kind != _TREE]):
        yield ScannedFile(ScanPlace(name), pieces)


def object_origins(folder: str, names: "Iterable[str]") -> dict[str, ObjectOrigin]:
    """Return where some objects of the history come from: the oldest commit that has each, and the path there."""
    sought = set(names)
    origins = dict.fromkeys(sought, _MESSAGE)
    origins |= {name: _LEFT_BEHIND for name, kind in _all_objects(folder) if kind == _BLOB and name in sought}
    origins |= {name: origin for name, origin in _log_changes(folder) if name in sought}  # the oldest comes last
    return {name: _of_message(name) if origin is _MESSAGE else origin for name, origin in origins.items()}


def _of_message(name: str) -> ObjectOrigin:
    return _MESSAGE._replace(commit=name)


def _log_changes(folder: str) -> "Iterator[tuple[str, ObjectOrigin]]":
    commit = ""
    which = "--all", "--reflog", "--root", "-m", "--no-show-signature", f"--format={_COMMIT}%H"
    fields = iter(os.fsdecode(git_output(folder, "log", *which, *_CHANGES)).split("\0"))
    for field in fields:
        head = field.removeprefix("\n")  # of the first change of a commit
        if head.startswith(_COMMIT):
            commit = head.removeprefix(_COMMIT)
        elif head.startswith(":"):
            yield _object(head), ObjectOrigin(next(fields, ""), commit)


def _all_objects(folder: str) -> "Iterator[tuple[str, str]]":
    # name and type of each
    listed = git_output(folder, "cat-file", "--batch-all-objects", "--batch-check", "--unordered").decode()
    for line in listed.splitlines():
        name, kind, _ = line.split(" ")
        yield name, kind


def _object(line: str) -> str:
    # :mode mode object object status (git-diff(1), "Raw output format")
    return line.split(" ")[3]


def _objects(folder: str, names: list[str]) -> "Iterator[tuple[str, Iterator[bytes]]]":
    with git_process(folder, "cat-file", "--batch") as process:
        for first in range(0, len(names), _AT_ONCE):
            yield from _some_objects(process, names[first : first + _AT_ONCE])


def _some_objects(process: "Popen[bytes]", names: list[str]) -> "Iterator[tuple[str, Iterator[bytes]]]":
    if process.stdin is not None and process.stdout is not None:
        process.stdin.write("".join(f"{name}\n" for name in names).encode())
        process.stdin.flush()
        for name in names:
            yield from ((name, pieces) for pieces in _one_object(process.stdout))


def _one_object(file: "IO[bytes]") -> "Iterator[Iterator[bytes]]":
    head = file.readline().split()
    if len(head) == _HEAD_WORDS:
        pieces = _taken(file, int(head[2]))
        yield pieces
        for _ in pieces:  # which nobody took
            pass
        file.read(1)


def _taken(file: "IO[bytes]", size: int) -> "Iterator[bytes]":
    while size and (piece := file.read(min(PIECE, size))):
        size -= len(piece)
        yield piece

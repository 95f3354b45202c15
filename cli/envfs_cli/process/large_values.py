"""Values for which an environment has no room: the command gets the path of a file with each, in NAME_FILE.

The kernel takes 128 KiB for one entry, and for all of them with the words of the command a quarter of the stack that is
allowed (execve(2)). So the longest values go first, and no more than have to. The file is that of the mount, if it has
the same value and this process may read it, and else memory that a descriptor of the command holds.
"""

import os
import resource

from envfs import safe_open
from envfs.core import dangerous_names
from envfs.errors import BadName, EnvFSError, TooLarge
from envfs_cli.process import shared_memory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

_LONGEST = (1 << 17) - 1  # bytes of an entry, without its NUL
_MOST = 6 << 20  # bytes of words and entries, however large the stack may be
_POINTER = 8
_MARGIN = 1 << 14  # for what the kernel puts there itself, and for what another program's start adds
_SUFFIX = b"_FILE"


def with_files(
    variables: bytes,
    others: "Sequence[bytes]",
    folder: str,
    taken: "Collection[bytes]" = (),
    *,
    allow_dangerous: bool = False,
) -> bytes:
    """Return the entries with NAME_FILE=path in the place of each that finds no room.

    Args:
        variables: NAME=value, each ended by a NUL
        others: the words of the command, and the entries that its environment has beside these
        folder: the folder of the mount with a file for each variable of the level, or empty
        taken: the names that stay as the caller has them
        allow_dangerous: whether NAME_FILE may be a name by which the command runs other code

    Raises:
        TooLarge: NAME_FILE is a variable of its own, or there is no descriptor to be had
        BadName: the command could be made to run other code by NAME_FILE
    """
    entries = variables.split(b"\0")[:-1]
    moved = _without_room(entries, _room() - sum(map(_size, others)))
    present = {*taken, *map(_name, entries)}
    if not allow_dangerous:
        _refuse_dangerous([os.fsdecode(_name(entries[at])) for at in sorted(moved)])
    chosen = (_shortened(entry, present, folder) if at in moved else entry for at, entry in enumerate(entries))
    return b"".join(entry + b"\0" for entry in chosen)


def moved_names(variables: bytes, given: bytes) -> "set[bytes]":
    """Return the names of the variables that another one names a file with, in what `with_files` gave."""
    return {_name(entry) for entry in variables.split(b"\0")} - {_name(entry) for entry in given.split(b"\0")}


def _name(entry: bytes) -> bytes:
    return entry.partition(b"=")[0]


def _refuse_dangerous(names: "Sequence[str]") -> None:
    for name in names:
        if dangerous_names.runs_code(f"{name}_FILE"):
            raise BadName(
                f"the environment has no room for {name}, and {name}_FILE could make the command run other code",
                "choose variables with --only, or let it pass with --allow-dangerous",
            )


def _room() -> int:
    soft, _ = resource.getrlimit(resource.RLIMIT_STACK)
    return min(_MOST, _MOST if soft == resource.RLIM_INFINITY else soft // 4) - _MARGIN


def _size(entry: bytes) -> int:
    return len(entry) + 1 + _POINTER


def _without_room(entries: "Sequence[bytes]", room: int) -> "set[int]":
    size = sum(map(_size, entries))
    moved = set()
    for at in sorted(range(len(entries)), key=lambda at: -len(entries[at])):
        if len(entries[at]) <= _LONGEST and size <= room:
            break
        moved.add(at)
        size -= len(entries[at])
    return moved


def _shortened(entry: bytes, present: "set[bytes]", folder: str) -> bytes:
    name, _, value = entry.partition(b"=")
    word = os.fsdecode(name)
    if name + _SUFFIX in present:
        raise TooLarge(
            f"the environment has no room for {word}, and {word}_FILE, which would name a file with it, is set",
            "choose variables with --only, or give one of the two another name",
        )
    try:
        path = (folder and _in_mount(f"{folder}/{word}", value)) or shared_memory.share_bytes("envfs-value", value)
    except OSError as error:
        text = f"the environment has no room for {word}, and there is no file for it: {error.strerror}"
        raise TooLarge(text, "choose variables with --only") from None
    return name + _SUFFIX + b"=" + os.fsencode(path)


def _in_mount(path: str, value: bytes) -> str:
    try:
        return path if safe_open.read_file(path, len(value)) == value else ""
    except (OSError, EnvFSError):  # a longer text is another value
        return ""

"""The level that a folder was linked to: what `.envfs.toml` says, if this user said so too.

Laws: a repository chooses nothing: the file counts only in a folder that this user linked, to the level that it was
linked to, as it is remembered in the user's own state. Both files are read only if nobody else could have written them.
A file as `envfs link` writes it is known by its bytes: what reads TOML would double the start of `exec`.
"""

import os

from envfs import safe_open
from envfs.errors import EnvFSError, UnsafeSettings
from envfs.protocol import jsontext
from envfs_cli.arguments import Mistake
from envfs_cli.daemon import client

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NamedTuple
else:
    from envfs.tuples import NamedTuple

NAME = ".envfs.toml"
_LARGEST = 4096
_LARGEST_LIST = 1 << 20
_OTHERS_MAY_WRITE = 0o022
_GET_GENERATION = 0x80087601  # FS_IOC_GETVERSION of 64-bit machines


class Linked(NamedTuple):
    """A linked folder as it is remembered: its `number`, since another may stand there later, the level, the link."""

    number: str
    level: str
    target: str


def folder_number(folder: str) -> str:
    """Return what tells a folder from every other that stands or stood at its path: inode and generation.

    The next folder often gets the inode of one that was removed, and never its generation. A file system that counts
    none (tmpfs) does not give a number twice.
    """
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return f"{os.stat(folder).st_ino}."  # one that may be passed, and not be read
    try:
        return f"{os.fstat(handle).st_ino}.{_generation(handle)}"
    finally:
        os.close(handle)


def _generation(folder: int) -> str:
    import fcntl

    try:
        return fcntl.ioctl(folder, _GET_GENERATION, bytes(8))[:4].hex()
    except OSError:
        return ""


def linked_level() -> str:
    """Return the level of the nearest folder that has a `.envfs.toml`.

    Raises:
        Mistake: there is none
        UnsafeSettings: the file is not to be trusted, or this user did not link that folder to that level
    """
    folder = _nearest()
    if folder is None:
        raise Mistake(
            "no level is named, and no folder from here up is linked to one",
            "name a level such as /shop, or link this folder with `envfs link /shop`",
        )
    link = remembered_folders().get(folder)
    said = read_link_file(folder, link.level if link else "")
    if link is None or link.number != folder_number(folder):
        raise UnsafeSettings(_not_linked(folder, said, link), f"`{link_command(folder, said)}` does")
    if link.level != said:
        raise UnsafeSettings(
            f"{toml_of(folder)} names {said}, but you linked that folder to {link.level}",
            f"if the change is yours, `{link_command(folder, said)}`",
        )
    return said


def _not_linked(folder: str, level: str, link: "Linked | None") -> str:
    """Say that a folder is not the one that was linked, and what became of that one where this can be seen."""
    problem = f"{toml_of(folder)} names {level}, but you did not link that folder"
    if link is not None:
        return f"{problem}: it stands where another one was"
    here = folder_number(folder)
    moved = [path for path, row in remembered_folders().items() if row.number == here and not os.path.lexists(path)]
    return f"{problem}: it was moved from {moved[0]}" if moved else problem


def link_command(folder: str, level: str) -> str:
    """Return the command that links a folder to a level, to be pasted. A real `.env` there has to be imported."""
    import shlex

    path = f"{folder.rstrip('/')}/.env"
    importing = " --import" if os.path.isfile(path) and not os.path.islink(path) else ""
    return f"envfs link{importing} {shlex.quote(folder)} {shlex.quote(level)}"


def toml_of(folder: str) -> str:
    """Return the path of a folder's `.envfs.toml`."""
    return f"{folder.rstrip('/')}/{NAME}"


def link_toml(level: str) -> str:
    """Return the text of a `.envfs.toml`."""
    return f'level = "{level}"\n'


def read_link_file(folder: str, expected: str = "") -> str:
    """Return the level that a folder's `.envfs.toml` names, which may be the `expected` one.

    Raises:
        UnsafeSettings: it is no file of the user's own or root's, others may write it, or it is not `level = "…"`
        FileNotFoundError: there is none
    """
    path = toml_of(folder)
    data = _read_safe(path, _LARGEST)
    if expected and data == link_toml(expected).encode():
        return expected
    import tomllib

    from envfs.core import names

    try:
        body = tomllib.loads(data.decode())
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError):
        raise UnsafeSettings(f"{path} is not TOML", _SHOULD) from None
    said = body.get("level")
    if list(body) != ["level"] or not isinstance(said, str):
        raise UnsafeSettings(f"{path} says something else than a level", _SHOULD)
    try:
        return names.parse_level(said)
    except EnvFSError as error:
        raise UnsafeSettings(f"{path}: {error.text}", error.hint) from None


_SHOULD = 'it is one line, such as level = "/shop"'


def remembered_folders() -> "dict[str, Linked]":
    """Return what this user linked, by folder.

    Raises:
        UnsafeSettings: the list could be somebody else's, or is none
    """
    path = client.user_locations().linked
    try:
        body = jsontext.decode_json(_read_safe(path, _LARGEST_LIST))
        rows = body.items() if isinstance(body, dict) else None
        return {folder: _linked(*row) for folder, row in rows}  # type: ignore[union-attr]
    except FileNotFoundError:
        return {}
    except (ValueError, TypeError, AttributeError, RecursionError):
        raise UnsafeSettings(f"{path} is no list of linked folders", "remove it, and link the folders again") from None


def leads_to_a_view(path: str, mounts: "tuple[str, ...]" = ()) -> bool:
    """Tell whether a `.env` is a link that `envfs link` made, in this folder or in one that this is a copy of.

    Its target is that of a folder that is remembered, or lies in one of the `mounts`. Such a link holds no text of its
    own, so nothing is lost when it is replaced.
    """
    if not os.path.islink(path):
        return False
    target = os.readlink(path)
    if any(row.target == target for row in remembered_folders().values()):
        return True
    return target.endswith("/.env") and any(mount and target.startswith(f"{mount}/") for mount in mounts)


def _linked(folder: object, level: object, target: object) -> Linked:
    if not isinstance(folder, str) or not isinstance(level, str) or not isinstance(target, str):
        raise TypeError("not a row of the list")
    return Linked(folder, level, target)


def _nearest() -> "str | None":
    try:
        folder = os.getcwd()
    except OSError:
        raise EnvFSError("the current folder is gone", "name a level, or go to another folder") from None
    while True:
        if os.path.lexists(toml_of(folder)):
            return folder
        above = os.path.dirname(folder)
        if above == folder:
            return None
        folder = above


def _read_safe(path: str, limit: int) -> bytes:
    try:
        handle = safe_open.open_file(path)
        try:
            _check(os.fstat(handle), path)
            return safe_open.read_handle(handle, limit)
        finally:
            os.close(handle)
    except FileNotFoundError:
        raise
    except safe_open.OverLimit:
        raise UnsafeSettings(f"{path} is too large", f"at most {limit} bytes") from None
    except OSError as error:
        raise UnsafeSettings(
            f"cannot read {path}: {safe_open.error_words(error)}", "look at it; it must be a file, and no link to one"
        ) from None


def _check(status: os.stat_result, path: str) -> None:
    if status.st_uid not in (os.geteuid(), 0):
        raise UnsafeSettings(f"{path} belongs to uid {status.st_uid}", "it must be yours or root's")
    if status.st_mode & _OTHERS_MAY_WRITE:
        raise UnsafeSettings(f"others may write {path}", f"`chmod go-w {path}`")

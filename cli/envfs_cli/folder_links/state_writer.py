"""Writing down that a folder is linked: in its `.envfs.toml`, and in the user's own state.

Law: both files are put in place whole. Two that write the list at once both count.
"""

import fcntl
import os

from envfs import safe_open
from envfs.errors import EnvFSError
from envfs.protocol import jsontext
from envfs_cli.daemon import client
from envfs_cli.folder_links import state

TYPE_CHECKING = False
if TYPE_CHECKING:
    from envfs_cli.folder_links.state import Linked


def write_toml(folder: str, level: str) -> None:
    """Name the level in the folder's `.envfs.toml`."""
    _put(state.toml_of(folder), state.link_toml(level).encode(), 0o644)


def remember_folder(folder: str, link: "Linked") -> None:
    """Remember a folder, and no longer where it was before it was moved."""
    _change(folder, link)


def forget_folder(folder: str) -> None:
    """Remember a folder no more."""
    _change(folder, None)


def _change(folder: str, link: "Linked | None") -> None:
    places = client.user_locations()
    try:
        os.makedirs(places.state, 0o700, exist_ok=True)
        handle = os.open(places.state, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise EnvFSError(f"cannot write in {places.state}: {safe_open.error_words(error)}") from None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        links = {path: row for path, row in state.remembered_folders().items() if path != folder}
        if link is not None:
            links = {path: row for path, row in links.items() if row.number != link.number or os.path.lexists(path)}
            links[folder] = link
        _put(places.linked, jsontext.encode_json({path: list(row) for path, row in links.items()}) + b"\n", 0o600)
    finally:
        os.close(handle)


def _put(path: str, data: bytes, mode: int) -> None:
    new = f"{path}.{os.getpid()}"
    try:
        handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
        try:
            with os.fdopen(handle, "wb") as file:
                os.fchmod(handle, mode)
                file.write(data)
                file.flush()
                os.fsync(handle)
            os.rename(new, path)
        except BaseException:
            os.unlink(new)
            raise
    except OSError as error:
        raise EnvFSError(f"cannot write {path}: {safe_open.error_words(error)}") from None

"""The keys and the folders below a folder of a server of SFTP. All else there is passed over."""

from collections.abc import Sequence
from functools import partial

from envfs.core import shared_keys
from envfs.courier.engines.sftp import files
from envfs.courier.engines.sftp.session import SftpSession, all_of
from envfs.errors import StoreUnavailable

Times = dict[str, int]


def not_there(root: str) -> StoreUnavailable:
    """Say that the folder of a vault is missing."""
    return StoreUnavailable(
        f"the folder {root} is not there on the server", "`envfs store init` with this address makes it"
    )


async def check_root(session: SftpSession, root: str) -> None:
    """Look whether the folder is there: one that is gone, as on a disk that is not mounted, is not an empty one.

    Raises:
        StoreUnavailable: it is not
    """
    facts = await files.facts_of(session, root)
    if facts is None or (facts.mode and not facts.is_folder):
        raise not_there(root)


async def keys_below(session: SftpSession, root: str, prefix: str) -> Sequence[str]:
    """Return the keys that start with `prefix`, in order.

    Raises:
        StoreUnavailable: the folder is not there
        RequestRefused: one cannot be listed
    """
    await check_root(session, root)
    keys: list[str] = []

    async def look(folder: str, start: str) -> None:
        below = []
        for name, facts in await files.list_folder(session, _path(root, folder)):
            key = f"{folder}/{name}" if folder else name
            if not name.startswith(start):
                continue
            if facts.is_folder:
                below.append(key)
            elif shared_keys.is_shared_key(key):
                keys.append(key)
        await all_of(partial(look, key, "") for key in below if _may_hold_keys(key))

    folder, _, start = prefix.rpartition("/")
    if _may_hold_keys(folder):
        await look(folder, start)
    return sorted(keys)


async def folder_times(session: SftpSession, root: str, before: Times, again: frozenset[str]) -> Times:
    """Return the times of all folders. New ones are looked for in those of another time than before, and in `again`.

    Raises:
        StoreUnavailable: the folder is not there
        RequestRefused: one cannot be listed
    """
    await check_root(session, root)
    times: Times = {}

    async def look(folder: str) -> None:
        path = _path(root, folder)
        facts = await files.facts_of(session, path)
        if facts is None:
            return
        times[folder] = facts.time
        if facts.time != before.get(folder) or folder in again:
            names = [name for name, facts in await files.list_folder(session, path) if facts.is_folder]
            below = [f"{folder}/{name}" if folder else name for name in names]
            await all_of(partial(look, one) for one in below if one not in before and _may_hold_keys(one))

    await all_of(partial(look, folder) for folder in before or ("",))
    return times


def _path(root: str, folder: str) -> str:
    return f"{root}/{folder}" if folder else root


def _may_hold_keys(folder: str) -> bool:
    return folder in ("", "tombstone") or shared_keys.is_shared_stream(folder)

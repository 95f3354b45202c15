"""Putting a backup that was checked in its place (docs/format.md §11).

Laws: everything is checked against the index before the first file is written. Nothing that is there is replaced or
removed: it is refused, or renamed. The vault comes last, so without it nothing counts.
"""

import hashlib
import os
import shutil
import time

from envfs import safe_open
from envfs.errors import AlreadyExists, Conflict, Malformed, StoreUnavailable
from envfs_cli import backup_archive
from envfs_cli.daemon.vault_lock import VaultLock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from envfs.locations import Locations
    from envfs_cli.backup_archive import File, Index

_ASIDE, _UNFINISHED = ".before-", ".restored"
_PATIENCE, _STEP = 15.0, 0.05  # seconds


def restore_backup(path: str, index: "Index", places: "Locations", *, replace: bool) -> "list[str]":
    """Put a backup that was checked in its place. Return what was moved aside.

    Raises:
        AlreadyExists: something is there, and it is not to be replaced
        Conflict: a daemon, or another command, is at work here
        StoreUnavailable: a file cannot be written
    """
    targets = [places.vault, places.settings, places.rules]
    targets += [places.identity] if "settings/identity.age" in index.files else []
    targets += [f"{places.state}/{name}" for name in _state_names(places.state, index)]
    with VaultLock(places) as lock:
        if not _taken(lock):
            raise Conflict("another envfs process is at work here", "`envfs status` shows it")
        there = [target for target in targets if os.path.lexists(target)]
        if there and not replace:
            raise AlreadyExists(f"there is {there[0]} already", f"`envfs restore {path} --replace` moves it aside")
        try:
            _extract(path, index, places, f"{places.vault}{_UNFINISHED}")
            aside = [_moved_aside(target, index) for target in there]
            _put_in_place(index, places, f"{places.vault}{_UNFINISHED}")
        except OSError as error:
            raise StoreUnavailable(f"the backup cannot be restored: {safe_open.error_words(error)}") from None
    return aside


def _taken(lock: VaultLock) -> bool:
    # the daemon of the last command signs the log after its command has ended
    until = time.monotonic() + _PATIENCE
    while not lock.take():
        if time.monotonic() > until:
            return False
        time.sleep(_STEP)
    return True


def _state_names(state: str, index: "Index") -> "list[str]":
    # the log of before has segments that the backup may not have
    present = [name for name in (os.listdir(state) if os.path.isdir(state) else []) if _ASIDE not in name]
    own = {name.partition("/")[2] for name in index.files if name.startswith("state/")}
    return sorted(own.union(name for name in present if name.startswith(("access.jsonl", "seen.jsonl", "uses.jsonl"))))


def _place(name: str, places: "Locations", vault: str) -> str:
    top, _, tail = name.partition("/")
    if top == "vault":
        return f"{vault}/{tail}"
    if top == "state":
        return f"{places.state}/{tail}"
    return {"envfs.toml": places.settings, "grants.toml": places.rules, "identity.age": places.identity}[tail]


def _extract(path: str, index: "Index", places: "Locations", vault: str) -> None:
    # each file beside its place: a folder of the vault's own, and names that nothing reads
    shutil.rmtree(vault, ignore_errors=True)  # of a restore that was interrupted
    with backup_archive.opened(path) as files:
        for file in files:
            if file.name == backup_archive.INDEX:
                continue
            place = _place(file.name, places, vault)
            os.makedirs(os.path.dirname(place), 0o700, exist_ok=True)
            digest = _write_file(place if place.startswith(f"{vault}/") else f"{place}{_UNFINISHED}", file)
            if digest != index.files.get(file.name):
                raise Malformed(f"{path} was changed while it was read")
    for folder, _, _ in os.walk(vault):
        _sync_folder(folder)


def _moved_aside(target: str, index: "Index") -> str:
    aside = f"{target}{_ASIDE}{index.time[:19].replace(':', '')}"
    number = 1
    while os.path.lexists(aside):
        number += 1
        aside = f"{target}{_ASIDE}{index.time[:19].replace(':', '')}-{number}"
    os.rename(target, aside)
    return aside


def _put_in_place(index: "Index", places: "Locations", vault: str) -> None:
    for name in sorted(index.files):
        if not name.startswith("vault/"):
            place = _place(name, places, vault)
            os.rename(f"{place}{_UNFINISHED}", place)
            _sync_folder(os.path.dirname(place))
    os.rename(vault, places.vault)
    _sync_folder(os.path.dirname(places.vault))


def _write_file(path: str, file: "File") -> str:
    # returns the hash of what was written
    if path.endswith(_UNFINISHED) and os.path.lexists(path):
        os.unlink(path)  # of a restore that was interrupted
    handle, digest = (
        os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600),
        hashlib.sha256(),
    )
    with os.fdopen(handle, "wb") as target:
        for piece in file.pieces():
            digest.update(piece)
            target.write(piece)
        target.flush()
        os.fsync(target.fileno())
    return digest.hexdigest()


def _sync_folder(path: str) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

"""Reading a backup and putting it in its place (docs/format.md §11).

Laws: everything is checked against the index before the first file is written. Nothing that is there is replaced or
removed: it is refused, or renamed. The vault comes last, so without it nothing counts.
"""

import hashlib
import json
import os
import shutil
import tarfile
import time
from contextlib import contextmanager

from envfs import safe_open
from envfs.errors import AlreadyExists, Conflict, EnvFSError, Malformed, StoreUnavailable, UnsupportedFormat
from envfs.tuples import NamedTuple
from envfs_cli.daemon.vault_lock import VaultLock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from envfs.locations import Locations

_ASIDE, _UNFINISHED = ".before-", ".restored"
INDEX, _FORMAT = "index.json", "envfs-backup-1"
_PATIENCE, _STEP = 15.0, 0.05  # seconds
_LARGEST_INDEX, _CHUNK = 1 << 28, 1 << 20
_SETTINGS = {"settings/envfs.toml", "settings/grants.toml", "settings/identity.age"}


class Index(NamedTuple):
    """The index of a backup: of which vault it is, of which time (UTC), and the hash of each file by its name."""

    vault: str
    time: str
    files: "dict[str, str]"


def check_backup(path: str) -> Index:
    """Read a backup to its end.

    Raises:
        Malformed: it is none, or was changed
        UnsupportedFormat: it is of another release
        EnvFSError: it cannot be read
    """
    digests: dict[str, str] = {}
    text = b""
    try:
        with (
            os.fdopen(safe_open.open_file(path, follow=True), "rb") as file,
            tarfile.open(fileobj=file, mode="r:") as tar,
        ):
            for member in tar:
                if member.name in digests or not (member.isreg() and _is_ours(member.name)):
                    raise Malformed(f"{path} is no backup of EnvFS, or was changed")
                if member.name == INDEX and member.size > _LARGEST_INDEX:
                    raise Malformed(f"the index of {path} is too large")
                digests[member.name], data = _hashed(tar, member)
                text = data or text
    except tarfile.TarError:
        raise Malformed(f"{path} is no backup of EnvFS, or is not whole") from None
    except OSError as error:
        raise EnvFSError(f"cannot read {path}: {safe_open.error_words(error)}") from None
    index = _parse_index(path, text)
    digests.pop(INDEX, None)
    if index.files != digests:
        wrong = sorted(name for name in {*index.files, *digests} if index.files.get(name) != digests.get(name))
        raise Malformed(f"{path} was changed, or is not whole: {wrong[0]} is not what its index says")
    return index


@contextmanager
def _opened(path: str) -> "Iterator[tarfile.TarFile]":
    handle = safe_open.open_file(path, follow=True)
    with os.fdopen(handle, "rb") as file, tarfile.open(fileobj=file, mode="r:") as tar:
        yield tar


def _is_ours(name: str) -> bool:
    top, *steps = name.split("/")
    if name == INDEX or name in _SETTINGS:
        return True
    if any(step in ("", ".", "..") for step in steps) or not steps:
        return False
    return top == "vault" or (top == "state" and len(steps) == 1)


def _hashed(tar: tarfile.TarFile, member: tarfile.TarInfo) -> "tuple[str, bytes]":
    # the bytes too, if it is the index
    source = tar.extractfile(member)
    digest, pieces = hashlib.sha256(), []
    while source is not None and (chunk := source.read(_CHUNK)):
        digest.update(chunk)
        pieces += [chunk] if member.name == INDEX else []
    return digest.hexdigest(), b"".join(pieces)


def _parse_index(path: str, text: bytes) -> Index:
    try:
        body = json.loads(text or b"null")
        if (
            isinstance(body, dict)
            and str(body.get("format", "")).startswith("envfs-backup-")
            and body["format"] != _FORMAT
        ):
            raise UnsupportedFormat(
                f"{path} is a backup of another release", "restore it with that one, or a newer one"
            )
        files = {str(name): str(facts["sha256"]) for name, facts in body["files"].items()}
        return Index(str(body["vault"]), str(body["time"]), files)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise Malformed(f"{path} has no index, so it is no backup of EnvFS or is not whole") from None


def restore_backup(path: str, index: Index, places: "Locations", *, replace: bool) -> "list[str]":
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


def _state_names(state: str, index: Index) -> "list[str]":
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


def _extract(path: str, index: Index, places: "Locations", vault: str) -> None:
    # each file beside its place: a folder of the vault's own, and names that nothing reads
    shutil.rmtree(vault, ignore_errors=True)  # of a restore that was interrupted
    with _opened(path) as tar:
        for member in tar:
            source = tar.extractfile(member)
            if member.name == INDEX or source is None:
                continue
            data = source.read()
            if hashlib.sha256(data).hexdigest() != index.files[member.name]:
                raise Malformed(f"{path} was changed while it was read")
            place = _place(member.name, places, vault)
            os.makedirs(os.path.dirname(place), 0o700, exist_ok=True)
            _write_file(place if place.startswith(f"{vault}/") else f"{place}{_UNFINISHED}", data)
    for folder, _, _ in os.walk(vault):
        _sync_folder(folder)


def _moved_aside(target: str, index: Index) -> str:
    aside = f"{target}{_ASIDE}{index.time[:19].replace(':', '')}"
    number = 1
    while os.path.lexists(aside):
        number += 1
        aside = f"{target}{_ASIDE}{index.time[:19].replace(':', '')}-{number}"
    os.rename(target, aside)
    return aside


def _put_in_place(index: Index, places: "Locations", vault: str) -> None:
    for name in sorted(index.files):
        if not name.startswith("vault/"):
            place = _place(name, places, vault)
            os.rename(f"{place}{_UNFINISHED}", place)
            _sync_folder(os.path.dirname(place))
    os.rename(vault, places.vault)
    _sync_folder(os.path.dirname(places.vault))


def _write_file(path: str, data: bytes) -> None:
    if path.endswith(_UNFINISHED) and os.path.lexists(path):
        os.unlink(path)  # of a restore that was interrupted
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(path: str) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

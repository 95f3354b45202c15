"""Vaults as years of use leave them, made in a minute: with a long history of a level, with many levels.

The records are true ones, sealed and signed by the keyholder's own modules, with entries in the log, an index and
marks. They are stored without waiting for the disk. Each vault is made once and kept in a cache folder. The bench
measures copies, whose records are hard links: no record is ever changed in its place.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from envfs.core import addresses, events, names, record
from envfs.core.addresses import RecordAddress
from envfs.core.keyfile import Custody, Keys
from envfs.core.notes import Note
from envfs.core.operations import KeyOperation, Operation
from envfs.core.secret import Secret
from envfs.gate.audit_log.log import AccessLog
from envfs.host.callers import callers
from envfs.keyholder.crypto import sealing
from envfs.keyholder.crypto.identity import Identity
from envfs.keyholder.crypto.sealing import Content
from envfs.vault import description

ENVFS = str(Path(sys.executable).with_name("envfs"))
_BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
_KEY_BYTES = 32
_KEPT = 10  # vaults in the cache
_MARK = "whole"  # a file that says that a vault was made to its end


class Grown(NamedTuple):
    """A vault to be made: how many versions each of some levels has, and their texts.

    `{version}` in the text is the version's number. Nothing else in it has braces.
    """

    versions: tuple[tuple[str, int], ...]
    text: str

    @property
    def name(self) -> str:
        """A name that another vault, and one that another state of this file made, does not have."""
        told = f"{Path(__file__).read_text(encoding='utf-8')}{self}".encode()
        return hashlib.sha256(told).hexdigest()[:16]


def cached_home(grown: Grown) -> Path:
    """Return the folder of a home with such a vault. It is made if it is not there."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "envfs-bench"
    home = cache / grown.name
    if not (home / _MARK).exists():
        shutil.rmtree(home, ignore_errors=True)
        cache.mkdir(parents=True, exist_ok=True)
        for old in sorted(cache.iterdir(), key=lambda path: path.stat().st_mtime)[: -(_KEPT - 1)]:
            shutil.rmtree(old, ignore_errors=True)
        count = sum(number for _, number in grown.versions)
        print(f"making a vault of {count:,} versions in {home}", file=sys.stderr)
        _make(home, grown)
        (home / _MARK).touch()
    os.utime(home)
    return home


def copy_home(source: Path, target: Path) -> None:
    """Copy a home into an empty folder of the same file system. Its records are the same files."""
    shutil.copytree(source / "vault", target / "vault", copy_function=os.link)
    shutil.copytree(source / "state", target / "state", ignore=shutil.ignore_patterns("daemon*", "mounted"))
    for name in ("envfs.toml", "grants.toml"):
        shutil.copy2(source / name, target / name)


def _make(home: Path, grown: Grown) -> None:
    home.mkdir(mode=0o700)
    identity_file = home / "identity.txt"
    environ = {**os.environ, "ENVFS_HOME": str(home)}
    words = [ENVFS, "init", "--identity-file", str(identity_file)]
    subprocess.run(words, env=environ, check=True, capture_output=True)
    with closing(AccessLog(home / "state/access.jsonl")) as log:
        marks = tuple(_Maker(home, _identity(identity_file), log).make(grown))
    lines = (json.dumps({"stream": stream, "seq": seq, "digest": digest}) for stream, seq, digest in marks)
    (home / "state/seen.jsonl").write_text("".join(f"{line}\n" for line in lines), encoding="ascii")


def _identity(path: Path) -> Identity:
    lines = path.read_text(encoding="ascii").splitlines()
    return Identity(Secret(next(line for line in lines if not line.startswith("#"))))


class _Maker:
    """Puts records into the vault of `home`, as `identity`, and their entries into `log`."""

    def __init__(self, home: Path, identity: Identity, log: AccessLog) -> None:
        self._vault, self._identity, self._log = home / "vault", identity, log
        self._id = description.parse_description((self._vault / description.KEY).read_bytes()).id
        self._keys: dict[names.Project, Secret[bytes]] = {}
        self._caller = callers.own_caller()._replace(executable=sys.executable)
        self._time = _BEGIN

    def make(self, grown: Grown) -> Iterator[tuple[str, int, str]]:
        """Make it. Yields stream, number and digest of each stream's newest record."""
        for level, count in grown.versions:
            project = names.project(level)
            if project not in self._keys:
                yield self._key(project)
            self._put(addresses.index_key(level), b"")
            yield self._level(level, count, grown.text)

    def _key(self, project: names.Project) -> tuple[str, int, str]:
        place = RecordAddress(self._id, record.key_stream(project), 1, "")
        key = self._keys[project] = Secret(os.urandom(_KEY_BYTES))
        keys = Keys((key,), (self._identity.recipient,))
        self._log.append(events.keys_changed(project, 1, KeyOperation.CREATE, Custody.MANAGED), self._caller)
        data = sealing.seal_key_file(self._identity, place, self._now(), keys)
        self._put(record.record_key(place.stream, 1), data)
        return place.stream, 1, record.digest(data)

    def _level(self, level: str, count: int, text: str) -> tuple[str, int, str]:
        stream, prev, key = record.level_stream(level), "", self._keys[names.project(level)]
        for seq in range(1, count + 1):
            self._log.append(events.written(level, seq, Operation.SET), self._caller)
            content = Content(text.replace("{version}", str(seq)), Note("set"))
            place = RecordAddress(self._id, stream, seq, prev)
            data = sealing.seal_record(self._identity, place, self._now(), key, content)
            self._put(record.record_key(stream, seq), data)
            prev = record.digest(data)
        return stream, count, prev

    def _now(self) -> str:
        self._time += timedelta(minutes=1)
        return self._time.strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    def _put(self, key: str, data: bytes) -> None:
        path = self._vault / key
        if not path.parent.exists():
            path.parent.mkdir(mode=0o700, parents=True)
        path.write_bytes(data)
        path.chmod(0o600)


def many_levels(count: int, each: int = 100) -> tuple[tuple[str, int], ...]:
    """Return the levels of a vault with many: projects of `each` levels, with a version each."""
    return tuple(
        (f"/p{number // each}" + (f"/l{number % each}" if number % each else ""), 1) for number in range(count)
    )

"""A backup of a vault that is written meanwhile, and its way back. Nothing is replaced, and a bent one is refused."""

import hashlib
import io
import json
import os
import tarfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from envfs.errors import Malformed
from envfs_cli import backup_archive
from tests.conftest import Homes
from tests.system.alone import answers, reading, verified
from tests.system.home import SECONDS, Home
from tests.system.peer import Peer


def _backup(home: Home, path: Path) -> dict[str, object]:
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with Peer(home.socket) as peer:
            peer.socket.settimeout(3 * SECONDS)
            reply = peer.ask({"type": "backup"}, (handle,))
    finally:
        os.close(handle)
    assert reply["type"] == "backed-up", reply
    return reply


@contextmanager
def _writers(home: Home) -> Iterator[None]:
    """Set variables, begin levels, rotate keys, remove and forget, for as long as the block lasts."""
    done = threading.Event()
    failures: list[object] = []

    def write(number: int) -> None:
        turn = 0
        with Peer(home.socket) as peer:
            peer.socket.settimeout(3 * SECONDS)
            while not done.is_set():
                turn += 1
                level = f"/load/w{number}/t{turn % 5}"
                bodies: list[dict[str, object]] = [{"type": "set-variable", "level": level, "name": f"N{turn}"}]
                if turn % 7 == 0:
                    bodies += [{"type": "remove-level", "level": level}, {"type": "forget-versions", "level": level}]
                if turn % 11 == 0:
                    bodies.append({"type": "rotate-key", "project": "load"})
                for body in bodies:
                    secrets = ("value",) if body["type"] == "set-variable" else ()
                    reply = peer.ask_all(body, secrets)[1]
                    if reply["type"] == "failed":
                        failures.append(reply)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        done.set()
        for thread in threads:
            thread.join(3 * SECONDS)
    assert failures == []


@pytest.mark.parametrize("times", [2, pytest.param(50, marks=pytest.mark.soak)])
def test_a_backup_under_load_restores_to_a_vault_that_verifies(
    new_home: Homes, stocked: Home, ground: Path, times: int
) -> None:
    home = new_home(stocked)
    files = [ground / f"{home.path.name}-{times}-{number}.tar" for number in range(times)]
    with home.served(), _writers(home):
        for path in files:
            _backup(home, path)
    for path in files:
        other = Home(path.with_suffix(".home"))
        other.path.mkdir()
        other.envfs("restore", str(path))
        answer = verified(other)
        assert answer.reply["failed"] == 0, answer.rows
        asked = {"type": "list-variables", "level": "/shop/prod"}
        assert answers(other, [asked])[0].rows
        path.unlink()


@pytest.fixture(scope="module")
def saved(new_home: Homes, stocked: Home, own_ground: Path) -> tuple[Home, Path]:
    """Give a home that changed after its backup, and the backup. Not to be changed."""
    home = new_home(stocked)
    path = own_ground / "saved.tar"
    home.envfs("set", "/shop/prod", "WHEN", given="before")
    home.envfs("backup", str(path))
    home.envfs("set", "/shop/prod", "WHEN", given="after")
    home.settle()
    return home, path


def test_nothing_is_replaced_without_being_told(saved: tuple[Home, Path]) -> None:
    home, path = saved
    before = sorted((str(each), each.stat().st_mtime_ns) for each in home.path.rglob("*"))
    said = home.envfs("restore", str(path), status=118)
    assert "already" in said.complaint
    assert "restore" in said.complaint
    assert sorted((str(each), each.stat().st_mtime_ns) for each in home.path.rglob("*")) == before
    assert "already" in home.envfs("backup", str(path), status=118).complaint


def test_what_was_there_is_moved_aside_and_the_older_state_is_noticed_until_a_person_takes_it(
    new_home: Homes, saved: tuple[Home, Path]
) -> None:
    source, path = saved
    home = new_home(source)
    home.envfs("get", "/shop/prod", "WHEN")  # this machine has a witness of this home now
    home.settle()
    home.envfs("restore", str(path), "--replace")
    (aside,) = home.path.glob("vault.before-*")
    assert len(list((aside / "level/shop/prod").iterdir())) == len(list((home.vault / "level/shop/prod").iterdir())) + 1
    refused = home.envfs("get", "/shop/prod", "WHEN", status=112).complaint
    assert "not the one that was signed" in refused
    home.envfs("log", "restart")
    home.envfs("accept", "/", "--yes")
    assert home.envfs("get", "/shop/prod", "WHEN").text == "before\n"
    home.settle()
    assert verified(home).reply["failed"] == 0


def test_a_daemon_keeps_a_restore_out(new_home: Homes, saved: tuple[Home, Path]) -> None:
    source, path = saved
    home = new_home(source)
    with home.served():
        assert "daemon" in home.envfs("restore", str(path), "--replace", status=123).complaint
        assert answers_of(home) == "after"


def test_another_user_is_refused_without_a_rule_and_gets_a_file_of_its_own_with_one(
    new_home: Homes, saved: tuple[Home, Path], ground: Path
) -> None:
    home, folder = new_home(saved[0]), ground / "of-1001"
    folder.mkdir()
    os.chown(folder, 1001, 1001)
    with home.served():
        refused = home.envfs("backup", str(folder / "x"), uid=1001, status=102).complaint
        assert "no rule gives uid 1001 `admin`" in refused
        assert not list(folder.iterdir())
        home.envfs("grant", "/", "--uid", "1001", "--can", "admin")
        home.envfs("backup", str(folder / "x"), uid=1001)
    with tarfile.open(folder / "x") as tar:
        assert "index.json" in tar.getnames()


def answers_of(home: Home) -> str:
    """Return what the running daemon gives for WHEN."""
    with Peer(home.socket) as peer:
        peer.ask_all(reading("/shop/prod", "WHEN"))
        return peer.blob[:-1].decode()


def _again(path: Path, target: Path, change: Callable[[str, bytes], tuple[str, bytes] | None]) -> None:
    with tarfile.open(path) as old, tarfile.open(target, "w") as new:
        for member in old:
            file = old.extractfile(member)
            changed = change(member.name, file.read() if file else b"")
            if changed is not None:
                info = tarfile.TarInfo(changed[0])
                info.size = len(changed[1])
                new.addfile(info, io.BytesIO(changed[1]))


def _flipped(name: str, data: bytes) -> tuple[str, bytes]:
    return name, data[:40] + bytes([data[40] ^ 4]) + data[41:] if name.endswith("prod/@00000001.json") else data


def _reindexed(data: bytes, old: str, new: str) -> bytes:
    body = json.loads(data)
    body["files"][new] = body["files"].pop(old)
    return json.dumps(body).encode()


BENT: dict[str, Callable[[str, bytes], tuple[str, bytes] | None]] = {
    "a record changed": _flipped,
    "a file gone": lambda name, data: None if name == "vault/vault.toml" else (name, data),
    "the index gone": lambda name, data: None if name == "index.json" else (name, data),
    "the index no object": lambda name, data: (name, b"[]" if name == "index.json" else data),
    "another format": lambda name, data: (name, data.replace(b"envfs-backup-1", b"envfs-backup-2")),
    "a file outside": lambda name, data: (name.replace("vault/vault.toml", "vault/../../x"), data),
    "a file of its own": lambda name, data: (name.replace("settings/grants.toml", "settings/x"), data),
    "outside, and in the index": lambda name, data: (
        (name, _reindexed(data, "vault/vault.toml", "/tmp/x"))
        if name == "index.json"
        else (name.replace("vault/vault.toml", "/tmp/x"), data)
    ),
}


def _member(name: str, kind: bytes, data: bytes = b"", **fields: object) -> bytes:
    info = tarfile.TarInfo(name)
    info.type, info.size = kind, len(data)
    for field, value in fields.items():
        setattr(info, field, value)
    return info.tobuf(tarfile.GNU_FORMAT) + data + bytes(-len(data) % 512)


def _sparse(size: int) -> bytes:
    # an old GNU header: one piece of no bytes at the end of a file of that size (tar(5))
    block = bytearray(_member("vault/vault.toml", tarfile.GNUTYPE_SPARSE))
    block[386:398], block[398:410] = b"%011o\0" % size, b"%011o\0" % 0
    block[483:495] = b"%011o\0" % size
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block[:512])
    return bytes(block)


EVIL: dict[str, bytes] = {
    "a link": _member("vault/vault.toml", tarfile.SYMTYPE, linkname="/etc/passwd"),
    "a hard link": _member("vault/vault.toml", tarfile.LNKTYPE, linkname="/etc/passwd"),
    "a device": _member("vault/vault.toml", tarfile.CHRTYPE, devmajor=1, devminor=5),
    "a pipe": _member("vault/vault.toml", tarfile.FIFOTYPE),
    "a folder": _member("vault/level", tarfile.DIRTYPE),
    "eight gigabytes of holes": _sparse(1 << 32),
    "a size below zero": _member("vault/vault.toml", tarfile.REGTYPE, size=-512),
    "a long name of gigabytes": _member("././@PaxHeader", tarfile.XHDTYPE, size=1 << 40),
    "a GNU name of gigabytes": _member("././@LongLink", tarfile.GNUTYPE_LONGNAME, size=1 << 40),
    "a header for all": _member("x", tarfile.XGLTYPE, b"20 path=/etc/passwd\n"),
    "a size below zero in a header": _member("x", tarfile.XHDTYPE, b"13 size=-512\n")
    + _member("vault/x", tarfile.REGTYPE),
    "a NUL in a name": _member("x", tarfile.XHDTYPE, b"18 path=vault/a\0b\n") + _member("vault/x", tarfile.REGTYPE),
    "a name twice": _member("vault/vault.toml", tarfile.REGTYPE, b"a") * 2,
    "the root": _member("/etc/cron.d/x", tarfile.REGTYPE, b"a"),
    "steps up": _member("vault/level/../../../x", tarfile.REGTYPE, b"a"),
    "another file of the state": _member("state/links.json", tarfile.REGTYPE, b"{}"),
}


def _of_one_file(name: str, **index: object) -> bytes:
    data = b"a"
    facts = {"size": 1, "sha256": hashlib.sha256(data).hexdigest()}
    body = {"format": "envfs-backup-1", "vault": "v", "time": "2026-11-30T00:00:00Z", "files": {name: facts}, **index}
    text = json.dumps(body).encode()
    return _member(name, tarfile.REGTYPE, data) + _member("index.json", tarfile.REGTYPE, text) + bytes(1024)


EVIL["a time that is a path"] = _of_one_file("vault/vault.toml", time="/../../../tmp/x")
EVIL["a time with a NUL"] = _of_one_file("vault/vault.toml", time="2026\0")
EVIL["a vault that writes to the terminal"] = _of_one_file("vault/vault.toml", vault="\x1b[2J")


@pytest.mark.parametrize("how", EVIL)
def test_an_archive_that_was_made_to_harm_is_refused_at_once(ground: Path, how: str) -> None:
    path = ground / f"evil-{hashlib.sha256(how.encode()).hexdigest()[:8]}.tar"
    path.write_bytes(EVIL[how] + bytes(10240))
    with pytest.raises(Malformed) as refused:
        backup_archive.check_backup(str(path))
    assert str(path) in refused.value.text
    assert refused.value.text.isprintable()
    if how != "a size below zero in a header":  # at which newer Pythons take an archive to be at its end
        assert "has no index" not in refused.value.text  # it did not come so far


def test_an_archive_of_one_sound_file_is_taken(ground: Path) -> None:
    path = ground / "sound.tar"
    path.write_bytes(_of_one_file("vault/level/x/@00000001.json"))
    assert list(backup_archive.check_backup(str(path)).files) == ["vault/level/x/@00000001.json"]


@pytest.mark.parametrize("how", BENT)
def test_a_backup_that_was_changed_is_refused_whole(ground: Path, saved: tuple[Home, Path], how: str) -> None:
    bent = ground / f"bent-{hashlib.sha256(how.encode()).hexdigest()[:8]}.tar"
    _again(saved[1], bent, BENT[how])
    home = Home(bent.with_suffix(".home"))
    home.path.mkdir()
    said = home.envfs("restore", str(bent), status=None)
    assert said.status in (106, 114)
    assert str(bent) in said.complaint.replace("\n", " ")
    assert list(home.path.iterdir()) == []


@pytest.mark.parametrize("data", [b"", b"no archive", b"\0" * 1024])
def test_what_is_no_backup_is_refused(ground: Path, data: bytes) -> None:
    home = Home(ground / f"nothing-{len(data)}")
    home.path.mkdir()
    path = home.path / "x.tar"
    path.write_bytes(data)
    assert home.envfs("restore", str(path), status=106).complaint
    assert home.envfs("restore", str(home.path / "none"), status=100).complaint
    assert list(home.path.iterdir()) == [path]

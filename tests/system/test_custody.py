"""Zero-knowledge projects and locks of projects, attacked from outside: with the whole disk, by killing, at once.

Where a project only has to be there, its key file is one that opens in milliseconds; few changes take their time.
"""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import pyrage
import pytest

from envfs.core import keyfile, record
from envfs.core.addresses import RecordAddress
from envfs.core.secret import Secret
from envfs.service.audit.log_verification import LIMITS
from envfs.vault import description
from tests.component import cheap
from tests.conftest import Homes, copied
from tests.system import search
from tests.system.crashing import stopped_at_work
from tests.system.home import ENVFS, SECONDS, Daemon, Home, eventually
from tests.system.probing import attempt
from tests.system.test_memory import found_in

PASS, NEW = "river-monkey-telescope-quartz", "indigo-harbour-seventeen-lemon"
VALUE = "in-the-safe-7f3a9c"
KEYS = (hashlib.sha256(b"a key").digest(),)
STRANGERS = "age17cyz8uddawjyrgxfl2pma468ptvmtal758qzdvqcqs9afjr5jqzql6x2nf"


def _file(ground: Path, passphrase: str) -> str:
    path = (
        ground / f"passphrase-{zlib.crc32(passphrase.encode())}.txt"
    )  # the daemon sees command lines, so not by its text
    path.write_text(f"{passphrase}\n", encoding="utf-8")
    return str(path)


@pytest.fixture(scope="module")
def files(ground: Path) -> tuple[str, str]:
    """Give the passphrases in files, the old one and the new one."""
    return _file(ground, PASS), _file(ground, NEW)


@pytest.fixture(scope="module")
def kept(stocked: Home, ground: Path, own_ground: Path, files: tuple[str, str]) -> Home:
    """Give a home in which project `safe` is zero-knowledge, with a value. Not to be changed: `home` copies it."""
    home = copied(stocked, ground / f"kept-{own_ground.name}")  # beside the identity
    put(home, "safe", PASS)
    home.envfs("set", "/safe/prod", "KEPT", given=VALUE, environ={"ENVFS_PROJECT_PASSPHRASE_FILE": files[0]})
    home.settle()
    return home


def put(home: Home, project: str, passphrase: str) -> None:
    """Put the next key file of a zero-knowledge project into a vault, and forget the one before, as its owner would."""
    about = description.parse_description((home.vault / description.KEY).read_bytes())
    folder = home.vault / "key" / project
    folder.mkdir(mode=0o700, exist_ok=True)
    before = sorted(folder.iterdir())
    prev = record.digest(before[-1].read_bytes()) if before else ""
    place = RecordAddress(about.id, f"key/{project}", len(before) + 1, prev)
    identity = cheap.identity_in(home.path.parent / "identity.txt")
    data = cheap.key_file(identity, place, passphrase, tuple(map(Secret, KEYS)))
    (home.vault / record.record_key(place.stream, place.seq)).write_bytes(data)
    for path in before:
        path.write_bytes(b"")


@pytest.fixture
def home(new_home: Homes, kept: Home) -> Home:
    """Give one test a copy of it, not mounted."""
    return new_home(kept)


@pytest.fixture
def open_home(home: Home, files: tuple[str, str]) -> Iterator[tuple[Home, Daemon]]:
    """Give one test a copy of it, mounted, `safe` unlocked."""
    with home.served() as daemon:
        home.envfs("unlock", "safe", "--passphrase-file", files[0])
        yield home, daemon


def how(home: Home, *levels: str) -> list[str]:
    """Return how reading each level's view ends."""
    return [attempt(0, "read", home.view(level)).how for level in levels]


def key_files(home: Home, project: str) -> list[bytes]:
    return [path.read_bytes() for path in sorted((home.vault / "key" / project).iterdir())]


# -- with everything in hand but the passphrase ------------------------------------------------------------------------


def test_disk_settings_environment_and_identity_open_no_zero_knowledge_project(home: Home, ground: Path) -> None:
    everything = {"ENVFS_PASSPHRASE_FILE": str(ground / "identity.txt")}
    for words in (("get", "/safe/prod", "KEPT"), ("exec", "/safe/prod", "--", "env"), ("history", "/safe/prod")):
        said = home.envfs(*words, environ=everything, status=None)
        assert said.status != 0
        assert VALUE not in said.text + said.complaint
    home.settle()
    assert search.in_folder(home.path, search.needles(["KEPT"], [VALUE]), home.mnt) == set()
    identity = cheap.identity_in(ground / "identity.txt")
    for path in home.vault.rglob("*.age"):
        opened = [] if "safe" in path.parts else [path]
        try:
            identity.open(path.read_bytes())
        except Exception:  # noqa: BLE001 - whatever age says of it
            opened = [one for one in opened if one != path]
        assert bool(opened) == ("safe" not in path.parts), path


def test_a_project_that_was_managed_leaves_nothing_that_the_identity_opens(home: Home, files: tuple[str, str]) -> None:
    home.envfs("project", "custody", "shop", "--zero-knowledge", "-y", "--passphrase-file", files[0])
    home.settle()
    first, newest = key_files(home, "shop")
    assert first == b""
    assert keyfile.custody_of(newest) is keyfile.Custody.ZERO_KNOWLEDGE
    assert not list(home.vault.rglob(".new-*"))
    for words in (("get", "/shop/prod", "APP_ENV"), ("get", "/shop", "APP_NAME", "--version", "1")):
        assert home.envfs(*words, status=None).status != 0


def test_a_key_file_of_another_project_in_its_place_is_refused(home: Home, files: tuple[str, str]) -> None:
    put(home, "other", PASS)
    shutil.copy(home.vault / "key/other/@00000001.age", home.vault / "key/safe/@00000002.age")
    with home.served():
        said = home.envfs("unlock", "safe", "--passphrase-file", files[0], status=110)
        assert "another place" in said.complaint
        assert how(home, "/safe/prod", "/shop") == ["ENOKEY", "ok"]


# -- locking one project -----------------------------------------------------------------------------------------------


def test_lock_takes_one_project_away_from_who_reads_it_and_no_other(open_home: tuple[Home, Daemon]) -> None:
    home, _ = open_home
    home.envfs("set", "/safe2", "A", given="1")
    with (
        home.view("/safe/prod").open("rb", buffering=0) as reader,
        home.view("/safe2").open("rb", buffering=0) as other,
    ):
        assert reader.read(1)
        assert other.read(1)
        home.envfs("lock", "safe")
        with pytest.raises(OSError, match="Required key"):
            reader.read(1)
        assert other.read(1)
    assert how(home, "/safe/prod", "/safe2", "/shop/prod") == ["ENOKEY", "ok", "ok"]
    assert attempt(0, "listdir", home.mnt / "safe").how == "ok"


def test_pages_that_were_mapped_before_are_taken_away(open_home: tuple[Home, Daemon]) -> None:
    home, _ = open_home
    script = """
import mmap, sys
with open(sys.argv[1], "rb") as file:
    mapped = mmap.mmap(file.fileno(), 0, mmap.MAP_PRIVATE, mmap.PROT_READ)
print(mapped[:4] == b"COMP", flush=True)
sys.stdin.readline()
print(mapped[:].count(b"in-the-safe"), flush=True)
"""
    command = [sys.executable, "-I", "-S", "-c", script, str(home.view("/safe/prod"))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "True\n"
        home.envfs("lock", "safe")
        out, _ = child.communicate("\n", timeout=SECONDS)
    assert out == ""
    assert child.returncode == -signal.SIGBUS


def test_its_time_ends_for_one_project_alone(home: Home, files: tuple[str, str]) -> None:
    with home.served():
        for seconds in (1, 4, 16, 64):  # a busy machine may take longer than that for the first read
            begun = time.monotonic()
            home.envfs("unlock", "safe", "--ttl", f"{seconds}s", "--passphrase-file", files[0])
            found = how(home, "/safe/prod", "/shop")
            if time.monotonic() - begun < seconds:
                break
        assert found == ["ok", "ok"]
        eventually(lambda: how(home, "/safe/prod") == ["ENOKEY"], "it locks again", seconds + SECONDS)
        assert how(home, "/shop") == ["ok"]
        assert home.status()["unlocked"] is True


def test_what_a_person_locked_is_locked_when_the_keyholder_is_killed(open_home: tuple[Home, Daemon]) -> None:
    home, daemon = open_home
    home.envfs("lock", "shop")
    reader = subprocess.Popen(
        ["sh", "-c", f"while :; do cat {home.view('/shop')} 2>/dev/null && echo LEAKED; done"],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        os.kill(daemon.keyholder, signal.SIGKILL)
        eventually(lambda: how(home, "/") == ["ok"], "the next keyholder serves")
        time.sleep(0.3)
    finally:
        reader.kill()
        out, _ = reader.communicate()
    assert out == ""
    assert how(home, "/safe/prod", "/shop", "/") == ["ENOKEY", "ENOKEY", "ok"]


# -- wrong passphrases -------------------------------------------------------------------------------------------------


def test_a_wrong_passphrase_is_on_the_log_and_nowhere_to_be_read(home: Home, files: tuple[str, str]) -> None:
    with home.served():
        begun = time.monotonic()
        for _ in range(2):
            said = home.envfs("unlock", "safe", "--passphrase-file", files[1], status=109)
            assert NEW not in said.text + said.complaint
        refused = [entry for entry in home.log() if entry.get("rule") == "wrong passphrase"]
        assert [entry["level"] for entry in refused] == ["/safe"] * 2
        assert how(home, "/safe/prod") == ["ENOKEY"]
        home.envfs("unlock", "safe", "--passphrase-file", files[0])
        assert time.monotonic() - begun > 4  # nothing, one second, three seconds
    assert search.in_folder(home.path, search.needles([], [PASS, NEW]), home.mnt) == set()


# -- the memory of both processes --------------------------------------------------------------------------------------


def test_a_new_passphrase_and_a_new_key_leave_nothing_of_them_in_memory_and_nothing_to_the_old_one(
    home: Home, files: tuple[str, str], tmp_path: Path
) -> None:
    by_hand = {"ENVFS_PROJECT_PASSPHRASE_FILE": files[1]}
    sheet = tmp_path / "sheet"
    with home.served() as daemon:
        home.envfs("unlock", "safe", "--passphrase-file", files[0])
        home.envfs("passwd", "safe", "--passphrase-file", files[0], "--new-passphrase-file", files[1])
        home.envfs("key", "rotate", "safe", environ=by_hand)
        home.envfs("recovery", "-o", str(sheet))
        assert home.view("/safe/prod").read_text().count(VALUE) == 1
        recovery = next(word for word in sheet.read_text().split() if word.startswith("AGE-SECRET-KEY"))
        *old, newest = key_files(home, "safe")
        assert old == [b"", b""]
        home.envfs("lock", "safe")
        home.envfs("unlock", "safe", "--passphrase-file", files[0], status=109)
        assert how(home, "/safe/prod") == ["ENOKEY"]
        keys = _keys_of(newest, NEW)
        assert len(keys) == 2
        assert KEYS[0] in keys
        home.envfs("project", "custody", "safe", "--managed", "-y", environ=by_hand)
        assert how(home, "/safe/prod") == ["ok"]
        for pid in daemon:
            assert found_in(pid, [PASS, NEW, recovery, *(record.to_base64(key) for key in keys)]) == []
            assert _raw_in(pid, keys) == 0
    assert Path(home.state / "daemon.log").read_bytes() == b""


def _keys_of(data: bytes, passphrase: str) -> tuple[bytes, ...]:
    return tuple(key.reveal() for key in keyfile.parse_keys(pyrage.passphrase.decrypt(data, passphrase)).keys.keys)


def _raw_in(pid: int, keys: tuple[bytes, ...]) -> int:
    found = 0
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        for line in Path(f"/proc/{pid}/maps").read_text(encoding="utf-8").splitlines():
            start, end = (int(part, 16) for part in line.split()[0].split("-"))
            try:
                memory.seek(start)
                data = memory.read(end - start)
            except (OSError, ValueError, OverflowError):
                continue
            found += sum(data.count(key) for key in keys)
    return found


# -- at once -----------------------------------------------------------------------------------------------------------


def test_rotations_writes_reads_and_locks_at_once_lose_nothing(open_home: tuple[Home, Daemon]) -> None:
    home, _ = open_home
    words = [
        *(("key", "rotate", "shop") for _ in range(3)),
        *(("set", f"/shop/at-once-{number}", "N", "--from-file", "/etc/hostname") for number in range(4)),
        ("lock", "blog"),
        ("project", "recipients", "shop", "--add", STRANGERS),
        ("get", "/safe/prod", "KEPT"),
        ("verify",),
    ]
    running = [
        subprocess.Popen(
            [ENVFS, *line], env=home.environ(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        for line in words
    ]
    ended = [(child.args, child.communicate(timeout=3 * SECONDS)[1], child.returncode) for child in running]
    assert not [end for end in ended if end[2] not in (0, 103, 123)], ended  # there is no blog; two took one number
    assert not [end for end in ended if b"Traceback" in end[1]]
    rows = home.rows("key", "ls", "shop")
    assert [row["levels"] for row in rows] == [len(home.rows("ls", "/shop")), *[0] * (len(rows) - 1)]
    assert [len(data) > 0 for data in key_files(home, "shop")][:-1] == [False] * (len(key_files(home, "shop")) - 1)
    assert home.envfs("verify").text.endswith(" 0 failed\n")
    assert home.problems() == ""


def test_a_lock_in_the_middle_of_a_change_holds(open_home: tuple[Home, Daemon], files: tuple[str, str]) -> None:
    home, daemon = open_home
    command = [ENVFS, "passwd", "safe", "--passphrase-file", files[0], "--new-passphrase-file", files[1]]
    with subprocess.Popen(command, env=home.environ(), stderr=subprocess.PIPE, stdin=subprocess.DEVNULL) as change:
        at_work = stopped_at_work(daemon.keyholder)
        home.envfs("lock")
        os.kill(at_work, signal.SIGCONT)
        change.communicate(timeout=3 * SECONDS)
    home.envfs("unlock")
    assert how(home, "/safe/prod", "/shop") == ["ENOKEY", "ok"]
    known = {row["project"]: row["unlocked"] for row in home.rows("project", "ls")}
    assert known["/safe"] is False


# -- other machines, backups, crashes ----------------------------------------------------------------------------------


def test_a_machine_that_saw_less_takes_up_a_rotation_and_a_new_passphrase(
    home: Home, new_home: Homes, files: tuple[str, str]
) -> None:
    home.envfs("verify")
    home.settle()
    other = new_home(home)
    put(home, "safe", NEW)
    home.envfs("key", "rotate", "shop")
    home.envfs("key", "rotate", "shop")
    home.settle()
    shutil.rmtree(other.vault)
    shutil.copytree(home.vault, other.vault)
    new = {"ENVFS_PROJECT_PASSPHRASE_FILE": files[1]}
    for _ in range(2):  # seen for the first time, and again
        assert other.envfs("get", "/safe/prod", "KEPT", environ=new).text.strip() == VALUE
        assert other.envfs("get", "/shop", "APP_NAME").text == "shop\n"
    other.envfs("key", "rotate", "shop")
    assert "0 failed" in other.envfs("verify").text


def test_a_backup_from_before_a_rotation_is_refused_and_works_once_it_is_accepted(home: Home, tmp_path: Path) -> None:
    backup = tmp_path / "backup"
    shutil.copytree(home.vault, backup)
    home.envfs("key", "rotate", "shop")
    home.settle()
    shutil.rmtree(home.vault)
    shutil.copytree(backup, home.vault)
    home.envfs("get", "/shop", "APP_NAME", status=111)
    for level in ("/shop", "/shop/prod"):
        home.envfs("accept", level, "--yes")
    assert home.envfs("get", "/shop", "APP_NAME").text == "shop\n"
    home.envfs("key", "rotate", "shop")
    assert "0 failed" in home.envfs("verify").text


@pytest.mark.parametrize("project", ["shop", "safe"])
def test_an_old_key_file_that_came_back_is_forgotten_again(
    home: Home, files: tuple[str, str], project: str, tmp_path: Path
) -> None:
    """A backup that is copied over the vault, or a crash before the end, brings back what would open everything."""
    backup = tmp_path / "backup"
    shutil.copytree(home.vault / "key", backup)
    for _ in range(2):
        if project == "shop":
            home.envfs("key", "rotate", project)
        else:
            put(home, project, PASS)
    home.settle()
    shutil.copytree(backup, home.vault / "key", dirs_exist_ok=True)
    assert key_files(home, project)[0]
    with home.served():
        if project == "safe":
            rows = {row["project"]: row["unfinished"] for row in home.rows("project", "ls")}
            assert rows["/safe"] is True
            home.envfs("unlock", "safe", "--passphrase-file", files[0])
        eventually(lambda: key_files(home, project)[0] == b"", "it is forgotten")
        assert how(home, f"/{project}/prod") == ["ok"]


# -- what the commands say ---------------------------------------------------------------------------------------------


def test_verify_says_which_projects_it_could_not_check(home: Home) -> None:
    with home.served():
        said = home.envfs("verify")
        assert "/safe is locked and was not checked" in said.complaint
        assert "Traceback" not in said.complaint
        report = json.loads(home.envfs("verify", "--json").text)
    assert report["notes"] == ["/safe is locked and was not checked", LIMITS]
    assert (report["failed"], report["faults"]) == (0, [])


def test_locked_and_unlocked_look_the_same_to_ls_and_status(open_home: tuple[Home, Daemon]) -> None:
    home, _ = open_home
    before = home.rows("ls"), home.status()["problems"]
    home.envfs("lock", "safe")
    assert (home.rows("ls"), home.status()["problems"]) == before
    rows = {row["project"]: row for row in home.rows("project", "ls")}
    assert rows["/safe"] == {
        "project": "/safe",
        "custody": "zero-knowledge",
        "unlocked": False,
        "levels": 1,
        "keys": 0,
        "recipients": [],
        "unfinished": False,
    }
    assert rows["/shop"]["unlocked"] is True


def test_files_that_are_no_key_files_make_no_project(home: Home) -> None:
    for name in ("stray", "backup/.DS_Store"):
        (home.vault / "key" / name).parent.mkdir(exist_ok=True)
        (home.vault / "key" / name).write_bytes(b"x")
    assert [row["project"] for row in home.rows("project", "ls")] == ["/", "/safe", "/shop"]
    home.envfs("recovery", "--recipient", STRANGERS)


def test_a_recovery_key_is_not_made_for_a_sheet_that_cannot_be_written(home: Home, tmp_path: Path) -> None:
    (tmp_path / "sheet").touch()
    before = home.settings.read_bytes(), key_files(home, "shop")
    for path in (tmp_path / "sheet", tmp_path / "nowhere" / "sheet"):
        home.envfs("recovery", "-o", str(path), status=None)
        assert (home.settings.read_bytes(), key_files(home, "shop")) == before


def test_a_new_passphrase_goes_to_the_identity_that_the_settings_name(
    home: Home, ground: Path, files: tuple[str, str], tmp_path: Path
) -> None:
    named, usual = tmp_path / "named.age", home.path / "identity.age"
    named.write_bytes(cheap.age_file((ground / "identity.txt").read_bytes(), PASS))
    named.chmod(0o600)
    usual.write_bytes(b"somebody else's")
    home.settings.write_text(home.settings.read_text().replace(str(ground / "identity.txt"), str(named)))
    home.envfs("passwd", "--passphrase-file", files[0], "--new-passphrase-file", files[1])
    assert usual.read_bytes() == b"somebody else's"
    assert named.read_bytes().startswith(b"-----BEGIN AGE ENCRYPTED FILE-----\n")
    assert named.stat().st_mode & 0o777 == 0o600


def test_a_credential_is_not_changed_behind_the_back_of_who_gives_it(
    home: Home, ground: Path, files: tuple[str, str], tmp_path: Path
) -> None:
    data = cheap.age_file((ground / "identity.txt").read_bytes(), PASS)
    (tmp_path / "envfs-identity").write_bytes(data)
    words = ("passwd", "--passphrase-file", files[0], "--new-passphrase-file", files[1])
    said = home.envfs(*words, environ={"CREDENTIALS_DIRECTORY": str(tmp_path)}, status=101)
    assert "credential" in said.complaint
    assert (tmp_path / "envfs-identity").read_bytes() == data
    assert not (home.path / "identity.age").exists()


def test_without_a_daemon_a_change_unlocks_the_vault_first(
    home: Home, ground: Path, files: tuple[str, str], tmp_path: Path
) -> None:
    named = tmp_path / "named.age"
    named.write_bytes(cheap.age_file((ground / "identity.txt").read_bytes(), NEW))
    named.chmod(0o600)
    home.settings.write_text(home.settings.read_text().replace(str(ground / "identity.txt"), str(named)))
    both = {"ENVFS_PASSPHRASE_FILE": files[1], "ENVFS_PROJECT_PASSPHRASE_FILE": files[0]}
    assert home.envfs("key", "rotate", "shop", environ=both).text.count("version 2") == 2
    home.envfs("project", "custody", "safe", "--managed", "-y", environ=both)
    assert home.envfs("get", "/safe/prod", "KEPT", environ=both).text.strip() == VALUE


def test_a_read_only_vault_is_served_and_keeps_its_keys(home: Home, files: tuple[str, str]) -> None:
    subprocess.run(["mount", "--bind", "-o", "ro", home.vault, home.vault], check=True)
    try:
        before = key_files(home, "shop")
        with home.served():
            assert "read-only" in home.envfs("key", "rotate", "shop", status=113).complaint
            home.envfs("unlock", "safe", "--passphrase-file", files[0])
            assert how(home, "/safe/prod", "/shop") == ["ok", "ok"]
        assert key_files(home, "shop") == before
    finally:
        home.clear_mounts()


def test_the_shell_knows_projects(home: Home, files: tuple[str, str]) -> None:
    script = f"project ls\nunlock safe --passphrase-file {files[0]}\nget /safe/prod KEPT\nlock safe\nproject ls\n"
    with home.served():
        said = home.envfs("shell", given=script)
    assert VALUE in said.text
    assert said.text.count("/safe\tzero-knowledge\tlocked") == 2

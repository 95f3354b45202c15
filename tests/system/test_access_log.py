"""Nothing is served that cannot be recorded: whatever happens to the log's file, the next read says EIO."""

import os
import resource
import select
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import pytest

from tests.conftest import Homes
from tests.system.home import ENVFS, SECONDS, Daemon, Home, eventually
from tests.system.probing import attempt, reads


def _delete(log: Path) -> None:
    log.unlink()


def _truncate(log: Path) -> None:
    os.truncate(log, log.stat().st_size // 2)


def _empty(log: Path) -> None:
    os.truncate(log, 0)


def _replace(log: Path) -> None:
    copy = log.with_name("copy")
    shutil.copy2(log, copy)
    copy.replace(log)


def _replace_by_link(log: Path) -> None:
    moved = log.with_name("moved")
    log.rename(moved)
    log.symlink_to(moved)


def _append(log: Path) -> None:
    with log.open("ab") as file:
        file.write(b'{"seq":9999}\n')


_HARMS: dict[str, tuple[Callable[[Path], None], str]] = {
    "deleted": (_delete, "deleted"),
    "truncated": (_truncate, "another program changed the access log"),
    "emptied": (_empty, "another program changed the access log"),
    "replaced by a copy": (_replace, "replaced"),
    "replaced by a link": (_replace_by_link, "replaced"),
    "written by others": (_append, "another program changed the access log"),
}


@pytest.mark.parametrize("harm", _HARMS)
def test_after_harm_to_the_log_every_door_is_shut_until_it_is_restarted(served: tuple[Home, Daemon], harm: str) -> None:
    home, _ = served
    do, words = _HARMS[harm]
    assert attempt(0, "read", home.view("/shop")).how == "ok"
    entries = len(home.log())
    do(home.log_file)
    assert attempt(0, "read", home.view("/shop")).how == "EIO"
    assert attempt(0, "read", home.history_view("/shop", 1)).how == "EIO"
    home.envfs("get", "/shop", "APP_NAME", status=112)
    assert home.envfs("exec", "/shop", "--", "env", status=112).out == b""
    home.envfs("set", "/shop", "APP_NAME", given="x", status=112)
    said = home.envfs("status", status=None)
    assert said.status == 100
    assert words in said.text
    assert "every read is refused" in said.text
    _restart(home, entries, kept=harm != "deleted")


def _restart(home: Home, entries: int, *, kept: bool) -> None:
    """Begin a new log: service is back, and the first entry says what was lost."""
    home.envfs("log", "restart")
    assert attempt(0, "read", home.view("/shop")).how == "ok"
    first = home.log()[0]
    assert (first["seq"], first["event"]) == (1, "restart")
    assert f"after entry {entries} " in str(first["rule"])
    assert home.problems() == ""
    assert home.envfs("log", "verify").status == 0
    aside = [path.name for path in home.state.iterdir() if path.name.startswith("access.jsonl.2")]
    assert bool(aside) == kept


def test_a_read_only_log_refuses_until_it_is_writable_again(served: tuple[Home, Daemon]) -> None:
    home, _ = served
    home.log_file.chmod(0o400)
    assert attempt(0, "read", home.view("/shop")).how == "EIO"
    home.envfs("get", "/shop", "APP_NAME", status=112)
    assert "read-only" in home.problems()
    home.log_file.chmod(0o600)
    assert attempt(0, "read", home.view("/shop")).how == "ok"
    assert home.problems() == ""
    assert home.envfs("log", "verify").status == 0


def test_a_log_made_immutable_refuses(served: tuple[Home, Daemon]) -> None:
    home, _ = served
    if subprocess.run(["chattr", "+i", home.log_file], check=False, capture_output=True).returncode:
        pytest.skip("this file system knows no chattr +i")
    try:
        home.envfs("get", "/shop", "APP_NAME", status=None)
    finally:
        subprocess.run(["chattr", "-i", home.log_file], check=True)
    assert home.envfs("log", "verify").status == 0


def test_an_unapproved_user_is_still_told_eacces_when_the_log_is_gone(served: tuple[Home, Daemon]) -> None:
    home, _ = served
    home.log_file.unlink()
    assert reads(4711, home.view("/shop")) == "EACCES"
    home.envfs("get", "/shop", "APP_NAME", uid=4711, status=102)


def test_a_reader_in_the_middle_of_its_snapshot_reads_on(served: tuple[Home, Daemon]) -> None:
    home, _ = served
    whole = home.view("/shop").read_bytes()
    with home.view("/shop").open("rb", buffering=0) as file:
        first = file.read(10)
        home.log_file.unlink()
        assert first + file.read() == whole


@pytest.fixture
def on_a_small_disk(new_home: Homes, stocked: Home) -> Iterator[Home]:
    """Give a mounted home whose state folder is a disk of 64 KiB."""
    home = new_home(stocked)
    kept = [(path.name, path.read_bytes()) for path in home.state.iterdir()]
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k,mode=700", "state", home.state], check=True)
    for name, data in kept:
        (home.state / name).write_bytes(data)
        (home.state / name).chmod(0o600)
    with home.served():
        yield home


def test_a_full_disk_refuses_reads_and_they_go_on_when_there_is_room(on_a_small_disk: Home) -> None:
    home = on_a_small_disk
    filler = home.state / "filler"
    with filler.open("wb", buffering=0) as file:
        while _writes(file.fileno()):
            pass
    eventually(lambda: reads(0, home.view("/shop")) == "EIO", "the last page of the log is full")
    assert "no space left" in home.problems()
    assert reads(0, home.view("/shop")) == "EIO"
    # the entry of `get` is shorter than that of the reader, so there may be room for one more
    eventually(lambda: home.envfs("get", "/shop", "APP_NAME", status=None).status == 112, "no room for `get` either")
    filler.unlink()
    assert attempt(0, "read", home.view("/shop")).how == "ok"
    assert home.problems() == ""
    assert home.envfs("log", "verify").status == 0


def _writes(descriptor: int) -> bool:
    try:
        os.write(descriptor, b"x" * 4096)
    except OSError:
        return False
    return True


def test_an_entry_that_was_written_in_part_is_taken_back(served: tuple[Home, Daemon]) -> None:
    home, daemon = served
    size = home.log_file.stat().st_size
    unlimited = resource.prlimit(daemon.pid, resource.RLIMIT_FSIZE, (size + 100, resource.RLIM_INFINITY))
    assert attempt(0, "read", home.view("/shop")).how == "EIO"
    assert attempt(0, "read", home.view("/shop")).how == "EIO"
    assert home.log_file.stat().st_size == size
    resource.prlimit(daemon.pid, resource.RLIMIT_FSIZE, unlimited)
    assert attempt(0, "read", home.view("/shop")).how == "ok"
    assert home.envfs("log", "verify").status == 0


def test_log_follow_prints_an_access_as_it_happens(served: tuple[Home, Daemon]) -> None:
    home, _ = served
    words = [ENVFS, "log", "-n", "1", "--follow", "--json"]
    with subprocess.Popen(words, env=home.environ(), stdout=subprocess.PIPE, bufsize=0) as child:
        try:
            assert child.stdout is not None
            assert b'"seq"' in _next_line(child.stdout)
            home.envfs("get", "/shop", "APP_NAME")
            assert b'"channel":"get"' in _next_line(child.stdout)
        finally:
            child.kill()


def _next_line(pipe: IO[bytes]) -> bytes:
    ready, _, _ = select.select([pipe], [], [], SECONDS)
    assert ready, "no line came"
    return pipe.readline()

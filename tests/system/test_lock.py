"""A locked vault serves nothing, not even to a file that was opened before; unlocking brings the views back."""

import errno
import os
import signal
import time
from collections.abc import Iterator

import pytest

from tests.conftest import Homes
from tests.system.home import Daemon, Home, alive, eventually
from tests.system.probing import attempt
from tests.system.samples import PROD

_VIEWS = ("/", "/shop", "/shop/prod")


@pytest.fixture(scope="module")
def mounted(new_home: Homes, stocked: Home) -> Iterator[tuple[Home, Daemon]]:
    """Give the module a home with a daemon."""
    home = new_home(stocked)
    with home.served() as daemon:
        yield home, daemon


@pytest.fixture
def served(mounted: tuple[Home, Daemon]) -> Iterator[tuple[Home, Daemon]]:
    """Give one test this home, unlocked."""
    yield mounted
    mounted[0].envfs("unlock")


def _locked(home: Home) -> bool:
    return home.status()["unlocked"] is False


def test_lock_takes_every_view_away_and_unlock_gives_them_back(served: tuple[Home, Daemon]) -> None:
    home, daemon = served
    for _ in range(2):
        assert all(attempt(0, "read", home.view(level)).how == "ok" for level in _VIEWS)
        home.envfs("lock")
        for level in _VIEWS:
            assert attempt(0, "read", home.view(level)).how == "ENOKEY"
            assert attempt(0, "read", home.history_view(level, 1)).how == "ENOKEY"
        assert attempt(0, "listdir", home.mnt / "shop").how == "ok"
        assert "locked" in home.problems()
        home.envfs("unlock")
    assert PROD["S3_BUCKET"] in str(attempt(0, "read", home.view("/shop/prod")).found)
    assert home.problems() == ""
    assert home.daemon() == daemon


def test_a_file_that_was_opened_before_reads_no_more(served: tuple[Home, Daemon]) -> None:
    home, _ = served
    with home.view("/shop/prod").open("rb", buffering=0) as reader:
        assert reader.read(10)
        home.envfs("lock")
        with pytest.raises(OSError, match="Required key") as raised:
            reader.read(10)
        assert raised.value.errno == errno.ENOKEY
        home.envfs("unlock")
        with pytest.raises(OSError, match="Required key"):
            reader.read(10)
        assert home.view("/shop/prod").read_bytes()


def test_locking_what_is_locked_is_no_fault(served: tuple[Home, Daemon]) -> None:
    home, _ = served
    assert home.view("/shop").read_bytes()
    for _ in range(3):
        home.envfs("lock")
    assert attempt(0, "read", home.view("/shop")).how == "ENOKEY"


def test_sigusr1_locks(served: tuple[Home, Daemon]) -> None:
    home, daemon = served
    assert home.view("/shop").read_bytes()
    os.kill(daemon.pid, signal.SIGUSR1)
    eventually(lambda: _locked(home), "the daemon locks")
    assert attempt(0, "read", home.view("/shop")).how == "ENOKEY"
    assert alive(daemon.pid)


def test_unlock_for_a_while_ends_by_itself(served: tuple[Home, Daemon]) -> None:
    home, _ = served
    home.envfs("lock")
    for seconds in (2, 4, 8, 16, 32):  # a busy machine may take longer than that for the first read
        begun = time.monotonic()
        home.envfs("unlock", "--ttl", f"{seconds}s")
        how = attempt(0, "read", home.view("/shop")).how
        if time.monotonic() - begun < seconds:
            break
    assert how == "ok"
    eventually(lambda: attempt(0, "read", home.view("/shop")).how == "ENOKEY", "it locks again")
    assert time.monotonic() - begun > seconds - 0.5


def test_an_unapproved_user_is_refused_as_ever_and_hears_nothing_of_locks(served: tuple[Home, Daemon]) -> None:
    home, _ = served
    home.envfs("lock")
    assert attempt(4711, "read", home.view("/shop")).how == "EACCES"
    home.envfs("get", "/shop", "APP_NAME", uid=4711, status=102)
    home.envfs("unlock", uid=4711, status=102)
    assert _locked(home)


def test_a_locked_daemon_takes_no_writes(served: tuple[Home, Daemon]) -> None:
    home, _ = served
    home.envfs("lock")
    home.envfs("history", "/shop", status=None)
    home.envfs("set", "/shop", "APP_NAME", given="x", status=None)
    home.envfs("unlock")
    assert home.envfs("verify").text.endswith(" 0 failed\n")


def test_locking_is_on_the_log(served: tuple[Home, Daemon]) -> None:
    home, _ = served
    home.envfs("lock")
    home.envfs("unlock")
    assert [entry["event"] for entry in home.log()][-2:] == ["lock", "unlock"]
    assert home.envfs("log", "verify").status == 0


def test_readers_and_locks_at_once_never_see_half_a_view(served: tuple[Home, Daemon]) -> None:
    """A read gives the whole view or an error, and never the zeros that it was wiped with."""
    home, _ = served
    whole = home.view("/shop/prod").read_bytes()
    with home.view("/shop/prod").open("rb", buffering=0) as reader:
        for number in range(6):
            home.envfs("lock" if number % 2 == 0 else "unlock")
            assert _piece(reader.fileno(), len(whole) + 1) in (whole, b"ENOKEY")


def _piece(descriptor: int, size: int) -> bytes:
    try:
        return os.pread(descriptor, size, 0)
    except OSError as error:
        return errno.errorcode[error.errno or 0].encode()

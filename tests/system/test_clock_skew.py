"""Two machines that share a vault, one with a clock that is a day ahead or behind: no clock decides what counts."""

import glob
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest

from tests.system.home import SECONDS, Home, eventually
from tests.system.test_shared_vault import Shared, homes
from tests.system.watchers import writer

__all__ = ["homes"]
_LIBRARY = next(iter(glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")), "")
pytestmark = [pytest.mark.soak, pytest.mark.skipif(not _LIBRARY, reason="needs libfaketime")]


@contextmanager
def served_with_clock(home: Home, offset: str) -> Iterator[None]:
    """Serve a home by a daemon whose clock is off."""
    reading, writing = os.pipe()
    environ = {**home.environ(), "LD_PRELOAD": _LIBRARY, "FAKETIME": offset, "DONT_FAKE_MONOTONIC": "1"}
    command = [sys.executable, "-I", "-m", "envfs.daemon", "serve", "--ready", str(writing)]
    process = subprocess.Popen(command, env=environ, cwd="/", pass_fds=(writing,), stdin=subprocess.DEVNULL)
    os.close(writing)
    try:
        with os.fdopen(reading, "rb") as file:
            assert b'"done"' in file.read()
        yield
    finally:
        home.envfs("unmount", status=None)
        process.terminate()
        process.wait(SECONDS)


def values(home: Home) -> set[str]:
    return set(home.view("/shop/prod").read_text(encoding="utf-8").split("\n"))


@pytest.mark.parametrize("offset", ["+1d", "-1d"])
def test_what_a_machine_with_a_wrong_clock_writes_counts_as_any(homes: Shared, offset: str) -> None:
    one, other, _ = homes
    with served_with_clock(one, offset), other.served():
        for number in range(3):
            for home, letter in ((one, "A"), (other, "B")):
                with writer(home.socket) as write:
                    write.set("/shop/prod", f"{letter}{number}", "1")
                for reader in (one, other):
                    eventually(lambda: f"{letter}{number}=1" in values(reader), "it is there")  # noqa: B023
        contact = datetime.fromisoformat(json.loads(one.envfs("sync", "status", "--json").text)["contact"])
        assert abs(datetime.now(UTC) - contact) > timedelta(hours=12)  # it really is another clock
        for home in (one, other):
            assert "connected" in home.envfs("sync", "status").text
            times = [str(row["time"]) for row in home.rows("history", "/shop/prod")]
            assert times == sorted(times, reverse=True)
            home.envfs("verify")
            home.envfs("log", "verify")

"""Where secret memory is missing, or hardly any may be used, everything is served all the same."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Homes
from tests.system.home import ENVFS, OWNER, SECONDS, Daemon, Home, as_user
from tests.system.probing import attempts, reads

_LIMITED = str(Path(__file__).with_name("limited.py"))
_LEVELS = 24
_VALUE = "little-memory-5b7c1e-"


def _mounted(home: Home, how: str) -> Daemon:
    words = [*as_user(home.uid), sys.executable, _LIMITED, how, ENVFS, "mount"]
    subprocess.run(words, check=True, timeout=SECONDS, env=home.environ(), cwd="/", capture_output=True)
    return home.daemon()


@pytest.fixture(scope="module")
def many(user_home: Home) -> Home:
    """Give an ordinary user's home with more levels than there are pages that may be locked."""
    with user_home.mounted():
        user_home.envfs("import", "-", "/poor", given="".join(f"NAME_{n}={_VALUE}{n}\n" for n in range(50)))
        for number in range(_LEVELS):
            user_home.envfs("set", f"/poor/level-{number}", "OWN", given=f"{number}")
    return user_home


@pytest.fixture(params=["memlock=64", "memlock=0"])
def poor(request: pytest.FixtureRequest, many: Home) -> Iterator[tuple[Home, Daemon]]:
    """Give that user's daemon, which may lock hardly anything."""
    daemon = _mounted(many, request.param)
    yield many, daemon
    many.end(daemon)


def test_a_user_who_may_lock_hardly_anything_reads_every_view(poor: tuple[Home, Daemon]) -> None:
    home, daemon = poor
    texts = attempts(OWNER, [("read", home.view(f"/poor/level-{number % _LEVELS}")) for number in range(2 * _LEVELS)])
    for number, (how, text) in enumerate(texts):
        assert how == "ok"
        assert str(text).count(_VALUE) == 50
        assert f"OWN={number % _LEVELS}\n" in str(text)
    assert home.envfs("get", "/poor/level-0", "NAME_7").text == f"{_VALUE}7\n"
    home.envfs("set", "/poor/level-1/below", "NAME_7", given="changed")
    assert "NAME_7=changed\n" in reads(OWNER, home.view("/poor/level-1/below"))
    assert home.daemon() == daemon


def test_a_view_over_the_limit_is_served(poor: tuple[Home, Daemon]) -> None:
    home, _ = poor
    home.envfs("import", "-", "/poor/large", given="".join(f"L_{n}={'x' * 100}\n" for n in range(3000)))
    assert len(reads(OWNER, home.view("/poor/large"))) > 300_000


@pytest.mark.parametrize("how", ["no-memfd-secret", "forbidden"])
def test_without_secret_memory_views_are_locked_and_in_no_core_dump(new_home: Homes, stocked: Home, how: str) -> None:
    home = new_home(stocked)
    daemon = _mounted(home, how)
    try:
        before = home.view("/shop/prod").read_bytes()
        regions = Path(f"/proc/{daemon.pid}/smaps").read_text(encoding="utf-8").split("memfd:envfs")[1:]
        flags = [part.partition("VmFlags:")[2].partition("\n")[0].split() for part in regions]
        assert flags
        assert all({"lo", "dd"} <= set(found) for found in flags)
        home.envfs("lock")
        home.envfs("unlock")
        assert home.view("/shop/prod").read_bytes() == before
    finally:
        home.end(daemon)

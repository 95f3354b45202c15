"""Messages that are bent by chance, from a user without a rule: no crash, no hang, no access, nothing changed."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from envfs.protocol import control, wire
from tests.component.requesting import CASES
from tests.conftest import Homes
from tests.fuzz.test_many_inputs import VALUES
from tests.system.home import Home, as_user
from tests.system.samples import LEVELS

STRANGER, _BY_CHANCE = 4711, 8
PROBE = Path(__file__).with_name("frames_probe.py").read_text(encoding="utf-8")
BODIES = [wire.to_body(case.request) for case in CASES.values()] + [wire.to_body(control.Hello(1, ""))]
_TO_ANYBODY = {"hello", "status-report"}
_REFUSALS = {"not-approved", "bad-request", "bad-name", "malformed", "too-large", "too-many", "no-such-level"}


@pytest.fixture(scope="module")
def served(new_home: Homes, stocked: Home) -> Iterator[tuple[Home, int]]:
    """Give the module a mount with values, and its daemon's number."""
    home = new_home(stocked)
    with home.served() as daemon:
        yield home, daemon.pid


@pytest.mark.parametrize(
    "number", [pytest.param(600, id="some"), pytest.param(200_000, id="very many", marks=pytest.mark.soak)]
)
def test_a_stranger_who_sends_whatever_gets_nothing_and_changes_nothing(served: tuple[Home, int], number: int) -> None:
    home, pid = served
    before = [path.read_bytes() for path in home.records() if "/log/" not in str(path)]
    rules = home.envfs("grants").text
    words = [*as_user(STRANGER), sys.executable, "-I", "-S", "-c", PROBE, str(home.socket), str(number), str(number)]
    given = json.dumps({"bodies": BODIES, "values": VALUES}).encode()
    done = subprocess.run(words, input=given, capture_output=True, check=False, timeout=60 + number / 20, cwd="/")
    assert not done.returncode, done.stderr
    told = json.loads(done.stdout)
    assert set(told["counts"]) <= _TO_ANYBODY | _REFUSALS
    secrets = {value for _, values in LEVELS.values() for value in values.values() if len(value) > _BY_CHANCE}
    assert not [value for value in secrets for text in told["others"] if value in text]
    assert home.envfs("status").status == 0
    assert json.loads(home.envfs("status", "--json").text)["pid"] == pid
    assert home.envfs("grants").text == rules
    assert [path.read_bytes() for path in home.records() if "/log/" not in str(path)] == before

"""What the suites for engines share: each kind is started once, and each test gets a place with nothing in it."""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.engines.places import KINDS, Place, started
from tests.engines.servers.processes import running
from tests.engines.servers.sshd import Sshd

_PARAMS = [pytest.param(name, marks=[pytest.mark.soak] if kind.is_slow else []) for name, kind in KINDS.items()]


@pytest.fixture(scope="session", params=_PARAMS)
def make_place(request: pytest.FixtureRequest, ground: Path) -> Iterator[Callable[[], Place]]:
    with started(request.param, ground) as make:
        yield make


@pytest.fixture
def place(make_place: Callable[[], Place]) -> Place:
    return make_place()


@pytest.fixture(scope="session")
def sshd(ground: Path) -> Iterator[Sshd]:
    server = Sshd(Path(tempfile.mkdtemp(prefix="sshd-", dir=ground)))
    server.make()
    with running(server):
        yield server

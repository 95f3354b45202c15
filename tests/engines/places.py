"""The kinds of engines that the suites of this folder are tried with, and how each gets an empty place.

A new engine is one more line in KINDS: a function that starts what the engine needs, once for each process of the
tests, and gives a Place maker. `contrib/install test` installs its server. Where that is missing, it skips.
"""

import contextlib
import enum
import itertools
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest

from envfs.courier.engines.sftp import watching
from envfs.courier.engines.sftp.setting_up import DENIED
from tests.engines.servers.etcd import etcd_server
from tests.engines.servers.plain_http import plain_http_server
from tests.engines.servers.postgresql import postgres_server
from tests.engines.servers.processes import running
from tests.engines.servers.sshd import Sshd


class Way(enum.Enum):
    """Straight, by the messages of a courier within this process, or by a courier's process, as the daemon does."""

    DIRECT = "direct"
    BY_MESSAGES = "by messages"
    BY_PROCESS = "by process"


class Place(NamedTuple):
    """An empty place of an engine. `address` is a member's, as `parse_address` takes it.

    `erases`: such a member may erase. `way`: how the tests get to the engine.
    """

    address: str
    erases: bool = True
    way: Way = Way.DIRECT


class Kind(NamedTuple):
    """A kind of engine. `start` gets a folder of its own, and gives a maker of empty places.

    What it started has ended when its context is left. With `is_slow` it takes long, and `make soak` tries it.
    """

    start: Callable[[Path], AbstractContextManager[Callable[[], Place]]]
    is_slow: bool = False


@contextlib.contextmanager
def folders(ground: Path) -> Iterator[Callable[[], Place]]:
    """Give plain folders."""
    numbers = itertools.count()

    def make_place() -> Place:
        folder = ground / f"folder-{next(numbers)}"
        folder.mkdir()
        return Place(f"folder:{folder}")

    yield make_place


@contextlib.contextmanager
def postgres(ground: Path) -> Iterator[Callable[[], Place]]:
    """Give schemas of a PostgreSQL server, as a member who may not erase."""
    with postgres_server(ground) as server:
        yield lambda: Place(server.address("alice", server.new_schema()), erases=False)


@contextlib.contextmanager
def etcd(ground: Path) -> Iterator[Callable[[], Place]]:
    """Give prefixes of an etcd server, which lets every member do everything."""
    with etcd_server(ground) as server:
        yield lambda: Place(server.address("alice", server.new_prefix()))


@contextlib.contextmanager
def plain_http(ground: Path) -> Iterator[Callable[[], Place]]:
    """Give folders behind plain HTTP, each with a server of its own."""
    with contextlib.ExitStack() as servers:
        yield lambda: Place(servers.enter_context(plain_http_server(Path(tempfile.mkdtemp(dir=ground)))))


@contextlib.contextmanager
def ssh(ground: Path) -> Iterator[Callable[[], Place]]:
    """Give folders on a server of ssh, as a member who may not erase."""
    server = Sshd(ground)
    server.make()
    with running(server):
        yield lambda: Place(server.new_address(server.new_vault(), "--append-only"), erases=False)


@contextlib.contextmanager
def sftp(ground: Path, options: str = "") -> Iterator[Callable[[], Place]]:
    """Give folders on a server of ssh, as a member who has SFTP alone, there with `options` of it."""
    server = Sshd(ground)
    server.make()
    with running(server), pytest.MonkeyPatch.context() as patch:
        patch.setattr(watching, "LOOK_SECONDS", 0.1)
        yield lambda: Place(server.sftp_address(server.new_vault(), options), erases="setstat" not in options)


def reached(kind: Kind, way: Way) -> Kind:
    """Return a kind whose engines are reached in another way."""

    @contextlib.contextmanager
    def start(ground: Path) -> Iterator[Callable[[], Place]]:
        with kind.start(ground) as make_place:
            yield lambda: make_place()._replace(way=way)

    return Kind(start, is_slow=way is Way.BY_PROCESS)


KINDS: dict[str, Kind] = {
    "folder": Kind(folders),
    "folder-by-messages": reached(Kind(folders), Way.BY_MESSAGES),
    "folder-by-courier": reached(Kind(folders), Way.BY_PROCESS),
    "http": Kind(plain_http),
    "ssh": Kind(ssh, is_slow=True),
    "sftp": Kind(sftp, is_slow=True),
    "sftp-without-links": Kind(partial(sftp, options="-P hardlink"), is_slow=True),
    "sftp-append-only": Kind(partial(sftp, options=f"-P {DENIED}"), is_slow=True),
    "etcd": Kind(etcd, is_slow=True),
    "postgres": Kind(postgres, is_slow=True),
    "etcd-by-courier": reached(Kind(etcd), Way.BY_PROCESS),
    "postgres-by-courier": reached(Kind(postgres), Way.BY_PROCESS),
}


@contextlib.contextmanager
def started(name: str, ground: Path) -> Iterator[Callable[[], Place]]:
    """Start what a kind of engine needs, in a folder of its own below `ground`."""
    with KINDS[name].start(Path(tempfile.mkdtemp(prefix=f"{name}-", dir=ground))) as make_place:
        yield make_place

"""The kinds of engines that the suites of this folder are tried with, and how each gets an empty place.

A new engine is one more line in KINDS: a function that starts what the engine needs, once for each process of the
tests, and gives a Place maker. `contrib/install test` installs its server. Where that is missing, it skips.
"""

import contextlib
import itertools
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple

from tests.engines.servers.etcd import etcd_server
from tests.engines.servers.postgresql import postgres_server


class Place(NamedTuple):
    """An empty place of an engine. `address` is a member's, as `parse_address` takes it.

    `erases`: such a member may erase. `watches`: there is a hint at once, and not only from time to time.
    """

    address: str
    erases: bool = True
    watches: bool = True


class Kind(NamedTuple):
    """A kind of engine. `start` gets a folder of its own, and gives a maker of empty places.

    What it started has ended when its context is left. With `is_server` it takes long, and `make soak` tries it.
    """

    start: Callable[[Path], AbstractContextManager[Callable[[], Place]]]
    is_server: bool = False


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


KINDS: dict[str, Kind] = {
    "folder": Kind(folders),
    "etcd": Kind(etcd, is_server=True),
    "postgres": Kind(postgres, is_server=True),
}


@contextlib.contextmanager
def started(name: str, ground: Path) -> Iterator[Callable[[], Place]]:
    """Start what a kind of engine needs, in a folder of its own below `ground`."""
    with KINDS[name].start(Path(tempfile.mkdtemp(prefix=f"{name}-", dir=ground))) as make_place:
        yield make_place

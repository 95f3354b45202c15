"""Keyholders are processes, so a module shares one; each world makes an identity of its own in it."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from envfs.daemon.keyholder_link import KeyholderLink
from envfs.service.identity import load_identity
from tests.component.world import World, run


@pytest.fixture(scope="module")
def keyholder() -> Iterator[KeyholderLink]:
    """Give a module one keyholder."""
    link = KeyholderLink()
    yield link
    link.close()


@pytest.fixture(scope="module")
def locked_keyholder() -> Iterator[KeyholderLink]:
    """Give a module a keyholder that holds nothing."""
    link = KeyholderLink()
    yield link
    link.close()


@pytest.fixture
def empty(tmp_path: Path, keyholder: KeyholderLink) -> Iterator[World]:
    """Give one test a home without a vault."""
    world = World(tmp_path, keyholder)
    yield world
    world.close()


@pytest.fixture
def made(empty: World) -> World:
    """Give one test an empty vault."""
    run(empty.make)
    return empty


@pytest.fixture(scope="module")
def stocked(keyholder: KeyholderLink, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a module the folder of a home with texts, to be copied."""
    world = World(tmp_path_factory.mktemp("stocked"), keyholder)
    run(world.fill)
    world.close()
    return world.folder


@pytest.fixture
def world(empty: World, stocked: Path) -> World:
    """Give one test a vault with texts, and everything approved for this uid."""
    shutil.copytree(stocked, empty.folder, dirs_exist_ok=True)
    run(lambda: load_identity(empty.service, ()))
    return empty


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Give a module a vault with texts and a keyholder of its own; its tests leave it as it is."""
    link = KeyholderLink()
    world = World(tmp_path_factory.mktemp("shared"), link)
    run(world.fill)
    yield world
    world.close()
    link.close()

"""A program that a rule names is pinned by its content, if it is one whose processes can have that content."""

import hashlib
import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from envfs.core import limits
from envfs.errors import EnvFSError, TooLarge
from envfs_cli.callers import Pinned, named_callers


def options(**given: object) -> SimpleNamespace:
    names = ("uid", "user", "gid", "group", "exe", "script", "under", "cgroup", "unit")
    return SimpleNamespace(**(dict.fromkeys(names) | given))


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path.resolve() / "program"
    path.write_bytes(b"\x7fELF")
    return path


def test_a_program_is_named_by_its_own_path_and_content(program: Path) -> None:
    link = program.with_name("link")
    link.symlink_to(program.name)
    digest = hashlib.sha256(b"\x7fELF").hexdigest()
    assert named_callers(options(), pinned=True).is_anybody
    for way in (program, link):
        assert named_callers(options(exe=way), pinned=True).exe == Pinned(str(program), digest)
        assert named_callers(options(exe=way), pinned=False).exe == Pinned(str(program))


def test_a_script_is_no_executable(program: Path) -> None:
    program.write_bytes(b"#!/bin/sh\n")
    assert named_callers(options(script=program), pinned=True).script.sha256
    with pytest.raises(EnvFSError, match="is a script"):
        named_callers(options(exe=program), pinned=True)


def test_a_program_that_is_too_large_is_not_pinned(program: Path) -> None:
    os.truncate(program, limits.PROGRAM_BYTES + 1)
    with pytest.raises(TooLarge, match="too large to be pinned"):
        named_callers(options(exe=program), pinned=True)
    assert named_callers(options(exe=program), pinned=False).exe == Pinned(str(program))

"""Somebody who was let in while their machine heard of nothing: the next mount or command has the vault, at once."""

import shutil
import tempfile
from pathlib import Path

import pytest

from tests.conftest import Homes
from tests.system.home import Home

_LEVEL = "/shop/prod"


def _join(ana: Home, ben: Home, engine: str) -> None:
    code, identity = ben.path / "code", ben.path / "identity.txt"
    code.write_text(ana.envfs("member", "invite", "ben", "--level", "/shop", "--no-wait").text)
    ben.envfs("member", "join", engine, "--code-file", str(code), "--identity-file", str(identity), "--no-wait")


def test_an_approval_counts_for_a_machine_that_did_not_wait_for_it(new_home: Homes, ground: Path) -> None:
    ana, ben = new_home(), Home(Path(tempfile.mkdtemp(dir=ground, prefix="late-")))
    engine = f"folder:{tempfile.mkdtemp(dir=ground, prefix='late-engine-')}"
    with ana.served():
        ana.envfs("set", _LEVEL, "A", given="1")
        ana.envfs("sync", "start", engine)
        _join(ana, ben, engine)
        assert "nobody has approved" in ben.envfs("mount", status=102).complaint
        ana.envfs("member", "approve", "ben", "-y")
        other = Home(Path(shutil.copytree(ben.path, f"{ben.path}-other")))
        assert other.envfs("get", _LEVEL, "A").text == "1\n"  # without a daemon
        ben.envfs("mount")
        try:
            assert ben.envfs("get", _LEVEL, "A").text == "1\n"
            assert "/nope" in ben.envfs("get", "/nope", "A", status=103).complaint
        finally:
            ben.envfs("unmount")


@pytest.mark.parametrize(
    "line", ["mount", "init", "init --identity-file x", "member join /x", "sync start /x", "service install"]
)
def test_a_join_secret_is_for_no_home_that_stays(new_home: Homes, line: str) -> None:
    said = new_home().envfs(*line.split(), environ={"ENVFS_JOIN": "x"}, status=101)
    assert "a join secret is for one command at a time" in said.complaint
    assert "unset ENVFS_JOIN and ENVFS_JOIN_FILE" in said.complaint


@pytest.mark.parametrize("line", ["unlock", "lock", "approvals", "proxy ls"])
def test_a_join_secret_has_no_daemon_that_could_be_asked(new_home: Homes, line: str) -> None:
    said = new_home().envfs(*line.split(), environ={"ENVFS_JOIN": "x"}, status=116)
    assert "starts and ends its own" in said.complaint
    assert "envfs mount" not in said.complaint

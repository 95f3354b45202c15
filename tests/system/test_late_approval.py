"""Somebody who was let in while their machine heard of nothing: the next mount or command has the vault, at once."""

import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import pytest

from tests.conftest import Homes
from tests.system.home import ENVFS, SECONDS, Home, eventually

_LEVEL, _COPIES = "/shop/prod", ("other", "standing")


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
        other, standing = (
            Home(Path(shutil.copytree(ben.path, f"{ben.path}-{name}"))) for name in ("other", "standing")
        )
        assert other.envfs("get", _LEVEL, "A").text == "1\n"  # without a daemon
        ben.envfs("mount")
        try:
            assert ben.envfs("get", _LEVEL, "A").text == "1\n"
            assert "/nope" in ben.envfs("get", "/nope", "A", status=103).complaint
        finally:
            ben.envfs("unmount")
        with subprocess.Popen(
            [ENVFS, "mount", "--foreground"], env=standing.environ(), stderr=subprocess.PIPE
        ) as child:
            assert child.stderr is not None
            eventually(lambda: standing.socket.exists() or child.poll() is not None, "it serves")
            assert standing.socket.exists(), child.stderr.read()
            assert standing.envfs("get", _LEVEL, "A").text == "1\n"
            child.send_signal(signal.SIGTERM)
            assert child.wait(SECONDS) == 0
            assert child.stderr.read() == b""


def test_a_machine_that_nobody_let_in_says_so_if_its_engine_is_away(new_home: Homes, ground: Path) -> None:
    ana, ben = new_home(), Home(Path(tempfile.mkdtemp(dir=ground, prefix="late-")))
    engine = Path(tempfile.mkdtemp(dir=ground, prefix="late-engine-"))
    with ana.served():
        ana.envfs("sync", "start", f"folder:{engine}")
        _join(ana, ben, f"folder:{engine}")
    engine.rename(f"{engine}-away")
    said = ben.envfs("mount", status=102).complaint
    assert "nobody has approved this device yet, as far as this machine knows: " in said
    assert str(engine) in said


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

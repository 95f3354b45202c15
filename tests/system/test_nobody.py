"""Uid 65534, as which containers often run programs: a user like any other, but where some users have no number."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.system.home import ENVFS, SECONDS, Home
from tests.system.probing import attempt

_NOBODY = 65534
_NAMELESS = 64007
# in a user namespace of its own; goes on once its map is written
_INSIDE = """
import ctypes, os, sys
assert ctypes.CDLL(None).unshare(0x10000000) == 0
print("ready", flush=True)
sys.stdin.readline()
os.setresgid(65534, 65534, 65534)
os.setresuid(65534, 65534, 65534)
os.execv(sys.argv[1], sys.argv[1:])
"""


def _folder(ground: Path) -> Path:
    folder = Path(tempfile.mkdtemp(prefix="nobody-", dir=ground))
    os.chown(folder, _NOBODY, _NOBODY)
    folder.chmod(0o711)
    return folder


def test_nobody_has_a_vault_and_a_mount_of_its_own(ground: Path) -> None:
    folder = _folder(ground)
    home = Home(folder / "home", uid=_NOBODY)
    home.envfs("init", "--identity-file", str(folder / "identity.txt"))
    home.envfs("set", "/app", "A", given="1")
    assert home.envfs("get", "/app", "A").text == "1\n"
    with home.mounted():
        assert attempt(_NOBODY, "read", home.view("/app")).found == "A=1\n"
        assert attempt(0, "read", home.view("/app")).how == "EACCES"
        assert home.envfs("get", "/app", "A").text == "1\n"
        home.envfs("set", "/app", "A", given="2", uid=1001, status=102)
        home.envfs("grant", "/app", "--uid", str(_NOBODY))


def test_where_some_users_have_no_number_the_error_says_so_and_what_to_do(ground: Path) -> None:
    folder = _folder(ground)
    command = [sys.executable, "-I", "-c", _INSIDE, ENVFS, "init", "--identity-file", str(folder / "identity.txt")]
    environ = {"PATH": os.environ["PATH"], "ENVFS_HOME": str(folder / "home")}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environ, cwd="/"
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        for name in ("uid_map", "gid_map"):
            Path(f"/proc/{process.pid}/{name}").write_text(f"{_NOBODY} {_NOBODY} 1\n", encoding="ascii")
        said = process.communicate("go\n", timeout=SECONDS)[1]
    assert process.returncode == 102
    assert said == (
        "envfs: error: this process cannot be identified: a uid without a number here\n"
        "envfs: hint: run EnvFS as a user that the container has a number for, such as 1000\n"
    )


def test_a_user_without_a_name_is_told_why_there_is_no_mount(ground: Path) -> None:
    folder = Path(tempfile.mkdtemp(prefix="nameless-", dir=ground))
    os.chown(folder, _NAMELESS, _NAMELESS)
    folder.chmod(0o711)
    home = Home(folder / "home", uid=_NAMELESS)
    home.envfs("init", "--identity-file", str(folder / "identity.txt"))
    said = home.envfs("mount", status=117).complaint
    assert f"uid {_NAMELESS} has no name on this machine" in said
    problems = [row for row in json.loads(home.envfs("doctor", "--json", status=None).out) if row["state"] == "problem"]
    assert [row["check"] for row in problems] == ["fusermount3"]
    home.envfs("set", "/app", "A", given="1")
    assert home.envfs("exec", "/app", "--", "printenv", "A").text == "1\n"

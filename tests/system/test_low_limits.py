"""Under low limits a daemon works, or says at its start which limit is too low; no traceback, no endless wait."""

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.system.home import ENVFS, OWNER, SECONDS, Home, as_user

_MOUNT_FAILED = 117
_RUN = """
import os, resource, sys
resource.setrlimit(int(sys.argv[1]), (int(sys.argv[2]),) * 2)
os.execv(sys.argv[3], sys.argv[3:])
"""
_NOFILE, _FSIZE, _MEMLOCK, _AS, _DATA, _CORE, _STACK, _NPROC = 7, 1, 8, 9, 2, 4, 3, 6
_WORKS = [
    (_NOFILE, 32),
    (_NOFILE, 64),
    (_NOFILE, 128),
    (_NOFILE, 256),
    (_FSIZE, 64 << 20),
    (_MEMLOCK, 0),
    (_AS, 300 << 20),
    (_DATA, 100 << 20),
    (_CORE, 0),
    (_STACK, 256 << 10),
]
_TOO_LOW = [(_NOFILE, 16), (_NOFILE, 24), (_FSIZE, 16 << 10), (_FSIZE, 0)]
_TOO_LOW += [(_DATA, size << 20) for size in (20, 30, 33)] + [(_AS, size << 20) for size in (30, 50)]


def _limited(
    home: Home, limit: tuple[int, int], *words: str, environ: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", "-S", "-c", _RUN, *map(str, limit), ENVFS, *words]
    environ, seconds = home.environ(environ), 2 * SECONDS
    return subprocess.run(command, check=False, capture_output=True, text=True, env=environ, timeout=seconds, cwd="/")


@pytest.mark.parametrize("limit", _WORKS, ids=str)
def test_a_daemon_works_within_a_low_limit(shop: Home, limit: tuple[int, int]) -> None:
    done = _limited(shop, limit, "mount")
    assert done.returncode == 0, done.stderr
    for _ in range(40 if limit[0] == _NOFILE else 5):  # each by a process of its own
        subprocess.run(["cat", str(shop.view("/shop/prod"))], check=True, capture_output=True, timeout=SECONDS)
    for _ in range(2):
        assert shop.envfs("get", "/shop", "APP_NAME").text == "shop\n"
    assert shop.problems() == ""
    shop.envfs("unmount")
    assert "Traceback" not in (shop.state / "daemon.log").read_text()


@pytest.mark.parametrize("limit", _TOO_LOW, ids=str)
def test_a_limit_that_is_too_low_is_named_at_the_start(shop: Home, limit: tuple[int, int]) -> None:
    for words in (("mount",), ("get", "/shop", "APP_NAME")):
        done = _limited(shop, limit, *words)
        if words == ("get", "/shop", "APP_NAME") and done.returncode == 0:
            continue  # it needs less
        assert done.returncode == _MOUNT_FAILED, done.stderr
        assert "limit on" in done.stderr
        assert "Traceback" not in done.stderr
    assert not Path(shop.socket).exists()


@pytest.mark.parametrize("limit", [(_DATA, 100 << 20), (_AS, 200 << 20)], ids=str)
def test_a_passphrase_that_takes_more_memory_than_there_may_be_says_so(own: Home, limit: tuple[int, int]) -> None:
    path = own.path / "identity.age"
    path.write_bytes(re.sub(rb"(?m)^(-> scrypt \S+) \d+$", rb"\1 20", path.read_bytes()))  # a gigabyte
    for line in ("mount", "get /app TOKEN"):
        done = _limited(own, limit, *line.split(), environ=own.knowing())
        assert done.returncode == _MOUNT_FAILED, done.stderr
        assert f"takes 1024 MiB of memory, and the limit on memory is {limit[1] >> 20} MiB" in done.stderr
        assert "`ulimit -" in done.stderr
    own.settle()


def test_two_hundred_processes_read_one_after_the_other_with_few_descriptors(shop: Home) -> None:
    assert _limited(shop, (_NOFILE, 64), "mount").returncode == 0
    script = f"for i in $(seq 200); do cat {shop.view('/shop/prod')} > /dev/null || exit 1; done"
    subprocess.run(["/bin/sh", "-c", script], check=True, timeout=3 * SECONDS)
    assert shop.problems() == ""
    shop.envfs("unmount")


@pytest.mark.parametrize("line", ["get /app A", "ls", "status", "mount"])
def test_a_user_who_may_have_no_more_processes_is_told_so(ground: Path, line: str) -> None:
    folder = ground / f"no-processes-{line.split(maxsplit=1)[0]}"
    for path in (folder, folder / "vault"):
        path.mkdir()
        os.chown(path, OWNER, OWNER)
    command = [*as_user(OWNER), sys.executable, "-I", "-S", "-c", _RUN, str(_NPROC), "1", ENVFS, *line.split()]
    environ = {"PATH": os.environ["PATH"], "ENVFS_HOME": str(folder), "LC_ALL": "C.UTF-8"}
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=environ, timeout=SECONDS, cwd="/")
    assert done.returncode == _MOUNT_FAILED, done.stderr
    assert "limit on" in done.stderr

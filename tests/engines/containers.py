"""A container as a runner of CI is one: no /dev/fuse, no service manager, an empty home, and what a test says."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.system.home import SECONDS, Said, as_user

_BEGIN = """set -e
mount -t tmpfs -o mode=755 none /dev
mknod -m 666 /dev/null c 1 3
mknod -m 666 /dev/zero c 1 5
mknod -m 666 /dev/random c 1 8
mknod -m 666 /dev/urandom c 1 9
ln -s /proc/self/fd /dev/fd
mkdir -m 1777 /dev/shm
for folder in /root /home /run/user /run/systemd /run/dbus; do
    if [ -d $folder ]; then mount -t tmpfs -o mode=755 none $folder; fi
done
exec "$@"
"""


def container(*words: str, uid: int = 0) -> list[str]:
    """Return the words that run words in a container, or skip where none can be made."""
    if os.geteuid():
        pytest.skip("only root makes a container here")
    return ["unshare", "--mount", "--propagation", "private", "sh", "-c", _BEGIN, "sh", *as_user(uid), *words]


def run_in_container(*words: str, environ: Mapping[str, str], uid: int = 0, status: int = 0) -> Said:
    """Run words in a container of their own, with nothing else in the environment than PATH and `environ`."""
    done = subprocess.run(
        container(*words, uid=uid),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        timeout=3 * SECONDS,
        env={"PATH": "/usr/bin:/bin", **environ},
        cwd="/",
    )
    said = Said(done.returncode, done.stdout, done.stderr)
    assert said.status == status, (words, said)
    return said


def files_with(folder: Path, data: bytes) -> list[Path]:
    """List the files below a folder that hold some bytes."""
    return [path for path in folder.rglob("*") if path.is_file() and data in path.read_bytes()]

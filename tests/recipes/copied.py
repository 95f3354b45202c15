"""What the tests of recipes share: the files that a user copies, run as the user would."""

import os
import socket
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
import yaml

from tests.system.home import ENVFS, SECONDS, Home

ROOT = Path(__file__).parents[2]
RECIPES = ROOT / "contrib" / "recipes"
TOOLS = ROOT / ".recipes"  # what contrib/install-recipes brings
PYTHON = TOOLS / "python" / "bin"
LEVEL = "/shop/dev"
VALUES = {
    "DATABASE_URL": "postgres://shop:s3cr3t-71@db/shop",
    "STRIPE_KEY": "sk_live_9aB3cD5eF7gH9iJ1",
    "PORT": "8000",
    "MOTTO": "one line\nand another $one",
}


def fill(home: Home) -> None:
    """Set the level that the recipes speak of, with a value of two lines and a dollar."""
    for name, value in VALUES.items():
        home.envfs("set", LEVEL, name, given=value)


def tool(name: str) -> str:
    """Return the path of a program of `make recipes`, which installs them."""
    path = PYTHON / name
    if not path.exists():
        pytest.skip("`make recipes` installs what this takes")
    return str(path)


def environ_of(home: Home, cwd: Path, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment of a command beside a home, with `envfs` in its PATH."""
    path = {"PATH": f"{Path(ENVFS).parent}:{os.environ['PATH']}", "HOME": str(cwd)}
    return home.environ({**path, **(extra or {})})


def run(
    words: Sequence[str | Path], home: Home, cwd: Path, environ: Mapping[str, str] | None = None, *, status: int = 0
) -> str:
    """Run a command beside a home, with `envfs` in its PATH. Returns standard output, and standard error behind it."""
    done = subprocess.run(
        words,
        env=environ_of(home, cwd, environ),
        cwd=cwd,
        text=True,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        timeout=10 * SECONDS,  # a build of Next on a busy machine
    )
    printed: str = done.stdout + done.stderr
    assert done.returncode == status, (words, done.returncode, printed)
    return printed


def free_port() -> int:
    """Return a port of this machine that nobody listens at."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def read_yaml(path: Path) -> dict[str, object]:
    """Return what a YAML file of a recipe says."""
    found: dict[str, object] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return found

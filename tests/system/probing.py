"""Trying things as another user: the answers of `probe.py`, run under setpriv."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from tests.system.home import SECONDS, as_user

_SCRIPT = Path(__file__).with_name("probe.py").read_text(encoding="utf-8")
Wish = Sequence[object]


class Ended(NamedTuple):
    """`ok` with what was found, or the errno's name."""

    how: str
    found: object


def attempts(uid: int, wishes: Sequence[Wish]) -> list[Ended]:
    """Try each wish, [operation, path, …], as `uid`, in one process."""
    words = [[str(part) if isinstance(part, Path) else part for part in wish] for wish in wishes]
    done = subprocess.run(
        [*as_user(uid), sys.executable, "-I", "-S", "-c", _SCRIPT, json.dumps(words)],
        capture_output=True,
        check=True,
        timeout=SECONDS,
        cwd="/",
    )
    return [Ended(*answer) for answer in json.loads(done.stdout)]


def attempt(uid: int, *wish: object) -> Ended:
    """Try one thing as `uid`."""
    return attempts(uid, [wish])[0]


def reads(uid: int, path: Path) -> str:
    """Read a file as `uid`; returns the text, or the errno's name."""
    ended = attempt(uid, "read", path)
    return str(ended.found) if ended.how == "ok" else ended.how

"""`envfs exec LEVEL -- true`, `get` and completion against the start of the interpreter, and against age's command."""

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

from home import ENVFS, Home
from rounds import Contest, Contestant, median_of, timed
from samples import LEVELS, text

LEVEL = LEVELS[-1]
TARGET = 1.0
_IN_PYTHON = {"ENVFS_CLIENT": "python"}
_EACH = 5
_AGE = 'set -a; eval "$(age -d -i "$1" "$2")"; exec true'


def contests(rounds: int) -> Generator[Contest, None, None]:
    """One contest."""
    texts = {level: text(f"LEVEL{depth}", 23) for depth, level in enumerate(LEVELS)}
    with contextlib.ExitStack() as stack:
        served, alone = stack.enter_context(Home()), stack.enter_context(Home(mounted=False))
        for home in (served, alone):
            home.fill(texts)
        words = [ENVFS, "exec", LEVEL, "--", "true"]
        contestants = [
            _contestant("python -I -c pass", [sys.executable, "-I", "-c", "pass"], {}),
            _contestant("envfs exec", words, served.environ, TARGET),
            _contestant("envfs get", [ENVFS, "get", LEVEL, "LEVEL2_001"], served.environ, TARGET),
            _contestant("completion of a level", [ENVFS, "__complete", "level", "/shop/"], served.environ, TARGET),
            _contestant("completion of names", [ENVFS, "__complete", "name", LEVEL], served.environ, TARGET),
            _contestant("envfs exec, by Python", words, {**served.environ, **_IN_PYTHON}),
            _contestant("envfs exec, no daemon", words, alone.environ, each=1),
            _contestant("true", ["true"], {}),
        ]
        if shutil.which("age"):
            contestants.append(_contestant("age -d, eval in sh", _age(served), {}))
        if (dotenv := Path(sys.executable).with_name("dotenv")).exists():
            plain = served.path / "plain.env"
            plain.write_text(served.envfs("export", LEVEL), encoding="utf-8")
            contestants.append(
                _contestant("dotenv run", [str(dotenv), "-f", str(plain), "run", "--", "true"], {}, each=1)
            )
        note = "wall time; 3 levels, 69 variables. Without a daemon, one is started for the command"
        yield Contest("exec", tuple(contestants), rounds, note)


def _contestant(
    name: str, words: list[str], environ: dict[str, str], target: float = 0.0, each: int = _EACH
) -> Contestant:
    full = environ or dict(os.environ)
    return Contestant(name, lambda: median_of(each, lambda: timed(lambda: _run(words, full))), target)


def _run(words: list[str], environ: dict[str, str]) -> None:
    quiet = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    child = os.posix_spawnp(words[0], words, environ, file_actions=quiet)
    _, status = os.waitpid(child, 0)
    if status:
        raise RuntimeError(f"{words[0]} ended with wait status {status}")


def _age(home: Home) -> list[str]:
    # the same view, sealed to the same identity
    sealed = str(home.path / "view.age")
    view = home.envfs("export", LEVEL)
    subprocess.run(["age", "-r", home.recipient, "-o", sealed], input=view, text=True, check=True)
    return ["sh", "-c", _AGE, "sh", str(home.identity), sealed]

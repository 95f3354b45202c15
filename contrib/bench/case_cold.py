"""The first read after a change, when the view has to be made: decrypted, merged, rendered."""

import os
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

from home import Home
from rounds import Contest, Contestant, Sample, median_of, timed
from samples import LEVELS, family

HERE = Path(__file__).parent
LEVEL = LEVELS[-1]
_VARIABLES = 50
_EACH = 3


def contests(rounds: int) -> Generator[Contest, None, None]:
    """One contest; its baseline is a fork that does the decryption and nothing else."""
    with Home() as home:
        texts = family(_VARIABLES)
        home.fill(texts)
        files = [home.path / f"plain{depth}" for depth in range(len(texts))]
        for file, content in zip(files, texts.values(), strict=True):
            file.write_text(content)
        floor = [sys.executable, "-I", str(HERE / "floor.py"), "20", *map(str, files)]
        contestants = (
            Contestant("fork and decrypt", lambda: Sample(float(subprocess.check_output(floor)))),
            Contestant("cold read", lambda: median_of(_EACH, lambda: cold(home, LEVEL))),
            Contestant("warm read", lambda: median_of(_EACH * 20, lambda: timed(lambda: read(home, LEVEL)))),
        )
        note = f"{len(texts)} levels of {_VARIABLES} variables; each cold read follows a `set` at the level"
        yield Contest("cold view", contestants, rounds, note)


def cold(home: Home, level: str) -> float:
    """Change a level, and return how long the next read of its view takes."""
    write(home, level, 1)
    return timed(lambda: read(home, level))


def write(home: Home, level: str, count: int) -> float:
    """Set a variable `count` times; returns how long one took."""
    command = [sys.executable, "-I", str(HERE / "writer.py"), level, str(count)]
    return float(subprocess.check_output(command, env=home.environ))


def read(home: Home, level: str) -> None:
    """Open, read, close."""
    file = os.open(home.view(level), os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.read(file, 1 << 20)
    finally:
        os.close(file)

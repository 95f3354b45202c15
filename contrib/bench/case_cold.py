"""The first read of a view, which has to be made: decrypted, merged, rendered. And the first one after a change.

A view that was read is made again right after a change, so its first reader may find it ready.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Generator
from pathlib import Path

from home import Home
from rounds import Contest, Contestant, Sample, median_of, timed
from samples import LEVELS, family

HERE = Path(__file__).parent
LEVEL = LEVELS[-1]
_VARIABLES = 50
_EACH = 3
_WARM_READS = 1000
TARGET, AFTER_CHANGE = 5.0, 5.0


def contests(rounds: int) -> Generator[Contest, None, None]:
    """One contest. Its baseline is a fork that does the decryption and nothing else."""
    with Home() as home:
        texts = family(_VARIABLES)
        home.fill(texts)
        others = [f"{os.path.dirname(LEVEL)}/unread-{number}" for number in range(rounds * _EACH)]
        home.fill(dict.fromkeys(others, texts[LEVEL]))
        unread = iter(others)
        files = [home.path / f"plain{depth}" for depth in range(len(texts))]
        for file, content in zip(files, texts.values(), strict=True):
            file.write_text(content)
        floor = [sys.executable, "-I", str(HERE / "floor.py"), "20", *map(str, files)]
        contestants = (
            Contestant("fork and decrypt", lambda: Sample(float(subprocess.check_output(floor)))),
            Contestant("first read", lambda: median_of(_EACH, lambda: timed(lambda: read(home, next(unread)))), TARGET),
            Contestant("first read after a change", lambda: median_of(_EACH, lambda: cold(home, LEVEL)), AFTER_CHANGE),
            Contestant("warm read", lambda: median_of(_EACH * 20, lambda: timed(lambda: read(home, LEVEL)))),
        )
        asked = "" if keyholder_is_left_alone(home) else "not "
        note = (
            f"{len(texts)} levels of {_VARIABLES} variables; the change is a `set` at the level, just before the read; "
            f"{_WARM_READS} warm reads do {asked}without the keyholder"
        )
        yield Contest("cold view", contestants, rounds, note)


def keyholder_is_left_alone(home: Home) -> bool:
    """Tell whether warm reads ask the keyholder nothing: the child that waits for its next conversation is the same."""
    read(home, LEVEL)
    pid = json.loads(home.envfs("status", "--json"))["keyholder_pid"]
    children = Path(f"/proc/{pid}/task/{pid}/children")
    time.sleep(1)
    before = children.read_text()
    for _ in range(_WARM_READS):
        read(home, LEVEL)
    return children.read_text() == before


def cold(home: Home, level: str) -> float:
    """Change a level, and return how long the next read of its view takes."""
    write(home, level, 1)
    return timed(lambda: read(home, level))


def write(home: Home, level: str, count: int) -> float:
    """Set a variable `count` times. Returns how long one took."""
    command = [sys.executable, "-I", str(HERE / "writer.py"), level, str(count)]
    return float(subprocess.check_output(command, env=home.environ).split()[0])


def read(home: Home, level: str) -> None:
    """Open, read, close."""
    file = os.open(home.view(level), os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.read(file, 1 << 20)
    finally:
        os.close(file)

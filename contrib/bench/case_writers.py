"""Eight processes write different variables into one level: nobody is kept waiting by the others' races."""

import statistics
import subprocess
import sys
from collections.abc import Generator
from functools import partial
from pathlib import Path

from home import Home
from rounds import Contest, Contestant, Sample
from samples import LEVELS, text

LEVEL = LEVELS[-1]
WRITERS, SETS = 8, 12
SLOWEST = 5.0
_HERE = Path(__file__).parent


def contests(rounds: int) -> Generator[Contest, None, None]:
    """One contest: the slowest writer against the median of them."""
    with Home() as home:
        home.fill({level: text(f"LEVEL{depth}", 23) for depth, level in enumerate(LEVELS)})
        contestants = (
            Contestant("the median writer", lambda: Sample(statistics.median(_write(home)))),
            Contestant("the slowest writer", lambda: Sample(max(_write(home))), SLOWEST),
        )
        yield Contest(f"{WRITERS} writers of one level", contestants, rounds, f"time for one of {SETS} changes by each")


def _write(home: Home) -> list[float]:
    start = partial(subprocess.Popen, env=home.environ, stdout=subprocess.PIPE, text=True)
    command = [sys.executable, "-I", str(_HERE / "writer.py"), LEVEL, str(SETS)]
    writers = [start([*command, f"WRITER_{number}"]) for number in range(WRITERS)]
    answers = [writer.communicate()[0] for writer in writers]
    if any(writer.returncode for writer in writers):
        raise RuntimeError("a writer failed")
    return [float(answer.split()[1]) / SETS for answer in answers]

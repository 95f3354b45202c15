"""What EnvFS takes in memory while nobody asks for anything: the daemon, the keyholder, and its children that wait.

Memory of their own is what the machine cannot get back: code and libraries are files, which all Pythons share, and
which the kernel drops when it needs room. Both are told, and the promise is about the first.
"""

import json
import time
from collections.abc import Generator, Iterable
from pathlib import Path

from home import Home
from rounds import Contest, Contestant, Sample
from samples import LEVELS, text

PROMISED_MB = 45.0
_IDLE = 2.0  # seconds until the children wait again
_KB = 1024


def contests(rounds: int) -> Generator[Contest, None, None]:
    """One contest, against what is promised."""
    with Home() as home:
        home.fill({level: text(f"LEVEL{depth}", 23) for depth, level in enumerate(LEVELS)})
        contestants = (
            Contestant("as much as is promised", lambda: Sample(PROMISED_MB)),
            Contestant("of their own", lambda: Sample(_megabytes(_all(home), "Pss_Anon")), 1.0),
            Contestant("with their part of shared files (PSS)", lambda: Sample(_megabytes(_all(home), "Pss"))),
            Contestant("daemon and keyholder, resident (RSS)", lambda: Sample(_megabytes(_two(home), "Rss"))),
        )
        note = "daemon, keyholder and the children that wait, after reads and changes"
        yield Contest("idle memory", contestants, rounds, note, "MB")


def _two(home: Home) -> list[int]:
    Path(home.view(LEVELS[-1])).read_bytes()
    keyholder = int(json.loads(home.envfs("status", "--json"))["keyholder_pid"])
    time.sleep(_IDLE)
    return [parent_of(keyholder), keyholder]


def _all(home: Home) -> list[int]:
    daemon, keyholder = _two(home)
    children = Path(f"/proc/{keyholder}/task/{keyholder}/children").read_text(encoding="ascii")
    return [daemon, keyholder, *map(int, children.split())]


def parent_of(process: int) -> int:
    """Return the process that started another."""
    return int(Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[1])


def _megabytes(processes: Iterable[int], what: str) -> float:
    return sum(_kilobytes(process, what) for process in processes) / _KB


def _kilobytes(process: int, what: str) -> int:
    for line in Path(f"/proc/{process}/smaps_rollup").read_text(encoding="ascii").splitlines():
        name, _, value = line.partition(":")
        if name == what:
            return int(value.split()[0])
    raise RuntimeError(f"the kernel does not tell {what}")

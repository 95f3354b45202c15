"""`make profile`: the processor time that one open, read and close of a ready view costs, and in which layers.

open_cost.py [--rounds N] [--against FOLDER]…      FOLDER: another checkout that has a .venv, measured beside this one

Laws: processor time counts and not the clock, and all contestants are measured in the same rounds: so the figures hold
on a machine that is busy with something else. The daemon and its readers share one processor, as then it depends on no
other what the daemon waits for.
"""

import argparse
import contextlib
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import NamedTuple

import case_read
import cpu
from home import ENVFS, Home
from samples import LEVELS, text

HERE = Path(__file__).parent
READERS, OPENS = 16, 200  # opens of each reader in a round
_PROCESSORS = os.sched_getaffinity(0)
_PROCESSOR = max(_PROCESSORS)
_SECONDS = 60.0
_LAYERS_ORDER = (
    "binding",
    "loop",
    "handler",
    "names",
    "caller",
    "policy",
    "freshness of the rules",
    "freshness of the vault",
    "inode",
    "record",
    "origin",
    "look at the log",
    "write",
    "handle",
    "content",
)


class Server(NamedTuple):
    """A mounted file system: its process, and a file in it."""

    name: str
    process: int
    path: str


def main() -> int:
    """Measure, and print two tables."""
    words = _arguments()
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="envfs-bench-", dir="/dev/shm")))
        plain = folder / "plain"
        with Home() as home:
            _fill(home)
            plain.write_bytes(Path(home.view(LEVELS[-1])).read_bytes())
        servers = [stack.enter_context(_bare(folder, plain)), stack.enter_context(_served("envfs", ENVFS))]
        servers += [
            stack.enter_context(_served(Path(other).name, f"{other}/.venv/bin/envfs")) for other in words.against
        ]
        _print_costs(servers, words.rounds)
    with tempfile.TemporaryDirectory(prefix="envfs-bench-") as scratch:
        _print_layers(_layers(Path(scratch) / "layers.json"))
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--against", metavar="FOLDER", action="append", default=[], help="another checkout")
    return parser.parse_args()


# -- the processor time of an open -------------------------------------------------------------------------------------


def _fill(home: Home) -> None:
    home.fill({level: text(f"LEVEL{depth}", 23) for depth, level in enumerate(LEVELS)})


@contextlib.contextmanager
def _served(name: str, command: str) -> Iterator[Server]:
    with Home(command=command) as home:
        _fill(home)
        keyholder = json.loads(home.envfs("status", "--json"))["keyholder_pid"]
        yield Server(name, _parent(keyholder), home.view(LEVELS[-1]))


@contextlib.contextmanager
def _bare(folder: Path, plain: Path) -> Iterator[Server]:
    with case_read.bare(folder / "bare", plain) as (process, view):
        yield Server("bare pyfuse3", process, str(view))


def _parent(process: int) -> int:
    return int(Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[1])


def _print_costs(servers: list[Server], rounds: int) -> None:
    spent: dict[str, list[float]] = {server.name: [] for server in servers}
    before = {server.name: cpu.ticks(server.process) for server in servers}
    for server in servers:
        cpu.pin(server.process, _PROCESSOR)
        _read(server.path, OPENS // 10, {_PROCESSOR})
    for _ in range(rounds):
        for server in servers:
            started = cpu.spent_ns(server.process)
            _read(server.path, OPENS, {_PROCESSOR})
            spent[server.name].append((cpu.spent_ns(server.process) - started) / (READERS * OPENS) / 1000)
    print(f"processor time of the daemon for an open, read and close; {READERS} readers, {rounds} rounds\n")
    print(f"{'':16}{'least':>12}{'median':>12}{'ratio':>12}{'in kernel':>12}")
    for server in servers:
        own, kernel = (now - then for now, then in zip(cpu.ticks(server.process), before[server.name], strict=True))
        ratios = [mine / bare for mine, bare in zip(spent[server.name], spent[servers[0].name], strict=True)]
        least, median = min(spent[server.name]), statistics.median(spent[server.name])
        share = kernel / max(1, own + kernel)
        print(f"{server.name:16}{least:9.1f} µs{median:9.1f} µs{statistics.median(ratios):12.2f}{share:12.0%}")
    print()


def _read(path: str, opens: int, processors: Collection[int]) -> None:
    children = [_reader(path, opens, processors) for _ in range(READERS)]
    failed = [os.waitpid(child, 0)[1] for child in children]
    if any(failed):
        raise RuntimeError(f"a reader failed: {os.strerror(os.waitstatus_to_exitcode(max(failed)))}")


def _reader(path: str, opens: int, processors: Collection[int]) -> int:
    child = os.fork()
    if child == 0:
        os.sched_setaffinity(0, processors)
        status = 0
        try:
            for _ in range(opens):
                file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
                os.read(file, 1 << 16)
                os.close(file)
        except OSError as error:
            status = error.errno or 1
        os._exit(status)
    return child


# -- its layers --------------------------------------------------------------------------------------------------------


def _layers(output: Path) -> dict[str, dict[str, float]]:
    with Home() as home:
        _fill(home)
        home.unmount()
        command = [sys.executable, "-I", str(HERE / "layered_daemon.py"), str(output), "serve"]
        daemon = subprocess.Popen(command, env=home.environ)
        try:
            _wait_for(lambda: os.path.exists(home.view(LEVELS[-1])) or daemon.poll() is not None)
            _read(home.view(LEVELS[-1]), OPENS // 10, _PROCESSORS)
            daemon.send_signal(signal.SIGUSR2)
            _read(home.view(LEVELS[-1]), OPENS, _PROCESSORS)
        finally:
            home.unmount()
            daemon.wait(_SECONDS)
    figures: dict[str, dict[str, float]] = json.loads(output.read_text(encoding="utf-8"))
    return figures


def _wait_for(is_so: Callable[[], bool]) -> None:
    until = time.monotonic() + _SECONDS
    while not is_so():
        if time.monotonic() > until:
            raise RuntimeError("the daemon did not start")
        time.sleep(0.05)


def _print_layers(layers: dict[str, dict[str, float]]) -> None:
    times = {"lookup": len(LEVELS)}  # a path of two levels, and the file
    print("µs in each layer, by request: medians of one instrumented run; in brackets how often an open asks\n")
    kinds = [kind for kind in ("lookup", "open", "read", "release") if kind in layers]
    print(f"  {'':24}" + "".join(f"{f'{kind} ({times.get(kind, 1)})':>13}" for kind in kinds) + f"{'an open':>13}")
    for layer in _LAYERS_ORDER:
        row = [layers[kind].get(layer, 0.0) for kind in kinds]
        _print_row(layer, row, sum(time * times.get(kind, 1) for kind, time in zip(kinds, row, strict=True)))
    sums = [sum(layers[kind].values()) for kind in kinds]
    _print_row("together", sums, sum(time * times.get(kind, 1) for kind, time in zip(kinds, sums, strict=True)))


def _print_row(name: str, row: list[float], whole: float) -> None:
    print(f"  {name:24}" + "".join(f"{value:13.1f}" for value in row) + f"{whole:13.1f}")


if __name__ == "__main__":
    sys.exit(main())

"""The same file out of other file systems, in the same rounds: the floors in C and Python, and those that encrypt.

With 16 readers the time for a read is what counts, by all reads of that time. It is held against theirs from the other
side: EnvFS is the baseline, so a ratio over 1 is a file system that is slower.
"""

import contextlib
import os
import subprocess
import tempfile
from collections.abc import Generator
from functools import partial
from pathlib import Path

import peers
from case_read import reader_command
from home import Home
from rounds import Contest, Contestant, Sample
from samples import LEVELS, text

LEVEL = LEVELS[-1]
ALONE_TARGET, OWN_TARGET, TAIL_TARGET = 2.2, 1.8, 3.0
DRIVEN_LEAST, PEER_LEAST = 0.85, 1.0
MANY = 16
_NOBODY = 65534


def contests(rounds: int) -> Generator[Contest, None, None]:
    """One reader, sixteen, the slowest of these, and a mount that is one user's own."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="envfs-bench-")))
        folder.chmod(0o755)
        home = stack.enter_context(Home())
        _fill(home)
        plain = folder / "plain"
        plain.write_bytes(Path(home.view(LEVEL)).read_bytes())
        command, note = reader_command(folder)
        with peers.floors(folder, plain) as floors, peers.encrypting(folder, plain.read_bytes()) as (views, absent):
            note = " ".join((note, f"Not installed here: {', '.join(absent)}." if absent else "")).strip()
            yield from _contests(rounds, note, command, home.view(LEVEL), (floors, views))
        yield from _own(rounds, command, folder, plain)


def _fill(home: Home) -> None:
    home.fill({level: text(f"LEVEL{depth}", 23) for depth, level in enumerate(LEVELS)})


def _contests(
    rounds: int, note: str, command: list[str], view: str, others: tuple[dict[str, Path], dict[str, Path]]
) -> Generator[Contest, None, None]:
    floors, encrypting = others
    envfs = Contestant("envfs", partial(_read, [*command, view, "1", "300"]), ALONE_TARGET)
    rest = [
        Contestant(name, partial(_read, [*command, str(path), "1", "300"]))
        for name, path in {**floors, **encrypting}.items()
    ]
    if peers.C_FLOOR in floors:
        note_one = f"p50 of open, read, close; no names are cached but by those that encrypt. {note}".strip()
        yield Contest("read beside others, 1 reader", (rest[0], envfs, *rest[1:]), rounds, note_one)
    many = [Contestant("envfs", partial(_shared, [*command, view, str(MANY), "400"]))]
    least = {peers.DRIVEN: DRIVEN_LEAST} | dict.fromkeys(encrypting, PEER_LEAST)
    many += [
        Contestant(name, partial(_shared, [*command, str(path), str(MANY), "400"]), least=least.get(name, 0.0))
        for name, path in {**floors, **encrypting}.items()
    ]
    yield Contest("read beside others, 16 readers", tuple(many), rounds, f"time by all reads of 0.4 s. {note}".strip())
    words = [*command, view, str(MANY), "400"]
    tail = (Contestant("median", partial(_read, words)), Contestant("p99", partial(_tail, words), TAIL_TARGET))
    yield Contest("the slow reads of 16 readers", tail, rounds, "p50 and p99 of open, read, close")


def _own(rounds: int, command: list[str], folder: Path, plain: Path) -> Generator[Contest, None, None]:
    # a mount that the kernel admits one user to. Root's are for all, so root has another user do it
    program = peers.compiled_floor(folder)
    if not program:
        return
    uid = os.geteuid() or _NOBODY
    place = folder / "own"
    place.mkdir()
    os.chown(place, uid, uid)
    user = peers.as_user(uid)
    with Home(uid=uid) as home, peers.mounted(place, [*user, program, str(place), str(plain), "1"]) as view:
        _fill(home)
        bare = Contestant("C libfuse, names cached for 1 s", partial(_read, [*user, *command, str(view), "1", "300"]))
        own = Contestant("envfs", partial(_read, [*user, *command, home.view(LEVEL), "1", "300"]), OWN_TARGET)
        yield Contest("a user's own mount", (bare, own), rounds, "p50 of open, read, close, 1 reader")


def _figures(command: list[str]) -> tuple[int, ...]:
    return tuple(map(int, subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()))


def _read(command: list[str]) -> Sample:
    reads, elapsed, p50, p99, _ = _figures(command)
    return Sample(p50 / 1e9, p99 / 1e9, reads / elapsed * 1e9)


def _shared(command: list[str]) -> Sample:
    reads, elapsed, _, p99, _ = _figures(command)
    return Sample(elapsed / reads / 1e9, p99 / 1e9, reads / elapsed * 1e9)


def _tail(command: list[str]) -> Sample:
    return Sample(_figures(command)[3] / 1e9)

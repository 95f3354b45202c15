"""A program opens, reads and closes a view of 2 KB: EnvFS against the least that pyfuse3 can do, and a plain file."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Iterator
from functools import partial
from pathlib import Path

from home import Home
from rounds import Contest, Contestant, Sample
from samples import LEVELS, text

HERE = Path(__file__).parent
LEVEL = LEVELS[-1]
TARGET = 1.5
MASKED, MASKED_TARGET = "/shop/masked", 1.1  # a masked view that is ready is as warm as a true one
READERS = (1, 4, 16)
_START_SECONDS = 10.0


def contests(rounds: int) -> Generator[Contest, None, None]:
    """One contest for each number of readers, and one for readers that are new processes, as `cat` is."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="envfs-bench-", dir="/dev/shm")))
        home = stack.enter_context(Home())
        home.fill({level: text(f"LEVEL{depth}", 23) for depth, level in enumerate(LEVELS)})
        content = Path(home.view(LEVEL)).read_bytes()
        plain = folder / f"plain{LEVEL}/.env"
        plain.parent.mkdir(parents=True)
        plain.write_bytes(content)
        _, served = stack.enter_context(bare(folder / "bare", plain))
        _same(content, served)
        command, note = reader_command(folder)
        note = f"{len(content)} bytes at the same depth; p50 of open, read, close. {note}".strip()
        paths = (("bare pyfuse3", str(served), 0.0), ("envfs", home.view(LEVEL), TARGET), ("tmpfs", str(plain), 0.0))
        for readers in READERS:
            yield Contest(f"read, {readers} reader{'s' * (readers > 1)}", _all(command, paths, readers), rounds, note)
        home.fill({MASKED: text("LEVEL2", 23)})
        home.envfs("grant", MASKED, "--uid", str(os.geteuid()), "--decision", "mask")
        faces = (("true values", home.view(LEVEL), 0.0), ("placeholders", home.view(MASKED), MASKED_TARGET))
        sizes = f"{len(content)} bytes and {Path(home.view(MASKED)).stat().st_size} bytes; p50 of open, read, close."
        yield Contest("read, masked", _all(command, faces, 1), rounds, sizes)
        fresh = tuple((name, path, 0.0) for name, path, _ in paths)
        yield Contest("read, each by a new process", _all(command, fresh, 1, "fresh"), rounds, note)


def _all(
    command: list[str], paths: tuple[tuple[str, str, float], ...], readers: int, *more: str
) -> tuple[Contestant, ...]:
    milliseconds = "300" if readers == 1 else "400"
    return tuple(
        Contestant(name, partial(_read, [*command, path, str(readers), milliseconds, *more]), target)
        for name, path, target in paths
    )


def _read(command: list[str]) -> Sample:
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    reads, elapsed, p50, p99, _ = map(int, done.stdout.split())
    return Sample(p50 / 1e9, p99 / 1e9, reads / elapsed * 1e9)


def reader_command(folder: Path) -> tuple[list[str], str]:
    """Compile the program that reads. Returns it, or what stands in for it, with a note."""
    compiler, program = shutil.which("cc") or shutil.which("gcc"), str(folder / "reader")
    if compiler and subprocess.call([compiler, "-O2", "-o", program, str(HERE / "reader.c")]) == 0:
        return [program], ""
    return [sys.executable, "-I", str(HERE / "reader.py")], "No C compiler: Python reads, its time is in the figures."


@contextlib.contextmanager
def bare(folder: Path, content: Path) -> Iterator[tuple[int, Path]]:
    """Serve a file by pyfuse3 alone. Gives the process, and the file's path in its mount."""
    folder.mkdir()
    view = folder / LEVEL.lstrip("/") / ".env"
    process = subprocess.Popen([sys.executable, "-I", str(HERE / "bare_pyfuse3.py"), str(folder), str(content)])
    try:
        until = time.monotonic() + _START_SECONDS
        while not view.exists():
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError("the bare file system did not start")
            time.sleep(0.05)
        yield process.pid, view
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()
        if os.path.ismount(folder):
            subprocess.run(["fusermount3", "-u", "-z", str(folder)], check=False)


def _same(content: bytes, bare: Path) -> None:
    if bare.read_bytes() != content:
        raise RuntimeError("the two file systems do not show the same bytes")

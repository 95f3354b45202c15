"""Has one parser read many files: a process of its own, a deadline for each file, a new process after a death.

Law: there is an answer for each file, in order. A parser that has not answered in time, or died, refused the file.
"""

import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from tests.dialects import parsers
from tests.dialects.parsers import Parser

SECONDS = 45.0  # more than a driver gives to a program; a busy machine is slow to start one
_CHUNK = 1 << 20


class Answer(NamedTuple):
    """What a parser read from a file, or None if it refused it."""

    variables: dict[str, str | None] | None
    trouble: str = ""


class _DiedError(Exception):
    pass


def answers(parser: Parser, files: Sequence[Path], folder: Path) -> Iterator[Answer]:
    """Read files, in a folder where the parser may write."""
    done = 0
    while done < len(files):
        with _running(parser, files[done:], folder) as process:
            try:
                for line in _lines(process, len(files) - done):
                    done += 1
                    yield _answer(line)
            except (_DiedError, TimeoutError) as error:
                done += 1
                yield Answer(None, type(error).__name__)


def _answer(line: bytes) -> Answer:
    try:
        said = json.loads(line)
    except ValueError:  # PHP says on stdout that it cannot go on
        return Answer(None, "no JSON")
    return Answer(said.get("vars"), said.get("error", ""))


@contextmanager
def _running(parser: Parser, files: Sequence[Path], folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    before = parsers.sandbox(folder) if parser.boxed and parsers.has_sandbox() else ()
    if parser.executes and not before:
        raise RuntimeError(f"{parser.name} runs programs that stand in values, and there is no sandbox for it")
    with tempfile.TemporaryFile() as paths, open(folder / "stderr", "wb") as complaints:
        paths.write(b"".join(os.fsencode(file) + b"\n" for file in files))
        paths.seek(0)
        process = subprocess.Popen(
            [*before, *parser.words],
            stdin=paths,
            stdout=subprocess.PIPE,
            stderr=complaints,
            cwd=folder,
            env=parsers.environ(parser, folder),
            start_new_session=True,
        )
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()


def _lines(process: subprocess.Popen[bytes], count: int) -> Iterator[bytes]:
    pieces: list[bytes] = []
    deadline, stdout = time.monotonic() + SECONDS, _descriptor(process)
    while count:
        ready, _, _ = select.select([stdout], [], [], max(0, deadline - time.monotonic()))
        if not ready:
            raise TimeoutError
        piece = os.read(stdout, _CHUNK)
        if not piece:
            raise _DiedError
        *ended, rest = piece.split(b"\n")
        for end in ended:
            yield b"".join([*pieces, end])
            pieces, count, deadline = [], count - 1, time.monotonic() + SECONDS
        pieces.append(rest)


def _descriptor(process: subprocess.Popen[bytes]) -> int:
    if process.stdout is None:
        sys.exit("a driver without a pipe")
    return process.stdout.fileno()

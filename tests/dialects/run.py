"""`make dialects`: what EnvFS writes, read by the parsers themselves. README.md says what and how."""

import argparse
import contextlib
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from envfs.dotenv import dialects
from tests.dialects import parsers, promises, report, trial
from tests.dialects.parsers import Parser
from tests.dialects.trial import Result, Task

_EVERY = 0.2


class _StoppedError(Exception):
    pass


class Progress:
    """One line on a terminal, and nothing elsewhere; threads share it, and end when it is stopped."""

    def __init__(self, tasks: int) -> None:
        self._tasks, self._done, self._shown = tasks, 0, 0.0
        self._lock, self._stopped = threading.Lock(), threading.Event()

    def told(self, name: str, done: int, files: int) -> None:
        if self._stopped.is_set():
            raise _StoppedError
        with self._lock:
            if time.monotonic() - self._shown > _EVERY:
                self._shown = time.monotonic()
                self._show(f"{self._done} of {self._tasks} done; {name}: {done} of {files} files")

    def finished(self) -> None:
        with self._lock:
            self._done += 1

    def stop(self) -> None:
        self._stopped.set()
        self._show("")

    def _show(self, line: str) -> None:
        if sys.stderr.isatty():
            print(f"\r\x1b[K{line[:100]}", end="", file=sys.stderr, flush=True)


def main() -> int:
    """Run; 1 if a promise is not kept, 2 if there is nothing to run. Whatever ends it, what was started ends too."""
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    words = _arguments()
    tasks = {(task.dialect, task.parser.name): task for task in _tasks(words)}
    if not tasks:
        print("dialects: none of these parsers is here: contrib/install dialects", file=sys.stderr)
        return 2
    try:
        results = dict(zip(tasks, _results([*tasks.values()]), strict=True))
    except KeyboardInterrupt:
        return 130
    verdicts = {key: promises.verdict(task, results[key]) for key, task in tasks.items()}
    print(report.table(results, verdicts, seed=words.seed, values=words.values))
    if words.json:
        Path(words.json).write_text(report.as_json(results), encoding="utf-8")
    return int(any(verdicts.values()))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parsers", metavar="A,B", default="", help="some of: " + ", ".join(parsers.NAMES))
    parser.add_argument("--dialects", metavar="A,B", default="", help="some of: " + ", ".join(dialects.NAMES))
    parser.add_argument("--values", metavar="N", type=int, default=20_000, help="so many values in each dialect")
    parser.add_argument("--seed", metavar="N", type=int, default=1, help="other values")
    parser.add_argument("--json", metavar="FILE", help="write all figures to this file")
    words = parser.parse_args()
    for given, known in ((words.parsers, parsers.NAMES), (words.dialects, dialects.NAMES)):
        if unknown := set(_listed(given)) - set(known):
            parser.error(f"unknown: {' '.join(sorted(unknown))}; choose from {', '.join(known)}")
    return words


def _tasks(words: argparse.Namespace) -> Iterator[Task]:
    here = parsers.chosen(_listed(words.parsers)) or parsers.ALL
    for parser in here:
        if reason := _missing(parser):
            print(f"dialects: {parser.name} is left out, as {reason}", file=sys.stderr)
    for dialect in _listed(words.dialects) or dialects.NAMES:
        for parser in here:
            if not _missing(parser) and parser.name in parsers.READERS_OF[dialect]:
                yield trial.task(dialect, parser, words.values, words.seed)


def _missing(parser: Parser) -> str:
    if not parser.is_here:
        return "it is not here"
    return "" if parser.may_run else "it would run values, and bwrap makes no sandbox here"


def _listed(names: str) -> list[str]:
    return [name for name in names.split(",") if name]


def _results(tasks: Sequence[Task]) -> list[Result]:
    progress = Progress(len(tasks))
    with (
        tempfile.TemporaryDirectory(prefix="envfs-dialects-") as folder,
        ThreadPoolExecutor(os.cpu_count()) as threads,
        contextlib.ExitStack() as stack,
    ):
        stack.callback(threads.shutdown, cancel_futures=True)
        stack.callback(progress.stop)
        futures = [threads.submit(_result, task, Path(folder), progress) for task in tasks]
        return [future.result() for future in futures]


def _result(task: Task, folder: Path, progress: Progress) -> Result:
    name = f"{task.dialect}-{task.parser.name}"
    result = trial.run(task, folder / name, lambda done, files: progress.told(name, done, files))
    progress.finished()
    return result


if __name__ == "__main__":
    sys.exit(main())

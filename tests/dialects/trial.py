"""Writes values as files of many variables in one dialect, has a parser read them, and counts what came back.

A value that did not come back exactly is tried again alone, between two plain neighbours.
"""

import collections
import functools
import itertools
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from envfs.dotenv import dialects
from envfs.errors import Malformed
from tests.dialects import classes, reading
from tests.dialects.classes import Sample
from tests.dialects.parsers import Parser
from tests.dialects.reading import Answer

IN_ONE_FILE = 25
_NAME, _NEIGHBOURS = "MIDDLE", {"BEFORE": "plain", "AFTER": "too"}
_TELLING = 8  # a shorter value may stand in a refusal as a word of its own
Kinds = collections.Counter[str]
Progress = Callable[[int, int], None]
File = Mapping[str, str]


class Count(NamedTuple):
    """How a parser did; `in_files` and `alone` count exact values by class, and `alone` has those of `in_files`.

    `harmed`: values that took a neighbour with them, or the whole file, when they were alone in it; `strange`: those
    that made a variable which nobody wrote.
    """

    values: Kinds
    in_files: Kinds
    alone: Kinds
    files: int
    refused: int
    inexact: Sequence[Sample] = ()
    harmed: Sequence[Sample] = ()
    strange: Sequence[Sample] = ()


class Result(NamedTuple):
    """How a parser did with values of all classes, everyday and hostile ones; `ran`: canaries of what was run."""

    mixed: Count
    everyday: Count
    hostile: Count
    ran: Sequence[str]


def _refused(sample: Sample, dialect: str) -> bool:
    try:
        dialects.dialect_text({_NAME: sample.value}, dialect)
    except Malformed as error:
        said = f"{error} {error.hint}"
        assert _NAME in said, sample.kind
        assert len(sample.value) < _TELLING or sample.value not in said, sample.kind
        return True
    return False


class Task(NamedTuple):
    """A parser, and the values that it is given in one dialect."""

    dialect: str
    parser: Parser
    samples: Sequence[Sample]
    everyday: Sequence[Sample]
    hostile: Sequence[Sample]


def task(dialect: str, parser: Parser, values: int, seed: int) -> Task:
    """Make values that the dialect can write; fewer if the parser is slow."""
    count = min(values, parser.most)
    return Task(
        dialect,
        parser,
        _writable(dialect, count, seed, tuple(classes.ALL)),
        _writable(dialect, count // 5, seed, tuple(classes.EVERYDAY)),
        _writable(dialect, count // 10, seed, tuple(classes.HOSTILE)),
    )


@functools.cache
def _writable(dialect: str, values: int, seed: int, kinds: tuple[str, ...]) -> Sequence[Sample]:
    """Leave out what the dialect refuses, by a text that names the variable and does not quote the value."""
    return [sample for sample in classes.samples(values, seed, kinds) if not _refused(sample, dialect)]


def run(task: Task, folder: Path, progress: Progress) -> Result:
    """Try values, in a folder of the parser's own, of which nothing is left."""
    trial = _Trial(task, folder, progress)
    trial.writable.mkdir(parents=True)
    try:
        mixed = trial.alone(trial.in_files(task.samples, "files"), "alone")
        everyday = trial.in_files(task.everyday, "everyday")
        hostile = trial.alone(trial.untried(task.hostile), "hostile")
        return Result(mixed, everyday, hostile, sorted(path.name for path in trial.writable.rglob("*canary*")))
    finally:
        shutil.rmtree(folder)


class _Trial:
    def __init__(self, task: Task, folder: Path, progress: Progress) -> None:
        self._task, self._folder, self._progress = task, folder, progress
        self.writable = folder / "writable"

    def in_files(self, samples: Sequence[Sample], folder: str) -> Count:
        batches = [samples[at : at + IN_ONE_FILE] for at in range(0, len(samples), IN_ONE_FILE)]
        files = [{f"K_{index:02}": sample.value for index, sample in enumerate(batch)} for batch in batches]
        exact, inexact, refused = Kinds(), list[Sample](), 0
        for batch, file, answer in zip(batches, files, self._answers(files, folder), strict=True):
            found = answer.variables or {}
            refused += answer.variables is None
            for name, sample in zip(file, batch, strict=True):
                if found.get(name) == sample.value:
                    exact[sample.kind] += 1
                else:
                    inexact.append(sample)
        values = Kinds(sample.kind for sample in samples)
        return Count(values, exact, exact, len(files), refused, inexact)

    def untried(self, samples: Sequence[Sample]) -> Count:
        return Count(Kinds(sample.kind for sample in samples), Kinds(), Kinds(), 0, 0, samples)

    def alone(self, count: Count, folder: str) -> Count:
        files = [{"BEFORE": "plain", _NAME: sample.value, "AFTER": "too"} for sample in count.inexact]
        exact, inexact, harmed, strange = Kinds(count.in_files), list[Sample](), list[Sample](), list[Sample]()
        for sample, answer in zip(count.inexact, self._answers(files, folder), strict=True):
            found = answer.variables or {}
            if found.get(_NAME) == sample.value:
                exact[sample.kind] += 1
            else:
                inexact.append(sample)
            if not _NEIGHBOURS.items() <= found.items():
                harmed.append(sample)
            if found.keys() - {_NAME, *_NEIGHBOURS}:
                strange.append(sample)
        return count._replace(alone=exact, inexact=inexact, harmed=harmed, strange=strange)

    def _answers(self, files: Sequence[File], name: str) -> Iterator[Answer]:
        folder = self._folder / name
        folder.mkdir()
        paths = [folder / f"{index:06}.env" for index in range(len(files))]
        for path, file in zip(paths, files, strict=True):
            path.write_bytes(dialects.dialect_text(file, self._task.dialect).encode())
        answers = reading.answers(self._task.parser, paths, self.writable)
        for done, answer in zip(itertools.count(1), answers):
            self._progress(done, len(files))
            yield answer

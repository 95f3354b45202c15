"""What EnvFS writes is read back exactly by the parsers that `contrib/install test` brings; `make dialects` has all."""

import sys
from pathlib import Path

import pytest

from envfs.dotenv import dialects
from tests.dialects import classes, parsers, promises, reading, report, trial
from tests.dialects.classes import Sample
from tests.dialects.parsers import Parser
from tests.dialects.promises import Promise
from tests.dialects.trial import Count, Kinds, Result, Task

VALUES, SEED = 260, 7
LIBRARIES = (
    "python-dotenv",
    "python-dotenv-raw",
    "python-dotenv-1.2.2",
    "django-environ",
    "decouple",
    "honcho",
    "starlette",
)
SHELLS = ("bash", "dash", "zsh", "mksh", "busybox")
HERE = (*LIBRARIES, *SHELLS, "systemd")
PAIRS = [(dialect, name) for dialect in dialects.NAMES for name in HERE if name in parsers.READERS_OF[dialect]]
EXACT_EVERYDAY = 34  # of 45 parsers of the portable form


def parser(name: str) -> Parser:
    found = parsers.chosen([name])[0]
    if not found.is_here:
        pytest.skip(f"{name} is not installed")
    if not found.may_run:
        pytest.skip("no sandbox can be made here")
    return found


def made_up(*words: str) -> Parser:
    return Parser("made-up", (sys.executable, "-u", "-c", *words), (), executes=False, boxed=False)


@pytest.mark.parametrize(("dialect", "name"), PAIRS, ids=["-".join(pair) for pair in PAIRS])
def test_a_parser_reads_what_was_promised_and_runs_nothing(tmp_path: Path, dialect: str, name: str) -> None:
    task = trial.task(dialect, parser(name), VALUES, SEED)
    result = trial.run(task, tmp_path / "trial", lambda _done, _files: None)
    assert result.ran == []
    assert promises.verdict(task, result) == []


def test_every_reader_of_every_dialect_is_promised_something() -> None:
    pairs = {(dialect, name) for dialect, names in parsers.READERS_OF.items() for name in names}
    assert promises.promised().keys() == pairs
    assert parsers.READERS_OF.keys() == set(dialects.NAMES)
    exact = [key for key, promise in promises.promised().items() if key[0] == "portable" and promise.everyday == 100]
    assert len(exact) == EXACT_EVERYDAY


def test_promises_speak_of_classes_that_there_are() -> None:
    assert len(classes.EVERYDAY) == 20
    assert len(classes.ALL) == 52
    for promise in promises.promised().values():
        assert promise.classes.keys() <= classes.ALL.keys()


def test_a_seed_gives_the_same_values_and_each_class_as_many() -> None:
    first = classes.samples(520, 3)
    assert first == classes.samples(520, 3)
    assert first != classes.samples(520, 4)
    assert set(Kinds(sample.kind for sample in first).values()) == {10}


# ---- that the trial would notice


def test_a_value_that_is_run_leaves_a_canary(tmp_path: Path) -> None:
    (tmp_path / "a.env").write_text("A=$(touch canary-1)\n", encoding="utf-8")
    folder = tmp_path / "writable"
    folder.mkdir()
    assert [*reading.answers(parser("dash"), [tmp_path / "a.env"], folder)] == [reading.Answer({"A": ""})]
    assert (folder / "canary-1").exists()


def test_a_value_that_is_run_reaches_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "a.env").write_text(f"A=$(touch {tmp_path}/outside)\nB=2\n", encoding="utf-8")
    folder = tmp_path / "writable"
    folder.mkdir()
    assert [*reading.answers(parser("dash"), [tmp_path / "a.env"], folder)] == [reading.Answer(None, "refused")]
    assert not (tmp_path / "outside").exists()


def test_what_runs_values_is_not_started_without_a_sandbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parsers, "has_sandbox", lambda: False)
    bash = parsers.chosen(["bash"])[0]
    assert not bash.may_run
    with pytest.raises(RuntimeError, match="no sandbox"):
        next(reading.answers(bash, [tmp_path / "a.env"], tmp_path))


def test_a_parser_that_dies_or_hangs_loses_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "SECONDS", 10.0)
    code = """if True:
        import os, sys, time
        for line in sys.stdin:
            if line.endswith("/dies\\n"): os._exit(1)
            if line.endswith("/hangs\\n"): time.sleep(60)
            print('{"vars": {}}')"""
    files = [tmp_path / name for name in ("reads", "dies", "reads", "hangs", "reads")]
    answers = [*reading.answers(made_up(code), files, tmp_path)]
    assert [answer.variables for answer in answers] == [{}, None, {}, None, {}]


def counted(exact: int, *, harmed: int = 0, ran: tuple[str, ...] = ()) -> Result:
    sample = Sample("lines", "x")
    mixed = Count(
        Kinds({"lines": 100}), Kinds({"lines": exact}), Kinds({"lines": exact}), 4, 0, harmed=[sample] * harmed
    )
    everyday = Count(Kinds({"empty": 20}), Kinds({"empty": 20}), Kinds(), 1, 0)
    return Result(mixed, everyday, Count(Kinds(), Kinds(), Kinds(), 0, 0), ran)


SAMPLES = [Sample("$( )", "$(touch canary-5)"), Sample("shell signs", "; touch canary-6")]
TASK = Task("portable", made_up(""), SAMPLES, [], [])


@pytest.mark.parametrize(
    ("result", "promise", "said"),
    [
        (counted(100), Promise(100, 100, 100), []),
        (counted(99), Promise(100, 99, 99, classes={"lines": 99}), []),
        (counted(99), Promise(100, 99, 99), ["lines 99.0 %, not 100.0"]),
        (counted(20), Promise(100, 50, 50, classes={"lines": 50}), ["alone 20.0 %, not 50", "lines 20.0 %, not 50"]),
        (counted(100, harmed=1), Promise(100, 100, 100), ["1.00 % of values harm neighbours, not 0.0"]),
        (counted(100, ran=("canary-5",)), Promise(100, 100, 100), ["values were run: canary-5"]),
        (counted(100, ran=("canary-5",)), Promise(100, 100, 100, runs=True), []),
        (
            counted(100, ran=("canary-6",)),
            Promise(100, 100, 100, runs=True),
            ["canary-6 was run, and portability does not say so"],
        ),
    ],
)
def test_a_broken_promise_is_named(result: Result, promise: Promise, said: list[str]) -> None:
    assert [*promises.broken(TASK, result, promise)] == said


def test_the_report_marks_what_is_broken() -> None:
    key = ("portable", "made-up")
    text = report.table({key: counted(99)}, {key: ["lines 99.0 %, not 100.0"]}, seed=1, values=100)
    assert "99.0" in text
    assert "BROKEN" in text
    assert "made-up: lines 99.0 %, not 100.0" in text

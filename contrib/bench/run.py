"""`make bench`: how quick EnvFS is, as ratios to baselines measured in the same rounds. README.md says what and how."""

import argparse
import contextlib
import json
import signal
import sys
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path

import case_cold
import case_exec
import case_gate
import case_memory
import case_peers
import case_proxy
import case_read
import case_scale
import case_scan
import case_text
import case_waiting
import case_writers
import committed
import report
import rounds
from rounds import Contest, Outcome

# and so many rounds that the whole takes a minute, four minutes, or what it takes
_CASES: dict[str, tuple[Callable[[int], Generator[Contest, None, None]], tuple[int, int, int]]] = {
    "read": (case_read.contests, (4, 9, 41)),
    "peers": (case_peers.contests, (3, 9, 31)),
    "waiting": (case_waiting.contests, (4, 9, 21)),
    "exec": (case_exec.contests, (5, 21, 51)),
    "cold": (case_cold.contests, (5, 21, 41)),
    "text": (case_text.contests, (2, 3, 11)),
    "writers": (case_writers.contests, (3, 7, 15)),
    "memory": (case_memory.contests, (2, 3, 5)),
    "gate": (case_gate.contests, (5, 15, 31)),
}
CASES = (*_CASES, "proxy", "scan", "scale")


def main() -> int:
    """Run; whatever ends it, what was started ends too."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    try:
        return _bench(_arguments())
    except KeyboardInterrupt:
        return 130
    except (RuntimeError, OSError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2


def _bench(words: argparse.Namespace) -> int:
    # returns 1 if `--check` was given and a promise is not kept
    machine = report.machine()
    print("\n".join(f"{name:<10} {value}" for name, value in machine.items()), end="\n\n")
    took: dict[str, float] = {}
    outcomes = list(_measure(words, took))
    print(report.promise_table(outcomes), end="\n\n")
    print(report.summary(outcomes))
    print("took " + ", ".join(f"{case} {seconds:.0f} s" for case, seconds in took.items()))
    for line in committed.slower(outcomes):
        print(f"slower than docs/benchmarks.md: {line}")
    if words.write:
        committed.write(machine, outcomes)
    if words.json:
        body = {"machine": machine, "arguments": sys.argv[1:], "contests": [report.as_json(o) for o in outcomes]}
        Path(words.json).write_text(json.dumps(body, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return int(words.check and any(outcome.missed() for outcome in outcomes))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--quick", action="store_true", help="a minute: a first impression")
    length.add_argument("--full", action="store_true", help="longer: more rounds")
    parser.add_argument("--only", metavar="A,B", type=_cases, default=CASES, help=f"some of {', '.join(CASES)}")
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks.md")
    parser.add_argument("--json", metavar="FILE", help="write every round to this file")
    parser.add_argument("--check", action="store_true", help="end with status 1 if a promise is not kept")
    words = parser.parse_args()
    if words.write and (words.quick or set(words.only) != set(CASES)):
        parser.error("--write takes all cases, and not in a minute")
    return words


def _cases(text: str) -> Sequence[str]:
    names = text.split(",")
    if not set(names) <= set(CASES):
        raise argparse.ArgumentTypeError(f"choose from {', '.join(CASES)}")
    return names


def _measure(words: argparse.Namespace, took: dict[str, float]) -> Iterator[Outcome]:
    # notes in `took` how long each case took
    for case in words.only:
        began = time.monotonic()
        with contextlib.closing(_contests(case, words)) as contests:
            for contest in contests:
                if sys.stderr.isatty():
                    print(report.heading(contest), end="\r", file=sys.stderr, flush=True)
                outcome = rounds.run(contest)
                print(report.table(outcome), end="\n\n", flush=True)
                yield outcome
        took[case] = time.monotonic() - began


def _contests(case: str, words: argparse.Namespace) -> Generator[Contest, None, None]:
    much = 0 if words.quick else 2 if words.full else 1
    if case in _CASES:
        contests, rounds = _CASES[case]
        return contests(rounds[much])
    if case == "proxy":
        return case_proxy.contests((2, 5, 5)[much], (1 << 27, 1 << 30, 1 << 30)[much])
    if case == "scan":
        return case_scan.contests((2, 3, 5)[much], (10_000, 20_000, 100_000)[much])
    versions, levels = ((1000, 10_000), (100, 1000)) if words.quick else ((1000, 100_000), (1000, 10_000))
    return case_scale.contests((4, 11, 31)[much], versions, levels)


if __name__ == "__main__":
    sys.exit(main())

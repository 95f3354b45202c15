"""`envfs scan` of a tree: a hundred planted values are found, and nothing else, or there is no figure.

The tree is source code of this machine's Python, cut into files, and shuffled.
"""

import base64
import contextlib
import json
import os
import random
import string
import subprocess
import sysconfig
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Final

from home import ENVFS, Home
from rounds import Contest, Contestant, Sample, timed

LEVEL = "/shop"
_VALUES, _FILE_BYTES = 100, 12_000
_QUICK: Final = 200e6  # bytes a second, as promised
_SIGNS: Final = string.ascii_letters + string.digits


def contests(rounds: int, files: int) -> Generator[Contest, None, None]:
    """Scan a tree of so many files."""
    source = random.Random(7)  # noqa: S311 - the same tree each time
    values = {f"TOKEN_{number}": "".join(source.choices(_SIGNS, k=32)) for number in range(_VALUES)}
    with contextlib.ExitStack() as stack:
        home = stack.enter_context(Home())
        home.fill({LEVEL: "".join(f"{name}={value}\n" for name, value in values.items())})
        tree = home.path / "tree"
        size = _plant(tree, files, values, source)

        def scan() -> None:
            words = [ENVFS, "scan", str(tree), "--json"]
            said = subprocess.run(words, env=home.environ, capture_output=True, text=True, check=False)
            names = sorted(row["name"] for row in json.loads(said.stdout))
            if names != sorted(values):
                raise RuntimeError(f"{len(names)} places were found, of {len(values)} planted values")

        def measure() -> Sample:
            seconds = timed(scan)
            return Sample(seconds, per_second=size / seconds)

        yield Contest(
            f"a scan of {files:,} files",
            (
                Contestant("at 200 MB/s", lambda: Sample(size / _QUICK)),
                Contestant("scan", measure, 1.0),
                Contestant("reading them", lambda: Sample(timed(lambda: _read(tree)))),
            ),
            rounds,
            f"{size / 1e6:.0f} MB with {_VALUES} values, as they are, in JSON and in base64: found, and nothing else",
        )


def _plant(tree: Path, files: int, values: dict[str, str], source: random.Random) -> int:
    pieces, size = list(_pieces()), 0
    planted = dict(zip(source.sample(range(files), len(values)), values.items(), strict=True))
    for number in range(files):
        folder = tree / str(number % 100)
        folder.mkdir(parents=True, exist_ok=True)
        text = source.choice(pieces)
        if number in planted:
            text += _written(number % 3, *planted[number])
        size += (folder / f"{number}.py").write_bytes(text)
    return size


def _written(form: int, name: str, value: str) -> bytes:
    match form:
        case 0:
            return f"\n{name} = {value}\n".encode()
        case 1:
            return b"\n" + json.dumps({name: f"Bearer {value}"}).encode() + b"\n"
        case _:
            return b"\n" + base64.b64encode(value.encode()) + b"\n"


def _pieces() -> Iterator[bytes]:
    for path in sorted(Path(sysconfig.get_path("stdlib")).glob("*.py")):
        text = path.read_bytes()
        yield from (text[at : at + _FILE_BYTES] for at in range(0, len(text), _FILE_BYTES))


def _read(tree: Path) -> None:
    for folder, _, names in os.walk(tree):
        for name in names:
            Path(folder, name).read_bytes()

"""A credential that was typed in the wrong place, or is what a program is called, is in no log, message or file."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from envfs.dotenv.placeholders.known_shapes import ROWS
from tests.system.home import Home

_VECTORS = Path(__file__).parents[1] / "vectors" / "placeholders"
_WRONG_PLACES = (
    "get /{} A",
    "set /{} A",
    "set /shop {}",
    "unset /shop {}",
    "set /shop A -m x{{}}-{}",
    "rename /shop APP_NAME {}",
    "show /{}",
    "history /{}",
    "ls /{}",
    "grant /{} --uid 1",
    "grant /shop --exe /usr/{}",
    "link /{}",
    "link {} /shop",
    "project new {}",
    "cp /shop /{}",
    "mv /shop /{}",
    "member invite {}",
    "authors name x {}",
    "backup /nowhere/{}",
    "restore /nowhere/{}",
    "import /nowhere/{} /shop",
    "exec /shop -- {}",
    "approvals show {}",
    "log --level /{}",
    "explain /{} --uid 1",
    "sync start /nowhere/{}",
    "{}",
    "help {}",
)


def _value(kind: str) -> str:
    return "".join(json.loads((_VECTORS / f"{kind}.json").read_text(encoding="utf-8"))["value"])


_NAMES = {kind: _value(kind) for kind, _, _, _ in ROWS if not set(_value(kind)) & set("/ =;:")}


@pytest.fixture(scope="module")
def home(new_home: "object", stocked: Home) -> Iterator[Home]:
    home: Home = new_home(stocked)  # type: ignore[operator]
    with home.served():
        yield home


def _written(home: Home) -> str:
    files = [path for path in home.path.rglob("*") if path.is_file() and "mnt" not in path.parts]
    names = [str(path) for path in home.path.rglob("*") if "mnt" not in path.parts]
    return "\n".join([*names, *(path.read_bytes().decode("latin-1") for path in files)])


def _mentions(text: str, value: str) -> bool:
    return value in text or value[len(value) // 2 :] in text


@pytest.mark.parametrize("line", _WRONG_PLACES)
def test_a_token_in_the_wrong_place_is_repeated_nowhere(home: Home, tmp_path: Path, line: str) -> None:
    value = _NAMES["github"]
    said = home.envfs(*line.format(value).split(), given="1", status=None, cwd=tmp_path)
    assert not _mentions(said.text + said.complaint, value)
    assert not _mentions(_written(home), value) or line == "grant /shop --exe /usr/{}", line


@pytest.mark.parametrize("kind", _NAMES)
def test_no_log_has_the_token_that_a_level_or_a_program_is_called_by(home: Home, kind: str, tmp_path: Path) -> None:
    value = _NAMES[kind]
    tmp_path.chmod(0o755)
    program = tmp_path / value
    shutil.copy("/usr/bin/cat", program)
    home.envfs("get", f"/{value}", "A", status=None)
    refused = home.envfs("set", f"/{value}", "A", given="1", status=None)
    assert refused.status in (105, 107)  # many are longer than the name of a level can be
    assert not _mentions(refused.complaint, value)
    home.view("/shop").read_bytes()
    subprocess.run([program, home.view("/shop")], check=True, stdout=subprocess.DEVNULL)
    newest = [json.loads(line) for line in home.log_file.read_bytes().splitlines()[-6:]]
    assert any("[" in str(entry.get("executable")) for entry in newest)
    assert not _mentions(json.dumps(newest), value)

"""What STYLE asks of every file of the product: short, explained, without leftovers."""

import ast
import keyword
import re
import statistics
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = sorted([*(ROOT / "envfs").rglob("*.py"), *(ROOT / "cli" / "envfs_cli").rglob("*.py")])
PARAMS = [pytest.param(path, id=str(path.relative_to(ROOT))) for path in FILES]
LONGEST_FILE, LONGEST_FUNCTION = 350, 50
MEDIAN_FILE, MEDIAN_FUNCTION = 120, 8
DRAWERS = {"utils", "util", "common", "helpers", "helper", "base", "manager", "misc", "tools"}
Function = ast.FunctionDef | ast.AsyncFunctionDef


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def functions(path: Path) -> list[Function]:
    return [node for node in ast.walk(tree(path)) if isinstance(node, Function)]


def length(node: Function) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def test_there_are_files() -> None:
    assert len(FILES) > 60


@pytest.mark.parametrize("path", PARAMS)
def test_a_file_is_short_and_so_is_each_function(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST_FILE
    assert not [f"{node.name}: {length(node)}" for node in functions(path) if length(node) > LONGEST_FUNCTION]


def test_the_median_file_and_function_are_as_short_as_aimed_at() -> None:
    assert statistics.median(len(path.read_text(encoding="utf-8").splitlines()) for path in FILES) <= MEDIAN_FILE
    assert statistics.median(length(node) for path in FILES for node in functions(path)) <= MEDIAN_FUNCTION


@pytest.mark.parametrize("path", PARAMS)
def test_a_file_says_what_it_is_for_in_its_first_line(path: Path) -> None:
    words = ast.get_docstring(tree(path))
    assert words
    assert len(words.splitlines()[0].split()) >= 4


@pytest.mark.parametrize("path", PARAMS)
def test_a_file_has_a_plain_name(path: Path) -> None:
    assert path.stem not in DRAWERS
    stem = path.stem.removesuffix("_") if keyword.iskeyword(path.stem.removesuffix("_")) else path.stem
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*|__init__|__main__", stem)


@pytest.mark.parametrize("path", PARAMS)
def test_there_is_no_assert_in_product_code(path: Path) -> None:
    assert not [node.lineno for node in ast.walk(tree(path)) if isinstance(node, ast.Assert)]


@pytest.mark.parametrize("path", PARAMS)
def test_only_output_prints(path: Path) -> None:
    if path.name == "output.py":
        return
    calls = [node for node in ast.walk(tree(path)) if isinstance(node, ast.Call)]
    prints = [call.lineno for call in calls if isinstance(call.func, ast.Name) and call.func.id == "print"]
    writes = [call.lineno for call in calls if ast.unparse(call.func) == "sys.stdout.write"]
    assert not prints + writes


@pytest.mark.parametrize("path", PARAMS)
def test_nothing_is_left_to_do(path: Path) -> None:
    assert not re.search(r"\b(TODO|FIXME|XXX|HACK)\b", path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", PARAMS)
def test_nothing_is_run_by_a_shell_or_made_of_text_or_loaded_from_a_pickle(path: Path) -> None:
    names = {ast.unparse(node.func) for node in ast.walk(tree(path)) if isinstance(node, ast.Call)}
    assert not names & {"eval", "exec", "os.system", "os.popen", "pickle.loads", "pickle.load", "marshal.loads"}
    keywords = [k for node in ast.walk(tree(path)) if isinstance(node, ast.Call) for k in node.keywords]
    assert not [k for k in keywords if k.arg == "shell" and ast.unparse(k.value) == "True"]


@pytest.mark.parametrize("path", PARAMS)
def test_every_silenced_rule_is_named(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"#\s*noqa(?!: [A-Z]+\d+)", text)
    assert not re.search(r"#\s*type:\s*ignore(?!\[)", text)


# where a library takes the passphrase or the key itself, or it is written: each is a place to look at
REVEALED = {
    "envfs/core/keyfile.py": 3,
    "envfs/keyholder/crypto/age.py": 2,
    "envfs/keyholder/requests/identities.py": 2,
    "envfs/keyholder/crypto/identity.py": 3,
    "envfs/keyholder/crypto/placeholder_seeds.py": 2,
    "envfs/keyholder/held/keyring.py": 2,
    "envfs/keyholder/crypto/sealing.py": 4,
}


def test_a_secret_is_revealed_where_that_is_known_and_nowhere_else() -> None:
    counts = {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8").count(".reveal()") for path in FILES}
    assert {name: count for name, count in counts.items() if count} == REVEALED

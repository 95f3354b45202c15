"""What STYLE asks of every file of the product: short, explained, without leftovers."""

import ast
import keyword
import re
import statistics
from pathlib import Path

from tests.architecture.sources import FILES, calls, nodes, place, text

LONGEST_FILE, LONGEST_FUNCTION = 350, 50
MEDIAN_FILE, MEDIAN_FUNCTION = 120, 8
DRAWERS = {"utils", "util", "common", "helpers", "helper", "base", "manager", "misc", "tools"}
Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(path: Path) -> list[Function]:
    return [node for node in nodes(path) if isinstance(node, Function)]


def lines(path: Path) -> int:
    return len(text(path).splitlines())


def length(node: Function) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def says_what_it_is_for(path: Path) -> bool:
    words = ast.get_docstring(ast.parse(text(path)))
    return bool(words) and len((words or "").splitlines()[0].split()) >= 4


def has_a_plain_name(path: Path) -> bool:
    stem = path.stem.removesuffix("_") if keyword.iskeyword(path.stem.removesuffix("_")) else path.stem
    return path.stem not in DRAWERS and bool(re.fullmatch(r"[a-z]+(_[a-z]+)*|__init__|__main__", stem))


def test_there_are_files() -> None:
    assert len(FILES) > 60


def test_a_file_is_short() -> None:
    assert {place(path): lines(path) for path in FILES if lines(path) > LONGEST_FILE} == {}


def test_a_function_is_short() -> None:
    by_place = {f"{place(path)}: {node.name}": length(node) for path in FILES for node in functions(path)}
    assert {name: count for name, count in by_place.items() if count > LONGEST_FUNCTION} == {}


def test_the_median_file_and_function_are_as_short_as_aimed_at() -> None:
    assert statistics.median(lines(path) for path in FILES) <= MEDIAN_FILE
    assert statistics.median(length(node) for path in FILES for node in functions(path)) <= MEDIAN_FUNCTION


def test_a_file_says_what_it_is_for_in_its_first_line() -> None:
    assert [place(path) for path in FILES if not says_what_it_is_for(path)] == []


def test_a_file_has_a_plain_name() -> None:
    assert [place(path) for path in FILES if not has_a_plain_name(path)] == []


def test_there_is_no_assert_in_product_code() -> None:
    asserts = {place(path): [node.lineno for node in nodes(path) if isinstance(node, ast.Assert)] for path in FILES}
    assert {name: numbers for name, numbers in asserts.items() if numbers} == {}


def test_only_output_prints() -> None:
    for path in FILES:
        if path.name != "output.py":
            prints = [c.lineno for c in calls(path) if isinstance(c.func, ast.Name) and c.func.id == "print"]
            writes = [call.lineno for call in calls(path) if ast.unparse(call.func) == "sys.stdout.write"]
            assert (place(path), prints + writes) == (place(path), [])


def test_nothing_is_left_to_do() -> None:
    assert [place(path) for path in FILES if re.search(r"\b(TODO|FIXME|XXX|HACK)\b", text(path))] == []


def test_nothing_is_run_by_a_shell_or_made_of_text_or_loaded_from_a_pickle() -> None:
    forbidden = {"eval", "exec", "os.system", "os.popen", "pickle.loads", "pickle.load", "marshal.loads"}
    for path in FILES:
        names = {ast.unparse(call.func) for call in calls(path)}
        assert (place(path), names & forbidden) == (place(path), set())
        shells = [k for c in calls(path) for k in c.keywords if k.arg == "shell" and ast.unparse(k.value) == "True"]
        assert (place(path), shells) == (place(path), [])


def test_every_silenced_rule_is_named() -> None:
    bare = r"#\s*noqa(?!: [A-Z]+\d+)|#\s*type:\s*ignore(?!\[)"
    assert [place(path) for path in FILES if re.search(bare, text(path))] == []


# where a library takes the passphrase or the key itself, or it is written: each is a place to look at
REVEALED = {
    "envfs/core/keyfile.py": 3,
    "envfs/courier/engines/etcd/gateway.py": 1,  # the password of an address, for the server that it names
    "envfs/courier/engines/postgres/place.py": 1,  # the password of an address, for the server that it names
    "envfs/keyholder/crypto/age.py": 2,
    "envfs/keyholder/crypto/invitations.py": 1,  # the code of an invitation, of which a key is derived
    "envfs/keyholder/requests/members.py": 2,  # the same code, to the person who invites, and a machine's identity
    "envfs/keyholder/requests/identities.py": 2,
    "envfs/keyholder/crypto/identity.py": 6,  # with the former ones of a device
    "envfs/keyholder/crypto/placeholder_seeds.py": 2,
    "envfs/keyholder/held/keyring.py": 2,
    "envfs/keyholder/held/opened_keys.py": 1,
    "envfs/keyholder/crypto/sealing.py": 4,
    "envfs/keyholder/crypto/session_authority.py": 1,
    "envfs/service/proxies/answering.py": 1,  # a session's token, which its command has
    "envfs/service/sharing/courier_link.py": 1,  # the address of an engine, for the courier alone
}


def test_a_secret_is_revealed_where_that_is_known_and_nowhere_else() -> None:
    counts = {place(path): text(path).count(".reveal()") for path in FILES}
    assert {name: count for name, count in counts.items() if count} == REVEALED

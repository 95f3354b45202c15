"""Who asks is looked at in one place: every decision takes a caller that was made there."""

import ast

from tests.architecture.sources import FILES, ROOT, calls, place

MAKER = ROOT / "envfs/host/callers/callers.py"


def called(call: ast.Call) -> str:
    return ast.unparse(call.func).rpartition(".")[2]


def test_the_maker_makes_callers() -> None:
    assert "Caller" in map(called, calls(MAKER))


def test_nobody_else_makes_a_caller() -> None:
    for path in FILES:
        if path != MAKER:
            assert (place(path), [call.lineno for call in calls(path) if called(call) == "Caller"]) == (place(path), [])


def test_a_decision_takes_a_caller_and_never_a_bare_number() -> None:
    for path in (ROOT / "envfs/core/access/policy.py", ROOT / "envfs/gate/gate.py"):
        functions = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)]
        deciding = [each for each in functions if each.name in ("decide", "sees", "allows", "dialect", "refuse")]
        assert deciding
        for each in deciding:
            asked = each.args.args[1]
            assert asked.annotation is not None
            assert (each.name, asked.arg, ast.unparse(asked.annotation)) == (each.name, "caller", "Caller")


def test_nothing_that_answers_compares_a_callers_number() -> None:
    """Who is told what goes by `Caller.is_user` and by the policy: both ask whether the caller was identified."""
    comparing = {}
    for path in [*(ROOT / "envfs").rglob("*.py")]:
        nodes = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Compare)]
        sides = [ast.unparse(side) for node in nodes for side in (node.left, *node.comparators)]
        comparing[str(path.relative_to(ROOT / "envfs"))] = sum(side.endswith("caller.uid") for side in sides)
    named = {name: count for name, count in comparing.items() if count}
    # the policy itself; an inode, which is of one reader
    assert named == {
        "core/access/conditions.py": 1,
        "fuse/operations.py": 1,
    }


def test_the_mount_takes_the_numbers_of_a_question_in_two_places() -> None:
    """A handler, and what is remembered of handlers. Whether the daemon touches something goes by its thread."""
    used = {}
    for path in sorted((ROOT / "envfs/fuse").glob("*.py")):
        names = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Attribute)]
        numbers = [each for each in names if ast.unparse(each) in ("ctx.uid", "ctx.gid", "ctx.pid")]
        used[path.name] = len(numbers)
    assert {name: count for name, count in used.items() if count} == {
        "operations.py": 3,
        "touching.py": 2,
        "warm_answers.py": 3,
    }

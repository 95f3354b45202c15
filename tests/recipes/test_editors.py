"""The task of VS Code and its problem matcher, on what `envfs check` really prints."""

import json
import re
from pathlib import Path
from typing import Any

from tests.recipes.copied import RECIPES, ROOT, run
from tests.system.home import Home

TEXT = "A=${NOT_SET}\nEMPTY=\nLD_PRELOAD=x\nMOTTO='a $one'\nKEPT=1\n"
EXAMPLE = "A=\nEMPTY=\nLD_PRELOAD=\nMOTTO=\nWANTED=\n"


def _task() -> dict[str, Any]:
    (task,) = json.loads((RECIPES / "vscode" / "tasks.json").read_text(encoding="utf-8"))["tasks"]
    found: dict[str, Any] = task
    return found


def _matched(line: str) -> list[tuple[str, str, str, str]]:
    found = []
    for matcher in _task()["problemMatcher"]:
        pattern = matcher["pattern"]
        match = re.search(pattern["regexp"], line)
        if match:
            found.append(
                (matcher["severity"], match[pattern["file"]], match[pattern["code"]], match[pattern["message"]])
            )
    return found


def test_each_line_of_check_is_one_problem_of_the_editor(home: Home, tmp_path: Path) -> None:
    (tmp_path / ".env.example").write_text(EXAMPLE, encoding="utf-8")
    home.envfs("import", "-", "/shop/dev", given=TEXT)
    task = _task()
    with home.served():
        run(["envfs", "link", ".", "/shop/dev"], home, tmp_path)
        shell = task["options"]["shell"]
        printed = run([shell["executable"], *shell["args"], task["command"]], home, tmp_path, status=100)
        said = home.envfs("check", "/shop/dev", "--against", ".env.example", "--json", cwd=tmp_path, status=100)
    rows = json.loads(said.out)
    lines = printed.splitlines()
    problems = [_matched(line) for line in lines]
    assert all(len(found) == 1 for found in problems), printed
    assert len(lines) == len(rows)
    severities = {(code, severity) for ((severity, _file, code, _message),) in problems}
    assert severities == {(row["kind"], "error" if row["error"] else "warning") for row in rows}
    assert {code for code, _ in severities} >= {"missing", "undefined", "extra", "empty", "dangerous", "misread"}
    assert {file for ((_, file, _, _),) in problems} == {".env.example"}
    assert any(message.startswith("WANTED: ") for ((_, _, _, message),) in problems)


def test_the_matcher_knows_every_kind_that_is_promised() -> None:
    contract = (ROOT / "docs" / "cli-contract.md").read_text(encoding="utf-8")
    row = next(line for line in contract.splitlines() if line.startswith("| `check` | a list"))
    kinds = re.findall(r"`([a-z]+)`", row.partition("`kind` (")[2].partition(")")[0])
    kinds = [kind for kind in kinds if kind != "name"]
    assert len(kinds) > 8
    for kind in kinds:
        assert len(_matched(f".env.example: {kind}: NAME: words")) == 1, kind


def test_a_level_without_problems_ends_with_0(home: Home, tmp_path: Path) -> None:
    (tmp_path / ".env.example").write_text("A=\n", encoding="utf-8")
    home.envfs("import", "-", "/shop/dev", given="A=1\n")
    task = _task()
    with home.served():
        run(["envfs", "link", ".", "/shop/dev"], home, tmp_path)
        shell = task["options"]["shell"]
        assert run([shell["executable"], *shell["args"], task["command"]], home, tmp_path) == ""

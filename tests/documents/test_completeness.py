"""Whatever a user can type, set or read is in the documents: commands, arguments, options, settings, statuses, JSON."""

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from envfs.core import audit_settings
from envfs.core.access import rule_table
from envfs.errors import BY_CODE
from envfs.proxy import proxy_settings, rules
from envfs_cli import arguments, grammar
from tests.documents.page import ROOT

_DOCS = ROOT / "docs"
_REFERENCE = _DOCS / "reference"
_SETTINGS = (_REFERENCE / "settings.md").read_text(encoding="utf-8")
_VISIBLE = [command for command in grammar.all_commands() if command.group != grammar.HIDDEN]
_WRITTEN_BY_COMMANDS = {  # keys of rules that no person writes
    *("id", "token", "by", "by_token", "boot", "boot_until", "process", "process_pidfd", "process_boot"),
    *("process_start", "exe_sha256", "script_sha256", "under_sha256"),
}
_OF_NO_USER = {"ENVFS_CLIENT"}  # of the tests, and those that parts of EnvFS give to each other
_MESSAGES = {"envfs is not installed on HOST"}
_INTERNAL = re.compile(r"ENVFS_(?:HIDDEN|END|NONE)")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pages")
    subprocess.run([sys.executable, ROOT / "contrib" / "man", folder / "man", folder / "reference"], check=True)
    return folder


def test_the_reference_is_what_contrib_man_writes(made: Path) -> None:
    for page in (made / "reference").iterdir():
        assert (_REFERENCE / page.name).read_text(encoding="utf-8") == page.read_text(encoding="utf-8"), page.name


def test_the_table_of_what_is_not_run_is_what_contrib_man_writes(made: Path) -> None:
    assert (_DOCS / "not-run.md").read_text(encoding="utf-8") == (made / "not-run.md").read_text(encoding="utf-8")


def test_no_page_is_left_of_a_command_that_is_gone(made: Path) -> None:
    pages = {page.name for page in _REFERENCE.iterdir()}
    assert pages - {page.name for page in (made / "reference").iterdir()} == {"settings.md"}


@pytest.mark.parametrize("command", _VISIBLE, ids=lambda command: command.name)
def test_a_command_has_a_page_with_all_that_can_be_typed(command: grammar.Command) -> None:
    page = (_REFERENCE / f"{command.name}.md").read_text(encoding="utf-8")
    words = [flag for option in command.options for flag in option.flags]
    words += [argument.name.upper() for argument in command.arguments]
    words += [choice for argument in command.arguments for choice in argument.choices]
    assert [word for word in words if not re.search(rf"`{re.escape(word)}[ `]", page)] == []
    assert all(example in page for example in command.examples)
    assert f"]({command.name}.md)" in (_REFERENCE / "commands.md").read_text(encoding="utf-8")
    assert ("--json" in words) == ("\n## JSON\n" in page)


def test_every_exit_status_is_in_the_table_that_the_pages_lead_to() -> None:
    table = (_DOCS / "cli-contract.md").read_text(encoding="utf-8").partition("\n## 1.")[2].partition("\n## 2.")[0]
    numbers = {int(number) for row in re.findall(r"^\| ([\d, ]+) \|", table, re.MULTILINE) for number in row.split(",")}
    assert {0, 1, arguments.Mistake.status, *(kind.status for kind in BY_CODE.values())} <= numbers


def test_every_shape_of_json_is_on_the_page_of_its_command() -> None:
    shapes = json.loads((ROOT / "cli" / "envfs_cli" / "json_schema.json").read_text(encoding="utf-8"))["$defs"]
    names = {command.name for command in _VISIBLE}
    for shape in shapes:
        if shape.split()[0] in names:
            page = (_REFERENCE / f"{shape.split()[0]}.md").read_text(encoding="utf-8")
            assert f"`{shape}`" in page.partition("\n## JSON\n")[2], shape


def test_every_setting_is_documented() -> None:
    assert "engine" in _keys_of_settings()
    missing = {key for key in _keys_of_settings() if not re.search(rf"`(?:\[+)?{key}(?:\]+)?`", _SETTINGS)}
    assert missing == set()


def test_every_variable_of_the_environment_is_documented() -> None:
    sources = [*(ROOT / "envfs").rglob("*.py"), *(ROOT / "cli").rglob("*.py"), *(ROOT / "cli").glob("*.c")]
    read = {
        name for path in sources for name in re.findall(r"\bENVFS_[A-Z_]*[A-Z]\b", path.read_text(encoding="utf-8"))
    }
    assert "ENVFS_HOME" in read
    assert {name for name in read - _OF_NO_USER if not _INTERNAL.match(name) and f"`{name}`" not in _SETTINGS} == set()


def test_a_command_in_prose_is_of_the_grammar() -> None:
    names = {word for command in grammar.all_commands() for word in (command.name, *command.synonyms)}
    for page in (ROOT / "README.md", *sorted(_DOCS.glob("*.md")), *sorted((_DOCS / "coming-from").glob("*.md"))):
        code = re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL))
        said = [
            match[1]
            for text in code
            if text not in _MESSAGES and (match := re.match(r"(?:sudo )?envfs ([a-z][a-z-]*)", text))
        ]
        assert (page.name, [name for name in said if name not in names]) == (page.name, [])


def test_a_link_of_the_readme_leads_to_a_page_and_a_heading() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)]+)\)", text):
        path, _, anchor = target.partition("#")
        assert (ROOT / path).exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.*)$", (ROOT / path).read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in headings}, target


def _keys_of_settings() -> set[str]:
    """Return every table and key that the settings file can have."""
    tree = ast.parse((ROOT / "envfs" / "settings.py").read_text(encoding="utf-8"))
    parse = next(node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name == "_parse")
    tables = [call for call in ast.walk(parse) if isinstance(call, ast.Call) and ast.unparse(call.func) == "_table"]
    keys = {str(ast.literal_eval(call.args[1])) for call in tables}
    for call in tables:
        if isinstance(call.args[2], ast.Dict):
            keys |= {str(ast.literal_eval(key)) for key in call.args[2].keys if key}
    keys |= {*audit_settings.KEYS, *proxy_settings._KEYS, *rules._KEYS, *rule_table._KEYS} - _WRITTEN_BY_COMMANDS
    return keys - {"rule"}  # [[proxy.rule]]

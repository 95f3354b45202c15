"""The schema of what `--json` prints: valid, whole, printed as it is, and the table of the contract is made of it."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from envfs.errors import EnvFSError
from envfs_cli import grammar, output
from envfs_cli.commands.json_schema import JsonSchemaArguments, command_schema, run_json_schema
from tests.json_shapes import SCHEMA, SHAPES, faults

ROOT = Path(__file__).parents[3]
_PAGE = ROOT / "docs" / "cli-contract.md"
_WITH_JSON = [c.name for c in grammar.all_commands() if any("--json" in option.flags for option in c.options)]


def test_the_schema_is_one_of_its_draft() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert SCHEMA["$id"] == f"urn:envfs:json:{output.JSON_SHAPES}"


def test_the_whole_schema_takes_each_shape_and_nothing_else() -> None:
    assert [one["$ref"] for one in SCHEMA["anyOf"]] == [f"#/$defs/{name.replace(' ', '%20')}" for name in SHAPES]
    assert Draft202012Validator(SCHEMA).is_valid([{"name": "A", "level": "/shop"}])
    assert not Draft202012Validator(SCHEMA).is_valid({"name": 7})


@pytest.mark.parametrize("command", _WITH_JSON)
def test_every_command_with_json_has_a_shape(command: str) -> None:
    assert [name for name in SHAPES if name.split()[0] == command]


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_is_of_a_line_that_the_grammar_has(shape: str) -> None:
    if shape == "--version":
        return
    word, *words = shape.split()
    command = grammar.find_command(word)
    assert command is not None
    flags = {flag for option in command.options for flag in option.flags}
    actions = {choice for argument in command.arguments for choice in argument.choices}
    assert set(words) - {"FOLDER", "CALLER"} <= flags | actions


def test_a_document_with_another_member_or_without_one_is_found() -> None:
    assert faults([{"name": "A", "level": "/shop"}], "show") == []
    assert faults([{"name": "A"}], "show")
    assert faults([{"name": "A", "level": "/shop", "more": 1}], "show")
    assert faults([{"name": "A", "level": 7}], "show")


@pytest.mark.parametrize("command", [*_WITH_JSON, "--version"])
def test_the_schema_of_one_command_stands_by_itself(command: str) -> None:
    part = command_schema(SCHEMA, command)
    Draft202012Validator.check_schema(part)
    assert not Draft202012Validator(part).is_valid(7)  # every reference is followed
    assert not Draft202012Validator(part).is_valid([7])
    assert len(json.dumps(part)) < len(json.dumps(SCHEMA)) / 2


def test_the_command_prints_the_file_or_the_part_of_one_command(capfd: pytest.CaptureFixture[str]) -> None:
    assert run_json_schema(JsonSchemaArguments(None)) == 0
    assert json.loads(capfd.readouterr().out) == SCHEMA
    assert run_json_schema(JsonSchemaArguments("ls")) == 0
    output.flush()
    assert json.loads(capfd.readouterr().out) == command_schema(SCHEMA, "ls")


def test_a_command_without_json_has_no_schema() -> None:
    with pytest.raises(EnvFSError, match="`envfs mount` prints no JSON"):
        run_json_schema(JsonSchemaArguments("mount"))


def test_the_table_of_the_contract_is_made_of_the_schema(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    shutil.copy(_PAGE, page)
    subprocess.run([sys.executable, ROOT / "contrib" / "json-table", page], check=True)
    assert page.read_text(encoding="utf-8") == _PAGE.read_text(encoding="utf-8")

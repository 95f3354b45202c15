"""Other forms of a view: each is read back by the tool that it is for, or by what the tool's manual says."""

import base64
import json
import re
import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envfs.dotenv import formats
from envfs.dotenv.document import parse_document
from envfs.errors import Malformed

ODD = {
    "PLAIN": "abc",
    "EMPTY": "",
    "SPACES": " a  b ",
    "QUOTES": 'it\'s "so" `x`',
    "DOLLARS": "$HOME ${HOME} $(id) $5 %{x}",
    "BACKSLASHES": "a\\b\\\\c\\",
    "LINES": "a\nb\n\nc\n",
    "CONTROL": "\x01\x1b[0m\x7f\x85\u2028\ufeff\b\f\t",
    "UNICODE": "Grüß 🦩",
    "NO": "no",
    "HASH": "#x # y",
    "COLON": "a: b",
}
TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
VARIABLES = st.dictionaries(st.from_regex(r"[A-Z_][A-Z0-9_]{0,8}", fullmatch=True), TEXTS, max_size=6)


def by_shell(shell: str, text: str, names: list[str]) -> dict[str, str]:
    script = f"{text}\nfor name in {' '.join(names)}; do eval 'printf %s\\\\0 \"$'\"$name\"'\"'; done"
    done = subprocess.run([shell], input=script.encode(), capture_output=True, check=True)
    return dict(zip(names, done.stdout.decode().split("\0")[:-1], strict=True))


@pytest.mark.parametrize("shell", ["bash", "dash"])
def test_a_shell_reads_back_every_value_and_runs_none(shell: str) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"needs {shell}")
    variables = {**ODD, "CR": "a\rb\r\n"}
    assert by_shell(shell, formats.shell("/", variables), list(variables)) == variables


def test_docker_takes_lines_to_the_letter_and_no_value_of_several() -> None:
    variables = {name: value for name, value in ODD.items() if "\n" not in value}
    assert dict(row.split("=", 1) for row in formats.docker("/", variables).split("\n")[:-1]) == variables
    for value in ("a\nb", "a\r"):
        with pytest.raises(Malformed) as caught:
            formats.docker("/", {"KEY": f"hunter2{value}"})
        assert caught.value.text.startswith("KEY ")
        assert "hunter2" not in caught.value.text


def test_systemd_is_given_the_portable_form_which_it_reads_and_raw_text_where_there_is_a_cr() -> None:
    text = formats.systemd("/", {**ODD, "CR": 'a\r"b"', "BACKSLASH": "a\r\\", "BOTH": "it's\r$x"})
    assert "CR='a\r\"b\"'\n" in text
    assert 'BACKSLASH="a\r\\\\"\n' in text
    assert 'BOTH="it\'s\r\\$x"\n' in text
    assert parse_document(formats.systemd("/", ODD)).variables() == ODD


@given(VARIABLES)
def test_json_is_an_object(variables: dict[str, str]) -> None:
    assert json.loads(formats.json_object("/", variables)) == variables
    assert formats.json_object("/", {"A": "1", "B": "é"}) == '{\n  "A": "1",\n  "B": "é"\n}\n'


def test_an_example_has_names_and_no_values() -> None:
    assert formats.example_text("/", {"A": "hunter2", "b-c": "1", "D": ""}) == "A=\nD=\n"


@given(VARIABLES)
def test_yaml_is_a_mapping_of_json_strings(variables: dict[str, str]) -> None:
    rows = formats.yaml("/", variables).split("\n")[:-1]
    assert dict(tuple(map(json.loads, row.split(": ", 1))) for row in rows) == variables
    assert not re.search("[\x7f-\x9f\u2028\u2029\ufeff]", "".join(rows))


def test_kubernetes_gets_a_secret_named_after_the_level() -> None:
    text = formats.kubernetes_secret("/Shop/prod_1.x", ODD)
    assert text.startswith('apiVersion: v1\nkind: Secret\nmetadata:\n  name: "shop-prod-1-x"\ntype: Opaque\ndata:\n')
    rows = text.partition("\ndata:\n")[2].split("\n")[:-1]
    pairs = (row.strip().split(": ", 1) for row in rows)
    assert {json.loads(name): base64.b64decode(json.loads(data)).decode() for name, data in pairs} == ODD
    assert formats.kubernetes_secret("/", {}).endswith('  name: "env"\ntype: Opaque\ndata: {}\n')


def test_github_gets_values_of_several_lines_that_end_where_they_end() -> None:
    variables = {"A": "x\nENVFS_END\ny", "B": "ENVFS_END_", "C": ""}
    text = formats.github("/", variables)
    found = {}
    while text:
        head, _, rest = text.partition("\n")
        name, _, mark = head.partition("<<")
        found[name], _, text = rest.partition(f"\n{mark}\n")
    assert found == variables


def test_github_masks_every_line_of_every_value_but_short_ones() -> None:
    variables = {
        "A": "line number one\n line two \n2\n",
        "B": "50% of them\r\n",
        "DEBUG": "true",
        "PORT": "2",
        "NONE": "",
    }
    assert formats.github_masks(variables) == (
        "::add-mask::50%25 of them\n::add-mask::line number one\n::add-mask::line two\n"
    )
    assert formats.unmasked_names(variables) == ["DEBUG", "PORT"]


@given(VARIABLES)
def test_what_goes_to_a_password_manager_comes_back(variables: dict[str, str]) -> None:
    fields = json.loads(formats.op_item("/shop", variables))["fields"]
    assert {field["label"]: field["value"] for field in fields} == variables
    (item,) = json.loads(formats.bitwarden("/shop", variables))["items"]
    assert {field["name"]: field["value"] for field in item["fields"]} == variables


@given(VARIABLES)
def test_terraform_gets_strings_without_templates(variables: dict[str, str]) -> None:
    found = {}
    for row in formats.tfvars("/", variables).split("\n")[:-1]:
        name, _, text = row.partition(" = ")
        assert not re.search(r"\$\{|%\{|\\[bf/]", text.replace("$${", "").replace("%%{", "").replace("\\\\", ""))
        found[name] = json.loads(text.replace("$${", "${").replace("%%{", "%{"))
    assert found == variables

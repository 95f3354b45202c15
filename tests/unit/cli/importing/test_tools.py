"""What other tools export, in the forms that they publish, as the variables of a level."""

import json
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from envfs.errors import EnvFSError, Malformed, NoSuchVariable
from envfs_cli.grammar.words import IMPORT_TOOLS
from envfs_cli.importing import sources
from envfs_cli.importing.tools import table
from envfs_cli.importing.tools.variables import ToolVariables, variable_name

if TYPE_CHECKING:
    from envfs_cli.grammar.words import ImportTool


def taken(tool: "ImportTool", source: Path, folder: str | None = None) -> ToolVariables:
    return table.tool_variables(tool, str(source), folder)


def lines(given: ToolVariables) -> str:
    return sources.of_tree(given.tree, None).text


def written(path: Path, value: object) -> Path:
    path.write_text(json.dumps(value))
    return path


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (("Stripe (live)", "api key"), "STRIPE_LIVE_API_KEY"),
        (("Shop", "DATABASE_URL"), "DATABASE_URL"),
        (("database-url",), "DATABASE_URL"),
        (("1st item", "password"), "_1ST_ITEM_PASSWORD"),
        (("", "token"), "TOKEN"),
        (("Ünï", "key"), "N_KEY"),
    ],
)
def test_a_name_is_taken_or_made_of_all_words(words: tuple[str, ...], name: str) -> None:
    assert variable_name(*words) == name


def test_doppler_gives_both_of_its_forms_and_nothing_of_itself(tmp_path: Path) -> None:
    own = {"DOPPLER_PROJECT": "shop", "DOPPLER_CONFIG": "prd", "DOPPLER_ENVIRONMENT": "prd"}
    flat = taken("doppler", written(tmp_path / "flat.json", {"KEY": "a$b", **own}))
    assert lines(flat) == "KEY='a$b'\n"
    assert "DOPPLER_PROJECT" in flat.notes[0]
    rows = {"KEY": {"computed": "one", "raw": "${ONE}", "note": ""}, "HIDDEN": {"computed": None, "raw": None}}
    nested = taken("doppler", written(tmp_path / "nested.json", rows))
    assert lines(nested) == "KEY=one\n"
    assert nested.notes == ("left out: HIDDEN: doppler does not show them to this account",)


def test_infisical_gives_a_list_or_an_object(tmp_path: Path) -> None:
    secret = {"key": "KEY", "value": "one", "type": "shared", "workspace": "w", "_id": "1"}
    assert lines(taken("infisical", written(tmp_path / "list.json", [secret]))) == "KEY=one\n"
    older = {"secretKey": "KEY", "secretValue": "two"}
    assert lines(taken("infisical", written(tmp_path / "older.json", [older]))) == "KEY=two\n"
    assert lines(taken("infisical", written(tmp_path / "object.json", {"KEY": "three"}))) == "KEY=three\n"


def test_chamber_gives_the_names_of_its_exec(tmp_path: Path) -> None:
    given = taken("chamber", written(tmp_path / "service.json", {"db-host": "one", "db_user": "two"}))
    assert lines(given) == "DB_HOST=one\nDB_USER=two\n"


def test_an_item_of_op_gives_its_fields(tmp_path: Path) -> None:
    fields = [
        {"id": "username", "type": "STRING", "purpose": "USERNAME", "label": "username", "value": "me"},
        {"id": "password", "type": "CONCEALED", "purpose": "PASSWORD", "label": "password", "value": "secret"},
        {"id": "notesPlain", "type": "STRING", "purpose": "NOTES", "label": "notesPlain"},
        {"id": "x", "section": {"id": "s"}, "type": "CONCEALED", "label": "API_KEY", "value": "key"},
    ]
    given = taken("op", written(tmp_path / "item.json", {"id": "i", "title": "Shop prod", "fields": fields}))
    assert lines(given) == "SHOP_PROD_USERNAME=me\nSHOP_PROD_PASSWORD=secret\nAPI_KEY=key\n"
    assert given.notes == ("left out: notesPlain: no value",)


def _pux(path: Path, vaults: list[object]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("export.attributes", json.dumps({"version": 3, "description": "1Password Unencrypted Export"}))
        archive.writestr("export.data", json.dumps({"accounts": [{"attrs": {}, "vaults": vaults}]}))
    return path


def _item(title: str, details: object, state: str = "active") -> object:
    return {"uuid": title, "state": state, "categoryUuid": "001", "details": details, "overview": {"title": title}}


def test_the_export_of_1password_gives_logins_and_sections_of_the_vault_that_is_meant(tmp_path: Path) -> None:
    login = {
        "loginFields": [
            {"value": "me", "id": "", "name": "user", "fieldType": "T", "designation": "username"},
            {"value": "secret", "id": "", "name": "pw", "fieldType": "P", "designation": "password"},
        ],
        "notesPlain": "",
        "sections": [{"title": "", "fields": [{"title": "TOKEN", "id": "t", "value": {"concealed": "tok"}}]}],
    }
    key = {
        "sections": [
            {"title": "", "fields": [{"title": "credential", "id": "credential", "value": {"concealed": "k"}}]}
        ]
    }
    shop = {
        "attrs": {"name": "Shop"},
        "items": [_item("Db", login), _item("STRIPE_KEY", key), _item("Old", login, "archived")],
    }
    other = {"attrs": {"name": "Home"}, "items": [_item("Bank", login)]}
    path = _pux(tmp_path / "export.1pux", [shop, other])
    given = taken("1password-export", path, "Shop")
    assert lines(given) == "DB_USERNAME=me\nDB_PASSWORD=secret\nTOKEN=tok\nSTRIPE_KEY=k\n"
    assert given.notes == ("left out: Old: archived",)
    assert "BANK_PASSWORD=secret\n" in lines(taken("1password-export", path))
    with pytest.raises(NoSuchVariable) as refused:
        taken("1password-export", path, "Work")
    assert refused.value.hint == "it has Home, Shop"


def test_the_export_of_bitwarden_gives_logins_and_fields_of_the_folder_that_is_meant(tmp_path: Path) -> None:
    export = {
        "encrypted": False,
        "folders": [{"id": "f", "name": "Shop"}, {"id": "g", "name": "Home"}],
        "items": [
            {
                "name": "Db",
                "folderId": "f",
                "type": 1,
                "login": {"username": "me", "password": "secret", "totp": None},
                "fields": [{"name": "API_KEY", "value": "key", "type": 1}, {"name": "empty", "value": None, "type": 0}],
            },
            {"name": "SMTP_KEY", "folderId": "f", "type": 1, "login": {"username": None, "password": "mail"}},
            {"name": "Bank", "folderId": "g", "type": 1, "login": {"username": "me", "password": "no"}},
        ],
    }
    path = written(tmp_path / "export.json", export)
    assert lines(taken("bitwarden-export", path, "Shop")) == (
        "DB_USERNAME=me\nDB_PASSWORD=secret\nAPI_KEY=key\nSMTP_KEY=mail\n"
    )
    assert "BANK_PASSWORD=no\n" in lines(taken("bitwarden-export", path))
    with pytest.raises(Malformed):
        taken("bitwarden-export", written(tmp_path / "sealed.json", {**export, "encrypted": True}))


@pytest.mark.parametrize("tool", IMPORT_TOOLS)
@pytest.mark.parametrize("text", ["", "[1,", '"hunter2"', '[["hunter2"]]', '{"hunter2": [3]}', "\0", "hunter2 1"])
def test_what_is_none_of_a_tools_is_refused_without_its_text(
    tool: "ImportTool", text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))  # where none of the programs is
    monkeypatch.setenv("PASSWORD_STORE_DIR", str(tmp_path))
    path = tmp_path / "file"
    path.write_text(text)
    with pytest.raises(EnvFSError) as refused:
        sources.of_tree(taken(tool, path).tree, None).check()
    assert "hunter2 1" not in refused.value.text + refused.value.hint
    assert '"hunter2"' not in refused.value.text + refused.value.hint


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_damaged_archive_is_said_to_be_none(tmp_path: Path, method: int) -> None:
    path = tmp_path / "export.1pux"
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("export.data", b'{"accounts": []}' * 50)
    start = 30 + len("export.data")  # of the data, behind its local header
    data = bytearray(path.read_bytes())
    data[start : start + 20] = bytes(byte ^ 0x55 for byte in data[start : start + 20])
    path.write_bytes(data)
    with pytest.raises(Malformed, match="no export of 1Password"):
        taken("1password-export", path)


@pytest.mark.parametrize("tool", ["1password-export", "direnv"])
def test_a_path_without_anything_is_no_other_one(tmp_path: Path, tool: "ImportTool") -> None:
    with pytest.raises(EnvFSError, match="no such"):
        taken(tool, tmp_path / "missing")

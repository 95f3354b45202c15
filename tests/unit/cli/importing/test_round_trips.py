"""What `export --to TOOL` writes is read by `import --from TOOL` with the names and values that it had."""

from pathlib import Path

import pytest

from envfs.dotenv import dialects, formats
from envfs_cli.commands.export import _TOOLS
from envfs_cli.importing import sources
from envfs_cli.importing.tools import table

_VARIABLES = {
    "DATABASE_URL": "postgres://app:x@db/shop?a=1&b=$HOME",
    "dbHost": "mixed case",
    "Api_Key": "'single' and \"double\"",
    "EMPTY_NOT": "0123",
    "LINES": "one\ntwo\n",
    "HASH": "a # b",
    "LETTERS": "äöü ✓",
    "BACKSLASH": "C:\\new",
}


def _written(tool: str, folder: Path) -> Path:
    form, path = _TOOLS[tool], folder / "exported"  # type: ignore[index]
    if form.format == "dotenv":
        text = dialects.dialect_text(_VARIABLES, form.dialect)
    else:
        text = formats.FORMATS[form.format]("/shop/prod", _VARIABLES)
    path.write_text(text, encoding="utf-8")
    return path


# of the others their own program reads the file: tests/system/test_import_from.py
@pytest.mark.parametrize("tool", ["op", "doppler", "infisical", "chamber", "bitwarden-export"])
def test_names_and_values_are_as_they_were(tool: str, tmp_path: Path) -> None:
    given = table.tool_variables(tool, str(_written(tool, tmp_path)), None)  # type: ignore[arg-type]
    assert given.notes == ()
    taken = sources.of_tree(given.tree, None)
    from envfs.dotenv import interpolation
    from envfs.dotenv.document import parse_document

    values = interpolation.interpolate([parse_document(taken.text)]).values
    assert values == _VARIABLES


def test_a_name_that_chamber_keeps_in_small_letters_is_told(tmp_path: Path) -> None:
    (tmp_path / "x").write_text('{"db-host": "one", "dbUser": "two"}', encoding="utf-8")
    given = table.tool_variables("chamber", str(tmp_path / "x"), None)
    assert [name for name, _ in given.tree.pairs] == ["DB_HOST", "dbUser"]
    assert given.notes == ("as `chamber exec` has it: db-host is DB_HOST",)

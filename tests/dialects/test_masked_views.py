"""A masked text is read as its placeholders by the parsers of each dialect, and its first line by none."""

import json
from pathlib import Path

import pytest

from envfs.dotenv import dialects
from envfs.dotenv.placeholders.masking import FIRST_LINE
from envfs_cli.importing.readers import table
from envfs_cli.importing.readers.readings import resolve_readings
from tests.dialects import reading
from tests.dialects.test_dialects import PAIRS, parser

VECTORS = Path(__file__).parents[1] / "vectors" / "placeholders"
PLACEHOLDERS = {
    f"V_{path.stem.upper().replace('-', '_')}": "".join(json.loads(path.read_bytes())["placeholder"])
    for path in sorted(VECTORS.glob("*.json"))
    if not path.stem.startswith("pem")  # some parsers read no value of several lines, or with \\n, masked or not
}
AT_ONCE = (("portable", "python-dotenv"), ("portable", "bash"), ("portable", "systemd"))
TRIED = [pair if pair in AT_ONCE else pytest.param(*pair, marks=pytest.mark.soak) for pair in PAIRS]


@pytest.mark.parametrize(("dialect", "name"), TRIED)
def test_a_parser_reads_placeholders_as_they_are(tmp_path: Path, dialect: str, name: str) -> None:
    file = tmp_path / "masked.env"
    file.write_text(FIRST_LINE + dialects.dialect_text(PLACEHOLDERS, dialect), encoding="utf-8")
    (tmp_path / "writable").mkdir()
    (answer,) = reading.answers(parser(name), [file], tmp_path / "writable")
    assert answer.variables is not None
    assert {key: text for key, text in answer.variables.items() if key.startswith("V_")} == PLACEHOLDERS
    assert "masked" not in repr([key for key in answer.variables if not key.startswith("V_")])


@pytest.mark.parametrize("name", table.READERS)
def test_the_first_line_is_nothing_to_any_reader(name: str) -> None:
    read = table.READERS[name].read
    assert resolve_readings(read(f"{FIRST_LINE}A=1\n"), {}) == resolve_readings(read("A=1\n"), {})

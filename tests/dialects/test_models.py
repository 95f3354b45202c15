"""The models of readers read as the readers do, and what a reader gets from a view is what it got from the file.

In `make test` with the readers that PyPI and Debian bring; `contrib/install dialects` brings the others.
"""

import random
from pathlib import Path

import pytest

from envfs.dotenv import dialects, merging
from envfs.dotenv.document import parse_document
from envfs.errors import EnvFSError
from envfs_cli.importing.readers import table
from envfs_cli.importing.readers.readings import RefusedText, by_name, resolve_readings
from tests.dialects import parsers, reading
from tests.dialects.test_dialects import parser

TEXTS, SEED = 150, 11
REAL = (
    ("python", "python-dotenv"),
    ("django-environ", "django-environ"),
    ("shell", "bash"),
    ("shell", "dash"),
    ("node", "dotenv-18"),
    ("node", "dotenv-16"),
    ("node-env-file", "node-20"),
    ("node-env-file", "node-24"),
    ("expand", "dotenv-expand-11"),
    ("expand", "next"),
    ("vite", "vite"),
    ("ruby", "ruby-dotenv-3"),
    ("symfony", "symfony-5"),
    ("symfony", "symfony-6"),
    ("phpdotenv", "vlucas-5.4"),
    ("phpdotenv", "vlucas-5.6"),
    ("compose", "compose-go"),
)
ENVIRON = {"DEFINED": "elsewhere"}  # as tests.dialects.parsers has it
PIECES = (
    *(
        "a",
        "b",
        " ",
        "#",
        " #",
        "'",
        '"',
        "`",
        "\\",
        "\\n",
        "$A",
        "${A}",
        "${DEFINED}",
        "${NONE:-d}",
        "$",
        "{",
        "}",
        "=",
    ),
    *("é", '\\"', "\\'", "\\$", "x y", "\t", "1", "-", ":", "a", "b", "c"),
)


def texts() -> list[str]:
    """Make texts of a few lines that readers disagree about."""
    chance = random.Random(SEED)

    def line() -> str:
        quote = chance.choice(("", "'", '"', "`"))
        value = "".join(chance.choice(PIECES) for _ in range(chance.randint(0, 6)))
        name = chance.choice(("A", "B", "C", "D"))
        return (
            f"{chance.choice(('', '', 'export '))}{name}={quote}{value}{quote}{chance.choice(('', '', ' # c', '#c'))}\n"
        )

    fixed = ["A=`b`\n", "A=\"a\\nb\"\nB='a\\nb'\n", "A=1\nB=${A}/${DEFINED}\n", "A=a#b\nB=a #b\nC='#'\n", "A='x\ny'\n"]
    return [*fixed, *("".join(line() for _ in range(chance.randint(1, 4))) for _ in range(TEXTS))]


def read(name: str, contents: list[str], folder: Path) -> list[dict[str, str] | None]:
    """Have a reader read texts; None where it refuses one."""
    folder.mkdir()
    (folder / "writable").mkdir()
    files = []
    for number, content in enumerate(contents):
        files.append(folder / f"{number}.env")
        files[-1].write_text(content, newline="")
    answers = reading.answers(parser(name), files, folder / "writable")
    return [
        None
        if answer.variables is None
        else {key: value for key, value in answer.variables.items() if key and value is not None}
        for answer in answers
    ]


def modelled(model: str, content: str) -> dict[str, str | None] | None:
    reader = table.READERS[model]
    try:
        return resolve_readings(reader.read(content), ENVIRON, whole=reader.whole)
    except RefusedText:
        return None


@pytest.mark.parametrize(("model", "name"), REAL, ids=[name for _, name in REAL])
def test_a_model_reads_as_its_reader_does(tmp_path: Path, model: str, name: str) -> None:
    contents = [content for content in texts() if (said := modelled(model, content)) and None not in said.values()]
    assert len(contents) > TEXTS / 10
    real = read(name, contents, tmp_path / "files")
    wrong = [content for content, found in zip(contents, real, strict=True) if found != modelled(model, content)]
    if model == "shell":  # which stops at a line that is no assignment, such as `export A= b`
        wrong = [content for content, found in zip(contents, real, strict=True) if content in wrong and found]
    assert wrong == []


def view_of(content: str, reader: table.ReaderModel) -> str | None:
    try:
        view = merging.merge_layers([merging.Layer("/", parse_document(content))])
        return dialects.dialect_text(view.variables, reader.dialect, view.opened)
    except EnvFSError:
        return None


@pytest.mark.parametrize(("model", "name"), REAL, ids=[name for _, name in REAL])
def test_a_reader_gets_from_the_view_what_it_got_from_the_file_or_the_name_is_told(
    tmp_path: Path, model: str, name: str
) -> None:
    reader, pairs = table.READERS[model], []
    for content in texts():
        try:
            made = table.adapt_text(content, reader)
            written = view_of(made.text, reader)
            known = by_name(reader.read(content))
        except RefusedText:
            continue
        if written is not None:
            told = {*made.lost, *table.differing_names(content, written, reader)}
            pairs.append((content, written, [each for each in known if each not in told]))
    assert sum(len(names) for *_, names in pairs) > TEXTS / 5
    before = read(name, [pair[0] for pair in pairs], tmp_path / "before")
    after = read(name, [pair[1] for pair in pairs], tmp_path / "after")
    for (content, written, names), was, now in zip(pairs, before, after, strict=True):
        for each in names if was is not None else ():
            assert now is not None, (content, written)
            assert now[each] == was[each], (content, written)


def test_every_reader_that_is_known_and_can_be_had_is_tried() -> None:
    assert {model for model, _ in REAL} == table.READERS.keys() - {"portable"}
    assert {name for _, name in REAL} <= set(parsers.NAMES)

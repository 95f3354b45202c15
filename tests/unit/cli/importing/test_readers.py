"""What is taken over from a reader, what is named where readers disagree, and that no value is."""

import contextlib

import pytest

from envfs.dotenv.document import parse_document
from envfs_cli.importing.readers import doubts, table
from envfs_cli.importing.readers.readings import RefusedText, printable_names, resolve_readings

NEEDLE = "hunter2"


@pytest.mark.parametrize(
    ("reader", "before", "after"),
    [
        ("node", "# c\nA=`x y`\nB=1 # d\n", "# c\nA='x y'\nB=1 # d\n"),
        ("node", "A=x#y\n", "A=x\n"),
        ("node", 'A="a\\"b"\n', "A='a\\\"b'\n"),
        ("node", "A=$B\n", "A='$B'\n"),
        ("expand", "B=1\nA='$B'\n", 'B=1\nA="${B}"\n'),
        ("python", "B=1\nA='${B}'\nC=$B\n", "B=1\nA=\"${B}\"\nC='$B'\n"),
        ("python", "A=${B:-x}\n", 'A="${B-x}"\n'),
        ("python", 'A="\\tx"\n', "A='\tx'\n"),
        ("ruby", 'A="a\\nb"\n', "A='a\\nb'\n"),
        ("django-environ", "A=1 # one\n", "A='1 # one'\n"),
        ("symfony", "A=x'y'\n", "A=xy\n"),
        ("shell", "A=x'y'\"z\"\n", "A=xyz\n"),
        ("portable", "A=`x`#y\n", "A=`x`#y\n"),
        ("compose", "A=`x`\n", "A=`x`\n"),
    ],
)
def test_what_a_reader_reads_otherwise_is_written_so_and_the_rest_stays(reader: str, before: str, after: str) -> None:
    made = table.adapt_text(before, table.READERS[reader])
    assert made.text == after
    assert made.lost == ()
    again = table.adapt_text(made.text, table.READERS["portable"])
    assert again.text == made.text


def test_what_cannot_be_written_down_stays_and_is_named() -> None:
    made = table.adapt_text("A=$(id)\nB=1\n", table.READERS["ruby"])
    assert made == table.Adapted("A=$(id)\nB=1\n", (), ("A",))


def test_a_text_that_only_its_reader_can_read_is_taken_without_its_comments() -> None:
    made = table.adapt_text("# c\nA='it''s'\nmy-name=1\nB=2\n", table.READERS["node"])
    assert made.text == "A=\"it''s\"\nB=2\n"
    assert made.lost == ("my-name",)
    assert made.plain


@pytest.mark.parametrize(
    ("text", "what", "readers"),
    [
        (f"A=`{NEEDLE}`\n", "backtick quotes", {"node", "shell"}),
        (f"A=x#{NEEDLE}\n", "a #", {"node", "ruby"}),
        (f'A="{NEEDLE}\\n"\n', "a backslash", {"ruby", "shell"}),
        (f"A=${{{NEEDLE}}}\n", "a $", {"node"}),
    ],
)
def test_what_divides_readers_is_named_and_not_quoted(text: str, what: str, readers: set[str]) -> None:
    (doubt,) = doubts.reader_doubts(text)
    assert (doubt.what, doubt.names, set(doubt.readers)) == (what, ("A",), readers)
    assert f"`--as {doubt.readers[0]}`" in doubt.text
    assert NEEDLE not in doubt.text


@pytest.mark.parametrize("text", ["", "A=1\n# it's `x`\n\nB=a/b:c@d\n", "A='x y'\n", 'A="x y"\nB=\n', "export A=1\n"])
def test_what_all_read_alike_is_no_doubt(text: str) -> None:
    assert doubts.reader_doubts(text) == ()


def test_references_that_one_reader_expands_and_another_does_not_are_no_doubt_of_the_text() -> None:
    assert doubts.reader_doubts("A=${B}\n", doubts.DECISIVE, textual=True) == ()
    assert doubts.reader_doubts("A=`b`\n", doubts.DECISIVE, textual=True) != ()


def test_what_a_reader_gets_otherwise_from_another_text_is_named() -> None:
    node, shell = table.READERS["node"], table.READERS["shell"]
    assert table.differing_names("A=`x`\nB=1\n", "A='`x`'\nB=1\n", node) == ("A",)
    assert table.differing_names("A=`x`\n", "A=x\n", node) == ()
    assert table.differing_names("A=${HOME}\nB=1\n", "A=\nB=1\n", shell) == ("A",)
    assert table.differing_names("A=${HOME}\n", 'A="${HOME}"\n', shell) == ()
    assert table.differing_names("A=$(id)\n", "A='$(id)'\n", shell) == ("A",)


@pytest.mark.parametrize(
    ("reader", "text", "read"),
    [
        ("compose", "A=#fff\nB=x #y\nC=pa$$word\n", {"A": "#fff", "B": "x", "C": "pa$word"}),
        (
            "compose",
            "A=\"a\\tb\"\nB='a\\tb'\nC=c\\td\nHOST\nD: 1\n",
            {"A": "a\tb", "B": "a\\tb", "C": "c\\td", "D": "1"},
        ),
        ("compose", "A=${B:-x}${B:+y}\nC=${A}\n", {"A": "x", "C": "x"}),
        ("node-env-file", 'A="{\\"k\\": 1}"\nB=\'it\' x\n', {"A": "{\\", "B": "it"}),
        ("node-env-file", "A= \nB=1\nC=2\n", {"A": None, "B": None, "C": "2"}),
        ("node-env-file", "export A=1\nexport  B=2\n", {"A": "1", "B": None, " B": None}),
        ("vite", 'A=1\nB="\\"x\\""\nC=$A\n', {"A": "1", "B": None, "C": "1"}),
        ("expand", "A='x\\$y'\nB=${A}\n", {"A": "x$y", "B": None}),
        ("expand", "A=x\\\\$1\nB=\\$1\n", {"A": None, "B": "$1"}),
        ("symfony", "A=\u00a0x\n", {"A": "\u00a0x"}),
        ("phpdotenv", "A=x\u00a0\n", {"A": "x\u00a0"}),
    ],
)
def test_a_model_knows_what_sets_its_reader_apart(reader: str, text: str, read: dict[str, str | None]) -> None:
    assert resolve_readings(table.READERS[reader].read(text), {}) == read


def test_lines_that_give_a_reader_nothing_are_told_by_their_numbers() -> None:
    key = f"# c\nA=-----BEGIN KEY-----\n{NEEDLE}/x\n-----END KEY-----\nB='m\n{NEEDLE}'\n"
    assert table.adapt_text(key, table.READERS["node"]).unread == (3, 4)
    assert table.adapt_text(key.replace("\n", "\r\n"), table.READERS["python"]).unread == (3, 4)
    assert table.adapt_text("A: 1\nB=`m\nx`\n", table.READERS["node"]).unread == ()


def test_what_a_message_names_looks_like_a_name() -> None:
    assert printable_names(["A", "node.name", f"{NEEDLE}/+=", f"{NEEDLE} x", "B"]) == [
        "A",
        "node.name",
        "a line without a name",
        "B",
    ]


HOSTILE = (
    "A='" + "\\'" * 15_000,
    "A='\n" * 8_000,
    "\n" * 32_000 + "=",
    'A="' + "${" * 15_000,
    "A=" + "`" * 32_000,
    "A=x" + "\t" * 32_000,
)


@pytest.mark.parametrize("reader", table.READERS)
@pytest.mark.parametrize("text", HOSTILE, ids=["escapes", "quotes", "lines", "braces", "backticks", "blanks"])
def test_a_model_ends_whatever_it_is_given(reader: str, text: str) -> None:
    # where an expression went over the text again and again it took hours
    values = {}
    with contextlib.suppress(RefusedText):
        values = resolve_readings(table.READERS[reader].read(text[: table.LONGEST]), {})
    assert values.keys() <= {"A"}


def test_no_value_is_shown() -> None:
    reading = table.READERS["python"].read(f"A={NEEDLE}${{B:-{NEEDLE}}}\n")
    assert NEEDLE not in f"{reading!r} {table.adapt_text(f'A=`{NEEDLE}`', table.READERS['node'])!r}"
    assert parse_document("A=1\n")

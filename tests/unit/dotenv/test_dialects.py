"""Text for one consumer: what each dialect writes, what it refuses, how a text asks for one."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envfs.dotenv import dialects
from envfs.dotenv.document import parse_document
from envfs.dotenv.portability import is_doubtful
from envfs.errors import Malformed

VALUES = st.lists(
    st.sampled_from(["'", '"', "`", "\\", "$", "${", "$(", "#", " ", "\n", "\r", "a", "\\n", "}", "\u2028"])
).map("".join)


@pytest.mark.parametrize(
    ("dialect", "value", "line"),
    [
        ("shell", "it's", r"'it'\''s'"),
        ("shell", "$(x) `y`", "'$(x) `y`'"),
        ("docker", "'a' #b $c", "'a' #b $c"),
        ("systemd", "a\rb", "'a\rb'"),
        ("systemd", "it's\r", '"it\'s\r"'),
        ("systemd", "a\r\\", '"a\r\\\\"'),
        ("systemd", "it's", '"it\'s"'),
        ("python", r"it's\b", r"'it\'s\\b'"),
        ("python", "${A}", "'${A}'"),
        ("python", 'a\r"', r'"a\r\""'),
        ("python", "a b\\", "'a b\\\\'\n#'x"),
        ("python", "a\r\\", '"a\\r\\\\"\n#"x'),
        ("python-interpolating", "${A}", "'${ENVFS_NONE:-$}{A}'"),
        ("python-interpolating", "a b\\", r"'a b${ENVFS_NONE:-\\}'"),
        ("node", "it's", "`it's`"),
        ("node", "it's `x`", '"it\'s `x`"'),
        ("node", 'it\'s `x` "y"', 'it\'s `x` "y"'),
        ("node", "$A b", "'$A b'"),
        ("node", "a b\\", "'a b\\'\n#'x"),
        ("node", "a\r\n", r'"a\r\n"'),
        ("expand", "$A b", r"'\$A b'"),
        ("expand", "$A\\", "\\$A\\"),
        ("compose", "it's `x`", '"it\'s `x`"'),
        ("compose", "$A", "'$A'"),
        ("portable", "it's `x`", '"it\'s \\`x\\`"'),
    ],
)
def test_what_a_dialect_writes(dialect: str, value: str, line: str) -> None:
    assert dialects.dialect_text({"A": value}, dialect) == f"A={line}\n"


def test_every_name_of_a_dialect_has_one_who_writes_it() -> None:
    assert (dialects.PORTABLE, *dialects._DIALECTS) == dialects.NAMES


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ("plain", "plain"),
        ("$one", "'$one'"),
        ("it's $one", r"`it's \$one`"),
        ("it's `$one`", '"it\'s `\\$one`"'),
        ("it's one", "`it's one`"),
        ("a\nb", "'a\nb'"),
    ],
)
def test_dotenvx_is_given_a_dollar_as_it_reads_one(value: str, line: str) -> None:
    assert dialects.text_for_dotenvx({"A": value}) == f"A={line}\n"


def test_what_dotenvx_has_no_form_for_is_refused_by_name() -> None:
    with pytest.raises(Malformed, match="A has a ' and a backtick"):
        dialects.text_for_dotenvx({"A": r"it's `one\n`"})


@pytest.mark.parametrize("dialect", dialects.NAMES)
def test_what_needs_no_quotes_has_none_in_any_dialect(dialect: str) -> None:
    assert dialects.dialect_text({"A": "", "B": "http://x/a=b", "my-name": "x"}, dialect) == "A=\nB=http://x/a=b\n"


@pytest.mark.parametrize(
    ("dialect", "value"),
    [
        ("docker", "hunter2\nB=1"),
        ("docker", "hunter2\r"),
        ("node", "it's $(hunter2)"),
        ("node", "$(hunter2)\r"),
        ("expand", "$(hunter2)"),
        ("node", "hunter2 '\"`\n"),
        ("node", "'\"`hunter2"),
        ("node", "hunter2 '\"`\ufeff"),
        ("expand", "\ufeffhunter2 '\"`x"),
    ],
)
def test_a_dialect_refuses_what_would_run_or_harm_its_neighbours_by_name(dialect: str, value: str) -> None:
    with pytest.raises(Malformed) as caught:
        dialects.dialect_text({"SAFE": "x", "KEY": value}, dialect)
    assert caught.value.text.startswith("KEY has ")
    assert "hunter2" not in f"{caught.value.text} {caught.value.hint}"
    assert dialects.dialect_refusal(value, dialect)
    assert not dialects.dialect_refusal(value, "portable")
    assert is_doubtful(value)


@given(VALUES, st.sampled_from([name for name in dialects.NAMES if name not in ("shell", "systemd")]))
def test_no_variable_can_begin_another_line_that_is_one(value: str, dialect: str) -> None:
    try:
        text = dialects.dialect_text({"A": value, "END": "1"}, dialect)
    except Malformed:
        return
    assert text.startswith("A=")
    assert text.endswith("\nEND=1\n")


@given(VALUES, st.sampled_from(["python", "node", "expand"]))
def test_the_guard_has_the_quote_that_it_guards(value: str, dialect: str) -> None:
    try:
        lines = dialects.dialect_text({"A": f"{value}\\"}, dialect).removeprefix("A=").splitlines()
    except Malformed:
        return
    if len(lines) > 1 and lines[-1].startswith("#"):
        assert lines[-1] == f"#{lines[0][0]}x"


@given(VALUES)
def test_expand_leaves_no_dollar_open(value: str) -> None:
    if "$(" not in value and not dialects.dialect_refusal(value, "expand"):
        assert not re.search(r"(?<!\\)\$", dialects.dialect_text({"A": value}, "expand"))


def test_a_text_asks_for_a_dialect_in_a_comment_of_its_own() -> None:
    document = parse_document(
        "# @dialect node\nA=1 # @dialect docker\nB='\n# @dialect shell\n'\n\n  #  @dialect  expand \r\n"
    )
    assert dialects.named_in(document) == "expand"
    assert dialects.named_in(parse_document("# @dialects node\n#@dialectnode\nA='# @dialect node'\n")) == ""


def test_a_dialect_that_there_is_not_is_refused_with_its_line() -> None:
    with pytest.raises(Malformed) as caught:
        dialects.named_in(parse_document("A=1\n\n# well\n# @dialect perl\n"))
    assert (caught.value.line, caught.value.column) == (4, 1)
    assert "expand" in caught.value.hint


def test_asking_for_a_dialect_changes_the_lines_that_ask_or_adds_one() -> None:
    assert dialects.with_directive(parse_document("A=1\n"), "node").render() == "# @dialect node\nA=1\n"
    inside = "A='\n# @dialect node\n'\n"
    assert dialects.with_directive(parse_document(inside), "shell").render() == f"# @dialect shell\n{inside}"
    twice = parse_document("# @dialect node\n#  @dialect  docker \nA=1\n")
    assert dialects.with_directive(twice, "shell").render() == "# @dialect shell\n#  @dialect  shell \nA=1\n"

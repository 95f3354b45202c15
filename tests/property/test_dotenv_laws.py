"""The laws of dotenv text, tried on texts and values made to break them."""

import re
from itertools import pairwise

from hypothesis import assume, given
from hypothesis import strategies as st

from envfs.dotenv import writing
from envfs.dotenv.document import Document, parse_document
from envfs.dotenv.merging import Layer, merge_layers, name_changes
from envfs.errors import EnvFSError, Malformed

PIECES = [
    *("A", "B1", "_c", "my.key", "a-b", "1X", "é", "export ", "=", " = ", "A=", "\nA=", "\nB1=", "x"),
    *('"', "'", "`", "\\", '\\"', "\\$", "\\\\", "\\n", "$", "${A}", "$(x)", "#", " #"),
    *(" ", "\t", "\u00a0", "\u2028", "\n", "\r", "\r\n", "\ufeff", "\x0c", "\x1b"),
]
names = st.sampled_from(["A", "B1", "_c", "NEW", "export"])
values = st.lists(st.sampled_from(PIECES)).map("".join) | st.text(
    st.characters(codec="utf-8", exclude_characters="\0"), max_size=60
)
variables = st.dictionaries(st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,9}", fullmatch=True), values, max_size=8)
line_ends = st.sampled_from(["\n", "\r\n", "\r"])


@st.composite
def lines(draw: st.DrawFn) -> str:
    """Make a line as people write them, or one that is only nearly so."""
    name, value = draw(names), draw(values)
    quote = draw(st.sampled_from(["", "'", '"', "`"]))
    lead = draw(st.sampled_from(["", "export ", "  ", "# "]))
    equals = draw(st.sampled_from(["=", " = ", "= ", ""]))
    tail = draw(st.sampled_from(["", " # why", "#why", "  ", " x"]))
    return f"{lead}{name}{equals}{quote}{value}{quote}{tail}{draw(line_ends)}"


texts = st.lists(st.sampled_from(PIECES) | lines(), max_size=30).map("".join) | st.text()


def accepted(text: str) -> Document:
    try:
        return parse_document(text)
    except EnvFSError:
        assume(False)
        raise


documents = texts.map(lambda text: text.replace("\0", "")).map(accepted)


@given(texts)
def test_a_text_is_refused_or_kept_to_the_letter(text: str) -> None:
    try:
        document = parse_document(text)
    except Malformed as error:
        assert 1 <= error.line <= 1 + text.count("\n") + text.count("\r")  # noqa: PT017 - either outcome is a pass
        assert error.column >= 1  # noqa: PT017
        return
    assert document.render() == text


@given(documents)
def test_an_entry_means_the_same_wherever_it_stands(document: Document) -> None:
    for entry in document.entries:
        alone = parse_document(entry.raw).entries[-1]
        assert (alone.name, alone.value, alone.problem) == (entry.name, entry.value, entry.problem)


@given(documents)
def test_lines_are_counted_as_an_editor_does(document: Document) -> None:
    for entry, after in pairwise(document.entries):
        ends = entry.raw.replace("\r\n", "\n").replace("\r", "\n").count("\n")
        assert after.line == entry.line + ends


@given(documents)
def test_the_written_value_is_where_the_entry_says(document: Document) -> None:
    for entry in document.entries:
        if entry.name:
            shown = entry.raw[entry.start : entry.end]
            assert shown == "" if not entry.value and not entry.quote else shown.startswith(entry.quote)
            assert all((entry.value or "")[place] == "$" for place in entry.literal)


@given(documents, names, values)
def test_what_was_set_is_what_is_read_and_nothing_else_changes(document: Document, name: str, value: str) -> None:
    changed = document.set(name, value)
    assert parse_document(changed.render()).variables() == document.variables() | {name: value}
    assert parse_document(changed.render()) == changed
    assert [fault[1:] for fault in changed.faults] == [fault[1:] for fault in document.faults]


@given(documents, names, values)
def test_setting_twice_is_setting_once(document: Document, name: str, value: str) -> None:
    once = document.set(name, value)
    assert once.set(name, value) == once


@given(documents, names, values, values)
def test_comments_and_order_survive_a_set(document: Document, name: str, first: str, second: str) -> None:
    before = document.set(name, first)
    after = before.set(name, second)
    assert [entry.raw for entry in before.entries if entry.name != name] == [
        entry.raw for entry in after.entries if entry.name != name
    ]
    assert list(before.variables()) == list(after.variables())


@given(documents, st.data())
def test_unset_removes_one_name_and_no_other(document: Document, data: st.DataObject) -> None:
    before = document.variables()
    assume(before)
    name = data.draw(st.sampled_from(sorted(before)))
    del before[name]
    after = document.unset(name)
    assert after.variables() == before
    assert after == parse_document(after.render())
    assert after.render() == "".join(entry.raw for entry in document.entries if entry.name != name)


@given(documents, st.data())
def test_a_name_that_is_given_and_taken_back_leaves_the_text_as_it_was(document: Document, data: st.DataObject) -> None:
    old = data.draw(st.sampled_from(sorted(document.variables()) or ["A"]))
    assume(old in document.variables() and old not in ("export", "FRESH") and "FRESH" not in document.variables())
    renamed = document.rename(old, "FRESH")
    assert {"FRESH" if name == old else name: value for name, value in document.variables().items()} == (
        renamed.variables()
    )
    assume(re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", old))
    assert renamed.rename("FRESH", old) == document


@given(documents, values)
def test_unsetting_what_was_added_takes_back_its_line(document: Document, value: str) -> None:
    assume("NEW" not in document.variables())
    text = document.render()
    back = document.set("NEW", value).unset("NEW").render()
    assert back in {text, text + "\n", text + "\r\n"}


@given(variables)
def test_what_is_emitted_is_what_is_read(variables: dict[str, str]) -> None:
    text = writing.portable_text(variables)
    document = parse_document(text)
    assert document.variables() == variables
    assert document.faults == ()
    assert "\r" not in text


@given(variables)
def test_no_dollar_is_left_open_to_interpolation(variables: dict[str, str]) -> None:
    for entry in parse_document(writing.portable_text(variables)).entries:
        if entry.value and entry.quote != "'":
            assert entry.literal == tuple(place for place, sign in enumerate(entry.value) if sign == "$")


@given(documents, names, values)
def test_a_value_that_is_set_is_never_open_to_interpolation(document: Document, name: str, value: str) -> None:
    entry = [entry for entry in document.set(name, value).entries if entry.name == name][-1]
    assert entry.quote == "'" or len(entry.literal) == value.count("$")


@given(variables)
def test_environ_holds_the_same_variables(variables: dict[str, str]) -> None:
    entries = writing.environ_bytes(variables).decode().split("\0")[:-1]
    assert dict(entry.split("=", 1) for entry in entries) == variables


@given(st.lists(variables, max_size=5), st.integers(0, 5))
def test_merging_is_associative(levels: list[dict[str, str]], cut: int) -> None:
    layers = [Layer(f"/{n}", parse_document(writing.portable_text(own))) for n, own in enumerate(levels)]
    whole = merge_layers(layers)
    upper, lower = merge_layers(layers[:cut]), merge_layers(layers[cut:])
    parts = [Layer("/upper", parse_document(writing.portable_text(part.variables))) for part in (upper, lower)]
    assert merge_layers(parts).variables == whole.variables
    assert merge_layers(parts).names() == whole.names()
    assert whole.origin == upper.origin | lower.origin


@given(variables, variables)
def test_a_difference_is_all_it_takes(old: dict[str, str], new: dict[str, str]) -> None:
    changes = name_changes(old, new)
    kept = {name: value for name, value in old.items() if name not in changes.removed}
    assert kept | {name: new[name] for name in changes.added + changes.changed} == new
    assert not set(changes.added) & set(old)

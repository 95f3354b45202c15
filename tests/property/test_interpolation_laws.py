"""Laws of interpolation: it ends, changes nothing that has no reference, and what is written is never a reference."""

from hypothesis import given
from hypothesis import strategies as st

from envfs.dotenv import document, references, writing
from envfs.dotenv.document import parse_document
from envfs.dotenv.interpolation import interpolate
from envfs.errors import EnvFSError

NAMES = st.sampled_from(["A", "B", "C", "D"])
PIECES = st.one_of(
    st.sampled_from(["$", "{", "}", "\\", "x", " ", ":-", ":?", ":+", "-", "(", ")"]),
    NAMES.map(lambda name: f"${{{name}}}"),
    NAMES.map(lambda name: f"${name}"),
    st.tuples(NAMES, st.sampled_from([":-", "-", ":+", "+"]), NAMES).map(lambda t: f"${{{t[0]}{t[1]}${t[2]}}}"),
)
LINES = st.tuples(NAMES, st.lists(PIECES, max_size=5).map("".join)).map(lambda t: f'{t[0]}="{t[1]}"\n')
TEXTS = st.lists(LINES, max_size=6).map("".join)


@given(st.lists(TEXTS, max_size=4))
def test_it_ends_with_a_value_for_every_name_or_an_error(texts: list[str]) -> None:
    try:
        documents = [parse_document(text) for text in texts]
        found = interpolate(documents)
    except EnvFSError:
        return
    assert set(found.values) == {name for document in documents for name in document.variables()}
    assert interpolate(documents) == found


@given(st.dictionaries(NAMES, st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))))
def test_what_is_emitted_refers_to_nothing(variables: dict[str, str]) -> None:
    found = interpolate([parse_document(writing.portable_text(variables))])
    assert (found.values, found.findings) == (variables, ())


@given(TEXTS, TEXTS)
def test_a_text_that_is_merged_into_another_means_what_it_meant(first: str, second: str) -> None:
    try:
        old, new = parse_document(first), parse_document(second)
    except EnvFSError:
        return
    merged = old.merged(new)
    assert {**old.variables(), **new.variables()} == merged.variables()
    last = {entry.name: document.assignment_meaning(entry) for entry in merged.entries}
    assert all(
        last[entry.name] == document.assignment_meaning(entry)
        for entry in {e.name: e for e in new.entries}.values()
        if entry.name
    )


@given(text=st.text(alphabet="\ufeff\t #\\$\"'{}:-ab\n\r=", max_size=60))
def test_a_place_is_that_of_the_dollar_that_begins_the_reference(text: str) -> None:
    whole = f"FIRST=1\nA={text}\n"
    try:
        entries = parse_document(whole).entries
    except EnvFSError:
        return
    lines = whole.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    for entry in entries:
        for name, place in references.reference_places(entry).items():
            here = lines[place.line - 1].lstrip("\ufeff")[place.column - 1 :]
            assert here.startswith((f"${name}", f"${{{name}"))
            assert (entry.value or "")[place.character - 1 :].startswith((f"${name}", f"${{{name}"))

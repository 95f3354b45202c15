"""A text that is read by what differs from another one, or line by line in one step, reads as it does in whole."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envfs.dotenv import scanner
from envfs.dotenv.document import Document, parse_document
from envfs.dotenv.rereading import reread_document
from envfs.errors import EnvFSError
from tests.property.test_dotenv_laws import PIECES, documents, texts

PLAIN = ("A=1\n", "B1='x $y \\'\n", "_c=a/b:c\r\n", "A='x' # c\n", "A=''\n", "A=\n", "B1=x#y\n", "\ufeff", "'", '"')
edits = st.lists(st.sampled_from([*PIECES, *PLAIN]), max_size=4).map("".join)


def reading(text: str, old: Document | None = None) -> object:
    try:
        document = parse_document(text) if old is None else reread_document(old, old.render(), text)
    except EnvFSError as error:
        return type(error), error.text, error.hint
    return document.render(), list(document.variables().items())


@given(documents, st.integers(0, 200), st.integers(0, 200), edits)
def test_a_text_that_is_read_by_what_differs_reads_as_it_does_alone(old: Document, at: int, cut: int, new: str) -> None:
    text = old.render()
    changed = text[:at] + new + text[at + cut :]
    assert reading(changed, old) == reading(changed)


@given(documents, documents)
def test_it_does_not_matter_how_unlike_the_two_texts_are(old: Document, new: Document) -> None:
    assert reread_document(old, old.render(), new.render()).variables() == new.variables()


@given(st.lists(st.sampled_from(PLAIN) | texts, max_size=6).map("".join))
def test_a_plain_line_is_read_in_one_step_as_it_is_in_several(text: str) -> None:
    quick = _scanned(text)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(scanner, "_PLAIN", re.compile("(?!)"))
        assert _scanned(text) == quick


def _scanned(text: str) -> object:
    try:
        return list(scanner.scan(text))
    except EnvFSError as error:
        return type(error), error.text, error.hint

"""A text that is read by what differs from another one, or line by line in one step, reads as it does in whole."""

import re
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envfs.dotenv import merging, scanner
from envfs.dotenv.document import Document, parse_document
from envfs.dotenv.rereading import VersionReader
from envfs.errors import EnvFSError
from tests.property.test_dotenv_laws import PIECES, documents, texts

PLAIN = (
    *("A=1\n", "B1='x $y \\'\n", "_c=a/b:c\r\n", "A='x' # c\n", "A=''\n", "A=\n", "B1=x#y\n", "\ufeff", "'", '"'),
    *('A="x"\n', 'A="x $y #z"\r\n', 'A="x\\n"\n', 'A="x" y\n', "A=x?y=z&q\n", "A=x y\n", "A=x\\$y\n", "A==\n", "A=#\n"),
)
edits = st.lists(st.sampled_from([*PIECES, *PLAIN]), max_size=4).map("".join)


def changes(old: dict[str, str], new: dict[str, str]) -> object:
    names = merging.name_changes(old, new)
    return names, merging.renamed_names(old, new, names)


def read_one_by_one(versions: list[str]) -> list[object]:
    reader = VersionReader()
    return [changes(*reader.read(version)) for version in versions]


def read_in_whole(versions: list[str]) -> list[object]:
    read = [{}, *(parse_document(version).variables() for version in versions)]
    return [changes(old, new) for old, new in pairwise(read)]


def outcome(read: Callable[[list[str]], list[object]], versions: list[str]) -> object:
    try:
        return read(versions)
    except EnvFSError as error:
        return type(error), error.text, error.hint


@given(documents, st.lists(st.tuples(st.integers(0, 200), st.integers(0, 200), edits), max_size=4))
def test_versions_that_are_read_by_what_differs_read_as_each_does_alone(
    first: Document, later: list[tuple[int, int, str]]
) -> None:
    versions = [first.render()]
    for at, cut, new in later:
        versions.append(versions[-1][:at] + new + versions[-1][at + cut :])
    assert outcome(read_one_by_one, versions) == outcome(read_in_whole, versions)


@given(st.lists(documents, max_size=3))
def test_it_does_not_matter_how_unlike_the_texts_are(different: list[Document]) -> None:
    versions = [document.render() for document in different]
    assert read_one_by_one(versions) == read_in_whole(versions)


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

"""The keyholder writes: keys, sealed records, and what it refuses to seal."""

import pytest

from envfs.core import limits, record
from envfs.daemon.keyholder_process import KeyholderLink
from envfs.errors import (
    BadName,
    EnvFSError,
    Malformed,
    NoSuchVariable,
    TooLarge,
)
from envfs.protocol.keyholding import Sealed, Unchanged
from tests.component.cheap import TIME
from tests.component.keyholders import KEY_PLACE, VAULT, Chain, ask, new_key


def test_a_key_is_an_age_file_that_names_its_kid(link: KeyholderLink) -> None:
    answer = ask(link, new_key(KEY_PLACE))
    assert isinstance(answer.message, Sealed)
    assert answer.blobs[0].startswith(b"age-encryption.org/v1\n")
    other = ask(link, new_key(KEY_PLACE))
    assert other.message != answer.message


def test_a_written_record_names_its_place_and_the_one_before(chain: Chain) -> None:
    chain.write("set", b"2", "A")
    headers = [record.parse_record(data).header for data in chain.records]
    assert [(h.vault, h.stream, h.seq, h.time) for h in headers] == [
        (VAULT, "level/shop", 1, TIME),
        (VAULT, "level/shop", 2, TIME),
    ]
    assert headers[0].prev == ""
    assert headers[1].prev == record.digest(chain.records[0])


@pytest.mark.parametrize(
    ("operation", "name", "secret", "changes", "text"),
    [
        ("set", "A", b"2", ((), ("A",), ()), "A=2\nB='two words'\n"),
        ("set", "NEW", b"x y", (("NEW",), (), ()), "A=1\nB='two words'\nNEW='x y'\n"),
        ("set", "NEW", b"", (("NEW",), (), ()), "A=1\nB='two words'\nNEW=\n"),
        ("unset", "A", None, ((), (), ("A",)), "B='two words'\n"),
        ("merge", "", b"B=3\nC=4\nA=1\n", (("C",), ("B",), ()), "A=1\nB=3\nC=4\n"),
        ("replace", "", b"C=4\n", (("C",), (), ("A", "B")), "C=4\n"),
        ("replace", "", b"", ((), (), ("A", "B")), ""),
    ],
)
def test_an_operation_changes_what_it_says(
    chain: Chain,
    operation: str,
    name: str,
    secret: bytes | None,
    changes: tuple[tuple[str, ...], ...],
    text: str,
) -> None:
    written = chain.write(operation, secret, name)
    assert isinstance(written, Sealed)
    assert (written.added, written.changed, written.removed) == changes
    assert chain.render() == text


def test_several_values_become_one_record(chain: Chain) -> None:
    written = chain.write("set", b"2\0two\nlines\n\0x\n\0", trim=True, names=("A", "KEY", "NEW"))
    assert isinstance(written, Sealed)
    assert (written.added, written.changed, len(chain.records)) == (("KEY", "NEW"), ("A",), 2)
    assert chain.render() == "A=2\nB='two words'\nKEY=\"two\nlines\n\"\nNEW=x\n"


def test_several_templates_refer_and_several_names_are_unset(chain: Chain) -> None:
    chain.write("template", b"${A}${B}\0\\$A\0", names=("C", "D"))
    assert chain.render() == "A=1\nB='two words'\nC='1two words'\nD='$A'\n"
    chain.write("unset", names=("C", "D"))
    assert chain.render() == "A=1\nB='two words'\n"


@pytest.mark.parametrize("secret", [b"", b"1\0", b"1\0" + b"2\0" + b"3\0", b"1\0" + b"2", b"1\0" + b"\xff\0"])
def test_there_is_one_value_for_each_of_several_names(chain: Chain, secret: bytes) -> None:
    with pytest.raises(Malformed):
        chain.write("set", secret, names=("A", "B"))
    assert len(chain.records) == 1


def test_each_of_several_values_has_the_limit_of_one(chain: Chain) -> None:
    with pytest.raises(TooLarge):
        chain.write("set", b"1\0" + b"x" * (limits.VALUE_BYTES + 1) + b"\0", names=("A", "B"))


def test_what_changes_nothing_makes_no_record(chain: Chain) -> None:
    assert chain.write("set", b"1", "A") == Unchanged()
    assert chain.write("merge", b"A=1\n") == Unchanged()
    assert chain.write("replace", b"# kept\nA=1\nB='two words'\n") == Unchanged()
    assert len(chain.records) == 1


@pytest.mark.parametrize(
    ("operation", "text", "doubtful"),
    [
        ("merge", b"C=3\nB=4\n", False),
        ("replace", b"A=1\nB=plain\nC=\n", False),
        ("replace", b"A=1\n", True),  # somebody may refer to what is gone
        ("merge", b"C=${A}\n", True),
        ("merge", b"C='$(x)'\n", True),
        ("merge", b"# @dialect docker\nC=3\n", True),
    ],
)
def test_what_is_plain_needs_no_second_look(chain: Chain, operation: str, text: bytes, doubtful: bool) -> None:
    written = chain.write(operation, text)
    assert isinstance(written, Sealed)
    assert written.doubtful == doubtful


@pytest.mark.parametrize(
    ("secret", "trim", "value"),
    [
        (b"x\n", True, "x"),
        (b"x\r\n", True, "x"),
        (b"x\n\n", True, "'x\n\n'"),
        (b"x\n", False, "'x\n'"),
        (b"\n", True, ""),
    ],
)
def test_the_line_end_of_a_single_line_is_dropped_and_only_if_it_was_asked_for(
    link: KeyholderLink, secret: bytes, trim: bool, value: str
) -> None:
    chain = Chain(link)
    chain.write("set", secret, "A", trim=trim)
    assert chain.render() in (f"A={value}\n", f"A={value.replace(chr(39), chr(34))}\n")


def test_the_longest_value_is_taken_with_its_line_end_and_one_byte_more_is_not(link: KeyholderLink) -> None:
    chain = Chain(link)
    chain.write("set", b"x" * limits.VALUE_BYTES + b"\n", "A", trim=True)
    assert chain.render() == "A=" + "x" * limits.VALUE_BYTES + "\n"
    with pytest.raises(TooLarge):
        chain.write("set", b"y" * (limits.VALUE_BYTES + 1), "A")


BAD_WRITES: dict[str, tuple[str, str, bytes, type[EnvFSError]]] = {
    "a bad name": ("set", "A-B", b"x", BadName),
    "a name like an option": ("set", "", b"x", BadName),
    "a long name": ("set", "N" * 300, b"x", TooLarge),
    "a nul": ("set", "A", b"hunter2\0", Malformed),
    "no utf-8": ("set", "A", b"hunter2\xff", Malformed),
    "an unset of nothing": ("unset", "C", b"", NoSuchVariable),
    "a text with a fault": ("replace", "", b"A=1\nhunter2\n", Malformed),
    "a text with an open quote": ("merge", "", b"A='hunter2\n", Malformed),
    "a text that is no utf-8": ("replace", "", b"A=1\nB=hunter2\xff\n", Malformed),
    "a text that is too long": ("replace", "", b"#" * (limits.TEXT_BYTES + 1), TooLarge),
    "a nul in a text": ("replace", "", b"A=\0\n", Malformed),
}


@pytest.mark.parametrize(("operation", "name", "secret", "error"), BAD_WRITES.values(), ids=BAD_WRITES)
def test_what_cannot_be_written_is_refused_and_not_quoted(
    chain: Chain, operation: str, name: str, secret: bytes, error: type[EnvFSError]
) -> None:
    with pytest.raises(error) as caught:
        chain.write(operation, secret, name)
    assert "hunter2" not in caught.value.text + caught.value.hint
    assert len(chain.records) == 1


def test_a_fault_is_named_with_line_and_column(chain: Chain) -> None:
    with pytest.raises(Malformed, match="line 2, column 3"):
        chain.write("replace", b"A=1\nB=\xff\n")


def test_a_text_that_grows_over_the_limit_is_refused(link: KeyholderLink) -> None:
    chain = Chain(link)
    chain.write("replace", b"#" * (limits.TEXT_BYTES - 10) + b"\n")
    with pytest.raises(TooLarge):
        chain.write("set", b"x" * 100, "A")


def test_a_name_that_is_set_twice_is_pointed_out(link: KeyholderLink) -> None:
    written = Chain(link).write("replace", b"A=1\nB=2\nA=3\n")
    assert isinstance(written, Sealed)
    assert "A is set more than once" in written.notes[0]

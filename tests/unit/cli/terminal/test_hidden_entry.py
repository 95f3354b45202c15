"""A hidden entry, as a table of keys and texts; each row is fed whole, in two pieces, and byte by byte."""

import pytest

from envfs_cli.terminal.hidden_entry import EntryEnd, TypedEntry

ON, OFF = b"\x1b[200~", b"\x1b[201~"
PEM = b"-----BEGIN KEY-----\nMIIB\n\nVQIB\n-----END KEY-----\n"

# what is typed or pasted; what it is as a value
VALUES = {
    "a line": (b"abc\r", b"abc"),
    "a line feed": (b"abc\n", b"abc"),
    "both": (b"abc\r\n", b"abc"),
    "nothing": (b"\r", b""),
    "blanks and tabs": (b" a\t b \r", b" a\t b "),
    "letters of any script": ("pässwörd 鍵 🔑\r".encode(), "pässwörd 鍵 🔑".encode()),
    "backspace": (b"abx\x7fc\r", b"abc"),
    "the other backspace": (b"abx\x08c\r", b"abc"),
    "backspace over a letter of several bytes": ("aü🔑\x7f\x7fb\r".encode(), b"ab"),
    "backspace at the beginning": (b"\x7f\x7fabc\r", b"abc"),
    "ctrl-u": (b"wrong\x15abc\r", b"abc"),
    "ctrl-w": (b"one two  \x17three\r", b"one three"),
    "ctrl-w on one word": (b"one\x17abc\r", b"abc"),
    "ctrl-w on nothing": (b"\x17abc\r", b"abc"),
    "arrows": (b"a\x1b[Db\x1bOCc\x1b[1;5D\r", b"abc"),
    "alt and a letter": (b"ab\x1bxc\r", b"abc"),
    "other controls": (b"a\x01b\x05c\x00\r", b"abc"),
    "two escapes": (b"ab\x1b\x1b[Ac\r", b"abc"),
    "a marked paste and Enter": (ON + b"abc" + OFF + b"\r", b"abc"),
    "a marked paste of a line with its end": (ON + b"abc\r" + OFF + b"\r", b"abc\n"),
    "a marked paste of several lines": (ON + PEM + OFF + b"\r", PEM),
    "a marked paste with returns": (ON + PEM.replace(b"\n", b"\r") + OFF + b"\r", PEM),
    "a marked paste with both": (ON + PEM.replace(b"\n", b"\r\n") + OFF + b"\r", PEM),
    "a marked paste and ctrl-d": (ON + PEM + OFF + b"\x04", PEM),
    "a marked line and ctrl-d": (ON + b"abc" + OFF + b"\x04", b"abc"),
    "two marked pastes": (ON + b"a\nb" + OFF + b"-" + ON + b"c" + OFF + b"\r", b"a\nb-c"),
    "keys in a marked paste are text": (ON + b"a\x7f\x15\x04\x1b[A" + OFF + b"\r", b"a\x7f\x15\x04\x1b[A"),
    "marks in a marked paste": (ON + b"a" + ON + b"\x1b[201b" + OFF + b"\r", b"a" + ON + b"\x1b[201b"),
    "a paste without marks": (PEM, PEM),
    "a paste without marks, with returns": (PEM.replace(b"\n", b"\r"), PEM),
    "a paste without marks, with both": (PEM.replace(b"\n", b"\r\n"), PEM),
    "a paste without marks or last line end, and Enter": (PEM[:-1] + b"\r", PEM),
    "a paste without marks and ctrl-d": (b"a\nb\x04", b"a\nb"),
    "a paste without marks that ends in empty lines": (b"a\nb\n\n\n", b"a\nb\n\n\n"),
    "a line and ctrl-d at once": (b"abc\n\x04", b"abc"),
}


def fed(entry: TypedEntry, pieces: "list[bytes]") -> "EntryEnd | None":
    """Feed pieces at once, one behind the other, then be quiet."""
    for piece in pieces:
        end = entry.feed(piece)
        if end is not None:
            return end
    return entry.quiet() if entry.quiet_after is not None else None


def ways(keys: bytes) -> "list[list[bytes]]":
    """Return the keys whole, byte by byte, and cut in two at every place."""
    return [
        [keys],
        [keys[at : at + 1] for at in range(len(keys))],
        *([keys[:at], keys[at:]] for at in range(len(keys))),
    ]


@pytest.mark.parametrize(("keys", "text"), VALUES.values(), ids=VALUES.keys())
def test_a_value_is_what_was_typed_however_the_bytes_come(keys: bytes, text: bytes) -> None:
    for pieces in ways(keys):
        entry = TypedEntry(1000, lines=True)
        assert fed(entry, pieces) is EntryEnd.TAKEN, pieces
        assert bytes(entry.text) == text, pieces


PASSPHRASES = {
    "a line": (b"abc\r", b"abc", EntryEnd.TAKEN),
    "a marked paste with its line end": (ON + b"abc\r\n" + OFF + b"\r", b"abc", EntryEnd.TAKEN),
    "several lines, marked": (ON + b"abc\ndef" + OFF + b"\r", None, EntryEnd.SEVERAL_LINES),
    "several lines without marks": (b"abc\ndef\n", None, EntryEnd.SEVERAL_LINES),
    "ctrl-d": (b"\x04", None, EntryEnd.NOTHING),
    "ctrl-d in a line": (b"abc\x04", None, EntryEnd.BROKEN_OFF),
    "ctrl-d after all was taken back": (b"abc\x15\x04", None, EntryEnd.NOTHING),
}


@pytest.mark.parametrize(("keys", "text", "how"), PASSPHRASES.values(), ids=PASSPHRASES.keys())
def test_a_passphrase_has_one_line(keys: bytes, text: "bytes | None", how: EntryEnd) -> None:
    for pieces in ways(keys):
        entry = TypedEntry(1000, lines=False)
        assert fed(entry, pieces) is how, pieces
        assert text is None or bytes(entry.text) == text, pieces


@pytest.mark.parametrize("keys", [b"x" * 100 + b"\r", ON + b"x" * 100 + OFF + b"\r", b"x" * 99 + b"\x7fxx\r"])
def test_what_is_at_the_limit_is_taken(keys: bytes) -> None:
    for pieces in ways(keys):
        entry = TypedEntry(100, lines=True)
        assert fed(entry, pieces) is EntryEnd.TAKEN
        assert bytes(entry.text) == b"x" * 100


@pytest.mark.parametrize("keys", [b"x" * 101 + b"\r", ON + b"x\n" * 300 + OFF + b"\r", b"x\n" * 300, b"x" * 101])
@pytest.mark.parametrize("lines", [True, False])
def test_what_is_over_the_limit_is_refused_whole(keys: bytes, *, lines: bool) -> None:
    for pieces in ways(keys):
        entry = TypedEntry(100, lines=lines)
        assert fed(entry, pieces) is EntryEnd.TOO_LARGE, pieces
        assert not entry.text


def test_a_line_end_that_nothing_follows_ends_the_entry_and_one_that_something_follows_does_not() -> None:
    entry = TypedEntry(100, lines=True)
    assert entry.feed(b"a\n") is None
    assert entry.feed(b"b") is None
    assert entry.quiet_after is None
    assert entry.several
    assert entry.feed(b"\n") is None
    assert entry.quiet() is EntryEnd.TAKEN
    assert bytes(entry.text) == b"a\nb\n"


@pytest.mark.parametrize(
    "keys", [b"a\n", b"a\nb\n", b"two words and more", PEM], ids=["a line", "lines", "a line and Enter", "a key"]
)
def test_a_value_that_came_at_once_waits_out_a_slow_line(keys: bytes) -> None:
    entry = TypedEntry(100, lines=True)
    assert entry.feed(keys) is None
    assert entry.feed(b"" if keys.endswith(b"\n") else b"\n") is None
    assert (entry.quiet_after or 0) > 1


def test_enter_after_keys_that_came_one_by_one_does_not_keep_a_person_waiting() -> None:
    entry = TypedEntry(100, lines=True)
    for letter in "zwölf 鍵 words":
        assert entry.feed(letter.encode()) is None
    assert entry.feed(b"\r") is None
    assert (entry.quiet_after or 9) < 0.5


def test_within_a_pem_block_no_silence_ends_the_entry() -> None:
    entry = TypedEntry(100, lines=True)
    lines = PEM.splitlines(keepends=True)
    for line in lines[:-1]:
        assert entry.feed(line) is None
        assert entry.quiet_after is None
        assert entry.several
    assert entry.feed(lines[-1]) is None
    assert entry.quiet_after is not None
    assert entry.quiet() is EntryEnd.TAKEN
    assert bytes(entry.text) == PEM


def test_a_pem_block_without_an_end_is_ended_by_ctrl_d() -> None:
    entry = TypedEntry(100, lines=True)
    assert fed(entry, [PEM[:19], b"\r", b"\x04"]) is EntryEnd.TAKEN
    assert bytes(entry.text) == PEM[:19]


@pytest.mark.parametrize("at", range(2, len(ON)))
def test_a_mark_of_a_paste_that_comes_in_two_pieces_waits_out_a_slow_line(at: int) -> None:
    entry = TypedEntry(100, lines=True)
    assert entry.feed(ON[:at]) is None
    assert (entry.quiet_after or 0) > 1
    assert entry.feed(ON[at:] + b"a\nb" + OFF + b"\r") is EntryEnd.TAKEN
    assert bytes(entry.text) == b"a\nb"


def test_escape_alone_is_forgotten_and_does_not_take_the_next_key_with_it() -> None:
    entry = TypedEntry(100, lines=True)
    assert entry.feed(b"ab\x1b") is None
    assert entry.quiet_after is not None
    assert entry.quiet() is None
    assert entry.ignored
    assert fed(entry, [b"c\r"]) is EntryEnd.TAKEN
    assert bytes(entry.text) == b"abc"


def test_a_paste_whose_end_mark_has_not_come_goes_on() -> None:
    entry = TypedEntry(100, lines=True)
    assert entry.feed(ON + b"a\n") is None
    assert entry.quiet_after is None
    assert entry.feed(b"b" + OFF[:3]) is None
    assert entry.quiet_after is None
    assert entry.feed(OFF[3:] + b"\r") is EntryEnd.TAKEN
    assert bytes(entry.text) == b"a\nb"


@pytest.mark.parametrize(("keys", "ignored"), [(b"abc", False), (b"\x1b[A", True), (b"\x01", True), (b"\x7f", True)])
def test_a_key_that_does_nothing_is_noticed(keys: bytes, *, ignored: bool) -> None:
    entry = TypedEntry(100, lines=True)
    entry.feed(keys)
    assert entry.ignored is ignored

"""A hidden entry, key by key: bytes from a terminal in, a text out. No terminal and no clock is in here.

Laws
- A paste that the terminal marks is taken whole. Its line ends become line feeds, the marks are dropped.
- A paste without marks shows itself by its pace: a line end that something follows soon belongs to the text.
- Enter ends the entry once it is quiet: soon where keys came one by one, later where several came at once, and not at
  all within a PEM block. Ctrl-D ends a text of several lines, and ends a line without a result.
- A text over the limit is refused whole. Nothing is cut.
"""

import re
from enum import Enum

_PASTE, _PASTE_END = b"\x1b[200~", b"\x1b[201~"
_SEQUENCE = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|O.|(?=\x1b)|[^\[O\x1b][\x80-\xbf]*)", re.DOTALL)
_TEXT = re.compile(rb"[^\x00-\x08\x0a-\x1f\x7f]+")
_LINE_END = re.compile(rb"\r\n?|\n")
_WORD = re.compile(rb"[^\s]*\s*\Z")
_LAST = re.compile(rb"(?:[\xc0-\xff][\x80-\xbf]*|[\x00-\xff])\Z", re.DOTALL)
_LONGEST_SEQUENCE = 32
_LOOKED_AT = 4096  # how far back the last character or word is looked for
_ENTER, _END, _ERASE, _CLEAR, _ERASE_WORD = b"\r\n", b"\x04", b"\x7f\x08", b"\x15", b"\x17"
_PEM, _PEM_END = b"-----BEGIN ", b"-----END "
_ONE_KEY = 8  # bytes: a letter of an input method, or a key's sequence
_QUIET, _QUIET_AFTER_PASTE = 0.2, 1.5  # seconds. A slow line may stop for one in the middle of a paste


class EntryEnd(Enum):
    """How an entry ended."""

    TAKEN = "taken"
    NOTHING = "nothing was typed"
    BROKEN_OFF = "cancelled in the middle of a line"
    SEVERAL_LINES = "several lines where there is one"
    TOO_LARGE = "over the limit"


class TypedEntry:
    """One entry of at most `limit` bytes. With `lines`, of several lines.

    `text` is what came so far. After `quiet_after` seconds without a byte (None: never) `quiet` is to be called.
    """

    def __init__(self, limit: int, *, lines: bool) -> None:
        """Begin with an empty text."""
        self.text = bytearray()
        self.ignored = False  # whether a key did nothing since the last look
        self._limit = limit
        self._lines = lines
        self._pending = b""
        self._in_paste = self._marked = self._several = self._entered = self._after_return = self._over = False
        self._at_once = False  # whether several keys came in one piece: by a paste without marks, or a program

    @property
    def quiet_after(self) -> "float | None":
        """How long it has to be quiet before `quiet` is called."""
        if self._over or self._pending.startswith(_PASTE[:2]):
            return None if self._in_paste else _QUIET_AFTER_PASTE
        if not self._entered:
            return _QUIET if self._pending and not self._in_paste else None
        if self._is_within_pem():
            return None
        return _QUIET_AFTER_PASTE if self._several or (self._lines and self._at_once) else _QUIET

    @property
    def several(self) -> bool:
        """Whether there are several lines, or more are waited for."""
        return self._several or b"\n" in self.text or (self._entered and self._is_within_pem())

    def feed(self, data: bytes) -> "EntryEnd | None":
        """Take what was typed. Return how the entry ended, or None while it goes on."""
        self._at_once = self._at_once or len(data) > _ONE_KEY or _is_text_and_line_end(data)
        self._pending += data
        while self._pending:
            state = len(self._pending), self._in_paste
            end = None
            if self._in_paste:
                self._pasted()
            else:
                end = self._typed()
            if end is not None or (len(self._pending), self._in_paste) == state:
                return end
        return None

    def quiet(self) -> "EntryEnd | None":
        """Hear that nothing came for `quiet_after` seconds."""
        if self._pending and not self._in_paste:
            self._pending, self.ignored = b"", True  # a sequence that nothing ends
        if self._over:
            return EntryEnd.TOO_LARGE
        return self._taken() if self._entered else None

    # -- a paste between marks -----------------------------------------------------------------------------------------

    def _pasted(self) -> None:
        inside, mark, behind = self._pending.partition(_PASTE_END)
        if mark:
            self._in_paste, self._pending = False, behind
            self._add(inside)
            return
        held = next(size for size in range(len(_PASTE_END) - 1, -1, -1) if inside.endswith(_PASTE_END[:size]))
        self._pending = inside[len(inside) - held :]
        self._add(inside[: len(inside) - held])

    # -- keys ----------------------------------------------------------------------------------------------------------

    def _typed(self) -> "EntryEnd | None":
        words = _TEXT.match(self._pending)
        if words is not None:
            self._go_on()
            self._add(words[0])
            self._pending = self._pending[words.end() :]
            return None
        if self._pending.startswith(b"\x1b"):
            self._sequence()
            return None
        key, self._pending = self._pending[:1], self._pending[1:]
        if key in _ENTER:
            return self._enter(key)
        self._after_return = False
        if key == _END:
            return self._ended()
        self._edit(key)
        return None

    def _sequence(self) -> None:
        whole = _SEQUENCE.match(self._pending)
        if whole is None:
            if len(self._pending) > _LONGEST_SEQUENCE:
                self._pending, self.ignored = self._pending[1:], True
            return
        self._pending = self._pending[whole.end() :]
        if whole[0] == _PASTE:
            self._go_on()
            self._in_paste = self._marked = True
        elif whole[0] != _PASTE_END:
            self.ignored = True

    def _enter(self, key: bytes) -> "EntryEnd | None":
        after_return, self._after_return = self._after_return, key == b"\r"
        if key == b"\n" and after_return:
            return None  # the second half of one line end
        if self._marked and not self._entered:
            return self._taken()  # a terminal that marks what is pasted: this Enter is a person's
        self._go_on()
        self._entered = True
        return None

    def _ended(self) -> EntryEnd:
        if self._entered or self.several or self._marked:
            return EntryEnd.TOO_LARGE if self._over else self._taken()
        return EntryEnd.BROKEN_OFF if self.text else EntryEnd.NOTHING

    def _edit(self, key: bytes) -> None:
        self._go_on()
        if key in _ERASE and self.text:
            del self.text[_start_of(_LAST, self.text) :]
        elif key == _ERASE_WORD:
            del self.text[_start_of(_WORD, self.text) :]
        elif key == _CLEAR:
            self.text.clear()
        else:
            self.ignored = True

    # -- the text ------------------------------------------------------------------------------------------------------

    def _go_on(self) -> None:
        # something follows a line end at once: that line end was pasted
        if self._entered:
            self._entered, self._several = False, True
            self._put(b"\n")

    def _add(self, data: bytes) -> None:
        second_half = self._after_return and data.startswith(b"\n")
        self._after_return = data.endswith(b"\r") if data else self._after_return
        self._put(_LINE_END.sub(b"\n", data[second_half:]))

    def _put(self, data: bytes) -> None:
        if self._over or len(self.text) + len(data) > self._limit:
            self._over = True
            self.text.clear()
        else:
            self.text += data

    def _is_within_pem(self) -> bool:
        begin = self.text.rfind(_PEM) if self._lines else -1
        return begin >= 0 and self.text.find(_PEM_END, begin) < 0

    def _taken(self) -> EntryEnd:
        if self._over:
            return EntryEnd.TOO_LARGE
        if self._lines:
            self.text += b"\n" * (self._entered and self._several)
            return EntryEnd.TAKEN
        while self.text.endswith(b"\n"):
            del self.text[-1:]
        return EntryEnd.SEVERAL_LINES if b"\n" in self.text else EntryEnd.TAKEN


def _is_text_and_line_end(data: bytes) -> bool:
    return bool(data.strip(_ENTER)) and _LINE_END.search(data) is not None


def _start_of(what: "re.Pattern[bytes]", text: bytearray) -> int:
    part = bytes(text[-_LOOKED_AT:])
    place = what.search(part)
    return len(text) - (len(part) - place.start() if place else 0)

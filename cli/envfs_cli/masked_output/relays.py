"""The relay of one stream: read, masked, written, in a thread of its own.

Laws: what a command wrote before its end is passed on before the end is told. A reader that has gone closes the stream
for the command, too. A person at a terminal never waits for a prompt that is there.
"""

import contextlib
import os
import select
import threading

from envfs_cli import standard_streams
from envfs_cli.masked_output.masked_stream import MaskedStream

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_CHUNK = 1 << 16
_LAST = 64  # chunks at the end: more than a pipe holds
_PAUSE = 30  # milliseconds without output, after which a person may be waiting


class Relay:
    """The relay of what comes from one descriptor to another one."""

    def __init__(self, source: int, target: int, others: "Mapping[bytes, bytes]", *, is_watched: bool) -> None:
        """Relay from `source` to `target`. `is_watched` if a person looks at it."""
        self._source = source
        self.target = target
        self._stream = MaskedStream(others)
        self._is_watched = is_watched
        self._wake, self._ending = os.pipe2(os.O_CLOEXEC)
        self._thread = threading.Thread(target=self.run, daemon=True)
        self._is_ending = False
        self._last = _LAST
        self.is_over = False
        self.failure: OSError | None = None

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """Close all but the target, in a process that does not relay."""
        for handle in (self._source, self._wake, self._ending):
            os.close(handle)

    def drain(self) -> None:
        """Pass on what is there, and end. Nothing more comes from the command itself."""
        os.write(self._ending, b".")
        self._thread.join()

    def run(self) -> None:
        """Relay until the end of the stream, or until it is empty and others may go on to write."""
        try:
            while self._waits_for_more():
                data = _read(self._source)
                if not data:
                    self.is_over = True
                    self.finish()
                    break
                _write(self.target, self._stream.feed(data))
        except OSError as error:  # nobody reads it any more, or there is no room for it
            self.failure = error
            self.is_over = True
        if self.is_over:
            os.close(self._source)

    def relay_on(self) -> None:
        """Relay what others go on to write, to the end of the stream, and keep no other stream of the caller open."""
        for number in {0, 1, 2} - {self.target}:
            with contextlib.suppress(OSError):
                os.close(number)
        with contextlib.suppress(OSError):
            while data := _read(self._source):
                _write(self.target, self._stream.feed(data))
            self.finish()

    def finish(self) -> None:
        """Pass on what is held back, where nothing follows."""
        _write(self.target, self._stream.finish())

    def _waits_for_more(self) -> bool:
        self._is_ending = self._is_ending or bool(_ready(self._wake))
        self._last -= self._is_ending
        if self._last < 0:  # others go on to write
            return False
        poll = select.poll()
        poll.register(self._source, select.POLLIN)
        poll.register(self._wake, select.POLLIN)
        while True:
            pause = _PAUSE if self._is_watched and self._stream.holds else None
            ready = dict(poll.poll(pause))
            if self._source in ready:
                return True
            if ready:
                return False
            _write(self.target, self._stream.show())


def _ready(handle: int) -> "list[tuple[int, int]]":
    poll = select.poll()
    poll.register(handle, select.POLLIN)
    return poll.poll(0)


def _read(source: int) -> bytes:
    try:
        return os.read(source, _CHUNK)
    except OSError:  # a terminal whose last user has gone
        return b""


def _write(target: int, data: bytes) -> None:
    unwritten = memoryview(data)
    while unwritten:
        try:
            unwritten = unwritten[os.write(target, unwritten) :]
        except BlockingIOError:
            standard_streams.wait_until_writable(target)

"""A daemon that answers what a test says; and words as somebody hostile would choose them."""

from collections.abc import Callable

from envfs.protocol import control

HOSTILE = "x\x1b]0;pwned\x07\x1b[2J\r\x9b2J\u202e"
REPORT = control.StatusReport(
    HOSTILE,
    7,
    7,
    HOSTILE,
    HOSTILE,
    HOSTILE,
    unlocked=True,
    keyholder_pid=7,
    grants=1,
    log=HOSTILE,
    log_entries=1,
    problems=(HOSTILE,),
)


class FakeLink:
    """A daemon that answers every request with the same rows, reply and blob."""

    private = False
    heard = 0

    def __init__(self, reply: object, rows: tuple[object, ...] = (), blob: bytes = b"") -> None:
        self._reply, self._rows, self._blob = reply, rows, blob
        self.asked: list[object] = []

    def ask(
        self, request: object, descriptors: tuple[int, ...] = (), on_row: Callable[[object], None] | None = None
    ) -> tuple[object, bytes]:
        self.asked.append(request)
        for row in self._rows if on_row else ():
            on_row(row)  # type: ignore[misc]
        return self._reply, self._blob

    def close(self) -> None:
        pass

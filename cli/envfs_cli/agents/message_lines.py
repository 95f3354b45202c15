"""The lines of an agent on standard input, each a message of JSON-RPC, and what is written to standard output.

Laws: the server's library is given no line but one that it takes: it passes over another one, and the agent would wait
for ever. Each other one is answered here, by an error that repeats nothing of it but its number. The size of a line is
bounded. No message ends the server.
"""

import contextlib
import json
import os
import sys
import threading

import anyio.to_thread
import mcp_types as types

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from typing import BinaryIO

_LONGEST = 1 << 20  # bytes of a line
_HEAD = '"jsonrpc": "2.0", a method, and an id that is text or a whole number'
_PARSE_ERROR, _INVALID_REQUEST, _INVALID_PARAMS = -32700, -32600, -32602  # JSON-RPC 2.0, "Error object"


class MessageWriter:
    """Standard output: whole lines, from several tasks."""

    def __init__(self, file: "BinaryIO") -> None:
        """Write to a file. An agent that has left reads nothing more."""
        self._file = file
        self._lock = threading.Lock()

    async def write(self, text: str) -> None:
        """Write text."""
        await anyio.to_thread.run_sync(self._write, text.encode("utf-8", "replace"))

    async def flush(self) -> None:
        """Do nothing: all is written at once."""

    async def refuse(self, code: int, why: str, number: object = None) -> None:
        """Answer a message by an error."""
        error = {"jsonrpc": "2.0", "id": number, "error": {"code": code, "message": why}}
        await self.write(f"{json.dumps(error)}\n")

    def _write(self, data: bytes) -> None:
        with self._lock, contextlib.suppress(BrokenPipeError):
            self._file.write(data)
            self._file.flush()


class MessageLines:
    """Standard input: the lines that are messages."""

    def __init__(self, file: "BinaryIO", writer: MessageWriter) -> None:
        """Read from a file, and answer by `writer` what is no message."""
        self._file = file
        self._writer = writer

    async def __aiter__(self) -> "AsyncIterator[str]":
        """Yield the lines, until the agent leaves."""
        while line := await anyio.to_thread.run_sync(self._read):
            if not line.isspace():
                text = line.decode("utf-8", "replace")
                refused = refusal_of(text)
                if refused is None:
                    yield text
                else:
                    await self._writer.refuse(*refused)

    def _read(self) -> bytes:
        line = self._file.readline(_LONGEST + 1)
        if len(line) > _LONGEST:
            piece = line
            while piece and not piece.endswith(b"\n"):
                piece = self._file.readline(_LONGEST)
        return line


def refusal_of(line: str) -> "tuple[int, str, int | str | None] | None":
    """Return the error that answers a line, if it is no message: its code, words, and the number of the message."""
    if len(line) > _LONGEST:  # in bytes it is no less
        return _INVALID_REQUEST, f"a message has at most {_LONGEST} bytes", None
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):
        return _PARSE_ERROR, "the line is no JSON, or too large or deep a one", None
    if not isinstance(message, dict):
        return _INVALID_REQUEST, "a message is one object, and there are no batches", None
    number, has_head = _number(message), message.get("jsonrpc") == "2.0" and isinstance(message.get("method"), str)
    if _is_taken(line, message) and (number is not None or "id" not in message):
        return None
    if has_head and number is not None:
        return _INVALID_PARAMS, "the parameters are no object, nested too deeply, or no text", number
    return _INVALID_REQUEST, f"a request has {_HEAD}", number


def _number(message: "dict[str, object]") -> "int | str | None":
    match message.get("id"):
        case bool():
            return None
        case str(text) if _is_text(text):
            return text
        case int(number):
            return number
        case _:
            return None


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:  # half of a pair of surrogates
        return False
    return True


def _is_taken(line: str, message: object) -> bool:
    try:
        types.jsonrpc_message_adapter.validate_json(line, by_name=False)
        return _is_text(json.dumps(message, ensure_ascii=False))
    except (ValueError, RecursionError):
        return False


def own_streams() -> "tuple[BinaryIO, BinaryIO]":
    """Return the agent's two streams. In their place stand none to read, and standard error to write.

    A tool, or a program that it starts, can then take nothing of the agent's words, and put none between the answers.
    """
    given, taken = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    for stream in (given, taken):
        with contextlib.suppress(OSError):  # it was closed before EnvFS began: whoever reads or writes there is refused
            os.set_blocking(stream.fileno(), True)
    nothing = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
    os.dup2(nothing, 0)
    os.close(nothing)
    sys.stdout.flush()
    os.dup2(2, 1)
    return given, taken

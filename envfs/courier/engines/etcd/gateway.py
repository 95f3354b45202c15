"""The JSON gateway of etcd: one question after another, on one connection that is opened when it is needed.

Laws:
- In this JSON an integer is a string, and false, zero and nothing are left out (the JSON of Protocol Buffers).
- A fault closes the connection, and those who waited meanwhile are told of it at once.
- Text of the server is shown as a hint, in one visible line, and its codes alone decide (gRPC's status codes).
"""

import base64
import ssl
from collections.abc import Mapping
from typing import Final, NamedTuple

import trio

from envfs.core.secret import Secret
from envfs.core.visible_text import visible_text
from envfs.courier.address import EngineHost
from envfs.courier.http_client import Headers, HttpConnection
from envfs.errors import EnvFSError, NotApproved, StoreUnavailable, TooLarge
from envfs.protocol import jsontext

SECONDS: Final = 15.0
_CONNECT_SECONDS: Final = 10.0
_ANSWER_BYTES: Final = 64 << 20
_HINT_LETTERS: Final = 300
_OK: Final = 200
_NO_SPACE: Final = "database space exceeded"
_TOO_LARGE: Final = ("request is too large", "message larger than max")
_NAMED_CERTIFICATE: Final = "CommonName of client"
_INVALID, _FORBIDDEN, _UNKNOWN_CALLER = 3, 7, 16  # codes of gRPC
_OF_AUTH: Final = ("auth", "user name is empty", "permission denied")
Message = dict[str, object]


class Login(NamedTuple):
    """A user of etcd, and the password."""

    user: str
    password: Secret[str]


class Gateway:
    """The questions to a cluster. Its members are tried in their order."""

    def __init__(self, hosts: tuple[EngineHost, ...], context: ssl.SSLContext, login: Login | None) -> None:
        """Connect when something is asked."""
        self._hosts = hosts
        self._context = context
        self._login = login
        self._token = ""
        self._connection: HttpConnection | None = None
        self._turn = trio.Lock()
        self._faults = 0
        self._is_closed = False

    async def ask(self, path: str, body: Message) -> Message:
        """Ask one question, and return the answer.

        Raises:
            StoreUnavailable: there is none in time, or it makes no sense
            NotApproved: this member may not do it
            TooLarge: the request is over the limit of the server
        """
        faults = self._faults
        async with self._turn:
            if faults != self._faults:  # while this one waited, and it would wait as long again
                raise StoreUnavailable("the etcd server has just failed")
            try:
                with trio.fail_after(SECONDS):
                    return await self._ask_now(path, body)
            except trio.TooSlowError:
                self._faults += 1
                raise StoreUnavailable("the etcd server does not answer") from None
            except StoreUnavailable:
                self._faults += 1
                raise

    async def open(self) -> HttpConnection:
        """Connect to the first host that answers.

        Raises:
            StoreUnavailable: none does
        """
        if self._is_closed:
            raise StoreUnavailable("the engine is closed")
        fault = StoreUnavailable("the address names no host")
        for host in self._hosts:
            try:
                with trio.fail_after(_CONNECT_SECONDS / len(self._hosts)):
                    return await HttpConnection.open(host, self._context)
            except trio.TooSlowError:
                fault = StoreUnavailable("the etcd server does not answer")
            except StoreUnavailable as error:
                fault = error
        raise fault

    async def headers(self) -> Headers:
        """Return the headers by which a user is known, where the certificate does not say it."""
        async with self._turn:
            return await self._headers()

    async def _headers(self) -> Headers:
        if self._login is not None and not self._token:
            body: Message = {"name": self._login.user, "password": self._login.password.reveal()}
            self._token = text_of(await self._exchange("/v3/auth/authenticate", body, ()), "token")
        return [("Authorization", self._token)] if self._token else []

    def close(self) -> None:
        """Drop the connection."""
        self._is_closed = True
        self._drop()

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    async def _ask_now(self, path: str, body: Message) -> Message:
        try:
            return await self._exchange(path, body, await self._headers())
        except NotApproved:
            if not self._token:
                raise
            self._token = ""  # it may have expired
            return await self._exchange(path, body, await self._headers())

    async def _exchange(self, path: str, body: Message, headers: Headers) -> Message:
        is_whole = False
        try:
            if self._connection is None or not self._connection.go_on():
                self._drop()
                self._connection = await self.open()
            status = await self._connection.send("POST", path, jsontext.encode_json(body), headers)
            text = await self._connection.read_all(_ANSWER_BYTES)
            answer = parse_message(text) if status == _OK else {}
            is_whole = True
        finally:
            if not is_whole:
                self._drop()
        if status != _OK:
            raise refusal(text)
        return answer


def parse_message(text: bytes) -> Message:
    """Read one answer.

    Raises:
        StoreUnavailable: it is no JSON object
    """
    try:
        message = jsontext.decode_json(text)
    except (ValueError, RecursionError):
        message = None
    if not isinstance(message, dict):
        raise StoreUnavailable("the etcd server does not answer in JSON")
    return message


def refusal(answer: bytes) -> EnvFSError:
    """Return the error that an answer tells of."""
    code, text = _code_and_text(answer)
    if _NAMED_CERTIFICATE in text:
        hint = "with users switched on, its gateway takes no certificate with a name"
        return NotApproved("the etcd server does not let this member in", hint)
    if any(word in text for word in _TOO_LARGE):
        return TooLarge("the record is over the limit of the etcd server", "its option --max-request-bytes")
    if _NO_SPACE in text:
        hint = "its administrator compacts, defragments and disarms the alarm: etcdctl alarm disarm"
        return StoreUnavailable("the etcd server is full: its alarm NOSPACE is on", hint)
    if code in (_FORBIDDEN, _UNKNOWN_CALLER) or (code == _INVALID and any(word in text for word in _OF_AUTH)):
        return NotApproved("the etcd server does not let this member do that", _hint(text))
    return StoreUnavailable("the etcd server cannot do it", _hint(text))


def text_of(message: Mapping[str, object], name: str) -> str:
    """Return a member that is text. Empty for one that is left out.

    Raises:
        StoreUnavailable: it is something else
    """
    value = message.get(name, "")
    if not isinstance(value, str):
        raise StoreUnavailable("the etcd server does not answer as etcd does")
    return value


def bytes_of(message: Mapping[str, object], name: str) -> bytes:
    """Return a member that is bytes. Empty for one that is left out.

    Raises:
        StoreUnavailable: it is something else
    """
    try:
        return base64.b64decode(text_of(message, name), validate=True)
    except ValueError:
        raise StoreUnavailable("the etcd server does not answer as etcd does") from None


def messages_of(message: Mapping[str, object], name: str) -> list[Message]:
    """Return a member that is a list of objects. Empty for one that is left out.

    Raises:
        StoreUnavailable: it is something else
    """
    values = message.get(name, [])
    if not isinstance(values, list) or not all(isinstance(value, dict) for value in values):
        raise StoreUnavailable("the etcd server does not answer as etcd does")
    return values


def message_of(message: Mapping[str, object], name: str) -> Message:
    """Return a member that is an object. Empty for one that is left out.

    Raises:
        StoreUnavailable: it is something else
    """
    value = message.get(name, {})
    if not isinstance(value, dict):
        raise StoreUnavailable("the etcd server does not answer as etcd does")
    return value


def behind(prefix: str) -> bytes:
    """Return the first key behind all that start with a prefix, which is ASCII."""
    return prefix[:-1].encode() + bytes((ord(prefix[-1]) + 1,))


def encoded(data: bytes) -> str:
    """Return bytes as this JSON has them."""
    return base64.b64encode(data).decode()


def _code_and_text(answer: bytes) -> tuple[object, str]:
    try:
        message = parse_message(answer)
    except StoreUnavailable:
        return None, answer.decode(errors="replace")
    return message.get("code"), str(message.get("error") or "")


def _hint(text: str) -> str:
    return visible_text(" ".join(text.split())[:_HINT_LETTERS])

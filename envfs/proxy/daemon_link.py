"""The proxy's end of its socket to the daemon: questions with numbers, and their answers.

Law: without an answer nothing is sent to a host. When the daemon is gone, this process ends.
"""

import array
import math
import os
import socket
from collections.abc import Awaitable, Callable
from typing import NamedTuple, NoReturn

import trio

from envfs.errors import BadRequest
from envfs.host.memory import Region
from envfs.host.supervision import supervised_nursery
from envfs.protocol import proxying
from envfs.protocol.proxying import (
    AdmitRequest,
    BeginSession,
    ClientIdentified,
    IdentifyClient,
    IssueLeaf,
    LeafIssued,
    ReportRefusal,
    RequestAdmitted,
    RequestDenied,
    SessionReady,
    WithdrawRequest,
)
from envfs.proxy.prompt_stream import send_at_once

_SECONDS = 60.0


class NotAdmitted(Exception):
    """The daemon does not let a request go on."""

    def __init__(self, status: int, text: str, code: str = "refused") -> None:
        """Answer with a status, a text and a word for programs."""
        super().__init__(text)
        self.status = status
        self.text = text
        self.code = code


class Begun(NamedTuple):
    """The first message, and the memory with the variables."""

    session: BeginSession
    region: Region


class _Question:
    """A message that is answered, with a descriptor or -1."""

    def __init__(self) -> None:
        self.has_answer = trio.Event()
        self.answer: tuple[object, int] = None, -1


class DaemonLink:
    """The socket to the daemon."""

    def __init__(self, descriptor: int) -> None:
        """Take over a descriptor."""
        self._socket = trio.socket.from_stdlib_socket(socket.socket(fileno=descriptor))
        self._numbers = 0
        self._waiting: dict[int, _Question] = {}

    async def begin(self) -> Begun:
        """Wait for the first message.

        Raises:
            BadRequest: another one came
            OSError: the memory cannot be mapped
        """
        message, descriptor = await self._receive()
        if not isinstance(message, BeginSession) or descriptor < 0:
            raise BadRequest("not the beginning of a session")
        return Begun(message, Region.received(descriptor, message.size))

    async def ready(self, port: int) -> None:
        """Say where clients are served."""
        await self._send(SessionReady(port))

    async def run(self) -> NoReturn:
        """Take answers until the daemon is gone. Ends the process then."""
        while True:
            try:
                message, descriptor = await self._receive()
            except (OSError, BadRequest):
                os._exit(0)
            number = getattr(message, "number", 0)
            question = self._waiting.pop(number, None)
            if question is None:
                if descriptor >= 0:
                    os.close(descriptor)
                continue
            question.answer = message, descriptor
            question.has_answer.set()

    async def admit(self, request: AdmitRequest, seconds: float = _SECONDS) -> None:
        """Have a request recorded before it is sent.

        Raises:
            NotAdmitted: it may not be sent
        """
        answer, _ = await self._ask(request, request.number, seconds)
        _check_admitted(answer)

    async def admit_by_person(self, request: AdmitRequest, wait_until_left: Callable[[], Awaitable[object]]) -> None:
        """As `admit`, for a request that waits for a person: as long as its client does, and the daemon lets it.

        Raises:
            NotAdmitted: it may not be sent
        """
        has_left = False

        async def withdraw_once_left() -> None:
            nonlocal has_left
            await wait_until_left()
            has_left = True
            await self._send(WithdrawRequest(request.number))

        async with supervised_nursery() as tasks:
            tasks.run(withdraw_once_left)
            try:
                await self.admit(request, math.inf)
            finally:
                tasks.cancel()
        if has_left:
            raise NotAdmitted(403, "the client has left", "not-approved")

    async def report(self, method: str, host: str, path: str, reason: str) -> None:
        """Have a refusal recorded."""
        await self._send(ReportRefusal(method, host, path, reason))

    async def is_of_session(self, client_port: int, port: int) -> bool:
        """Tell whether a client that shows no token is a process of the session."""
        number = self.new_number()
        try:
            answer, _ = await self._ask(IdentifyClient(number, client_port, port), number)
        except NotAdmitted:
            return False
        return isinstance(answer, ClientIdentified) and answer.is_of_session

    async def leaf(self, host: str) -> int:
        """Return a descriptor of memory with the certificate of a host and its key.

        Raises:
            NotAdmitted: there is none
        """
        number = self.new_number()
        answer, descriptor = await self._ask(IssueLeaf(number, host), number)
        if not isinstance(answer, LeafIssued) or descriptor < 0:
            raise NotAdmitted(503, "the keyholder gives no certificate for this host")
        return descriptor

    def new_number(self) -> int:
        """Return the number of a new request."""
        self._numbers += 1
        return self._numbers

    async def _ask(self, message: NamedTuple, number: int, seconds: float = _SECONDS) -> tuple[object, int]:
        question = self._waiting[number] = _Question()
        try:
            with trio.fail_after(seconds):
                await self._send(message)
                await question.has_answer.wait()
                return question.answer
        except (trio.TooSlowError, OSError, BadRequest):
            raise NotAdmitted(503, "the daemon does not answer") from None
        finally:
            self._waiting.pop(number, None)

    async def _send(self, message: NamedTuple) -> None:
        packet = proxying.encode_packet(message)
        if not send_at_once(self._socket, packet):  # a packet goes as a whole or not at all
            await self._socket.send(packet)

    async def _receive(self) -> tuple[object, int]:
        data, ancillary, _, _ = await self._socket.recvmsg(proxying.PACKET, socket.CMSG_SPACE(4))
        descriptors = array.array("i")
        for level, kind, passed in ancillary:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                descriptors.frombytes(passed[: len(passed) - len(passed) % 4])
        if not data:
            raise BadRequest("the daemon is gone")
        message = proxying.decode_packet(data, proxying.TO_PROXY)
        return message, descriptors[0] if descriptors else -1


def _check_admitted(answer: object) -> None:
    if isinstance(answer, RequestDenied):
        raise NotAdmitted(answer.status, answer.text, answer.code)
    if not isinstance(answer, RequestAdmitted):
        raise NotAdmitted(503, "the daemon does not answer")

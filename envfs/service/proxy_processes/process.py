"""One proxy process, as the daemon holds it: started, told what it needs, listened to, ended.

Law: a message that does not belong to the protocol ends that process.
"""

import array
import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from typing import NamedTuple

import trio

from envfs.errors import BadRequest, EnvFSError
from envfs.protocol import proxying
from envfs.protocol.proxying import BeginSession, SessionReady

_START_SECONDS = 60.0


class ProxyProcess:
    """A process `python -m envfs.proxy`, and the socket to it."""

    def __init__(self) -> None:
        """Start it. It ends when this process does.

        Raises:
            EnvFSError: it cannot be started
        """
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)
        self._socket = trio.socket.from_stdlib_socket(ours)
        command = [sys.executable, "-I", "-m", "envfs.proxy", str(theirs.fileno())]
        try:
            with theirs:
                self._process = subprocess.Popen(
                    command, pass_fds=(theirs.fileno(),), stdin=subprocess.DEVNULL, cwd="/", env={}
                )
        except OSError as error:
            self._socket.close()
            raise EnvFSError(f"the proxy cannot be started: {os.strerror(error.errno or 0).lower()}") from None

    async def begin(self, session: BeginSession, bindings: int) -> int:
        """Hand over the rules, and the descriptor of the bindings. Return the port that it listens on.

        Raises:
            EnvFSError: it does not begin to serve
        """
        try:
            with trio.fail_after(_START_SECONDS):
                await self.send(session, bindings)
                message = await self._receive()
        except (OSError, trio.TooSlowError, BadRequest):
            message = None
        if not isinstance(message, SessionReady):
            raise EnvFSError("the proxy does not begin to serve", "the daemon's log may say why")
        return message.port

    async def send(self, message: NamedTuple, descriptor: int = -1) -> None:
        """Send a message, and a descriptor with it.

        Raises:
            OSError: it has ended
        """
        rights = array.array("i", [descriptor] if descriptor >= 0 else [])
        ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)] if rights else []
        try:
            await self._socket.sendmsg([proxying.encode_packet(message)], ancillary)
        except trio.ClosedResourceError:
            raise BrokenPipeError from None

    async def messages(self) -> AsyncIterator[object]:
        """Yield what it asks, until it has ended or breaks the protocol."""
        with contextlib.suppress(OSError, BadRequest, trio.ClosedResourceError):
            while True:
                yield await self._receive()

    async def _receive(self) -> object:
        packet = await self._socket.recv(proxying.PACKET)
        if not packet:
            raise BadRequest("the proxy has ended")
        return proxying.decode_packet(packet, proxying.TO_DAEMON)

    def close(self) -> None:
        """End it at once."""
        self._socket.close()
        self._process.kill()
        self._process.wait()

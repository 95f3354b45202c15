"""A process `ssh`, and the two streams to what it runs on a server.

Laws: what it says on standard error is read all the time, and the end of it is kept. It ends when its streams are
closed, and is not waited for without a limit.
"""

import os
import subprocess
from contextlib import suppress

import trio

from envfs.courier.address import Address
from envfs.courier.engines.ssh.command import end_of_ssh
from envfs.errors import EnvFSError, StoreUnavailable
from envfs.host.supervision import run_in_background

_WORDS = 4096
_END_SECONDS = 2.0
_ENVIRONMENT = ("HOME", "LANG", "PATH", "SSH_AUTH_SOCK")
_PATH = "/usr/local/bin:/usr/bin:/bin"


class SshProcess:
    """ssh, as it runs. `stream` leads to the program on the server."""

    def __init__(self, address: Address, process: trio.Process) -> None:
        """Use a process that was started with pipes."""
        self._address = address
        self._process = process
        self._words = b""
        self._said_all = trio.Event()
        if process.stdin is None or process.stdout is None:
            raise StoreUnavailable("ssh was started without pipes")
        self.stream = trio.StapledStream(process.stdin, process.stdout)
        run_in_background(self._listen)

    async def _listen(self) -> None:
        try:
            with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
                while self._process.stderr is not None and (data := await self._process.stderr.receive_some()):
                    self._words = (self._words + bytes(data))[-_WORDS:]
        finally:
            self._said_all.set()

    @property
    def status(self) -> int | None:
        """Return its exit status. None: it runs."""
        return self._process.returncode

    async def explain_end(self) -> EnvFSError:
        """Say why it ended, as soon as it has, or that it does not answer."""
        with trio.move_on_after(_END_SECONDS):
            await self._said_all.wait()
            await self._process.wait()
        return end_of_ssh(self._address, self._process.returncode, self._words)

    async def end(self) -> None:
        """End it at once. Ending it twice is no error."""
        await trio.aclose_forcefully(self.stream)
        with suppress(ProcessLookupError):
            self._process.kill()
        if self._process.stderr is not None:
            await trio.aclose_forcefully(self._process.stderr)
        with trio.move_on_after(_END_SECONDS, shield=True):
            await self._process.wait()


async def start_ssh(address: Address, command: list[str]) -> SshProcess:
    """Start ssh.

    Raises:
        StoreUnavailable: there is no such program
    """
    environment = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
    try:
        process = await trio.lowlevel.open_process(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={"PATH": _PATH, **environment},
            cwd="/",
            start_new_session=True,
        )
    except OSError as error:
        words = os.strerror(error.errno or 0).lower()
        raise StoreUnavailable(f"ssh cannot be started: {words}", "the package openssh-client has it") from None
    return SshProcess(address, process)

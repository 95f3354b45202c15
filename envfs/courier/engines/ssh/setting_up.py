"""The administrator's part of a server over ssh: its own `envfs store init` makes the folder there and tries it."""

import shlex

import trio

from envfs.courier.address import Address
from envfs.courier.engines.ssh.command import remote_path, ssh_command
from envfs.courier.engines.ssh.process import SshProcess, start_ssh
from envfs.errors import StoreUnavailable

_SECONDS = 60.0
_LONGEST = 16 * 1024


async def set_up(address: Address) -> str:
    """Make a folder on a server ready. Return what its administrator has to know.

    Raises:
        StoreUnavailable: the server cannot be reached, or has no envfs
        NotApproved: it does not admit this key
    """
    process = await start_ssh(address, ssh_command(address, f"envfs store init {shlex.quote(remote_path(address))}"))
    try:
        with trio.fail_after(_SECONDS):
            text = await _read(process)
    except trio.TooSlowError:
        raise StoreUnavailable(f"{address.host} does not answer") from None
    finally:
        with trio.CancelScope(shield=True):
            await process.end()
    return text


async def _read(process: SshProcess) -> str:
    await process.stream.send_stream.aclose()
    data = b""
    while piece := await process.stream.receive_some():
        data += piece
        if len(data) > _LONGEST:
            raise StoreUnavailable("the server says more than envfs does there")
    error = await process.explain_end()
    if process.status != 0:
        raise error
    text = data.decode(errors="replace")
    return "".join(letter if letter.isprintable() or letter == "\n" else "?" for letter in text)

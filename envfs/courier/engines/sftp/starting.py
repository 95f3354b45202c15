"""The beginning of a session of SFTP over ssh, and the reasons for which there is none."""

import trio

from envfs.courier.address import Address
from envfs.courier.engines.sftp.session import SftpSession
from envfs.courier.engines.ssh.command import NOISE
from envfs.courier.engines.ssh.process import SshProcess
from envfs.errors import StoreUnavailable

_BEGIN_SECONDS = 20.0


async def greeted(address: Address, process: SshProcess) -> SftpSession:
    """Return the session with the server that ssh leads to.

    Raises:
        StoreUnavailable: it cannot be reached, or has no SFTP
        NotApproved: it does not admit this key
    """
    session = SftpSession(process.stream)
    try:
        with trio.fail_after(_BEGIN_SECONDS):
            await session.greet()
    except trio.TooSlowError:
        raise await process.explain_end() from None
    except StoreUnavailable:
        if session.is_ended:
            raise await process.explain_end() from None
        text = f"{address.host} says something before it serves"
        raise StoreUnavailable(text, NOISE) from None
    return session

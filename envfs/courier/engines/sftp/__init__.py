"""A folder on a server that is reached by SFTP, where `envfs` cannot be installed: `internal-sftp`, or a chroot.

Laws: the server is trusted with nothing. ssh knows the member by a key. The system's own ssh connects, so its settings,
agents and jump hosts count, and no cryptography is added here.
"""

from envfs.courier.address import Address
from envfs.courier.engines.sftp.engine import SftpEngine


async def connect(address: Address) -> SftpEngine:
    """Connect to a server.

    Raises:
        StoreUnavailable: it cannot be reached, or has no such folder
        NotApproved: it does not admit this member's key
    """
    engine = SftpEngine(address)
    try:
        await engine.check()
    except BaseException:
        await engine.close()
        raise
    return engine

"""A folder on a server that is reached over ssh, which `envfs store-serve` serves there.

Law: the server is trusted with nothing. ssh knows the member by a key, and the server's line for that key lets it add
and read.
"""

from envfs.courier.address import Address
from envfs.courier.engines.ssh.engine import SshEngine


async def connect(address: Address) -> SshEngine:
    """Connect to a server.

    Raises:
        StoreUnavailable: it cannot be reached, or serves no vault
        NotApproved: it does not admit this member's key
    """
    engine = SshEngine(address)
    await engine.check()
    return engine

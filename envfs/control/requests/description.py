"""The request that describes the vault: its content in figures, and the state of all that is around it."""

from envfs.control.call import Call, Sent
from envfs.protocol.control import DescribeVault
from envfs.service.maintenance import vault_info


async def describe_vault(call: Call, _request: DescribeVault) -> Sent:
    """Say what is in the vault, who opens it and what vouches for it."""
    return Sent(await vault_info.describe_vault(call.service))

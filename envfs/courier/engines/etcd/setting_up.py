"""The administrator's part: a prefix is marked as a vault, and the limits of etcd are told."""

from typing import Final

from envfs.courier.address import Address
from envfs.courier.engines.etcd import open_engine
from envfs.errors import StoreUnavailable

_OLDEST: Final = (3, 4)
LIMITS: Final = """\
The prefix {prefix} of etcd {version} is ready. Know its limits:
- Each member that etcd admits can replace and delete every record. The mirrors of the others notice it, and put back
  the records that they have.
- The JSON gateway passes over the name in a certificate. So all members look alike to etcd. Where its users are
  switched on, it takes certificates without a name alone, and the address has user and password.
- etcd holds 2 GiB unless its option --quota-backend-bytes says more. A full one takes nothing until it was compacted,
  defragmented, and its alarm NOSPACE disarmed.
- Each look for news lists the keys of all records: about 130 bytes for each of them.
"""


async def set_up(address: Address) -> str:
    """Mark a prefix as a vault. Return what the administrator has to know.

    Raises:
        BadRequest: the address says too little
        StoreUnavailable: the server cannot be reached, or is too old
        NotApproved: it does not admit this member
    """
    engine = open_engine(address)
    try:
        version = await engine.set_up()
        await engine.check()
    finally:
        await engine.close()
    if _numbers(version) < _OLDEST:
        raise StoreUnavailable("the etcd server is too old", "3.4 is the first that serves")
    return LIMITS.format(prefix=address.path, version=version)


def _numbers(version: str) -> tuple[int, ...]:
    numbers = version.split(".")[:2]
    return tuple(int(number) for number in numbers) if all(map(str.isdecimal, numbers)) else ()

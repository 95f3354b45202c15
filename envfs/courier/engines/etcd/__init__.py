"""etcd 3.4 and newer as an engine, by its JSON gateway over TLS with client certificates.

Law: etcd enforces little of what an engine should, and `store init` says so. The mirrors make up for it.
"""

from envfs.courier.address import Address
from envfs.courier.engines.etcd.engine import EtcdEngine
from envfs.courier.engines.etcd.gateway import Gateway, Login
from envfs.courier.tls import client_context
from envfs.errors import BadRequest


async def connect(address: Address) -> EtcdEngine:
    """Connect to a cluster.

    Raises:
        BadRequest: the address says too little
        StoreUnavailable: it cannot be reached, or is not the one that it should be, or has no vault
        NotApproved: it does not admit this member
    """
    engine = open_engine(address)
    try:
        await engine.check()
    except BaseException:
        await engine.close()
        raise
    return engine


def open_engine(address: Address) -> EtcdEngine:
    """Return the engine of an address, whether there is a vault or not.

    Raises:
        BadRequest: the address says too little
        StoreUnavailable: a file that it names cannot be used
    """
    if bool(address.user) != bool(address.password):
        raise BadRequest("a user of etcd needs a password", "or leave both out: a certificate admits a member")
    login = Login(address.user, address.password) if address.password is not None else None
    gateway = Gateway(address.endpoints, client_context(address), login)
    return EtcdEngine(gateway, address.path.strip("/") + "/")

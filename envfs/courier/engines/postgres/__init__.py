"""PostgreSQL 15 and newer, and what speaks its protocol, as an engine: one table, one row a record.

Law: members add and read, and the server's own grants refuse them all else. psycopg and libpq are loaded here alone.
"""

from envfs.courier.address import Address
from envfs.courier.engines.postgres.engine import PostgresEngine
from envfs.courier.engines.postgres.place import parse_place


async def connect(address: Address) -> PostgresEngine:
    """Connect to a database.

    Raises:
        BadRequest: the address says too little
        StoreUnavailable: it cannot be reached, or is not the one that it should be, or has no vault
        NotApproved: it does not admit this member
    """
    engine = PostgresEngine(parse_place(address))
    await engine.check()
    return engine

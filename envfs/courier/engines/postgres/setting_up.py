"""The administrator's part: a schema for a vault, the rights on it, and its members."""

from collections.abc import Sequence

import trio

from envfs.courier.address import Address
from envfs.courier.engines.postgres.place import parse_place, resolve_place
from envfs.courier.engines.postgres.schema import member_statements, vault_statements
from envfs.courier.engines.postgres.session import PostgresSession
from envfs.errors import StoreUnavailable

_SECONDS = 30.0
_SAID = """\
The schema {schema} is ready. Members add records and read them. The server refuses them to change or delete one.
A member is a role whose name stands in its certificate, and needs one line in pg_hba.conf, for all of them:
  hostssl  {database}  +{schema}_member  all  cert
"""


async def set_up(address: Address, members: Sequence[str]) -> str:
    """Make a vault's schema, or bring it up to date, and admit members. Return what the administrator has to know.

    Raises:
        BadRequest: the address says too little, or a name is none
        StoreUnavailable: the server cannot be reached, or cannot do it
        NotApproved: this role is no administrator
    """
    place = parse_place(address)
    statements = [vault_statements(place.schema), *(member_statements(place.schema, name) for name in members)]
    session = await PostgresSession.open(await resolve_place(place))
    try:
        with trio.fail_after(_SECONDS):
            await session.run_script("".join(statements).encode())
    except trio.TooSlowError:
        raise StoreUnavailable("the PostgreSQL server does not answer") from None
    finally:
        session.close()
    return _SAID.format(schema=place.schema, database=place.parameters["dbname"])

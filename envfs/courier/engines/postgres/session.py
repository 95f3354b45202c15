"""One connection to PostgreSQL: opened within a time, used for one statement at a time, dropped after any fault.

Laws:
- A connection that was left in the middle of an exchange is never used again.
- Text of the server is its own. It is shown as a hint, in one visible line, and nothing is decided by it.
- No password passes here. libpq takes it from the file that PGPASSFILE or the address names.
"""

import os
import select
from collections.abc import Callable, Mapping
from typing import Final, Self

import psycopg
import trio
from psycopg import generators, pq
from psycopg.conninfo import make_conninfo

from envfs.core.visible_text import visible_text
from envfs.courier.engine import EVERYTHING
from envfs.courier.engines.postgres.driving import drive, drive_connecting
from envfs.errors import EnvFSError, NotApproved, StoreUnavailable

CONNECT_SECONDS: Final = 10.0
_HINT_LETTERS: Final = 300
_MOST_NOTICES: Final = 10_000
_FROM_ENVIRONMENT: Final = frozenset({"PGPASSFILE", "PGSERVICE", "PGSERVICEFILE"})  # no other variable is libpq's here
_OLDEST: Final = 150000
_FACTS: Final = b"SELECT pg_backend_pid()::text, current_setting('fsync'), current_setting('server_version_num')"
_BOUNDS: Final = (
    b"SET statement_timeout = '60s'; SET lock_timeout = '10s'; SET idle_in_transaction_session_timeout = '10s'"
)
_NO_RIGHT: Final = "42501"
_NO_SCHEMA: Final = frozenset({"42P01", "3F000"})
_DONE: Final = frozenset({pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK})
Row = tuple[bytes, ...]
Rows = list[Row]


class PostgresSession:
    """A connection. `is_pooled` if a pooler stands in between: what is set here may then meet another client."""

    def __init__(self, connection: pq.abc.PGconn) -> None:
        """Take over a connection."""
        self._connection = connection
        self._notices = list[str]()
        connection.notify_handler = self._keep_notice
        self.is_pooled = False

    @classmethod
    async def open(cls, parameters: Mapping[str, str]) -> Self:
        """Connect, and look at the server.

        Raises:
            StoreUnavailable: there is no server in time, it is not verified, or it loses what it acknowledged
            NotApproved: it does not admit this member
        """
        for name in [name for name in os.environ if name.startswith("PG") and name not in _FROM_ENVIRONMENT]:
            del os.environ[name]  # this process has no other use for them
        try:
            with trio.fail_after(CONNECT_SECONDS):
                connection = await drive_connecting(generators.connect(make_conninfo(**parameters)))
                session = cls(connection)
                await session._look()
        except trio.TooSlowError:
            raise StoreUnavailable("the PostgreSQL server does not answer") from None
        except psycopg.Error as error:
            raise _not_connected(str(error)) from None
        return session

    async def _look(self) -> None:
        try:
            ((process, fsync, version),) = await self.run(_FACTS)
            if int(version) < _OLDEST:
                raise StoreUnavailable("the PostgreSQL server is too old", "15 is the first that serves")
            if fsync != b"on":
                raise StoreUnavailable("the PostgreSQL server loses what it acknowledged", "its setting fsync is off")
            self.is_pooled = process != str(self._connection.backend_pid).encode()
            if not self.is_pooled:
                await self.run_script(_BOUNDS)
        except BaseException:
            self.close()
            raise

    @property
    def is_usable(self) -> bool:
        """Tell whether the connection stands, as far as it can be seen without asking the server."""
        if self._connection.status != pq.ConnStatus.OK:
            return False
        poll = select.poll()
        poll.register(self._connection.socket, select.POLLIN)
        return not poll.poll(0)  # nobody asked, so it can only be the end

    def close(self) -> None:
        """Drop the connection."""
        self._connection.finish()

    async def run(self, statement: bytes, *parameters: str | bytes) -> Rows:
        """Run one statement. Return its rows, with NULL as nothing and each value in binary.

        Raises:
            StoreUnavailable: the connection is lost, or the server cannot do it
            NotApproved: this member may not do it
        """
        values = [value if isinstance(value, bytes) else value.encode() for value in parameters]
        formats = [int(isinstance(value, bytes)) for value in parameters]
        send = self._connection.send_query_params
        results = await self._exchange(
            lambda: send(statement, values, param_formats=formats, result_format=pq.Format.BINARY)
        )
        return [_row(result, at) for result in results for at in range(result.ntuples)]

    async def run_script(self, statements: bytes) -> None:
        """Run statements without parameters, as one transaction.

        Raises:
            StoreUnavailable, NotApproved: as `run`
        """
        await self._exchange(lambda: self._connection.send_query(statements))

    async def wait_for_notices(self) -> None:
        """Wait until others have told something, or the server said anything.

        Raises:
            StoreUnavailable: the connection is lost
        """
        try:
            await drive(generators.notifies(self._connection), self._connection.socket)
        except psycopg.Error:
            raise _lost() from None

    def take_notices(self) -> list[str]:
        """Return the texts that came since the last time, those that came beside an answer among them."""
        notices, self._notices = self._notices, []
        return notices

    def _keep_notice(self, notice: pq.PGnotify) -> None:
        if len(self._notices) == _MOST_NOTICES:
            self._notices = [EVERYTHING]
        self._notices.append(notice.extra.decode(errors="replace"))

    async def _exchange(self, send: Callable[[], None]) -> list[pq.abc.PGresult]:
        is_whole, results = False, list[pq.abc.PGresult]()
        try:
            send()
            results = await drive(generators.execute(self._connection), self._connection.socket)
            is_whole = True
        except (psycopg.Error, OSError):
            raise _lost() from None
        finally:
            if not is_whole:
                self.close()
        for result in results:
            if result.status not in _DONE:
                raise _refused(result)
        return results


def _row(result: pq.abc.PGresult, at: int) -> Row:
    return tuple(result.get_value(at, column) or b"" for column in range(result.nfields))


def _lost() -> StoreUnavailable:
    return StoreUnavailable("the connection to the PostgreSQL server is lost")


def _refused(result: pq.abc.PGresult) -> EnvFSError:
    code = (result.error_field(pq.DiagnosticField.SQLSTATE) or b"").decode(errors="replace")
    if code == _NO_RIGHT:
        return NotApproved("the PostgreSQL server does not let this member do that")
    if code in _NO_SCHEMA:
        return StoreUnavailable("the PostgreSQL server has no such vault", "its administrator runs: envfs store init")
    message = result.error_field(pq.DiagnosticField.MESSAGE_PRIMARY) or b""
    return StoreUnavailable("the PostgreSQL server cannot do it", _hint(message.decode(errors="replace")))


def _not_connected(text: str) -> EnvFSError:
    hint = _hint(text)
    if "authentication failed" in text or "no pg_hba.conf entry" in text or "certificate authentication" in text:
        return NotApproved("the PostgreSQL server does not admit this member", hint)
    if "certificate verify failed" in text or "does not match host name" in text:
        return StoreUnavailable("the PostgreSQL server is not the one that the address names", hint)
    return StoreUnavailable("the PostgreSQL server cannot be reached", hint)


def _hint(text: str) -> str:
    line = " ".join(text.split())
    return visible_text(line[:_HINT_LETTERS])

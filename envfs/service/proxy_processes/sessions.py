"""The sessions that run, and what ends them: their command, a lock, a rule that is gone, a person.

Law: when a session ends its process is gone, and the values with it.
"""

from collections.abc import Awaitable, Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

import trio

from envfs.core.access.caller import Caller
from envfs.core.access.rule import RuleProcess
from envfs.core.access_request import AccessRequest
from envfs.core.scope import Scope
from envfs.core.secret import Secret
from envfs.errors import NotRunning, TooMany
from envfs.host.supervision import Tasks, supervised_nursery

if TYPE_CHECKING:  # loaded with the first session
    from envfs.proxy.rules import ProxyRule
    from envfs.service.proxy_processes.process import ProxyProcess


_MOST_OF_A_USER = 256


class SessionTerms(NamedTuple):
    """Whose session it is, for what, by which rules, and the process that it ends with. `key` names its authority.

    `reason` is the one that the caller gave when it started it, `token` what its clients show.
    `canaries` are the variables whose value nobody needs: to send one is an alarm.
    """

    caller: Caller
    access: AccessRequest
    rules: "tuple[ProxyRule, ...]"
    process: RuleProcess
    key: str
    reason: str = ""
    token: Secret[str] | None = None
    canaries: tuple[str, ...] = ()


class RunningSession:
    """A session that runs, with its counts. `name` is p1, p2 and so on.

    `waiting` are the numbers of requests that wait for a person, and whose clients are there.
    """

    def __init__(self, name: str, terms: SessionTerms, process: "ProxyProcess", port: int) -> None:
        """Join what belongs to it."""
        self.name = name
        self.terms = terms
        self.process = process
        self.port = port
        self.requests = 0
        self.refusals = 0
        self.waiting: set[int] = set()
        self.scope = trio.CancelScope()

    def end(self) -> None:
        """End its process now. Its task ends by that."""
        self.process.close()
        self.scope.cancel()


class ProxySessions:
    """The sessions of one daemon."""

    def __init__(self) -> None:
        """Begin with none."""
        self._tasks: Tasks | None = None
        self._sessions: dict[str, RunningSession] = {}
        self._numbers = 0

    async def run(self) -> None:
        """Have sessions run here, for ever."""
        try:
            async with supervised_nursery() as tasks:
                self._tasks = tasks
                await trio.sleep_forever()
        finally:
            self._tasks = None
            self.close()

    def check_running(self) -> None:
        """Refuse a session where nothing goes on after its request.

        Raises:
            NotRunning: this daemon serves one command
        """
        if self._tasks is None:
            raise NotRunning("the proxy needs a running daemon", "start one with `envfs mount`")

    def check_room(self, uid: int) -> None:
        """Refuse a session to a user who has many: each is a process with memory of its own.

        Raises:
            TooMany: it has as many as a user may have
        """
        if sum(session.terms.caller.is_user(uid) for session in self) >= _MOST_OF_A_USER:
            raise TooMany("this user has too many commands behind a proxy", "`envfs proxy ls` lists them")

    def add(
        self,
        terms: SessionTerms,
        process: "ProxyProcess",
        port: int,
        serve: Callable[[RunningSession], Awaitable[object]],
    ) -> RunningSession:
        """Let a session run: `serve` answers what its process asks, and ends when that has ended."""
        self.check_running()
        self._numbers += 1
        session = RunningSession(f"p{self._numbers}", terms, process, port)
        self._sessions[session.name] = session
        if self._tasks is not None:
            self._tasks.run(self._serve, session, serve)
        return session

    async def _serve(self, session: RunningSession, serve: Callable[[RunningSession], Awaitable[object]]) -> None:
        try:
            with session.scope:
                await serve(session)
        finally:
            session.end()
            self._sessions.pop(session.name, None)

    def __iter__(self) -> Iterator[RunningSession]:
        """Iterate over those that run."""
        return iter(tuple(self._sessions.values()))

    def find(self, name: str) -> RunningSession | None:
        """Return the one of that name that runs."""
        return self._sessions.get(name)

    def lock(self, scope: Scope) -> None:
        """End every session that has values of a scope."""
        for session in self:
            if scope.covers(session.terms.access.level):
                session.end()

    def close(self) -> None:
        """End all of them."""
        for session in self:
            session.end()

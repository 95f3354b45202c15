"""The sessions of the proxy that run at once."""

from typing import cast

import pytest
import trio
import trio.testing

from envfs.core.access.caller import Caller
from envfs.core.access.rule import RuleProcess
from envfs.core.access_request import AccessRequest, Channel, Format
from envfs.errors import TooMany
from envfs.service.proxy_processes.process import ProxyProcess
from envfs.service.proxy_processes.sessions import ProxySessions, RunningSession, SessionTerms

CALLER = Caller(1000, 1000, 42, "/usr/bin/python3")
TERMS = SessionTerms(CALLER, AccessRequest("/shop", Channel.PROXY, Format.PROXY), (), RuleProcess("", 42, 42), "key")


class _Process:
    """A process that only ends."""

    def close(self) -> None:
        """End it."""


async def _serve(_session: RunningSession) -> None:
    await trio.sleep_forever()


async def _fill(sessions: ProxySessions) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(sessions.run)
        await trio.testing.wait_all_tasks_blocked()
        for _ in range(256):
            sessions.check_room(CALLER.uid)
            sessions.add(TERMS, cast("ProxyProcess", _Process()), 1, _serve)
        with pytest.raises(TooMany):
            sessions.check_room(CALLER.uid)
        sessions.check_room(CALLER.uid + 1)
        sessions.close()
        await trio.testing.wait_all_tasks_blocked()
        sessions.check_room(CALLER.uid)
        nursery.cancel_scope.cancel()


def test_a_user_has_so_many_sessions_at_once() -> None:
    trio.run(_fill, ProxySessions())

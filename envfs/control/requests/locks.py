"""Requests that unlock and lock the vault or a project. For callers with `admin`."""

from contextlib import suppress

from envfs.control.call import Call, Sent
from envfs.core import names
from envfs.core.scope import VAULT, Scope
from envfs.errors import EnvFSError
from envfs.protocol.control import Done, Lock, Unlock
from envfs.service.keys import unlocking
from envfs.service.members.sealing import finish_keys


async def unlock(call: Call, request: Unlock) -> Sent:
    """Give the keyholder a key, and remember when to take it away again."""
    await unlocking.unlock_scope(call.service, call.caller, _scope(request.project), request.seconds, call.descriptors)
    with suppress(EnvFSError):  # it is unlocked all the same
        await finish_keys(call.service)
    return Sent(Done())


async def lock(call: Call, request: Lock) -> Sent:
    """Lock the vault, or one project."""
    await unlocking.lock_scope(call.service, call.caller, _scope(request.project))
    return Sent(Done())


def _scope(project: str) -> Scope:
    return Scope(names.project_named(project)) if project else VAULT

"""Requests about who may read and who did: grants and the entries of the access log. For the owner only."""

import itertools
import math
import pwd
from collections.abc import Iterator

import trio

from envfs.control.call import Call, Sent
from envfs.core import events, names
from envfs.core.access.policy import MOST_LISTERS
from envfs.dotenv import dialects
from envfs.errors import BadRequest, NoSuchLevel
from envfs.gate.audit_log.log import AccessLog
from envfs.host import user_namespace
from envfs.protocol.control import (
    Done,
    GrantAccess,
    GrantRow,
    ListGrants,
    LogRow,
    ReadLog,
    Revoke,
)
from envfs.service.grants import new_grant
from envfs.service.service import Service

_MOST_SECONDS = 10 * 366 * 86_400
_UIDS = 1 << 32
_LOOK_AGAIN = 0.2
_LINES_AT_ONCE = 256


async def grant(call: Call, request: GrantAccess) -> Sent:
    """Write a grant into the settings file. Raises BadRequest for one that cannot be."""
    level = names.parse_level(request.level)
    if not 0 <= request.uid < _UIDS - 1:
        raise BadRequest("not a uid", "give a number, or a name with --user")
    service = call.service
    _check_reach(service, request.uid)
    if request.dialect and request.dialect not in dialects.NAMES:
        raise BadRequest("there is no dialect of that name", f"there are {', '.join(dialects.NAMES)}")
    if not 0 <= request.seconds <= _MOST_SECONDS:
        raise BadRequest("a grant may last at most ten years", "leave --ttl out for one without end")
    _log(call).append(events.granted(level, request.uid), call.caller)
    rule = new_grant(level, request.uid, request.seconds)
    call.service.settings.add_grant(rule._replace(dialect=request.dialect))
    await service.after_revoke()  # the grant may end sooner than the one that it replaces
    missing = () if service.open_vault.vault.exists(level) else (f"there is no level {level} yet",)
    return Sent(Done((*missing, *_notes(request.uid), *_crowded(service))))


def _check_reach(service: Service, uid: int) -> None:
    if uid == service.owner:
        return
    if uid == user_namespace.UNMAPPED:
        raise BadRequest(f"uid {uid} is shared by unrelated services", "give the service a user of its own")
    if service.owner != 0:  # the kernel keeps others out of its mount, and their clients ask it nothing
        raise BadRequest(
            f"uid {uid} cannot reach this daemon: it serves uid {service.owner} alone",
            "a vault for several users is root's: as root run `envfs init`, `envfs mount`, and there this grant",
        )


def _notes(uid: int) -> Iterator[str]:
    if not user_name(uid):
        yield f"no user of this machine has uid {uid}; a container's user may"
    if uid == 0:
        yield "every process of root's may read it then"


def _crowded(service: Service) -> Iterator[str]:
    if service.owner == 0 and len(service.open_vault.gate.uids()) > MOST_LISTERS:
        yield f"{MOST_LISTERS} users at most may list the mount point; those of higher uids go by name"


async def revoke(call: Call, request: Revoke) -> Sent:
    """Take a grant out of the settings file. Raises NoSuchLevel if there is none."""
    level = names.parse_level(request.level)
    if not call.service.settings.remove_grant(level, request.uid):
        raise NoSuchLevel(f"uid {request.uid} has no grant on {level}", "`envfs grants` lists them")
    await call.service.after_revoke()
    call.service.log.append(events.revoked(level, request.uid), call.caller)
    return Sent(Done())


async def list_grants(call: Call, _request: ListGrants) -> Sent:
    """Send the grants, those that ended left out."""
    for rule in call.service.settings.load().grants:
        left = call.service.open_vault.gate.seconds_left(rule)
        if left > 0 and rule.uid is not None:
            seconds = -1 if math.isinf(left) else round(left)
            await call.send_row(GrantRow(rule.level, rule.uid, user_name(rule.uid), rule.until, seconds, rule.dialect))
    return Sent(Done())


def user_name(uid: int) -> str:
    """Return the name of a user of this machine, empty for a uid without one."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return ""


def _log(call: Call) -> AccessLog:
    _ = call.service.open_vault  # a log without a vault would be one that this question begins
    return call.service.log


async def read_log(call: Call, request: ReadLog) -> Sent:
    """Send entries of the log. With `follow`, go on until the client leaves."""
    log = _log(call)
    seen = log.tip.seq
    await _send_lines(call, log.newest(max(0, request.newest)))
    while request.follow and not call.left():
        await trio.sleep(_LOOK_AGAIN)
        fresh, seen = log.tip.seq - seen, log.tip.seq
        if fresh > 0:
            await _send_lines(call, log.newest(fresh))
    return Sent(Done())


async def _send_lines(call: Call, lines: Iterator[bytes]) -> None:
    # some at a time, and read in a thread: a log may be longer than the memory, and on a slow disk
    while some := await trio.to_thread.run_sync(list, itertools.islice(lines, _LINES_AT_ONCE)):
        await call.send_rows(LogRow(line.decode(errors="replace")) for line in some)

"""The right to send a request: a rule gives it to a caller, and the owner has it without one.

Law: the owner is bound by its own rules that deny a program, and by no others. So a program of the owner's can be kept
from changing anything, and the owner can always change that by another one.
"""

import contextlib
import hashlib

from envfs.core import events, names
from envfs.core.access.caller import Caller
from envfs.core.access.roles import Capability
from envfs.core.access.rule import Rule
from envfs.core.access.verdict import Decision
from envfs.errors import AuditUnavailable, EnvFSError, NotApproved, UnsafeSettings
from envfs.host import clocks
from envfs.service.service import Service


def may(service: Service, caller: Caller, capability: Capability, level: str) -> bool:
    """Tell whether a caller may do something at a level."""
    if caller.is_user(service.owner):
        return not _is_denied(service, caller, capability, level)
    try:
        return service.open_vault.gate.allows(caller, level, capability)
    except EnvFSError:  # without a vault there is the owner alone
        return False


def may_anywhere(service: Service, caller: Caller, capability: Capability) -> bool:
    """Tell whether a caller may do something at any level at all."""
    if caller.is_user(service.owner):
        return not _is_denied(service, caller, capability, names.ROOT)
    try:
        return service.open_vault.gate.can_anywhere(caller, capability)
    except EnvFSError:
        return False


def bearer(service: Service, caller: Caller, token: bytes) -> Caller:
    """Return a caller as the bearer of a token, which acts by its rule and by nothing else.

    Raises:
        NotApproved: there is no such token, or it has ended. That is on the log
    """
    digest = hashlib.sha256(token.strip()).hexdigest()
    with contextlib.suppress(UnsafeSettings):  # strangers are only told no
        if service.open_vault.gate.policy().has_token(digest, clocks.boot_seconds()):
            return caller._replace(token=digest)
    with contextlib.suppress(AuditUnavailable):
        service.refusals.record(events.refused_token(), caller)
    raise NotApproved("the token is not valid, or not any more", "ask for another one")


def may_hand_over(service: Service, caller: Caller) -> bool:
    """Tell whether a caller has a request that descriptors go with."""
    return any(may_anywhere(service, caller, capability) for capability in (Capability.WRITE, Capability.ADMIN))


def _is_denied(service: Service, caller: Caller, capability: Capability, level: str) -> bool:
    # what the owner may do comes from no rule: so a rule that decides about something else lifts no denial
    try:
        policy, now = service.open_vault.gate.policy(), clocks.boot_seconds()
    except (EnvFSError, UnsafeSettings):  # no vault, or nothing that binds the owner can be believed
        return False
    about = [entry for entry in policy.entries(level) if capability in entry.rule.can and now < entry.until]
    if not any(_binds(entry.rule) for entry in about):
        return False
    given: tuple[object, ...] = ()
    for entry in about:
        if given and given != (entry.rule.level, entry.rank):
            return False  # a more specific rule gives it
        is_met = policy.meets(entry, caller)
        # a script is never known at the socket: in doubt, a rule about one would shut the owner out for good
        if _binds(entry.rule) and (is_met or (is_met is None and entry.rule.script is None)):
            return True
        if is_met and entry.rule.decision is not Decision.DENY:
            given = (entry.rule.level, entry.rank)
    return False


def _binds(rule: Rule) -> bool:
    return rule.decision is Decision.DENY and rule.names_program and rule.by is None

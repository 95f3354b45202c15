"""The right to send a request: a rule gives it to a caller, and the owner has it without one.

Law: the owner is bound by its own rules that deny a program, and by no others. So a program of the owner's can be kept
from changing anything, and the owner can always change that by another one.
"""

import contextlib
import hashlib

from envfs.core import events, names
from envfs.core.access.caller import Caller
from envfs.core.access.roles import Capability
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
    try:
        rules = service.open_vault.gate.policy().resolve(caller, level, clocks.boot_seconds())
    except (EnvFSError, UnsafeSettings):  # no vault, or nothing that binds the owner can be believed
        return False
    # a script is never known at the socket: in doubt, a rule about one would shut the owner out for good
    doubtful = (entry for entry in rules.doubtful if entry.rule.script is None)
    denying = (entry.rule for entry in (*rules.denying, *doubtful) if entry.denies(capability))
    return any(rule.names_program and rule.by is None for rule in denying)

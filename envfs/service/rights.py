"""Who may send a request: a caller whom a rule lets do that, or the owner, which needs none.

Law: the owner is bound by its own rules that deny a program, and by no others. So a program of the owner's can be kept
from changing anything, and the owner can always change that by another one.
"""

from envfs.core import names
from envfs.core.access.caller import Caller
from envfs.core.access.roles import Capability
from envfs.errors import EnvFSError, UnsafeSettings
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


def may_hand_over(service: Service, caller: Caller) -> bool:
    """Tell whether a caller has a request that descriptors go with."""
    return any(may_anywhere(service, caller, capability) for capability in (Capability.WRITE, Capability.ADMIN))


def _is_denied(service: Service, caller: Caller, capability: Capability, level: str) -> bool:
    try:
        rules = service.open_vault.gate.policy().resolve(caller, level, clocks.boot_seconds())
    except (EnvFSError, UnsafeSettings):  # no vault, or nothing that binds the owner can be believed
        return False
    denying = (entry for entry in (*rules.denying, *rules.doubtful) if entry.denies(capability))
    return any(entry.rule.names_program and entry.rule.by is None for entry in denying)

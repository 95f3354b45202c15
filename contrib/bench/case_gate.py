"""What the gate's decision costs with many rules: those that name users, and those that name programs."""

import os
import sys
import time
from collections.abc import Generator
from functools import partial

from rounds import Contest, Contestant, Sample

from envfs.core.access.policy import Policy
from envfs.core.access.roles import Capability
from envfs.core.access.rule import Moment, Pin, Rule
from envfs.host.callers.callers import Callers
from envfs.host.evidence.unfinished import Unfinished
from envfs.host.programs import digest_at

MANY = 500
_TIMES = 2000
_NOW = Moment("boot", 1.0, "2026-11-21T12:00:00.000000Z")
_LEVEL = "/shop/prod/eu"


def contests(rounds: int) -> Generator[Contest, None, None]:
    """Decide for this process, which is looked at each time as for an open."""
    me = os.getuid()
    program = Pin(os.path.realpath(sys.executable), digest_at(sys.executable))
    others = [Rule("/shop/prod", me + 1 + n) for n in range(MANY - 1)]
    programs = [Rule("/shop/prod", exe=Pin(f"/usr/bin/{n}", "0" * 64)) for n in range(MANY - 1)]
    levels = [Rule(f"/shop/{n}", me) for n in range(MANY - 1)]
    own = Rule("/shop/prod", me)
    policies = {
        "no rule": [],
        "one rule for a user": [own],
        f"{MANY} rules for users": [*others, own],
        f"{MANY} rules for levels": [*levels, own],
        f"{MANY} rules for programs": [*programs, Rule("/shop/prod", exe=program)],
    }
    contestants = tuple(Contestant(name, partial(_decide, Policy(rules, _NOW))) for name, rules in policies.items())
    yield Contest(
        "gate",
        contestants,
        rounds,
        "one look at the caller and one decision; 20 µs more for users, 100 µs for programs",
    )


def _decide(policy: Policy) -> Sample:
    callers, pid, uid, gid = Callers(), os.getpid(), os.getuid(), os.getgid()
    try:
        try:  # the content of the program is read once
            policy.decide(callers.look(pid, uid, gid), _LEVEL, 2.0, Capability.READ)
        except Unfinished as unfinished:
            unfinished.finish()
        began = time.perf_counter()
        for _ in range(_TIMES):
            policy.decide(callers.look(pid, uid, gid), _LEVEL, 2.0, Capability.READ)
        return Sample((time.perf_counter() - began) / _TIMES)
    finally:
        callers.close()

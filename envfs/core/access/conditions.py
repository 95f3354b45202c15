"""Conditions: whether a caller meets what a rule names, as far as that can be seen.

Law: the answer is yes, no, or that it cannot be told. A path alone proves nothing: a process in another mount namespace
can have anything at it. So a program is the one that a rule names if its content is, or, without a pin, if the path
leads to this very file for the daemon too. A file at the right path with another content is a doubt and not a no.
"""

from collections.abc import Iterable
from typing import Final, Protocol

from envfs.core.access.caller import Caller
from envfs.core.access.evidence import Evidence, Need, ProgramFile
from envfs.core.access.rule import Pin, Rule

_DELETED = " (deleted)"  # what proc(5) writes behind the path of a file that has no name any more
_PROGRAM: Final = frozenset((Need.PROGRAM,))
_SCRIPT: Final = frozenset((Need.SCRIPT,))
_ANCESTORS: Final = frozenset((Need.ANCESTORS,))


class Uses(Protocol):
    """The processes that have read by a rule with `max_reads`."""

    def admits(self, rule: Rule, pidfd: int) -> bool:
        """Tell whether a process may read by a rule: it has before, or there is room for one more."""
        ...


class NoUses:
    """Nothing has been read yet."""

    def admits(self, rule: Rule, pidfd: int) -> bool:  # noqa: ARG002
        """Tell that a process may read by a rule."""
        return rule.max_reads > 0


def needs(rule: Rule) -> frozenset[Need]:
    """Return the evidence that a rule has to have, beyond what every caller shows."""
    wanted = {
        Need.GROUPS: rule.gid is not None,
        Need.AGE: rule.birth > 0,
        Need.PROGRAM: rule.exe is not None,
        Need.PROGRAM_DIGEST: rule.exe is not None and bool(rule.exe.sha256),
        Need.SCRIPT: rule.script is not None,
        Need.SCRIPT_DIGEST: rule.script is not None and bool(rule.script.sha256),
        Need.ANCESTORS: rule.under is not None,
        Need.ANCESTOR_DIGESTS: rule.under is not None and bool(rule.under.sha256),
        Need.UNIT: bool(rule.unit),
        Need.PIDFD: rule.max_reads > 0,
    }
    return frozenset(need for need, is_needed in wanted.items() if is_needed)


def path_of(executable: str) -> str:
    """Return the path of an executable as a rule would name it, gone or not."""
    return executable.removesuffix(_DELETED)


def meets(rule: Rule, required: frozenset[Need], caller: Caller, uses: Uses) -> bool | None:
    """Tell whether a caller meets all conditions of a rule. None: that cannot be told.

    `required` are the rule's needs. No evidence is gathered for what can be told without.
    """
    if (rule.uid is not None and rule.uid != caller.uid) or (rule.token and rule.token != caller.token):
        return False
    if not (required or rule.cgroup):
        return True if not caller.unknown or (rule.token and rule.uid is None) else None
    if caller.unknown:
        return None  # the bearer of a token, of whom nothing else is known
    in_cgroup = _is_in_cgroup(rule.cgroup, caller.cgroup)
    if in_cgroup is False or (rule.exe and caller.executable and path_of(caller.executable) != rule.exe.path):
        return False
    return _all((in_cgroup, *_by_evidence(rule, caller, required, uses)))


def _by_evidence(rule: Rule, caller: Caller, required: frozenset[Need], uses: Uses) -> Iterable[bool | None]:
    if not required:
        return
    if required == {Need.GROUPS} and caller.gid == rule.gid:
        return
    evidence = caller.evidence(required)
    seen = evidence.seen
    if rule.gid is not None:
        yield caller.gid == rule.gid or (rule.gid in evidence.groups if Need.GROUPS in seen else None)
    if rule.exe is not None:
        yield _is_program(rule.exe, evidence.program) if seen >= _PROGRAM else None
    if rule.script is not None:
        yield _is_program(rule.script, evidence.script) if seen >= _SCRIPT else None
    if rule.under is not None:
        yield _is_among(rule.under, evidence.ancestors) if seen >= _ANCESTORS else None
    if rule.unit:
        yield evidence.unit == rule.unit if Need.UNIT in seen else None
    if rule.birth:
        yield evidence.exec_age <= rule.birth if Need.AGE in seen else None
    if rule.max_reads:
        yield _may_read(rule, evidence, uses)


def _may_read(rule: Rule, evidence: Evidence, uses: Uses) -> bool | None:
    return uses.admits(rule, evidence.pidfd) if Need.PIDFD in evidence.seen and evidence.pidfd else None


def _is_in_cgroup(wanted: str, cgroup: str) -> bool | None:
    if not wanted:
        return True
    return None if not cgroup else cgroup == wanted or cgroup.startswith(wanted.rstrip("/") + "/")


def _is_program(pin: Pin, program: ProgramFile | None) -> bool | None:
    if program is None or path_of(program.path) != pin.path:
        return False
    return (program.sha256 == pin.sha256 if pin.sha256 else program.is_there) or None


def _is_among(pin: Pin, programs: Iterable[ProgramFile]) -> bool | None:
    answers = [_is_program(pin, program) for program in programs]
    return True if True in answers else None if None in answers else False


def _all(answers: Iterable[bool | None]) -> bool | None:
    told = list(answers)
    return False if False in told else None if None in told else True

"""What a yes allows: the same user, program, script, level and face, for as long as it says."""

import math

import pytest

from envfs.core.access.evidence import ProgramFile
from envfs.core.access.face import PLAIN_FACE, Face
from envfs.core.access.roles import Capability
from envfs.core.approvals.question import ApprovalScope, QuestionIdentity, Sighting
from envfs.gate.approvals.standing import EXECUTABLE_SECONDS, ONCE_SECONDS, REFUSED_SECONDS, StandingApprovals
from tests.unit.core.approvals.test_question import CALLER, IDENTITY, SIGHTING, question

NOW = 1000.0
OTHER = (301, 2.0, 8)


def allowed(scope: ApprovalScope, *waiting: Sighting) -> StandingApprovals:
    standing = StandingApprovals()
    standing.allow(question(), scope, waiting or (SIGHTING,), NOW)
    return standing


@pytest.mark.parametrize("scope", list(ApprovalScope))
def test_a_yes_lets_the_process_that_waited_open_it(scope: ApprovalScope) -> None:
    assert allowed(scope).approval(IDENTITY, SIGHTING.process, NOW + 1) is not None


@pytest.mark.parametrize("scope", list(ApprovalScope))
@pytest.mark.parametrize(
    "identity",
    [
        IDENTITY._replace(uid=1002),
        IDENTITY._replace(level="/shop/prod"),
        IDENTITY._replace(level="/"),
        IDENTITY._replace(program=ProgramFile("/usr/bin/cat", 1, 3)),
        IDENTITY._replace(program=ProgramFile("/usr/bin/tac", 1, 2)),
        IDENTITY._replace(script=ProgramFile("/srv/app.py", 1, 9)),
        IDENTITY._replace(face=Face(only=("A",))),
        IDENTITY._replace(by_socket=True),
        IDENTITY._replace(capability=Capability.NAMES),
    ],
)
def test_a_yes_is_for_no_other_user_program_script_level_face_or_way(
    scope: ApprovalScope, identity: QuestionIdentity
) -> None:
    assert allowed(scope).approval(identity, SIGHTING.process, NOW + 1) is None


@pytest.mark.parametrize("content", ["1" * 64, ""])
@pytest.mark.parametrize("scope", list(ApprovalScope))
def test_a_yes_for_an_executable_is_for_its_content_and_one_for_a_process_for_what_that_runs(
    scope: ApprovalScope, content: str
) -> None:
    rewritten = IDENTITY._replace(program=IDENTITY.program._replace(sha256=content))
    standing = allowed(scope)
    is_for_content = scope in (ApprovalScope.EXECUTABLE, ApprovalScope.ALWAYS)
    assert (standing.approval(rewritten, SIGHTING.process, NOW + 1) is None) is is_for_content


def test_a_no_is_for_the_files_whatever_they_hold_and_ends_each_yes_for_them() -> None:
    rewritten = IDENTITY._replace(program=IDENTITY.program._replace(sha256="1" * 64))
    for scope in ApprovalScope:
        standing = allowed(scope)
        assert standing.refuse(rewritten, NOW)
        assert standing.is_refused(IDENTITY, NOW + 1)
        assert standing.approval(IDENTITY, SIGHTING.process, NOW + 1) is None


@pytest.mark.parametrize(
    ("scope", "is_for_all"),
    [(ApprovalScope.ONCE, False), (ApprovalScope.PROCESS, False), (ApprovalScope.EXECUTABLE, True)],
)
def test_a_yes_for_a_process_is_for_no_other_process(scope: ApprovalScope, is_for_all: bool) -> None:
    assert (allowed(scope).approval(IDENTITY, OTHER, NOW + 1) is not None) is is_for_all


@pytest.mark.parametrize(
    ("scope", "seconds"),
    [
        (ApprovalScope.ONCE, ONCE_SECONDS),
        (ApprovalScope.EXECUTABLE, EXECUTABLE_SECONDS),
        (ApprovalScope.PROCESS, math.inf),
    ],
)
def test_a_yes_ends_exactly_at_its_end(scope: ApprovalScope, seconds: float) -> None:
    standing = allowed(scope)
    assert standing.approval(IDENTITY, SIGHTING.process, min(NOW + seconds - 0.001, 1e9)) is not None
    if seconds < math.inf:
        assert standing.approval(IDENTITY, SIGHTING.process, NOW + seconds) is None


def test_a_yes_for_once_is_used_up_by_as_many_opens_as_waited() -> None:
    standing = allowed(ApprovalScope.ONCE, SIGHTING, SIGHTING)
    for _ in range(2):
        approval = standing.approval(IDENTITY, SIGHTING.process, NOW + 1)
        assert approval is not None
        standing.admit(approval, CALLER, "/shop", PLAIN_FACE)
    assert standing.approval(IDENTITY, SIGHTING.process, NOW + 1) is None


def test_what_was_opened_once_stays_readable_and_what_an_executable_opened_until_its_end() -> None:
    for scope, later in ((ApprovalScope.ONCE, True), (ApprovalScope.PROCESS, True), (ApprovalScope.EXECUTABLE, False)):
        standing = allowed(scope)
        approval = standing.approval(IDENTITY, SIGHTING.process, NOW)
        assert approval is not None
        standing.admit(approval, CALLER, "/shop", PLAIN_FACE)
        assert standing.admission(CALLER, "/shop", PLAIN_FACE, NOW + 1) is approval
        assert (standing.admission(CALLER, "/shop", PLAIN_FACE, NOW + EXECUTABLE_SECONDS) is not None) is later
        assert standing.admission(CALLER, "/shop", Face(masked=True), NOW + 1) is None
        assert standing.admission(CALLER, "/shop/prod", PLAIN_FACE, NOW + 1) is None


def test_a_no_ends_what_was_allowed_and_is_remembered_for_a_while() -> None:
    standing = allowed(ApprovalScope.PROCESS)
    approval = standing.approval(IDENTITY, SIGHTING.process, NOW)
    assert approval is not None
    standing.admit(approval, CALLER, "/shop", PLAIN_FACE)
    assert standing.refuse(IDENTITY, NOW)
    assert standing.approval(IDENTITY, SIGHTING.process, NOW) is None
    assert standing.admission(CALLER, "/shop", PLAIN_FACE, NOW) is None
    assert standing.is_refused(IDENTITY, NOW + REFUSED_SECONDS - 1)
    assert not standing.is_refused(IDENTITY, NOW + REFUSED_SECONDS)
    assert not standing.is_refused(IDENTITY._replace(uid=1002), NOW)


def test_approvals_of_ended_processes_are_forgotten() -> None:
    standing = allowed(ApprovalScope.PROCESS)
    standing.forget(lambda approval: approval.process == OTHER, NOW)
    assert not standing.is_empty
    standing.forget(lambda approval: approval.process == SIGHTING.process, NOW)
    assert standing.is_empty

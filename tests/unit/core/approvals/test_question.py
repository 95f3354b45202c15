"""A question is shown whole or not asked."""

import pytest

from envfs.core.access.caller import Caller
from envfs.core.access.evidence import ProgramFile
from envfs.core.access.face import PLAIN_FACE
from envfs.core.access.roles import Capability
from envfs.core.access_request import AccessRequest, Channel, Format
from envfs.core.approvals.lineage import Process
from envfs.core.approvals.question import (
    PATH_CHARACTERS,
    PROCESSES,
    REASON_CHARACTERS,
    ApprovalScope,
    Question,
    QuestionIdentity,
    Sighting,
    check_length,
)
from envfs.errors import TooLarge

CALLER = Caller(1001, 1001, 300, "/usr/bin/cat")
PROCESS = Process(300, 1.0, 300, 1001, 0, "/usr/bin/cat")
PROGRAM = ProgramFile("/usr/bin/cat", 1, 2, "0" * 64, is_there=True)
SIGHTING = Sighting((300, 1.0, 7), PROGRAM, None, is_certain=True, lineage=(PROCESS,), folder="/srv", reason="why not")
IDENTITY = QuestionIdentity(1001, PROGRAM, None, "/shop", PLAIN_FACE)
REQUEST = AccessRequest("/shop", Channel.MOUNT, Format.DOTENV)


def question(sighting: Sighting = SIGHTING, identity: QuestionIdentity = IDENTITY) -> Question:
    return Question(7, identity, CALLER, REQUEST, 2, sighting, 10.0, 10, 130.0)


def test_an_ordinary_question_can_be_shown() -> None:
    check_length(question())
    check_length(question(SIGHTING._replace(reason="x" * REASON_CHARACTERS, lineage=(PROCESS,) * PROCESSES)))


@pytest.mark.parametrize(
    "sighting",
    [
        SIGHTING._replace(reason="x" * (REASON_CHARACTERS + 1)),
        SIGHTING._replace(lineage=(PROCESS,) * (PROCESSES + 1)),
        SIGHTING._replace(folder="/" + "x" * PATH_CHARACTERS),
        SIGHTING._replace(program=ProgramFile("/" + "x" * PATH_CHARACTERS)),
        SIGHTING._replace(script=ProgramFile("/" + "x" * PATH_CHARACTERS)),
        SIGHTING._replace(lineage=(PROCESS._replace(script="x" * PATH_CHARACTERS),)),
        SIGHTING._replace(lineage=(PROCESS._replace(script="x" * (PATH_CHARACTERS - 20)),) * 9),
    ],
)
def test_a_question_that_is_too_long_to_be_shown_is_refused(sighting: Sighting) -> None:
    with pytest.raises(TooLarge):
        check_length(question(sighting))


def test_a_yes_allows_no_more_than_what_is_known_of_the_program() -> None:
    assert question().choices == tuple(ApprovalScope)
    for unread in ({"program": PROGRAM._replace(sha256="")}, {"script": ProgramFile("/srv/app.sh", 1, 9)}):
        assert question(identity=IDENTITY._replace(**unread)).choices == (ApprovalScope.ONCE, ApprovalScope.PROCESS)
    elsewhere = IDENTITY._replace(program=PROGRAM._replace(is_there=False))
    assert ApprovalScope.ALWAYS not in question(identity=elsewhere).choices
    assert ApprovalScope.ALWAYS not in question(identity=IDENTITY._replace(capability=Capability.NAMES)).choices
    assert ApprovalScope.EXECUTABLE in question(identity=elsewhere).choices
    assert question(SIGHTING._replace(is_certain=False)).choices == (ApprovalScope.ONCE, ApprovalScope.PROCESS)
    assert question(identity=IDENTITY._replace(by_socket=True)).choices == (ApprovalScope.ONCE,)

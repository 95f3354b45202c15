"""A question is answered by keys, and by none that was meant for another one."""

import pytest

from envfs.protocol import control
from envfs_cli.daemon import client
from envfs_cli.shell import answering
from envfs_cli.shell.answering import Answering
from envfs_cli.shell.questions import Questions
from tests.unit.cli.shell.test_questions import ROW


class Answered:
    """A daemon that takes answers, or refuses them."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.asked: list[object] = []
        self._failure = failure

    def ask(self, request: object) -> tuple[object, bytes]:
        self.asked.append(request)
        if self._failure is not None:
            raise self._failure
        return control.Done(("it may go on",)), b""

    def close(self) -> None:
        pass


@pytest.fixture
def open_questions() -> Questions:
    asked = Questions()
    for name in ("q1", "q2"):
        asked.open[name] = ROW._replace(question=name)
        asked.shown_at[name] = 0.0
    return asked


def test_a_key_opens_the_oldest_question_and_another_answers_it(
    open_questions: Questions, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    daemon = Answered()
    monkeypatch.setattr(client, "need_running", lambda: daemon)
    keys = Answering(open_questions)
    assert not keys.takes("o")
    assert keys.begin()
    assert keys.lines()[0].startswith("q1 for /shop: deploy (uid 1001), /usr/bin/cat x")
    assert keys.lines()[1] == "o once  p process  n no  Esc later"
    assert [keys.takes(key) for key in "opeAnx"] == [True, True, False, False, True, False]
    keys.answer("p")
    assert daemon.asked == [control.RespondApproval("q1", "process")]
    assert keys.question is None
    assert "it may go on" in capsys.readouterr().err


def test_a_no_says_no(open_questions: Questions, monkeypatch: pytest.MonkeyPatch) -> None:
    daemon = Answered()
    monkeypatch.setattr(client, "need_running", lambda: daemon)
    keys = Answering(open_questions)
    keys.begin()
    keys.answer(answering.NO)
    assert daemon.asked == [control.RespondApproval("q1", "")]


def test_a_key_that_comes_after_the_end_of_a_question_answers_no_other(
    open_questions: Questions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "need_running", lambda: pytest.fail("nothing is answered"))
    keys = Answering(open_questions)
    keys.begin()
    del open_questions.open["q1"]
    assert keys.question is None
    assert keys.lines() == []
    assert not keys.takes("o")
    keys.answer("o")


def test_a_question_that_came_a_moment_ago_is_not_opened(
    open_questions: Questions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answering.time, "monotonic", lambda: 100.0)
    open_questions.shown_at.update(q1=99.9, q2=1.0)
    keys = Answering(open_questions)
    assert keys.begin()
    assert keys.lines()[0].startswith("q2 ")
    open_questions.shown_at["q2"] = 99.9
    assert not keys.begin()
    assert keys.question is None


def test_what_the_daemon_refuses_is_said(
    open_questions: Questions, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from envfs.errors import NotApproved

    monkeypatch.setattr(client, "need_running", lambda: Answered(NotApproved("it is the one that asks")))
    keys = Answering(open_questions)
    keys.begin()
    keys.answer("o")
    assert capsys.readouterr().err == "envfs: error: it is the one that asks\n"

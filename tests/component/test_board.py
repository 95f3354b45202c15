"""Questions that wait: who shares one, who is let go, and how each ends."""

from collections.abc import Awaitable, Callable

import pytest
import trio
import trio.testing

from envfs.core.access.face import Face
from envfs.core.approvals.approver import AnsweringProcess
from envfs.core.approvals.lineage import Process
from envfs.core.approvals.question import ApprovalScope, Outcome, Question, QuestionIdentity, Sighting
from envfs.errors import AuditUnavailable, TooLarge, TooMany
from envfs.gate.approvals import board as boards
from envfs.gate.approvals.board import Answer, Board, CallerLeft, Patience
from envfs.host import clocks
from envfs.host.callers.peers import Peer
from envfs.service.access import approvals
from tests.component.world import ME, World, run
from tests.unit.core.approvals.test_question import IDENTITY, PROCESS, SIGHTING, question

NO_PEER = Peer(lambda *_: b"", 0.0)  # it is not looked at here
Test = Callable[[Board, "Askers"], Awaitable[None]]


class Askers:
    """Callers that ask, and what they were answered: an Answer, or the error."""

    def __init__(self, board: Board, nursery: trio.Nursery) -> None:
        self._board = board
        self._nursery = nursery
        self.answers: list[object] = []
        self.told: list[str] = []

    def ask(
        self,
        identity: QuestionIdentity = IDENTITY,
        *,
        seconds: float = 60.0,
        left: Callable[[], bool] = lambda: False,
        sighting: Sighting = SIGHTING,
    ) -> None:
        now = clocks.boot_seconds()
        draft = question(sighting, identity)._replace(seconds=now, wall_ns=clocks.wall_ns(), until=now + seconds)
        self._nursery.start_soon(self._ask, draft, Patience(left, begin=self._begin))

    async def _begin(self, name: str, seconds: float) -> None:
        self.told.append(name)

    async def _ask(self, draft: Question, patience: Patience) -> None:
        try:
            self.answers.append(await self._board.ask(draft, patience))
        except (CallerLeft, TooMany, TooLarge, AuditUnavailable) as error:
            self.answers.append(type(error))

    async def answered(self, number: int) -> list[object]:
        with trio.fail_after(60):
            while len(self.answers) < number:  # noqa: ASYNC110 - the board is not to know of this test
                await trio.sleep(0.01)
        return self.answers


def on_a_board(world: World, test: Test, *, attended: bool = True) -> Board:
    board = world.open_vault.approvals.board
    board.waits_unattended = attended

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(board.run)
            await trio.testing.wait_all_tasks_blocked()
            await test(board, Askers(board, nursery))
            nursery.cancel_scope.cancel()

    run(main)
    return board


async def until_waiting(board: Board, number: int) -> Question:
    with trio.fail_after(60):
        while not board.questions() or board.waiting(board.questions()[0]) < number:  # noqa: ASYNC110 - as above
            await trio.sleep(0.01)
    return board.questions()[0]


async def until_asked(board: Board, number: int) -> None:
    with trio.fail_after(60):
        while len(board.questions()) < number:  # noqa: ASYNC110 - as above
            await trio.sleep(0.01)


def entries(world: World) -> list[tuple[object, ...]]:
    kinds = ("ask", "answer")
    return [
        (entry["event"], entry.get("operation", ""), entry.get("decision", ""), entry["rule"], entry["uid"])
        for entry in world.entries()
        if entry["event"] in kinds
    ]


def test_callers_with_one_identity_share_one_question_and_its_answer(world: World) -> None:
    async def test(board: Board, askers: Askers) -> None:
        for _ in range(64):
            askers.ask()
        asked = await until_waiting(board, 64)
        assert [asked] == board.questions()
        board.allow(asked, ApprovalScope.ONCE, ME)
        assert await askers.answered(64) == [Answer(Outcome.ALLOWED, "q1")] * 64
        assert askers.told == ["q1"] * 64

    on_a_board(world, test)
    assert entries(world) == [("ask", "", "", "q1", 1001), ("answer", "once", "allow", "q1", ME.uid)]


def test_all_that_ever_waited_for_a_question_count_as_its_askers(world: World) -> None:
    other = SIGHTING._replace(process=(0, 0.0, 9), lineage=(PROCESS._replace(pid=301),))

    async def test(board: Board, askers: Askers) -> None:
        askers.ask()
        await until_waiting(board, 1)
        askers.ask(sighting=other, left=lambda: True)
        assert await askers.answered(1) == [CallerLeft]
        assert board.askers(board.questions()[0]) == [SIGHTING.lineage, other.lineage]

    on_a_board(world, test)


def test_none_that_waited_for_a_question_may_answer_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    # another user answers, so that nothing but kinship counts
    person = Process(500, 1.0, 500, 7)
    monkeypatch.setattr(approvals, "_look", lambda _peer: AnsweringProcess((person,), person, None))
    service, gone = world.service, SIGHTING._replace(process=(500, 1.0, 9), lineage=(person,))

    async def reason(board: Board) -> str:
        return await approvals.reason_to_refuse(service, ME, NO_PEER, board.questions()[0])

    async def test(board: Board, askers: Askers) -> None:
        askers.ask()
        await until_waiting(board, 1)
        assert await reason(board) == ""
        askers.ask(sighting=gone, left=lambda: True)  # joins it, and has left by now
        assert await askers.answered(1) == [CallerLeft]
        assert "process tree of the program that asks" in await reason(board)

    on_a_board(world, test)


@pytest.mark.parametrize(
    "other", [IDENTITY._replace(uid=7), IDENTITY._replace(level="/x"), IDENTITY._replace(face=Face(masked=True))]
)
def test_another_identity_is_another_question(world: World, other: QuestionIdentity) -> None:
    async def test(board: Board, askers: Askers) -> None:
        askers.ask()
        await until_waiting(board, 1)
        askers.ask(other)
        await until_asked(board, 2)
        first, second = board.questions()
        board.deny(second, ME)
        assert await askers.answered(1) == [Answer(Outcome.DENIED, "q2")]
        assert board.questions() == [first]

    on_a_board(world, test)


def test_a_no_is_remembered_for_the_same_and_asks_nobody_again(world: World) -> None:
    async def test(board: Board, askers: Askers) -> None:
        askers.ask()
        board.deny(await until_waiting(board, 1), ME)
        await askers.answered(1)
        askers.ask()
        assert (await askers.answered(2))[1] == Answer(Outcome.DENIED, "asked before")

    on_a_board(world, test)
    assert len(entries(world)) == 2


def test_a_question_that_nobody_answers_in_time_has_timed_out(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(board: Board, askers: Askers) -> None:
        askers.ask(seconds=3600)
        await until_waiting(board, 1)
        askers.ask(seconds=7200)  # which joins it, and its time
        await until_waiting(board, 2)
        now = clocks.boot_seconds()
        monkeypatch.setattr(clocks, "boot_seconds", lambda: now + 3600)
        assert await askers.answered(2) == [Answer(Outcome.TIMED_OUT, "q1")] * 2
        assert board.questions() == []

    on_a_board(world, test)


def test_where_nobody_is_there_nobody_waits_and_nothing_is_asked(world: World) -> None:
    async def test(board: Board, askers: Askers) -> None:
        askers.ask()
        assert await askers.answered(1) == [Answer(Outcome.NOBODY, "")]

    on_a_board(world, test, attended=False)
    assert entries(world) == []


def test_a_watcher_or_a_person_who_looked_a_moment_ago_is_somebody(world: World) -> None:
    async def test(board: Board, askers: Askers) -> None:
        with board.watch() as watch:
            askers.ask(seconds=0.1)
            await askers.answered(1)
            assert [change.outcome for change in watch.take()] == [None, Outcome.TIMED_OUT]
        askers.ask(IDENTITY._replace(level="/x"), seconds=0.1)
        assert await askers.answered(2) == [Answer(Outcome.TIMED_OUT, f"q{n}") for n in (1, 2)]

    on_a_board(world, test, attended=False)


def test_a_watcher_that_is_no_person_leaves_nobody_behind(world: World) -> None:
    async def test(board: Board, askers: Askers) -> None:
        with board.watch(is_person=False):
            pass
        askers.ask()
        assert await askers.answered(1) == [Answer(Outcome.NOBODY, "")]

    on_a_board(world, test, attended=False)


def test_a_board_that_no_daemon_runs_asks_nobody(world: World) -> None:
    board = world.open_vault.approvals.board
    board.waits_unattended = True

    async def main() -> Answer:
        return await board.ask(question(), Patience(lambda: False))

    assert run(main) == Answer(Outcome.NOBODY, "")


def test_a_caller_that_leaves_is_let_go_and_the_others_wait_on(world: World) -> None:
    gone: list[bool] = []

    async def test(board: Board, askers: Askers) -> None:
        askers.ask(left=lambda: bool(gone))
        askers.ask()
        asked = await until_waiting(board, 2)
        gone.append(True)
        assert await askers.answered(1) == [CallerLeft]
        assert board.waiting(asked) == 1
        board.allow(asked, ApprovalScope.PROCESS, ME)
        assert (await askers.answered(2))[1] == Answer(Outcome.ALLOWED, "q1")

    on_a_board(world, test)


def test_a_caller_that_tries_again_finds_its_question_and_one_that_does_not_takes_it_back(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def test(board: Board, askers: Askers) -> None:
        monkeypatch.setattr(boards, "_LINGER_SECONDS", 3600.0)
        askers.ask(left=lambda: True)
        assert await askers.answered(1) == [CallerLeft]
        askers.ask()
        asked = await until_waiting(board, 1)
        assert asked.name == "q1"
        with board.watch() as watch:
            watch.take()
            board.allow(asked, ApprovalScope.ONCE, ME)
            askers.ask(IDENTITY._replace(level="/x"), left=lambda: True)
            await until_asked(board, 1)
            monkeypatch.setattr(boards, "_LINGER_SECONDS", 0.0)
            with trio.fail_after(60):
                while board.questions():  # noqa: ASYNC110 - as above
                    await trio.sleep(0.05)
            assert [change.outcome for change in watch.take()][-1] is Outcome.WITHDRAWN

    on_a_board(world, test)


def test_what_waits_is_bounded_for_each_user(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boards, "MOST_WAITING", 3)
    monkeypatch.setattr(boards, "MOST_QUESTIONS", 2)

    async def test(board: Board, askers: Askers) -> None:
        for level in ("/a", "/b"):
            askers.ask(IDENTITY._replace(level=level))
        await until_asked(board, 2)
        askers.ask(IDENTITY._replace(level="/c"))
        assert await askers.answered(1) == [TooMany]
        for _ in range(2):
            askers.ask(IDENTITY._replace(level="/a"))
        assert await askers.answered(2) == [TooMany] * 2
        askers.ask(IDENTITY._replace(uid=7))
        await until_asked(board, 3)
        assert [asked.identity.uid for asked in board.questions()] == [1001, 1001, 7]

    on_a_board(world, test)


def test_a_question_that_is_too_long_is_refused_and_shown_to_nobody(world: World) -> None:
    async def test(board: Board, askers: Askers) -> None:
        with board.watch() as watch:
            askers.ask(sighting=SIGHTING._replace(reason="x" * 501))
            assert await askers.answered(1) == [TooLarge]
            assert watch.take() == []

    on_a_board(world, test)


def test_without_a_log_nothing_is_asked_and_no_answer_counts(world: World) -> None:
    async def test(board: Board, askers: Askers) -> None:
        askers.ask()
        asked = await until_waiting(board, 1)
        log = world.open_vault.gate.log.path
        log.unlink()
        with pytest.raises(AuditUnavailable):
            board.allow(asked, ApprovalScope.ONCE, ME)
        assert board.waiting(asked) == 1
        askers.ask(IDENTITY._replace(level="/x"))
        assert await askers.answered(1) == [AuditUnavailable]

    on_a_board(world, test)

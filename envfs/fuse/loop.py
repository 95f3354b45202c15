"""The loop under the handlers: workers that read questions from the device, one at a time, and answer them.

A question that no handler has to wait for is read and answered without a turn of trio's scheduler. For that:

- **A sticky lock.** The device stays with the worker that has it, until a handler says that it is going to wait
  (`make_way`). Then the next worker has it, and the one that waits answers when it can.
- **A look before the wait.** The next question of the same reader comes within microseconds. The device is looked at
  for so long before the task sleeps: a processor that fell asleep takes longer to wake than a whole request. After
  `_IN_A_ROW_NS` the scheduler has its turn all the same: so a crowd in the mount, which asks
  for what takes long, holds nobody at the socket.

Laws: a handler that waits calls `make_way` first. One that does not would hold up the others, but for `_HEAL` at most.
Each question is answered once, whatever happens in its handler.
"""

import os
import time
from typing import Protocol

import trio

from envfs.errors import EnvFSError
from envfs.fuse import faults
from envfs.fuse.device import questions, replies
from envfs.fuse.device.facts import FUSEError, RequestContext
from envfs.fuse.device.fuse_device import FuseDevice
from envfs.fuse.device.layout import IN_HEADER
from envfs.fuse.device.questions import Handlers, KernelQuestion
from envfs.host import surprises
from envfs.host.supervision import Tasks, supervised_nursery

_IN_A_ROW_NS = 4_000_000
_SOON_NS = 50_000
_HEAL = 1.0
_SPARE_WORKERS = 32
_WORKERS = 100_000  # an open that waits for a person holds a worker. Too few, and the whole mount would wait with it


class AnswersAtOnce(Protocol):
    """The part of a mount that answers without a handler."""

    def answer(self, size: int, /) -> bool:
        """Answer the question that the device has. False if that takes a handler."""
        ...

    def learn(self, question: KernelQuestion) -> None:
        """Remember what a handler answered."""
        ...


class DeviceLock:
    """The lock of the device: its holder reads from it. Not fair on purpose."""

    def __init__(self) -> None:
        """Start with nobody having it."""
        self._taken = False
        self._waiting = trio.lowlevel.ParkingLot()

    @property
    def waiting(self) -> int:
        """How many workers wait for it."""
        return len(self._waiting)

    async def take(self) -> None:
        """Take the lock. At once if it is free."""
        while self._taken:
            # a worker that ended with the lock free wakes none: so those who wait look by themselves now and then
            with trio.move_on_after(_HEAL):
                await self._waiting.park()
        self._taken = True

    def release(self) -> None:
        """Release the lock. The first worker to ask has it."""
        self._taken = False

    def make_way(self) -> None:
        """Wake one of those who wait, if the lock is free."""
        if not self._taken:
            self._waiting.unpark()


class Loop:
    """Serves one mount."""

    def __init__(self, device: FuseDevice, handlers: Handlers, warm_answers: AnswersAtOnce) -> None:
        """Have `warm_answers`, or else `handlers`, answer what comes by `device`."""
        self._warm = warm_answers
        self._device = device
        self._handlers = handlers
        self._lock = DeviceLock()
        self._workers = 0
        self._until_ns = 0  # when the scheduler has its turn

    async def run(self) -> None:
        """Answer until the mount is undone."""
        _loops.append(self)
        try:
            async with supervised_nursery() as tasks:
                self._start(tasks)
        finally:
            _loops.remove(self)

    def make_way(self) -> None:
        """Let another worker read from the device."""
        self._lock.make_way()

    def is_asked(self) -> bool:
        """Tell whether the kernel has a question that nobody took yet."""
        return self._device.is_asked()

    def _start(self, tasks: Tasks) -> None:
        self._workers += 1
        tasks.start_soon(self._work, tasks)

    async def _work(self, tasks: Tasks) -> None:
        while self._lock.waiting <= _SPARE_WORKERS:
            try:
                question = await self._take_question()
            except EOFError:
                self._lock.make_way()  # whoever waits for it ends too
                break
            if not self._lock.waiting and self._workers < _WORKERS:
                self._start(tasks)
            try:
                body = await questions.answer(self._handlers, question)
            except Exception as refusal:  # noqa: BLE001 - its asker must not wait for ever
                self._refuse(question, refusal)
            else:
                self._reply(question, body)
        self._workers -= 1

    async def _take_question(self) -> KernelQuestion:
        await self._lock.take()
        try:
            return await self._next_question()
        finally:
            self._lock.release()

    async def _next_question(self) -> KernelQuestion:
        while True:
            size = self._read_ready()
            if size:
                return _parsed(self._device.question[:size])
            if time.monotonic_ns() < self._until_ns:
                await trio.lowlevel.wait_readable(self._device.number)
            else:
                await trio.lowlevel.checkpoint()
            self._until_ns = time.monotonic_ns() + _IN_A_ROW_NS

    def _read_ready(self) -> int:
        # answer what takes no handler. Returns the size of the first question that does, or 0 when the loop has to wait
        read, answer, now, until_ns = self._device.read, self._warm.answer, time.monotonic_ns, self._until_ns
        while now() < until_ns:
            size = read()
            if not size:
                if not self._comes_soon(now() + _SOON_NS):
                    return 0
                continue
            try:
                if not answer(size):
                    return size
            except Exception as refusal:  # noqa: BLE001 - its asker must not wait for ever
                self._refuse(_parsed(self._device.question[:size]), refusal)
        return 0

    def _refuse(self, question: KernelQuestion, refusal: Exception) -> None:
        if not isinstance(refusal, FUSEError | EnvFSError):
            surprises.report_bug(refusal)
        number = refusal.errno if isinstance(refusal, FUSEError) else faults.errno_of(refusal)
        self._device.write(replies.header(question.unique, 0, number))

    def _comes_soon(self, until: int) -> bool:
        look = self._device.look
        while not look(0):
            if time.monotonic_ns() > until:
                return False
            os.sched_yield()  # whoever was answered may need this very processor to ask again
        return True

    def _reply(self, question: KernelQuestion, body: questions.Body | None) -> None:
        if body is not None:
            self._device.reply(replies.header(question.unique, len(body)), body)
            self._learn(question)

    def _learn(self, question: KernelQuestion) -> None:
        try:
            self._warm.learn(question)
        except EnvFSError:
            return
        except Exception as surprise:  # noqa: BLE001 - it is answered, and that is what counts
            surprises.report_bug(surprise)


_loops: list[Loop] = []


def is_asked() -> bool:
    """Tell whether the kernel has a question that nobody took yet. False once it was unmounted."""
    return any(loop.is_asked() for loop in _loops)


def make_way() -> None:
    """Let another worker read from the device, because this one is going to wait."""
    for loop in _loops:
        loop.make_way()


def _parsed(data: memoryview) -> KernelQuestion:
    _, opcode, unique, inode, uid, gid, pid, _ = IN_HEADER.unpack_from(data)
    return KernelQuestion(unique, opcode, inode, RequestContext(uid, gid, pid), bytes(data[IN_HEADER.size :]))

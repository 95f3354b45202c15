"""The loop under the handlers: pyfuse3's own, on trio, with most trips through the scheduler left out.

pyfuse3 asks `pyfuse3.trio` for a lock and for `wait_readable`. By that name it can be made to run on asyncio,
and it is used here for two things (docs/design.md §5):

- **A sticky lock.** pyfuse3's lock hands the device to the next worker at each request, which costs a
  task switch. This lock stays with the worker that has it, until a handler says that it is going to wait (`make_way`).
- **A look before the wait.** The next request of the same reader comes within microseconds. The device is looked at
  for so long before the task sleeps: a processor that fell asleep takes longer to wake than a whole request. After
  `_IN_A_ROW` requests, or `_IN_A_ROW_NS`, the scheduler has its turn all the same: so a crowd in the mount, which asks
  for what takes long, holds nobody at the socket.

Laws: a handler that waits calls `make_way` first. One that does not would hold up the others, but for `_HEAL` at most.
A question can be withdrawn between the look and the read, when its asker is killed. The read, which blocks, would hold
up everything then, so a signal ends it after `_TICK` at most.
"""

import os
import select
import signal
import threading
import time
import types
from collections.abc import Callable

import pyfuse3
import trio

from envfs.host.supervision import supervised_nursery

_IN_A_ROW, _IN_A_ROW_NS = 64, 4_000_000
_SOON_NS = 50_000
_HEAL = 1.0
_TICK = 0.1  # seconds between two signals, as long as questions come


class DeviceLock:
    """The lock of the device: its holder reads from it. Not fair on purpose."""

    def __init__(self) -> None:
        """Start with nobody having it."""
        self._taken = False
        self._waiting = trio.lowlevel.ParkingLot()
        _batons.append(self)

    async def __aenter__(self) -> None:
        """Take the lock. At once if it is free."""
        while self._taken:
            # a worker that ended with the lock free wakes none: so those who wait look by themselves now and then
            with trio.move_on_after(_HEAL):
                await self._waiting.park()
        self._taken = True

    async def __aexit__(self, *_: object) -> None:
        """Release the lock. The first worker to ask has it."""
        self._taken = False

    def make_way(self) -> None:
        """Wake one of those who wait, if the lock is free."""
        if not self._taken:
            self._waiting.unpark()


_batons: list[DeviceLock] = []
_left = [_IN_A_ROW]
_until_ns = [0]  # when the scheduler has its turn
_devices: list[int] = []
_looks: dict[int, Callable[[int], list[tuple[int, int]]]] = {}  # by device: poll(2), which waits for so many ms


class Ticker:
    """The signals that end a read for which there is nothing: libfuse answers EINTR, and pyfuse3 looks again."""

    def __init__(self) -> None:
        """Start silent."""
        self._is_on = self._is_running = False
        self._reads = self._seen = 0

    def install(self) -> None:
        """Take the signal, where that can be done: in the main thread, in which the daemon has its loop."""
        self._is_on = threading.current_thread() is threading.main_thread()
        if self._is_on:
            signal.signal(signal.SIGALRM, self._tick)

    def uninstall(self) -> None:
        """Send no more signals: at the end of the process one that is on its way would kill it."""
        if self._is_on:
            signal.signal(signal.SIGALRM, signal.SIG_IGN)
            signal.setitimer(signal.ITIMER_REAL, 0)
            self._is_on = False

    def before_read(self) -> None:
        """See to it that the read that comes now has an end."""
        self._reads += 1
        if self._is_on and not self._is_running:
            self._is_running = True
            signal.setitimer(signal.ITIMER_REAL, _TICK, _TICK)

    def _tick(self, *_: object) -> None:
        if self._reads == self._seen:  # each read that began before the last signal has ended
            signal.setitimer(signal.ITIMER_REAL, 0)
            self._is_running = False
        self._seen = self._reads


_ticker = Ticker()


async def _wait_readable(device: int) -> None:
    now_ns = time.monotonic_ns()
    if _left[0] and now_ns < _until_ns[0] and (_look(device)(0) or _comes_soon(device, now_ns + _SOON_NS)):
        _left[0] -= 1
        _ticker.before_read()
        return
    _devices[:] = (device,)
    _left[0], _until_ns[0] = _IN_A_ROW, now_ns + _IN_A_ROW_NS
    await trio.lowlevel.wait_readable(device)
    _until_ns[0] = time.monotonic_ns() + _IN_A_ROW_NS
    _ticker.before_read()


def _comes_soon(device: int, until: int) -> bool:
    look = _look(device)
    while not look(0):
        if time.monotonic_ns() > until:
            return False
        os.sched_yield()  # whoever was answered may need this very processor to ask again
    return True


def _look(device: int) -> Callable[[int], list[tuple[int, int]]]:
    look = _looks.get(device)
    if look is None:
        poll = select.poll()  # made once: with `select` a look costs twice as much
        poll.register(device, select.POLLIN)
        look = _looks[device] = poll.poll
    return look


def is_asked() -> bool:
    """Tell whether the kernel has a question that nobody took yet. False once it was unmounted."""
    return any(event == select.POLLIN for device in _devices for _, event in _look(device)(0))


def device() -> int:
    """Return the descriptor by which the kernel is spoken to. -1: it has not been waited for yet."""
    return _devices[0] if _devices else -1


def install_loop() -> None:
    """Put this loop under pyfuse3, before its `main` runs."""
    _batons.clear()
    _devices.clear()
    _looks.clear()
    _ticker.install()
    lowlevel = types.SimpleNamespace(
        wait_readable=_wait_readable,
        current_task=trio.lowlevel.current_task,
        current_trio_token=trio.lowlevel.current_trio_token,
        notify_closing=trio.lowlevel.notify_closing,
    )
    seam = types.SimpleNamespace(
        Lock=DeviceLock,
        open_nursery=supervised_nursery,  # a worker that meets a surprise is started again, and the mount goes on
        ClosedResourceError=trio.ClosedResourceError,
        lowlevel=lowlevel,
    )
    setattr(pyfuse3, "trio", seam)  # noqa: B010 - as pyfuse3.asyncio.enable does; the type stubs do not know of it


def uninstall_loop() -> None:
    """End the signals, once pyfuse3's `main` has ended."""
    _ticker.uninstall()


def make_way() -> None:
    """Let another worker read from the device, because this one is going to wait."""
    for baton in _batons:
        baton.make_way()

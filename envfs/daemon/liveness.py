"""Whether the daemon answers: said to the service manager and to the watchdog, each time that loop and mount did.

Laws: a beat says that the loop ran and that the kernel got an answer from the mount; what cannot be started (no
watchdog, no service manager) is no reason not to serve.
"""

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import trio

from envfs.daemon import watchdog
from envfs.daemon.service_manager import ServiceManager
from envfs.host import surprises

SETTING = "ENVFS_WATCHDOG"  # in the environment: seconds, or 0 for no watchdog
_SECONDS = 15.0
_SHORTEST = 2.0
_CONNECTIONS = Path("/sys/fs/fuse/connections")


class Heart:
    """The heartbeat of the daemon that serves a mount."""

    def __init__(self, manager: ServiceManager, path: str) -> None:
        """Beat for `manager` and for a watchdog of the mount at `path`."""
        self._manager = manager
        self._path = path
        self._pipe = -1
        self._watchdog: subprocess.Popen[bytes] | None = None
        self._patience = _patience()
        waits = [seconds for seconds in (manager.patience, self._patience) if seconds]
        self._between = min(waits, default=0.0) / 4

    def begin(self, device: int) -> None:
        """Start the watchdog. The mount, which has this device number, has answered once."""
        if not self._patience:
            return
        try:
            self._start_watchdog(device)
        except OSError as error:
            surprises.report_bug(error)

    async def run(self) -> None:
        """Beat as long as loop and mount answer."""
        while self._between:
            with trio.move_on_after(self._between * 2), contextlib.suppress(OSError):  # it does not answer: no beat
                await trio.to_thread.run_sync(os.stat, self._path, abandon_on_cancel=True, limiter=_one_at_a_time())
                self._beat()
            await trio.sleep(self._between)

    def close(self) -> None:
        """End the watchdog: from here on nobody watches."""
        if self._pipe >= 0:
            os.close(self._pipe)
            self._pipe = -1
        if self._watchdog is not None:
            self._watchdog.kill()
            self._watchdog.wait()

    def _beat(self) -> None:
        if self._manager.patience:
            self._manager.tell("WATCHDOG=1")
        if self._pipe >= 0:
            with contextlib.suppress(OSError):  # the watchdog is gone, or stopped with its pipe full
                os.write(self._pipe, b".")

    def _start_watchdog(self, device: int) -> None:
        reading, writing = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        abort, daemon = _abort_of(device), os.pidfd_open(os.getpid())
        passed = tuple(descriptor for descriptor in (reading, daemon, abort) if descriptor >= 0)
        words = [str(descriptor) for descriptor in (reading, daemon, abort, os.getpid(), self._patience)]
        command = [sys.executable, "-I", "-S", str(Path(watchdog.__file__)), *words, f"0:{os.minor(device)}"]
        try:
            self._watchdog = subprocess.Popen(
                command, pass_fds=passed, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, cwd="/", env={}
            )
            self._pipe = writing
        except OSError:
            os.close(writing)
            raise
        finally:
            for descriptor in passed:
                os.close(descriptor)


def _one_at_a_time() -> trio.CapacityLimiter:
    # a thread that the kernel keeps waiting must not use up those of others
    return trio.CapacityLimiter(1)


def _patience() -> float:
    try:
        seconds = float(os.environ.get(SETTING) or _SECONDS)
    except ValueError:
        return _SECONDS
    return max(seconds, _SHORTEST) if seconds > 0 else 0.0


def _abort_of(device: int) -> int:
    # the user who mounted may write it. Where that file system is missing (in a container) there is another way
    try:
        return os.open(_CONNECTIONS / str(os.minor(device)) / "abort", os.O_WRONLY | os.O_CLOEXEC)
    except OSError:
        return -1

"""How a keyholder ended, or a child of it at its one request: an error that names the cause as far as there are traces.

A child leaves no status. The keyholder has it reaped by the kernel, and goes on. That the limit on memory is the cause
is likely then, for a library that gets no memory ends its process, as the kernel does where the machine has none left.
"""

import signal
import subprocess

from envfs.errors import KeyholderGone
from envfs.host import room
from envfs.protocol import keyholding

_MEMORY_ENDS = {-signal.SIGKILL, -signal.SIGABRT, -signal.SIGSEGV, -signal.SIGBUS, 1, None}
_AGAIN = "another one is started at once; unlock it with `envfs unlock`"
_LOG = "the daemon's log may say why"
_KERNEL_LOG = "if the machine had no memory left, the kernel's log says so"


def describe_end(process: subprocess.Popen[bytes] | None, *, is_replaced: bool) -> KeyholderGone:
    """Return the error for a request that was not answered to its end.

    A keyholder that `is_replaced` is followed by another one. At the start of a daemon there is none.
    """
    if process is None:
        return KeyholderGone("there is no keyholder", _LOG)
    status = process.poll()
    if status == keyholding.NO_ROOM:
        return KeyholderGone("the keyholder can start no process: the limit is too low", "`ulimit -u` shows it")
    return KeyholderGone(_text(status), _hint(status, is_replaced=is_replaced))


def _text(status: int | None) -> str:
    if status is None:
        return "the keyholder's process for this request ended in the middle of it"
    if status < 0:
        return f"the keyholder was ended by {_signal_name(-status)}"
    return f"the keyholder ended with status {status}" if status else "the keyholder disconnected"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # one of the real-time signals between the first and the last
        return f"signal {number}"


def _hint(status: int | None, *, is_replaced: bool) -> str:
    limit = room.memory_limit()
    if limit is not None and status in _MEMORY_ENDS:
        return f"the limit on memory is {limit.given >> 20} MiB: {limit.advice(2 * limit.given)}"
    if is_replaced and status is not None:
        return _AGAIN
    return _KERNEL_LOG if status in (None, -signal.SIGKILL) else _LOG

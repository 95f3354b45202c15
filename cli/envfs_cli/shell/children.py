"""Each command runs in a child of its own.

So no value that a command saw stays in the shell's memory, ctrl-C ends the command and never the shell, and what
becomes another program (`exec`, `mount --foreground`) may do so.
"""

import os
import signal
import sys
import traceback

from envfs.errors import EnvFSError
from envfs_cli import output

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn

    Action = Callable[[], int]

SIGNALLED = 128  # and the signal's number, as every shell counts
INTERRUPTED = SIGNALLED + signal.SIGINT
_BUG = 1
_FROM_KEYS = (signal.SIGINT, signal.SIGQUIT)


def in_child(action: "Action", *, with_input: bool) -> int:
    """Run `action` in a child and wait; return its exit status. Without input, it reads an empty one."""
    sys.stdout.flush()
    sys.stderr.flush()
    # the keys are for the child: what they send goes to both of us
    before = [(key, signal.signal(key, signal.SIG_IGN)) for key in _FROM_KEYS]
    try:
        child = os.fork()
        if child == 0:
            _be_child(action, with_input=with_input)
        _, ended = os.waitpid(child, 0)
    finally:
        for key, handler in before:
            signal.signal(key, handler)
    status = os.waitstatus_to_exitcode(ended)
    return status if status >= 0 else SIGNALLED - status


def _be_child(action: "Action", *, with_input: bool) -> "NoReturn":
    status = _BUG
    try:
        signal.signal(signal.SIGINT, lambda *_: os._exit(INTERRUPTED))
        signal.signal(signal.SIGQUIT, signal.SIG_DFL)
        if not with_input:
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        status = action()
        sys.stdout.flush()
    except EnvFSError as error:
        output.error(error)
        status = error.status
    except KeyboardInterrupt:
        status = INTERRUPTED
    except BrokenPipeError:
        status = SIGNALLED + signal.SIGPIPE
    except BaseException:  # noqa: BLE001 - a bug keeps its traceback, and must not come back as a second shell
        traceback.print_exc()
    finally:
        os._exit(status)

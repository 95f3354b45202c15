"""Each command runs in a child of its own.

So no value that a command saw stays in the shell's memory, ctrl-C ends the command and never the shell, and what
becomes another program (`exec`, `mount --foreground`) may do so.
"""

import os
import signal
import sys

from envfs_cli import exit_status
from envfs_cli.process import forking
from envfs_cli.process.child import be_child

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Action = Callable[[], int]

_FROM_KEYS = (signal.SIGINT, signal.SIGQUIT)


def in_child(action: "Action", *, with_input: bool) -> int:
    """Run `action` in a child and wait. Return its exit status. Without input, it reads an empty one."""
    sys.stdout.flush()
    sys.stderr.flush()
    # the keys are for the child: what they send goes to both of us
    old_handlers = [(key, signal.signal(key, signal.SIG_IGN)) for key in _FROM_KEYS]
    try:
        child = forking.fork()
        if child == 0:
            be_child(lambda: _run(action, with_input=with_input))
        _, ended = os.waitpid(child, 0)
    finally:
        for key, handler in old_handlers:
            signal.signal(key, handler)
    status = os.waitstatus_to_exitcode(ended)
    return exit_status.of_child(status)


def _run(action: "Action", *, with_input: bool) -> int:
    signal.signal(signal.SIGINT, lambda *_: os._exit(exit_status.INTERRUPTED))
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)
    if not with_input:
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    return action()

"""How signals are treated: what the interpreter and this client change, and how the caller had it.

Law: a command of `exec` starts with each signal as the caller of `envfs` had it.
"""

import _signal  # type: ignore[import-not-found]  # the bare module: the one around it costs 4 ms of `exec`
import sys

# ignored by the interpreter before any line of ours. The program before it says in an option what was ignored anyhow
_CHANGED_BY_PYTHON = ((_signal.SIGPIPE, "envfs-sigpipe"), (_signal.SIGXFSZ, "envfs-sigxfsz"))
_ignored: list[int] = []
_pending: list[int] = []


def expect_children() -> None:
    """Have ended children wait to be asked how they ended: where SIGCHLD is ignored they leave no trace."""
    _pending.extend(_signal.sigpending())
    if _signal.getsignal(_signal.SIGCHLD) == _signal.SIG_IGN:
        _ignored.append(_signal.SIGCHLD)
        _signal.signal(_signal.SIGCHLD, _signal.SIG_DFL)


def restore_signals() -> None:
    """Give back to each signal what the caller had."""
    if _signal.SIGCHLD in _signal.sigpending() and _signal.SIGCHLD not in _pending:
        _signal.sigtimedwait((_signal.SIGCHLD,), 0)  # it is blocked, and of a child of ours
    for number, option in _CHANGED_BY_PYTHON:
        if option not in sys._xoptions:  # noqa: SLF001 - its documented name
            _signal.signal(number, _signal.SIG_DFL)
    for number in _ignored:
        _signal.signal(number, _signal.SIG_IGN)

"""The exit statuses beside those of refusals (`envfs.errors`). docs/cli-contract.md says when each is meant."""

BUG = 1  # with a traceback
NOT_RUNNABLE = 126
NOT_FOUND = 127
SIGNALLED = 128  # and the signal's number, as every shell counts
INTERRUPTED = SIGNALLED + 2  # SIGINT
PIPE_CLOSED = SIGNALLED + 13  # SIGPIPE


def of_child(code: int) -> int:
    """Return the status of a child that has ended, as a shell counts it. A negative code is a signal."""
    return code if code >= 0 else SIGNALLED - code

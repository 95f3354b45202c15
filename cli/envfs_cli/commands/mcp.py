"""`mcp`: serve names and presence to a coding agent, by the Model Context Protocol."""

import os

from envfs import interpreter, safe_open
from envfs.errors import EnvFSError
from envfs.tuples import NamedTuple


class McpArguments(NamedTuple):
    """The arguments of `mcp`: none."""


def run_mcp(_arguments: McpArguments) -> int:
    """Serve until the agent closes standard input.

    Raises:
        Mistake: a person started it
        EnvFSError: the library of the protocol is not there, or a stream is closed
        BrokenPipeError: the agent has gone
    """
    if os.isatty(0):
        from envfs_cli.arguments import Mistake

        raise Mistake("a coding agent starts this, and speaks to it", "as in `claude mcp add secrets -- envfs mcp`")
    try:
        from envfs_cli.agents import server
    except ImportError:
        hint = f"install it: `{interpreter.pip_line('mcp')}`"
        raise EnvFSError("the Python package mcp is not installed", hint) from None
    try:
        server.run_server()
    except ExceptionGroup as group:  # that of the tasks of the server
        failures, others = group.split(OSError)
        if failures is None or others is not None:
            raise
        raise _stream_failure(failures) from None
    return 0


def _stream_failure(group: ExceptionGroup[OSError]) -> Exception:
    failure: BaseException = group
    while isinstance(failure, BaseExceptionGroup):
        failure = failure.exceptions[0]
    if isinstance(failure, OSError) and not isinstance(failure, BrokenPipeError):
        words = safe_open.error_words(failure)
        return EnvFSError(f"cannot speak to the agent: {words}", "it needs standard input and output")
    return BrokenPipeError()

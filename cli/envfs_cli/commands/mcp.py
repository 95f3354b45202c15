"""`mcp`: serve names and presence to a coding agent, by the Model Context Protocol."""

import os

from envfs.errors import EnvFSError
from envfs.tuples import NamedTuple


class McpArguments(NamedTuple):
    """The arguments of `mcp`: none."""


def run_mcp(_arguments: McpArguments) -> int:
    """Serve until the agent closes standard input.

    Raises:
        Mistake: a person started it
        EnvFSError: the library of the protocol is not there
    """
    if os.isatty(0):
        from envfs_cli.arguments import Mistake

        raise Mistake("a coding agent starts this, and speaks to it", "as in `claude mcp add secrets -- envfs mcp`")
    try:
        from envfs_cli.agents import server
    except ImportError:
        raise EnvFSError("the Python package mcp is not installed", "install it: `pip install 'envfs[mcp]'`") from None
    server.run_server()
    return 0

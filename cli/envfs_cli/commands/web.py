"""`web`: show names, reads, history and questions on a page in the browser, and no value."""

from envfs import interpreter
from envfs.errors import EnvFSError
from envfs.tuples import NamedTuple
from envfs_cli import output
from envfs_cli.arguments import Mistake
from envfs_cli.daemon import client

_IDLE_SECONDS = 1800
_LAST_PORT = 65_535


class WebArguments(NamedTuple):
    """The arguments of `web`."""

    port: int | None
    idle: int | None
    no_answers: bool


def run_web(arguments: WebArguments) -> int:
    """Serve the page until this process is ended, or nobody has looked for a while.

    Raises:
        Mistake: there is no such port
        EnvFSError: a library of the page is not there, or no daemon runs
    """
    port = arguments.port or 0
    if port > _LAST_PORT:
        raise Mistake("there is no such port", f"a port is a number up to {_LAST_PORT}")
    try:
        from envfs_cli.web import server
    except ImportError as error:
        raise EnvFSError(
            f"the Python package {error.name} is not installed", f"install it: `{interpreter.pip_line('web')}`"
        ) from None
    client.need_running().close()
    output.done("open the URL in a browser of this machine: it works once. Press return for another one, Ctrl-C to end")
    server.serve_page(port, arguments.idle or _IDLE_SECONDS, takes_answers=not arguments.no_answers)
    return 0

"""`exec`: become a command with a view as its environment."""

import os
import sys

from envfs.errors import EnvFSError
from envfs.protocol import control
from envfs_cli import session

TYPE_CHECKING = False
if TYPE_CHECKING:
    from envfs_cli.arguments import Values

_NOT_FOUND, _NOT_RUNNABLE = 127, 126


def execute(values: "Values") -> int:
    """Fetch the view, then replace this process by the command: its exit status and signals are its own."""
    command = values["command"]
    link = session.start(values)
    request = control.ReadView(str(values["level"]), "environ", "exec", values["only"] or ())  # type: ignore[arg-type]
    _, blob = link.ask(request)
    link.close()
    environ = {os.fsencode(name): os.fsencode(value) for name, value in os.environ.items()}
    for entry in blob.split(b"\0")[:-1]:
        name, _, content = entry.partition(b"=")
        environ[name] = content
    sys.stdout.flush()
    return _become(command, environ)  # type: ignore[arg-type]


def _become(command: "tuple[str, ...]", environ: "dict[bytes, bytes]") -> int:
    try:
        os.execvpe(command[0], command, environ)  # noqa: S606
    except FileNotFoundError:
        _complain(f"there is no command {command[0]}")
        return _NOT_FOUND
    except OSError as error:
        if error.errno == 7:  # E2BIG  # noqa: PLR2004
            raise EnvFSError("the view is too large for an environment", "choose variables with --only") from None
        _complain(f"cannot run {command[0]}: {os.strerror(error.errno or 5).lower()}")
        return _NOT_RUNNABLE


def _complain(text: str) -> None:
    from envfs_cli import output

    output.error(EnvFSError(text))

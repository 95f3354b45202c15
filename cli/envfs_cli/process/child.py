"""The end of a forked child: whatever ends it, it never comes back as a second copy of its parent."""

import contextlib
import os
import sys
import traceback

from envfs.errors import EnvFSError
from envfs_cli import exit_status, output

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn


def be_child(act: "Callable[[], int]") -> "NoReturn":
    """Do what a child is for, and end with the status of that. A bug keeps its traceback."""
    status = exit_status.BUG
    try:
        status = act()
        sys.stdout.flush()
    except EnvFSError as error:
        output.error(error)
        status = error.status
    except KeyboardInterrupt:
        status = exit_status.INTERRUPTED
    except BrokenPipeError:
        status = exit_status.PIPE_CLOSED
    except BaseException:  # noqa: BLE001 - whatever it is, it is the child's
        status = exit_status.BUG
        traceback.print_exc()
    finally:
        with contextlib.suppress(OSError):  # standard error may be closed
            sys.stderr.flush()
        os._exit(status)

"""One run of a tool that takes values on standard input.

Laws: a value is in the pipe to the tool and in no argument, file or environment. The words of a tool
are shown with its values hidden, and only where it failed.
"""

import os
import shutil
import subprocess

from envfs import safe_open
from envfs.errors import EnvFSError
from envfs.tuples import NamedTuple
from envfs_cli.process import own_variables
from envfs_cli.pushing.hidden_values import hide_values

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

# by these this command acts, and no other one is to
_MOST_CHARACTERS = 2000


class ToolEnd(NamedTuple):
    """How a tool ended: its status (negative: a signal), and the end of its words, with values hidden."""

    status: int
    text: str


def check_tool(tool: str) -> None:
    """Refuse a tool that is not there.

    Raises:
        EnvFSError: it is not in PATH
    """
    if shutil.which(tool) is None:
        raise EnvFSError(f"there is no command {tool}", f"install {tool}, and log in with it")


def run_tool(words: "Sequence[str]", data: bytes, values: "Sequence[str]") -> ToolEnd:
    """Run a tool with `data` on its standard input. `values` are those in it.

    Raises:
        EnvFSError: it cannot be run
    """
    environ = own_variables.without_own(os.environ)
    try:
        ended = subprocess.run(
            list(words), input=data, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environ, check=False
        )
    except OSError as error:
        raise EnvFSError(f"cannot run {words[0]}: {safe_open.error_words(error)}") from None
    said = hide_values(ended.stdout.decode(errors="backslashreplace"), values).strip()
    return ToolEnd(ended.returncode, said[-_MOST_CHARACTERS:])

"""The level or the variable that a person may have meant, where there is none of the name that was typed.

Law: a caller is offered what it may know, and nothing is asked for that a refusal would put on the log. So names are
offered to the owner alone, and levels where a daemon runs.
"""

import difflib
import os

from envfs.errors import EnvFSError, NoSuchLevel, NoSuchVariable, NotRunning
from envfs_cli.completion.sources import Sources
from envfs_cli.daemon import client

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from envfs_cli.daemon.client import Link

_NO_LEVEL, _NO_NAME = "there is no level ", " has no variable of that name"
_NEAR = 0.7


def suggest_near(error: EnvFSError, words: "Sequence[str]") -> None:
    """Put what is near into the hint of an error. `words` are those of the command line."""
    near: str | None = None
    try:
        if isinstance(error, NoSuchLevel) and error.text.startswith(_NO_LEVEL):
            near = _nearest([error.text.removeprefix(_NO_LEVEL)], _sources().levels())
        elif isinstance(error, NoSuchVariable) and error.text.endswith(_NO_NAME) and _is_owner():
            typed = [word for word in words[1:] if "/" not in word and not word.startswith("-")]
            near = _nearest(typed, _sources().names(error.text.removesuffix(_NO_NAME)))
    except (EnvFSError, OSError):  # there is nothing to offer
        return
    if near:
        error.hint = f"did you mean {near}? {error.hint}".rstrip()


def _nearest(typed: "Iterable[str]", known: "Sequence[str]") -> "str | None":
    near = [word for each in typed for word in difflib.get_close_matches(each, known, 1, _NEAR)]
    return near[0] if near else None


def _sources() -> Sources:
    return Sources(_reach_running, lambda link: link.close())


def _reach_running() -> "Link":
    # none that is starting is waited for: what has the lock may be this very command's own daemon
    link = client.running_daemon()
    if link is None:
        raise NotRunning("no daemon runs")
    return link


def _is_owner() -> bool:
    return os.stat(client.user_locations().vault).st_uid == os.geteuid()

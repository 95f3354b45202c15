"""`completion`: the script for a shell; and what such a script asks for while somebody types."""

import fcntl
import os

from envfs.core import names
from envfs.errors import EnvFSError, NotRunning
from envfs_cli import link as links
from envfs_cli import output
from envfs_cli.arguments import Mistake

TYPE_CHECKING = False
if TYPE_CHECKING:
    from envfs_cli.arguments import Values
    from envfs_cli.link import Link


def completion(values: "Values") -> int:
    """Print the script."""
    match values["shell"]:
        case "bash":
            from envfs_cli.shell.completion.bash import script
        case "zsh":
            from envfs_cli.shell.completion.zsh import script
        case "fish":
            from envfs_cli.shell.completion.fish import script
        case _:
            raise Mistake("there is no script for that shell", "bash, zsh and fish have one")
    output.line(script())
    return 0


def candidates(values: "Values") -> int:
    """Print levels that go on from a word, or the names of a level; nothing at all if that cannot be known at once."""
    from envfs_cli.shell import paths
    from envfs_cli.shell.sources import Sources

    what, word = values["what"], str(values["word"] or "")
    sources = Sources(_link_for_levels if what == "level" else links.need_running, _leave)
    try:
        found = (
            paths.below(sources.levels(), names.ROOT, word)
            if what == "level"
            else sources.names(names.level(word))
            if what == "name"
            else ()
        )
    except EnvFSError:
        return 0  # a level that is none has nothing to offer
    for text in found:
        output.line(text)
    return 0


def _link_for_levels() -> "Link":
    link = links.running()
    if link is None and not _vault_is_free():
        raise NotRunning("another process is at work here")
    return link or links.reach()


def _leave(link: "Link") -> None:
    link.close()


def _vault_is_free() -> bool:
    # a private daemon would wait for the lock long after the person has typed on
    try:
        handle = os.open(links.places().lock, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(handle)
    return True

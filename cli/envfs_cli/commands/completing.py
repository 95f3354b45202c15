"""`completion`: the script for a shell; and what such a script asks for while somebody types."""

import fcntl
import os

from envfs import safe_open
from envfs.core import names
from envfs.errors import EnvFSError, NotRunning
from envfs_cli import output
from envfs_cli.arguments import Mistake
from envfs_cli.daemon import client

TYPE_CHECKING = False
if TYPE_CHECKING:
    from envfs_cli.arguments import Values
    from envfs_cli.daemon.client import Link


def completion(values: "Values") -> int:
    """Print the script."""
    match values["shell"]:
        case "bash":
            from envfs_cli.completion.bash import script
        case "zsh":
            from envfs_cli.completion.zsh import script
        case "fish":
            from envfs_cli.completion.fish import script
        case _:
            raise Mistake("there is no script for that shell", "bash, zsh and fish have one")
    output.line(script())
    return 0


def candidates(values: "Values") -> int:
    """Print levels or projects that go on from a word, or names of a level; nothing if that is not known at once.

    `here` is a level, or else a name at the level that this folder is linked to.
    """
    from envfs_cli import level_paths
    from envfs_cli.completion.sources import Sources

    what, word = values["what"], str(values["word"] or "")
    sources = Sources(client.need_running if what == "name" else _link_for_levels, _leave)
    try:
        match what:
            case "level":
                found = level_paths.below(sources.levels(), names.ROOT, word)
            case "here":
                found = level_paths.below(sources.levels(), names.ROOT, word) or _names_here(word)
            case "project":
                found = [name for name in sources.projects() if name.startswith(word)]
            case _:
                found = list(sources.names(names.level(word)))
    except EnvFSError:
        return 0  # a level that is none has nothing to offer
    for text in found:
        output.line(text)
    return 0


def _names_here(word: str) -> list[str]:
    from envfs_cli.completion.sources import Sources
    from envfs_cli.folder_links import state

    found = Sources(client.need_running, _leave).names(state.level())
    return [name for name in found if name.startswith(word)]


def _link_for_levels() -> "Link":
    link = client.running()
    if link is None and not _vault_is_free():
        raise NotRunning("another process is at work here")
    return link or client.reach()


def _leave(link: "Link") -> None:
    link.close()


def _vault_is_free() -> bool:
    # a private daemon would wait for the lock long after the person has typed on
    try:
        handle = safe_open.open_file(client.places().lock, os.O_RDWR)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(handle)
    return True

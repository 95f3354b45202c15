"""`__complete`: what a completion script asks for while somebody types."""

import fcntl
import os

from envfs import safe_open
from envfs.core import names
from envfs.errors import EnvFSError, NotRunning
from envfs.tuples import NamedTuple
from envfs_cli import level_paths, output
from envfs_cli.closed_sets import Unhandled
from envfs_cli.completion.sources import Sources, version_offers
from envfs_cli.daemon import client

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    from envfs_cli.daemon.client import Link


class CompleteArguments(NamedTuple):
    """The arguments of `__complete`.

    `here` is a level, or else a name at the level that this folder is linked to, `version` what may stand behind
    `LEVEL@`, with a word about each behind a tab.
    """

    what: "Literal['level', 'here', 'project', 'name', 'version']"
    word: str | None


def run_complete(arguments: CompleteArguments) -> int:
    """Print levels or projects that go on from a word, or names of a level. Nothing if that is not known at once."""
    try:
        offers = _offers(arguments)
    except EnvFSError:
        return 0  # a level that is none has nothing to offer
    for text in offers:
        output.print_line(text)
    return 0


def _offers(arguments: CompleteArguments) -> "list[str]":
    word, sources = arguments.word or "", Sources(_link_for_levels, _leave)
    match arguments.what:
        case "level":
            return level_paths.levels_below(sources.levels(), names.ROOT, word)
        case "here":
            return level_paths.levels_below(sources.levels(), names.ROOT, word) or _names_here(word)
        case "project":
            return [name for name in sources.projects() if name.startswith(word)]
        case "name":
            return _names_at(word)
        case "version":
            return [f"{text}\t{note}" for text, note in _versions(word)]
        case _:
            raise Unhandled(arguments.what)


def _versions(word: str) -> "list[tuple[str, str]]":
    from envfs_cli.folder_links import state

    level = word.partition("@")[0]
    sources = Sources(client.need_running, _leave)
    return version_offers(word, sources.versions(names.parse_level(level) if level else state.linked_level()))


def _names_here(word: str) -> list[str]:
    return [name for name in _names_at("") if name.startswith(word)]


def _names_at(word: str) -> list[str]:
    # of LEVEL@VERSION the level's names of now, which are most of those of then. No word: this folder's level
    if not word:
        from envfs_cli.folder_links import state

        word = state.linked_level()
    return list(Sources(client.need_running, _leave).names(names.parse_level(word.partition("@")[0])))


def _link_for_levels() -> "Link":
    link = client.running_daemon()
    if link is None and not _vault_is_free():
        raise NotRunning("another process is at work here")
    return link or client.reach_daemon()


def _leave(link: "Link") -> None:
    link.close()


def _vault_is_free() -> bool:
    # a private daemon would wait for the lock long after the person has typed on
    try:
        handle = safe_open.open_file(client.user_locations().lock, os.O_RDWR)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(handle)
    return True

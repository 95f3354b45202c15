"""The files of the rules are watched, so that a change by hand makes the kernel forget names as soon as it is made.

Laws: names are remembered only as long as the folders of these files are watched. A folder that moved away or is gone
is looked for again, and until then the kernel asks for each name. A change of which nobody reports, such as one of
another machine on a network file system, is seen within a second (`withdrawal`).
"""

import os
from collections.abc import Sequence
from contextlib import suppress
from typing import NoReturn

import trio

from envfs.fuse.kernel_names import KernelNames
from envfs.host.inotify import EVERY_CHANGE, Inotify

_LOOK_AGAIN = 1.0
_TRUSTED = 0.005  # longer than the rules are trusted after a look


async def watch_rule_files(names: KernelNames, paths: Sequence[str]) -> NoReturn:
    """Have `names` forgotten at each change of a file at one of `paths`, for ever."""
    while True:
        with suppress(OSError):  # a folder is gone, or this user has no more watches
            if names.is_on:
                await _watch(names, paths)
        await trio.sleep(_LOOK_AGAIN)


async def _watch(names: KernelNames, paths: Sequence[str]) -> None:
    inotify = Inotify(EVERY_CHANGE)
    try:
        is_there = True
        while is_there:
            _add_folders(inotify, paths)
            names.forget()
            names.is_watched = True
            await trio.lowlevel.wait_readable(inotify.fileno())
            names.is_watched = False
            names.forget()
            await trio.sleep(_TRUSTED)
            is_there = all(change.name and not change.lost for change in inotify.read())
    finally:
        names.is_watched = False
        names.forget()
        inotify.close()


def _add_folders(inotify: Inotify, paths: Sequence[str]) -> None:
    for path in paths:
        for place in {path, os.path.realpath(path)}:  # a link may lead to the file
            inotify.add(os.path.dirname(place))

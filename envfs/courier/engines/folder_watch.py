"""Changes of a folder of keys: from inotify at once, and from the times of its folders every few seconds.

inotify reports the writes of this machine alone. Those of another one to NFS, and those in a folder without a watch,
are in the times. Clocks of file systems tick coarsely, so once a minute there is a hint for everything. A change in the
root, where no stream is, has such a hint too.
"""

import os
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from contextlib import suppress

import trio

from envfs.core import shared_keys
from envfs.courier.engine import EVERYTHING
from envfs.errors import StoreUnavailable
from envfs.host.inotify import Inotify

_LOOK_SECONDS = 5.0
_LOOKS_OF_A_MINUTE = 12
_NO_WATCHES = (
    f"this user's inotify watches there are used up: changes are looked for every {_LOOK_SECONDS:.0f} s "
    "(sysctl fs.inotify.max_user_instances, fs.inotify.max_user_watches)"
)
Times = dict[str, tuple[int, int]]


Look = Callable[[Callable[[Times], Times], Times], Awaitable[Times]]  # runs what may wait for a disk


async def watch_folder(watches: "FolderWatches", look: Look) -> AsyncGenerator[str, None]:
    """Yield EVERYTHING, and then streams with something new, or EVERYTHING, until the watches are closed.

    Raises:
        StoreUnavailable: the folder cannot be looked at
    """
    root = watches.root
    times = await look(watches.times, {})
    watches.extend(times)
    yield EVERYTHING
    looks = 0
    next_look = trio.current_time() + _LOOK_SECONDS
    while True:
        with trio.move_on_at(next_look):
            await watches.wait()
        if watches.is_closed:
            return
        streams = watches.streams()
        if trio.current_time() >= next_look:
            looks += 1
            next_look = trio.current_time() + _LOOK_SECONDS
            later = await look(watches.times, times)
            watches.extend(later)
            streams |= {_stream_at(root, path) for path in later if later[path] != times.get(path)}
            times = later
        if looks == _LOOKS_OF_A_MINUTE:
            looks, streams = 0, {EVERYTHING}
        for stream in sorted(streams & {EVERYTHING} or filter(shared_keys.is_shared_stream, streams)):
            yield stream


class FolderWatches:
    """The inotify watches of a folder of keys. Without inotify there are none, and nothing is reported.

    Folders in which no key starts with one of the prefixes are neither watched nor looked at.
    """

    def __init__(self, root: str, prefixes: Sequence[str]) -> None:
        """Begin with none. `root` has no slash at its end."""
        self.root = root
        self._prefixes = tuple(prefixes)
        self._closed = trio.Event()
        self._inotify: Inotify | None = None
        self._paths: set[str] = set()
        self.late = ""
        try:
            self._inotify = Inotify()
        except OSError:
            self.late = _NO_WATCHES

    def extend(self, paths: Times) -> None:
        """Watch folders as well. Those that are gone, or over this user's number, are left to the looks."""
        for path in paths.keys() - self._paths:
            self._add(path)
        self._paths &= paths.keys()

    def _add(self, path: str) -> None:
        if self._inotify is None:
            return
        try:
            self._inotify.add(path)
            self._paths.add(path)
        except (FileNotFoundError, NotADirectoryError):  # it is gone
            return
        except OSError:
            self.late = _NO_WATCHES

    async def wait(self) -> None:
        """Wait until something is reported, or the watches are closed."""
        if self._inotify is None:
            await self._closed.wait()
        else:
            with suppress(trio.ClosedResourceError):
                await trio.lowlevel.wait_readable(self._inotify.fileno())

    def streams(self) -> set[str]:
        """Return the streams of what was reported."""
        streams = set()
        for change in self._inotify.read() if self._inotify is not None else ():
            if change.lost:
                return {EVERYTHING}
            if change.is_folder:
                streams |= set(self._take_folder(f"{change.path}/{change.name}"))
            else:
                streams.add(_stream_at(self.root, change.path))
        return streams

    def _take_folder(self, path: str) -> Iterator[str]:
        # what was put into a new folder before it was watched is reported by nobody
        if not self._is_ours(path):
            return
        self._add(path)
        yield _stream_at(self.root, path)
        with suppress(OSError), os.scandir(path) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    yield from self._take_folder(entry.path)

    def _is_ours(self, path: str) -> bool:
        folder = f"{_stream_at(self.root, path)}/"
        return path == self.root or any(folder.startswith(one) or one.startswith(folder) for one in self._prefixes)

    def times(self, before: Times) -> Times:
        """Return inode and time of each folder. Only one that changed can have new ones in it, and is listed.

        Raises:
            StoreUnavailable: the root is not there
        """
        times: Times = {}
        waiting = [self.root, *before]
        while waiting:
            path = waiting.pop()
            if path in times or not self._is_ours(path):
                continue
            try:
                status = os.stat(path, follow_symlinks=False)
                times[path] = (status.st_ino, status.st_mtime_ns)
                if before.get(path) != times[path]:
                    with os.scandir(path) as entries:
                        waiting += [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]
            except (FileNotFoundError, NotADirectoryError) as error:
                times.pop(path, None)
                if path == self.root:
                    raise StoreUnavailable(f"the folder {self.root} is not there") from error
        return times

    @property
    def is_closed(self) -> bool:
        """Tell whether the watches are closed."""
        return self._closed.is_set()

    def close(self) -> None:
        """End the watches. Closing them twice is no error."""
        if not self.is_closed and self._inotify is not None:
            trio.lowlevel.notify_closing(self._inotify.fileno())
            self._inotify.close()
        self._closed.set()


def _stream_at(root: str, path: str) -> str:
    return path.removeprefix(root).removeprefix("/")

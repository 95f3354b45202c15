"""Open files and folders: the caller, the inode, and the view that each shows. With a budget for each uid.

Laws: each read of a handle is decided again, for the caller that opened it, by the evidence of that moment. A refused
handle is on the log once. The open files of a uid are bounded, in number and in memory, and beyond that it is ENFILE
for this uid alone.
"""

import errno
import os
from mmap import PAGESIZE
from typing import NamedTuple, NoReturn

from pyfuse3 import FUSEError

from envfs.core.access.caller import Caller
from envfs.core.access_request import AccessRequest, Channel, Format
from envfs.fuse.inodes import file_extent
from envfs.fuse.kernel_table import Inode, KernelTable
from envfs.fuse.listings import Listing
from envfs.fuse.nodes import VALUE
from envfs.gate.gate import Admission, Gate
from envfs.gate.readings import LevelReading
from envfs.gate.views.view import Extent, View
from envfs.host import clocks
from envfs.host.callers.callers import kept_caller

WRITING = os.O_WRONLY | os.O_RDWR | os.O_TRUNC | os.O_APPEND | os.O_CREAT
MOST_HANDLES = 1024  # open files and folders of one uid
MOST_VIEWS = 64  # different views that they hold: each is a mapping, and a descriptor of this process
MOST_BYTES = 32 << 20  # memory that these views take together. One view is let through whatever its size


class OpenFile(NamedTuple):
    """An opened file: the number of its inode, who opened it, what was asked, and the piece of a view that it shows.

    The piece is as long as the kernel was told that the inode is. It was opened `seconds` after the machine's start.
    As long as an `admission` stands, it may be read without another look at the rules.
    """

    inode: int
    caller: Caller
    request: AccessRequest
    view: View
    extent: Extent
    seconds: float
    admission: Admission | None = None


class _Use:
    """The open files of one uid: how many handles, and how many of them show each view."""

    __slots__ = ("count", "views")

    def __init__(self) -> None:
        self.count = 0
        self.views: dict[View, int] = {}

    def has_room(self, view: View | None) -> bool:
        """Tell whether one more handle may be opened, which shows `view`."""
        if self.count >= MOST_HANDLES:
            return False
        if view is None or not self.views or view in self.views:
            return True
        return len(self.views) < MOST_VIEWS and sum(held.size for held in self.views) + view.size <= MOST_BYTES

    def take(self, view: View) -> None:
        """Note that one more handle shows a view."""
        self.views[view] = self.views.get(view, 0) + 1

    def drop(self, view: View) -> None:
        """Note that one handle fewer shows a view, and let go of it."""
        if self.views[view] > 1:
            self.views[view] -= 1
        else:
            del self.views[view]
        view.release()


class Handles:
    """The open handles of one mount."""

    def __init__(self, gate: Gate) -> None:
        """Start with none. `gate` decides on each read."""
        self._gate = gate
        self._open: dict[int, OpenFile | Listing] = {}
        self._refused: set[int] = set()
        self._next = 1
        self._uses: dict[int, _Use] = {}  # by uid

    def opener(self, number: int) -> Caller:
        """Return who opened a handle."""
        return self._open[number].caller

    def __len__(self) -> int:
        """Return how many are open."""
        return len(self._open)

    def has_room(self, uid: int, view: View | None) -> bool:
        """Tell whether a uid may open one more file that shows `view`."""
        use = self._uses.get(uid)
        return use is None or use.has_room(view)

    def check_room(self, uid: int, view: View | None) -> None:
        """ENFILE if a uid has too much open for one more file that shows `view`."""
        if not self.has_room(uid, view):
            raise FUSEError(errno.ENFILE)

    def check_open(self, table: KernelTable, inode: int, uid: int, view: View) -> None:
        """Raise what an open of an inode that shows `view` would come to, before it is on the log as a read."""
        held = table[inode]
        if file_extent(view, held.node).size < held.entry.st_size:
            raise FUSEError(errno.ESTALE)
        self.check_room(uid, view)

    def add(self, what: OpenFile | Listing) -> int:
        """Take over what was opened, and what it holds. ENFILE, and it is let go, if its uid has too much open."""
        if isinstance(what, Listing):
            what = what._replace(caller=kept_caller(what.caller))
        uid, view = what.caller.uid, what.view
        use = self._uses.get(uid)
        if use is None:
            use = self._uses[uid] = _Use()
        if not use.has_room(view):
            if view is not None:
                view.release()
            raise FUSEError(errno.ENFILE)
        use.count += 1
        if view is not None:
            use.take(view)
        handle = self._next
        self._next += 1
        self._open[handle] = what
        return handle

    def advance(self, inode: Inode, view: View) -> None:
        """Let every handle of an inode that has grown show what the kernel is going to be told of it."""
        piece = _piece(inode, view)
        for handle, content in self._open.items():
            if isinstance(content, OpenFile) and content.inode == inode.number and content.extent.size < piece.size:
                use = self._uses[content.caller.uid]
                use.take(view.hold())
                self._open[handle] = content._replace(view=view, extent=piece)
                use.drop(content.view)

    def view_of(self, inode: int) -> View | None:
        """Return the view that a handle of an inode shows, if there is one: all show the same."""
        files = (content for content in self._open.values() if isinstance(content, OpenFile))
        return next((content.view for content in files if content.inode == inode), None)

    def show(self, inode: Inode) -> bool:
        """Tell whether an inode is open, so that its descriptor may have been handed on."""
        return self.view_of(inode.number) is not None

    def inodes(self) -> set[int]:
        """Return the inodes of the files that are open."""
        return {content.inode for content in self._open.values() if isinstance(content, OpenFile)}

    def readings(self) -> list[LevelReading]:
        """List what the open files show, and to whom."""
        files = (content for content in self._open.values() if isinstance(content, OpenFile))
        return [LevelReading(file.caller, file.request, file.view.version, file.seconds) for file in files]

    def withdrawn(self) -> set[int]:
        """Return the inodes of the open files whose opener may not read them any more."""
        files = [content for content in self._open.values() if isinstance(content, OpenFile)]
        return {file.inode for file in files if not self._gate.judge(file.caller, file.request).is_served}

    def remove(self, handle: int) -> OpenFile | Listing | None:
        """Let go of a handle and of what it holds."""
        content = self._open.pop(handle, None)
        if content is None:
            return None
        self._refused.discard(handle)
        use = self._uses[content.caller.uid]
        use.count -= 1
        if content.view is not None:
            use.drop(content.view)
        if not use.count:
            del self._uses[content.caller.uid]
        return content

    def file(self, handle: int) -> OpenFile:
        """Return an open file whose caller may still read it. EACCES if it may not any more."""
        content = self._open[handle]
        if not isinstance(content, OpenFile):
            raise FUSEError(errno.EISDIR)
        caller, request = content.caller, content.request
        verdict = self._gate.judge_held(caller, request)
        if not verdict.is_served:
            self._refuse(handle, caller, request, verdict.rule)
        return content

    def admitted_file(self, handle: int) -> OpenFile | None:
        """Return an open file whose admission stands. None if `file` has to decide."""
        content = self._open.get(handle)
        if not isinstance(content, OpenFile) or content.admission is None:
            return None
        return content if self._gate.stands(content.admission) else None

    def listing(self, handle: int) -> Listing:
        """Return an open folder whose caller may still list it. EACCES if it may not any more."""
        content = self._open[handle]
        if not isinstance(content, Listing):
            raise FUSEError(errno.ENOTDIR)
        if content.is_below_grant:
            node = content.node
            verdict = self._gate.judge_access(
                content.caller, node.level, node.capability, node.face, past=node.version > 0
            )
            if not verdict.is_served:
                self._refuse(
                    handle, content.caller, AccessRequest(content.node.level, Channel.MOUNT, Format.NAMES), verdict.rule
                )
        elif not self._gate.sees(content.caller, content.node.level):
            self._refuse(
                handle, content.caller, AccessRequest(content.node.level, Channel.MOUNT, Format.NAMES), "no grant"
            )
        return content

    def _refuse(self, handle: int, caller: Caller, request: AccessRequest, rule: str) -> NoReturn:
        if handle in self._refused:
            raise FUSEError(errno.EACCES)
        self._refused.add(handle)
        self._gate.refuse(caller, request, rule)


def open_content(inode: Inode, caller: Caller, request: AccessRequest, view: View) -> OpenFile:
    """Return what an open of an inode holds, and release `view` if that fails. ESTALE if it is of another content."""
    try:
        return OpenFile(inode.number, kept_caller(caller), request, view, _piece(inode, view), clocks.boot_seconds())
    except FUSEError:
        view.release()
        raise


def grown_file(inode: Inode, what: OpenFile, view: View) -> OpenFile:
    """Return an open file with all of its text in another view of the same content, whatever the kernel was told."""
    return what._replace(view=view, extent=file_extent(view, inode.node))


def is_grown(inode: Inode, view: View) -> bool:
    """Tell whether an inode's text has more in a view than the kernel was told of. A value is all of it, always."""
    return inode.node.kind is not VALUE and file_extent(view, inode.node).size > inode.entry.st_size


def is_for_pages(piece: Extent, start: int, size: int) -> bool:
    """Tell whether a read may be for the kernel's pages: of whole pages, and not beyond the one of the text's end.

    The kernel tells no more of it, so a program that reads as much is taken for that too.
    """
    pages = -(-piece.size // PAGESIZE)
    return not start % PAGESIZE and not size % PAGESIZE and start + size <= pages * PAGESIZE


def _piece(inode: Inode, view: View) -> Extent:
    whole = file_extent(view, inode.node)
    end = whole.start + inode.entry.st_size
    if whole.end < end:
        raise FUSEError(errno.ESTALE)
    return whole if whole.end == end else Extent(whole.start, end)

"""What is open: who opened it, by which inode, and the view that it shows; with a budget for each uid.

Laws: each read of a handle is decided anew, for the caller that opened it. A refused handle is on the log once. What a
uid holds open is bounded, in number and in memory, and beyond that it is ENFILE for this uid alone.
"""

import errno
from collections import Counter, defaultdict
from typing import NamedTuple, NoReturn

from pyfuse3 import FUSEError

from envfs.core.policy import Caller
from envfs.fuse.inodes import extent
from envfs.fuse.kernel_table import Inode
from envfs.fuse.listings import Listing
from envfs.gate.gate import Gate, Wish
from envfs.gate.view import Extent, View

MOST_HANDLES = 1024  # open files and folders of one uid
MOST_VIEWS = 64  # different views that they hold: each is a mapping, and a descriptor of this process
MOST_BYTES = 32 << 20  # memory that these views take together; one view is let through whatever its size


class OpenFile(NamedTuple):
    """An opened file: the number of its inode, who opened it, what was asked, and the piece of a view that it shows.

    The piece is as long as the kernel was told that the inode is.
    """

    inode: int
    caller: Caller
    wish: Wish
    view: View
    extent: Extent


class Handles:
    """The open handles of one mount."""

    def __init__(self, gate: Gate) -> None:
        """Start with none; `gate` decides on each read."""
        self._gate = gate
        self._open: dict[int, OpenFile | Listing] = {}
        self._refused: set[int] = set()
        self._next = 1
        self._by_inode: defaultdict[int, set[int]] = defaultdict(set)
        self._count: Counter[int] = Counter()
        self._views: defaultdict[int, Counter[View]] = defaultdict(Counter)  # by uid: how many handles hold each

    def __len__(self) -> int:
        """Return how many are open."""
        return len(self._open)

    def add(self, what: OpenFile | Listing) -> int:
        """Take over what was opened, and what it holds; ENFILE, and it is let go, if its uid has too much open."""
        uid = what.caller.uid
        if self._count[uid] >= MOST_HANDLES or not self._has_room(uid, what.view):
            _release(what)
            raise FUSEError(errno.ENFILE)
        self._count[uid] += 1
        if what.view is not None:
            self._views[uid][what.view] += 1
        handle = self._next
        self._next += 1
        self._open[handle] = what
        if isinstance(what, OpenFile):
            self._by_inode[what.inode].add(handle)
        return handle

    def _has_room(self, uid: int, view: View | None) -> bool:
        views = self._views.get(uid)
        if view is None or not views or view in views:
            return True
        return len(views) < MOST_VIEWS and sum(held.size for held in views) + view.size <= MOST_BYTES

    def advance(self, inode: Inode, view: View) -> None:
        """Let every handle of an inode that has grown show what the kernel is going to be told of it."""
        handles = self._by_inode.get(inode.number)
        if not handles:
            return
        piece = _piece(inode, view)
        for handle in handles:
            what = self._open[handle]
            if isinstance(what, OpenFile) and what.extent.size < piece.size:
                self._drop_view(what)
                self._open[handle] = what._replace(view=view.hold(), extent=piece)
                self._views[what.caller.uid][view] += 1

    def remove(self, handle: int) -> OpenFile | Listing | None:
        """Let go of a handle and of what it holds."""
        what = self._open.pop(handle, None)
        if what is None:
            return None
        self._refused.discard(handle)
        uid = what.caller.uid
        self._count[uid] -= 1
        if not self._count[uid]:
            del self._count[uid]
        if isinstance(what, OpenFile):
            self._by_inode[what.inode].discard(handle)
            if not self._by_inode[what.inode]:
                del self._by_inode[what.inode]
        self._drop_view(what)
        return what

    def _drop_view(self, what: OpenFile | Listing) -> None:
        if what.view is not None:
            views = self._views[what.caller.uid]
            views[what.view] -= 1
            if not views[what.view]:
                del views[what.view]
            if not views:
                del self._views[what.caller.uid]
        _release(what)

    def file(self, handle: int) -> OpenFile:
        """Return an open file whose caller may still read it; EACCES if it may not any more."""
        what = self._open[handle]
        if not isinstance(what, OpenFile):
            raise FUSEError(errno.EISDIR)
        verdict = self._gate.decide(what.caller, what.wish.level)
        if verdict.decision != "allow":
            self._refuse(handle, what.caller, what.wish, verdict.rule)
        return what

    def listing(self, handle: int) -> Listing:
        """Return an open folder whose caller may still list it; EACCES if it may not any more."""
        what = self._open[handle]
        if not isinstance(what, Listing):
            raise FUSEError(errno.ENOTDIR)
        if what.is_below_grant:
            verdict = self._gate.decide(what.caller, what.node.level)
            if verdict.decision != "allow":
                self._refuse(handle, what.caller, Wish(what.node.level, "mount", "names"), verdict.rule)
        elif not self._gate.sees(what.caller, what.node.level):
            self._refuse(handle, what.caller, Wish(what.node.level, "mount", "names"), "no grant")
        return what

    def _refuse(self, handle: int, caller: Caller, wish: Wish, rule: str) -> NoReturn:
        if handle in self._refused:
            raise FUSEError(errno.EACCES)
        self._refused.add(handle)
        self._gate.refuse(caller, wish, rule)


def opened(inode: Inode, caller: Caller, wish: Wish, view: View) -> OpenFile:
    """Return what an open of an inode holds, and release `view` if that fails; ESTALE if it is of another content."""
    try:
        return OpenFile(inode.number, caller, wish, view, _piece(inode, view))
    except FUSEError:
        view.release()
        raise


def _piece(inode: Inode, view: View) -> Extent:
    whole, size = extent(view, inode.node), inode.entry.st_size
    if whole.size < size:
        raise FUSEError(errno.ESTALE)
    return Extent(whole.start, whole.start + size)


def _release(what: OpenFile | Listing) -> None:
    if what.view is not None:
        what.view.release()

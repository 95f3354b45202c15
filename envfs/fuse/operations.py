"""The kernel's questions, each handler a thin async skin over sync code.

Laws: a handler waits for the keyholder and for nothing else, so a view that is ready is served without a real await;
what a reader gets is the one snapshot of its open; every handler is defined and every surprise is EIO; a write of any
kind is EROFS. Code between two awaits is atomic; shared here are `_tree` and `_open`.
"""

import contextlib
import errno
import os
import stat
from collections.abc import Sequence
from typing import NamedTuple, NoReturn

import pyfuse3
from pyfuse3 import EntryAttributes, FileInfo, FUSEError, ReaddirToken, RequestContext

from envfs.core import names
from envfs.core.policy import Caller
from envfs.fuse import listings, loop, tree
from envfs.fuse.absent import Absent
from envfs.fuse.guard import guarded
from envfs.fuse.known import Known
from envfs.fuse.listings import Listing
from envfs.fuse.touching import Touching
from envfs.fuse.tree import DOTENV, FOLDER, HISTORY, HISTORY_NAME, PAST, VALUE, VARIABLES, Node, Tree
from envfs.gate.gate import Gate, Wish
from envfs.gate.view import Extent, View
from envfs.host.callers import Callers
from envfs.host.memory import ReplyBuffer
from envfs.vault.vault import Vault

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_TRUNC | os.O_APPEND | os.O_CREAT
_FOLDER_MODE, _FILE_MODE = stat.S_IFDIR | 0o500, stat.S_IFREG | 0o400
_REPLY_BYTES = 1 << 20  # the kernel asks for at most this much at once
_ENTRIES_KEPT = 4096


class _Opened(NamedTuple):
    """An opened file: the view that it shows a piece of."""

    view: View
    extent: Extent


class Operations(Absent):
    """One mount's handlers."""

    supports_dot_lookup = False
    enable_writeback_cache = False
    enable_acl = False

    def __init__(self, vault: Vault, gate: Gate) -> None:
        """Show `vault` through `gate`."""
        super().__init__()
        self._vault = vault
        self._gate = gate
        self._tree = Tree()
        self.known = Known()
        self.touching = Touching()
        self._open: dict[int, _Opened | Listing] = {}
        self._next_handle = 1
        self._callers = Callers()
        self._reply = ReplyBuffer(_REPLY_BYTES)
        self._entries: dict[tuple[Node, int], tuple[View | None, EntryAttributes]] = {}

    def drop_pages(self) -> None:
        """Make the kernel forget what programs have mapped of views; for a thread, for the kernel may wait."""
        for inode in self._tree.files():
            with contextlib.suppress(OSError):  # the kernel has forgotten it by itself
                pyfuse3.invalidate_inode(inode, attr_only=False)

    # -- looking -------------------------------------------------------------------------------------------------------

    @guarded
    async def lookup(self, parent_inode: int, name: bytes, ctx: RequestContext) -> EntryAttributes:
        """Find a name in a folder."""
        folder = self._tree.node(parent_inode)
        if self.touching.is_by(ctx):
            node = self.touching.step(folder, name)
            return self.known.told(node, self._last_told(node))
        node = self._step(folder, name, ctx)
        return self.known.told(node, self._attributes(node, ctx.uid, await self._view(node)))

    @guarded
    async def getattr(self, inode: int, ctx: RequestContext) -> EntryAttributes:
        """Describe an inode; the root's own attributes are open to all, for they say nothing."""
        node = self._tree.node(inode)
        if inode != tree.ROOT_INODE:
            self._check(node, ctx)
        entry = self._attributes(node, ctx.uid, await self._view(node))
        self.known.described(node, entry)
        return entry

    @guarded
    async def setattr(
        self,
        inode: int,
        attr: EntryAttributes,  # noqa: ARG002
        fields: pyfuse3.SetattrFields,
        fh: int | None,
        ctx: RequestContext,
    ) -> EntryAttributes:
        """Let the daemon touch a node, by which nothing changes; to anybody else this is read-only."""
        node = self._tree.node(inode)
        if not self.touching.allows(node, fields, fh, ctx):
            raise FUSEError(errno.EROFS)
        return self._last_told(node)

    @guarded
    async def access(self, inode: int, mode: int, ctx: RequestContext) -> bool:
        """Say whether a file may be used in a way, before it is."""
        if mode & os.W_OK:
            raise FUSEError(errno.EROFS)
        node = self._tree.node(inode)
        self._check(node, ctx)
        return node.is_folder or not mode & os.X_OK

    def _step(self, folder: Node, name: bytes, ctx: RequestContext) -> Node:
        # who may not know of a level is told the same whether it exists or not
        node = listings.named(folder, os.fsdecode(name))
        dialect = self._check(node or folder, ctx)
        if node is None or not self._exists(node):
            raise FUSEError(errno.ENOENT)
        return node._replace(name=dialect) if node.kind == DOTENV else node

    def _exists(self, node: Node) -> bool:
        if node.kind == FOLDER:
            parent, _, name = node.level.rpartition("/")
            return name in self._vault.children(parent or names.ROOT)  # the kernel has walked the steps before
        if node.version or node.kind == PAST:
            head = self._vault.head(node.level)
            return head is not None and 1 <= node.version <= head.seq
        return True

    def _check(self, node: Node, ctx: RequestContext) -> str:
        # a folder may be passed by whoever may read somewhere below it; the rest only by who may read this level, in
        # the dialect that is returned
        if node.kind == FOLDER:
            if self._gate.sees(ctx.uid, node.level):
                return ""
            self._refuse(node, ctx, "no grant")
        verdict = self._gate.decide(Caller(ctx.uid, ctx.gid, ctx.pid), node.level)
        if verdict.decision != "allow":
            self._refuse(node, ctx, verdict.rule)
        return verdict.dialect

    def _refuse(self, node: Node, ctx: RequestContext, rule: str) -> NoReturn:
        self._gate.refuse(self._callers.look(ctx.pid, ctx.uid, ctx.gid), _wish(node, "lookup"), rule)

    async def _view(self, node: Node) -> View | None:
        if node.is_folder:
            return None
        view = None if node.version else self._gate.views.warm(node.level, node.dialect)
        if view is not None:
            return view
        loop.make_way()
        if node.version:
            return await self._gate.views.get_past(node.level, node.version, node.dialect)
        return await self._gate.views.get(node.level, node.dialect)

    def _last_told(self, node: Node) -> EntryAttributes:
        # what the kernel knows already: who looks gets the truth, for nothing is kept of this
        entry = self.known.last(node)
        return self._describe(node, os.geteuid(), None) if entry is None else entry

    def _attributes(self, node: Node, uid: int, view: View | None) -> EntryAttributes:
        known = self._entries.get((node, uid))
        if known is not None and known[0] is view:
            return known[1]
        if len(self._entries) >= _ENTRIES_KEPT:
            self._entries.clear()
        entry = self._describe(node, uid, view)
        self._entries[node, uid] = (view, entry)
        return entry

    def _describe(self, node: Node, uid: int, view: View | None) -> EntryAttributes:
        size = 0 if view is None else _extent(view, node).size  # first, for what is not there gets no number
        entry = EntryAttributes()
        entry.st_ino = self._tree.inode(node)
        entry.st_mode = _FOLDER_MODE if node.is_folder else _FILE_MODE
        entry.st_nlink = 1
        entry.st_uid = uid
        entry.st_gid = 0
        if view is not None:
            entry.st_size = size
            entry.st_mtime_ns = entry.st_ctime_ns = entry.st_atime_ns = view.changed_ns
        entry.attr_timeout = entry.entry_timeout = 0
        return entry

    # -- folders -------------------------------------------------------------------------------------------------------

    @guarded
    async def opendir(self, inode: int, ctx: RequestContext) -> int:
        """Open a folder for listing; what is listed is fixed here, for here the caller is known."""
        node = self._tree.node(inode)
        self._check(node, ctx)
        if node.kind == VARIABLES:
            return self._keep(Listing(node, ctx.uid, (), view=await self._admit(node, ctx, "names")))
        return self._keep(self._listing(node, ctx))

    def _listing(self, node: Node, ctx: RequestContext) -> Listing:
        level = node.level
        if node.kind == HISTORY:
            head = self._vault.head(level)
            return Listing(node, ctx.uid, (), head.seq if head else 0)
        verdict = self._gate.decide(Caller(ctx.uid, ctx.gid, ctx.pid), level)
        entries = []
        if verdict.decision == "allow":
            entries = listings.files(level, node.version, verdict.dialect)
        if node.kind == FOLDER:
            if entries:
                entries.append((HISTORY_NAME, Node(HISTORY, level)))
            below = [(child, Node(FOLDER, names.child(level, child))) for child in sorted(self._vault.children(level))]
            entries += [(name, step) for name, step in below if self._gate.sees(ctx.uid, step.level)]
        return Listing(node, ctx.uid, entries)

    @guarded
    async def readdir(self, fh: int, start_id: int, token: ReaddirToken) -> None:
        """List from `start_id` on, as far as the kernel's buffer goes."""
        listing = self._open[fh]
        if not isinstance(listing, Listing):
            raise FUSEError(errno.ENOTDIR)
        index = start_id
        while (found := listing.at(index)) is not None:
            name, node = found
            attributes = self._attributes(node, listing.uid, self._ready(node, listing))
            index += 1
            if not pyfuse3.readdir_reply(token, os.fsencode(name), attributes, index):
                return
            self.known.told(node, attributes)

    def _ready(self, node: Node, listing: Listing) -> View | None:
        if listing.view is not None or node.is_folder or node.version:
            return listing.view
        # a folder may stay open for longer than the grant lasts, and views change
        allowed = self._gate.decide(Caller(listing.uid, 0, 0), node.level).decision == "allow"
        return self._gate.views.warm(node.level, node.dialect) if allowed else None

    @guarded
    async def releasedir(self, fh: int) -> None:
        """Forget an opened folder."""
        listing = self._open.pop(fh, None)
        if isinstance(listing, Listing) and listing.view is not None:
            listing.view.release()

    # -- files ---------------------------------------------------------------------------------------------------------

    @guarded
    async def open(self, inode: int, flags: int, ctx: RequestContext) -> FileInfo:
        """Open a file: the gate decides and records, and the handle keeps that one snapshot."""
        if flags & _WRITING:
            raise FUSEError(errno.EROFS)
        node = self._tree.node(inode)
        if node.is_folder:
            raise FUSEError(errno.EISDIR)
        view = await self._admit(node, ctx, node.kind)
        try:
            opened = _Opened(view, _extent(view, node))
        except FUSEError:
            view.release()
            raise
        return FileInfo(fh=self._keep(opened), direct_io=True, keep_cache=False)

    async def _admit(self, node: Node, ctx: RequestContext, form: str) -> View:
        caller, wish = self._callers.look(ctx.pid, ctx.uid, ctx.gid), _wish(node, form)
        view = self._gate.admit_warm(caller, wish)
        if view is None:
            loop.make_way()
            view = await self._gate.admit(caller, wish)
        return view

    @guarded
    async def read(self, fh: int, off: int, size: int) -> memoryview:  # type: ignore[override]  # any buffer will do
        """Read from the snapshot of an open; the reply is sent before anything else can run."""
        opened = self._open[fh]
        if not isinstance(opened, _Opened):
            raise FUSEError(errno.EISDIR)
        return self._reply.filled(opened.view.read_into(self._reply.view, opened.extent, off, size))

    @guarded
    async def release(self, fh: int) -> None:
        """Let go of a snapshot."""
        opened = self._open.pop(fh, None)
        if isinstance(opened, _Opened):
            opened.view.release()
            self._reply.wipe()

    async def flush(self, fh: int) -> None:  # noqa: ARG002
        """Answer ENOSYS once, and the kernel stops asking at each close: there is nothing to flush."""
        raise FUSEError(errno.ENOSYS)

    def _keep(self, what: _Opened | Listing) -> int:
        handle = self._next_handle
        self._next_handle += 1
        self._open[handle] = what
        return handle

    # -- forgetting ----------------------------------------------------------------------------------------------------

    async def forget(self, inode_list: Sequence[tuple[int, int]]) -> None:
        """Note what the kernel has forgotten; numbers are kept, see `tree`."""
        with contextlib.suppress(Exception):  # nobody is answered here, and a surprise would end the mount
            for inode, times in inode_list:
                self.known.forgotten(self._tree.node(inode), times)


def _wish(node: Node, form: str) -> Wish:
    return Wish(node.level, "mount", form, node.version, node.dialect)


def _extent(view: View, node: Node) -> Extent:
    # a variable that is gone, or has never been there, is no file
    if node.kind != VALUE:
        return view.part(node.kind)
    extent = view.value(node.name)
    if extent is None:
        raise FUSEError(errno.ENOENT)
    return extent

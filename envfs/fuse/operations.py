"""The kernel's questions, each handler a thin async skin over sync code.

Laws: a handler waits for the keyholder and for nothing else, so a view that is ready is served without a real await;
what a reader gets is the one snapshot of its open; every handler is defined and every surprise is EIO; a write of any
kind is EROFS. Code between two awaits is atomic; shared here are `_tree` and `_open`.
"""

import contextlib
import errno
import functools
import os
import select
import stat
import sys
import traceback
from collections.abc import Callable, Coroutine, Sequence
from typing import NamedTuple, NoReturn, ParamSpec, TypeVar

import pyfuse3
from pyfuse3 import EntryAttributes, FileInfo, FUSEError, ReaddirToken, RequestContext

from envfs.core import names
from envfs.core.policy import Caller
from envfs.errors import EnvFSError
from envfs.fuse import faults, loop, tree
from envfs.fuse.known import Known
from envfs.fuse.touching import Touching
from envfs.fuse.tree import FOLDER, HISTORY, HISTORY_NAME, PAST, VIEW, VIEW_NAME, Node, Tree
from envfs.gate.gate import Gate, Wish
from envfs.gate.view import View
from envfs.host.callers import Callers
from envfs.host.memory import ReplyBuffer
from envfs.vault.vault import Vault

P = ParamSpec("P")
R = TypeVar("R")
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_TRUNC | os.O_APPEND | os.O_CREAT
_FOLDER_MODE, _VIEW_MODE = stat.S_IFDIR | 0o500, stat.S_IFREG | 0o400
_HISTORY_DIGITS = 8
_REPLY_BYTES = 1 << 20  # the kernel asks for at most this much at once
_ENTRIES_KEPT = 4096


def _guarded(handler: Callable[P, Coroutine[object, object, R]]) -> Callable[P, Coroutine[object, object, R]]:
    @functools.wraps(handler)
    async def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return await handler(*args, **kwargs)
        except FUSEError:
            raise
        except EnvFSError as error:
            raise FUSEError(faults.number(error)) from None
        except Exception:  # noqa: BLE001 - one surprise must not end the mount for everybody
            traceback.print_exc(file=sys.stderr)
            raise FUSEError(errno.EIO) from None

    return guarded


class _Listing(NamedTuple):
    """What an opened folder shows to the one who opened it; `versions` stand for as many numbered folders."""

    node: Node
    uid: int
    entries: Sequence[tuple[str, Node]]
    versions: int = 0

    def at(self, index: int) -> tuple[str, Node] | None:
        if index < len(self.entries):
            return self.entries[index]
        version = index - len(self.entries) + 1
        return (str(version), Node(PAST, self.node.level, version)) if version <= self.versions else None


class Operations(pyfuse3.Operations):
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
        self._open: dict[int, View | _Listing] = {}
        self._next_handle = 1
        self._callers = Callers()
        self._reply = ReplyBuffer(_REPLY_BYTES)
        self._entries: dict[tuple[Node, int], tuple[View | None, EntryAttributes]] = {}

    def drop_pages(self) -> None:
        """Make the kernel forget what programs have mapped of views; for a thread, for the kernel may wait."""
        for inode in self._tree.views():
            with contextlib.suppress(OSError):  # the kernel has forgotten it by itself
                pyfuse3.invalidate_inode(inode, attr_only=False)

    # -- looking -------------------------------------------------------------------------------------------------------

    @_guarded
    async def lookup(self, parent_inode: int, name: bytes, ctx: RequestContext) -> EntryAttributes:
        """Find a name in a folder."""
        folder = self._tree.node(parent_inode)
        if self.touching.is_by(ctx):
            node = self.touching.step(folder, name)
            return self.known.told(node, self._last_told(node))
        node = self._step(folder, name, ctx)
        return self.known.told(node, self._attributes(node, ctx.uid, await self._view(node)))

    @_guarded
    async def getattr(self, inode: int, ctx: RequestContext) -> EntryAttributes:
        """Describe an inode; the root's own attributes are open to all, for they say nothing."""
        node = self._tree.node(inode)
        if inode != tree.ROOT_INODE:
            self._check(node, ctx)
        entry = self._attributes(node, ctx.uid, await self._view(node))
        self.known.described(node, entry)
        return entry

    @_guarded
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

    @_guarded
    async def access(self, inode: int, mode: int, ctx: RequestContext) -> bool:
        """Say whether a file may be used in a way, before it is."""
        if mode & os.W_OK:
            raise FUSEError(errno.EROFS)
        node = self._tree.node(inode)
        self._check(node, ctx)
        return node.is_folder or not mode & os.X_OK

    def _step(self, folder: Node, name: bytes, ctx: RequestContext) -> Node:
        # who may not know of a level is told the same whether it exists or not
        node = self._named(folder, os.fsdecode(name))
        self._check(node or folder, ctx)
        if node is None or not self._exists(node):
            raise FUSEError(errno.ENOENT)
        return node

    def _named(self, folder: Node, name: str) -> Node | None:
        level = folder.level
        if folder.kind == FOLDER:
            if name in (VIEW_NAME, HISTORY_NAME):
                return Node(VIEW if name == VIEW_NAME else HISTORY, level)
            return Node(FOLDER, names.child(level, name)) if names.is_component(name) else None
        if folder.kind == HISTORY and len(name) <= _HISTORY_DIGITS and name.isascii() and name.isdigit():
            version = int(name)
            return Node(PAST, level, version) if str(version) == name else None
        if folder.kind == PAST and name == VIEW_NAME:
            return Node(VIEW, level, folder.version)
        return None

    def _exists(self, node: Node) -> bool:
        if node.kind == FOLDER:
            parent, _, name = node.level.rpartition("/")
            return name in self._vault.children(parent or names.ROOT)  # the kernel has walked the steps before
        if node.kind == PAST or node.version:
            head = self._vault.head(node.level)
            return head is not None and 1 <= node.version <= head.seq
        return True

    def _check(self, node: Node, ctx: RequestContext) -> None:
        # a folder may be passed by whoever may read somewhere below it; the rest only by who may read this level
        if node.kind == FOLDER:
            if self._gate.sees(ctx.uid, node.level):
                return
            self._refuse(node, ctx, "no grant")
        verdict = self._gate.decide(Caller(ctx.uid, ctx.gid, ctx.pid), node.level)
        if verdict.decision != "allow":
            self._refuse(node, ctx, verdict.rule)

    def _refuse(self, node: Node, ctx: RequestContext, rule: str) -> NoReturn:
        self._gate.refuse(self._callers.look(ctx.pid, ctx.uid, ctx.gid), _wish(node, "lookup"), rule)

    async def _view(self, node: Node) -> View | None:
        if node.kind != VIEW:
            return None
        view = None if node.version else self._gate.views.warm(node.level)
        if view is not None:
            return view
        loop.make_way()
        if node.version:
            return await self._gate.views.get_past(node.level, node.version)
        return await self._gate.views.get(node.level)

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
        entry = EntryAttributes()
        entry.st_ino = self._tree.inode(node)
        entry.st_mode = _FOLDER_MODE if node.is_folder else _VIEW_MODE
        entry.st_nlink = 1
        entry.st_uid = uid
        entry.st_gid = 0
        if view is not None:
            entry.st_size = view.dotenv_bytes
            entry.st_mtime_ns = entry.st_ctime_ns = entry.st_atime_ns = view.changed_ns
        entry.attr_timeout = entry.entry_timeout = 0
        return entry

    # -- folders -------------------------------------------------------------------------------------------------------

    @_guarded
    async def opendir(self, inode: int, ctx: RequestContext) -> int:
        """Open a folder for listing; what is listed is fixed here, for here the caller is known."""
        node = self._tree.node(inode)
        self._check(node, ctx)
        return self._keep(self._listing(node, ctx))

    def _listing(self, node: Node, ctx: RequestContext) -> _Listing:
        level = node.level
        if node.kind == HISTORY:
            head = self._vault.head(level)
            return _Listing(node, ctx.uid, (), head.seq if head else 0)
        if node.kind == PAST:
            return _Listing(node, ctx.uid, ((VIEW_NAME, Node(VIEW, level, node.version)),))
        below = [(child, Node(FOLDER, names.child(level, child))) for child in sorted(self._vault.children(level))]
        entries = [(name, step) for name, step in below if self._gate.sees(ctx.uid, step.level)]
        if self._gate.decide(Caller(ctx.uid, ctx.gid, ctx.pid), level).decision == "allow":
            entries = [(VIEW_NAME, Node(VIEW, level)), (HISTORY_NAME, Node(HISTORY, level)), *entries]
        return _Listing(node, ctx.uid, entries)

    @_guarded
    async def readdir(self, fh: int, start_id: int, token: ReaddirToken) -> None:
        """List from `start_id` on, as far as the kernel's buffer goes."""
        listing = self._open[fh]
        if not isinstance(listing, _Listing):
            raise FUSEError(errno.ENOTDIR)
        index = start_id
        while (found := listing.at(index)) is not None:
            name, node = found
            view = self._gate.views.warm(node.level) if node.kind == VIEW and not node.version else None
            attributes = self._attributes(node, listing.uid, view)
            index += 1
            if not pyfuse3.readdir_reply(token, os.fsencode(name), attributes, index):
                return
            self.known.told(node, attributes)

    @_guarded
    async def releasedir(self, fh: int) -> None:
        """Forget an opened folder."""
        self._open.pop(fh, None)

    # -- views ---------------------------------------------------------------------------------------------------------

    @_guarded
    async def open(self, inode: int, flags: int, ctx: RequestContext) -> FileInfo:
        """Open a view: the gate decides and records, and the handle keeps that one snapshot."""
        if flags & _WRITING:
            raise FUSEError(errno.EROFS)
        node = self._tree.node(inode)
        if node.is_folder:
            raise FUSEError(errno.EISDIR)
        caller, wish = self._callers.look(ctx.pid, ctx.uid, ctx.gid), _wish(node, "dotenv")
        view = self._gate.admit_warm(caller, wish)
        if view is None:
            loop.make_way()
            view = await self._gate.admit(caller, wish)
        return FileInfo(fh=self._keep(view), direct_io=True, keep_cache=False)

    @_guarded
    async def read(self, fh: int, off: int, size: int) -> memoryview:  # type: ignore[override]  # any buffer will do
        """Read from the snapshot of an open; the reply is sent before anything else can run."""
        view = self._open[fh]
        if not isinstance(view, View):
            raise FUSEError(errno.EISDIR)
        return self._reply.filled(view.read_into(self._reply.view, off, size))

    @_guarded
    async def release(self, fh: int) -> None:
        """Let go of a snapshot."""
        view = self._open.pop(fh, None)
        if isinstance(view, View):
            view.release()
            self._reply.wipe()

    async def flush(self, fh: int) -> None:  # noqa: ARG002
        """Answer ENOSYS once, and the kernel stops asking at each close: there is nothing to flush."""
        raise FUSEError(errno.ENOSYS)

    def _keep(self, what: View | _Listing) -> int:
        handle = self._next_handle
        self._next_handle += 1
        self._open[handle] = what
        return handle

    # -- the rest ------------------------------------------------------------------------------------------------------

    @_guarded
    async def statfs(self, ctx: RequestContext) -> pyfuse3.StatvfsData:  # noqa: ARG002
        """Describe a file system without room: nothing can be stored here."""
        data = pyfuse3.StatvfsData()
        data.f_bsize = data.f_frsize = 4096
        data.f_namemax = 255
        return data

    @_guarded
    async def poll(self, inode: int, fh: int, poll_handle: object, ctx: RequestContext) -> int:  # noqa: ARG002
        """A view is always ready to be read."""
        return select.POLLIN

    async def forget(self, inode_list: Sequence[tuple[int, int]]) -> None:
        """Note what the kernel has forgotten; numbers are kept, see `tree`."""
        with contextlib.suppress(Exception):  # nobody is answered here, and a surprise would end the mount
            for inode, times in inode_list:
                self.known.forgotten(self._tree.node(inode), times)

    @_guarded
    async def getxattr(self, inode: int, name: bytes, ctx: RequestContext) -> bytes:  # noqa: ARG002
        """There are no extended attributes."""
        raise FUSEError(pyfuse3.ENOATTR)

    @_guarded
    async def listxattr(self, inode: int, ctx: RequestContext) -> Sequence[bytes]:  # noqa: ARG002
        """There are no extended attributes."""
        return ()

    @_guarded
    async def readlink(self, inode: int, ctx: RequestContext) -> bytes:  # noqa: ARG002
        """There are no links."""
        raise FUSEError(errno.EINVAL)

    @_guarded
    async def fsync(self, fh: int, datasync: bool) -> None:
        """There is nothing to put on a disk."""

    @_guarded
    async def fsyncdir(self, fh: int, datasync: bool) -> None:
        """There is nothing to put on a disk."""

    async def _read_only(self, *_arguments: object) -> NoReturn:
        raise FUSEError(errno.EROFS)

    create = link = mkdir = mknod = removexattr = rename = _read_only  # type: ignore[assignment]
    rmdir = setxattr = symlink = unlink = write = _read_only  # type: ignore[assignment]


def _wish(node: Node, form: str) -> Wish:
    return Wish(node.level, "mount", form, node.version)

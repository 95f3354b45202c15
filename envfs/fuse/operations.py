"""The kernel's questions, each handler a thin async skin over sync code.

Laws: every question is decided for the one `Caller` that was looked at while it waits. A read, which names no caller,
is decided for the one that opened the handle, as it was then. A handler waits for the keyholder, and before all else
for its turn in a crowd, so a view that is ready is served without a real await. A wait is followed by a new decision.
A reader gets the one snapshot of its open, and an inode is only ever filled with its own content. Every handler is
defined, every surprise is EIO, every write EROFS. Code between awaits is atomic. Shared: `table`, `_handles`.
"""

import contextlib
import errno
import os
from collections.abc import Mapping, Sequence
from functools import partial

import pyfuse3
from pyfuse3 import ROOT_INODE, EntryAttributes, FileInfo, FUSEError, ReaddirToken, RequestContext

from envfs.core import names
from envfs.core.access.caller import Caller
from envfs.core.access.face import PLAIN_FACE, Face
from envfs.core.access.roles import Capability
from envfs.core.access.verdict import Decision, Verdict
from envfs.core.access_request import AccessRequest, Format
from envfs.core.differences import Difference
from envfs.fuse import access_lists, asking, handles, listings, loop, nodes, touch_plan
from envfs.fuse.absent import Absent
from envfs.fuse.asking import Unanswered
from envfs.fuse.guard import answered_at_once, guarded, warm_first
from envfs.fuse.handles import Handles, OpenFile
from envfs.fuse.held_files import HeldFiles
from envfs.fuse.inodes import Inodes
from envfs.fuse.kernel_names import KernelNames
from envfs.fuse.kernel_table import Inode, KernelTable
from envfs.fuse.listings import Listing
from envfs.fuse.nodes import FOLDER, FORMATS, ROOT, VALUE, Node, NodeKind
from envfs.fuse.sharing import Sharing
from envfs.fuse.touch_plan import Touch
from envfs.fuse.touching import Touching
from envfs.fuse.warm_answers import MountParts, WarmAnswers
from envfs.gate.gate import Check, Gate
from envfs.gate.views.view import View
from envfs.host.callers import callers
from envfs.host.memory import ReplyBuffer
from envfs.vault.vault import Vault

_ASK = Decision.ASK  # looked up once: through its class a member costs 50 ns (Python 3.11)
_REPLY_BYTES = 1 << 20  # the kernel asks for at most this much at once


class Operations(Absent):
    """One mount's handlers."""

    supports_dot_lookup = False  # or the kernel would ask for inodes by number, for root's guessed file handles
    enable_writeback_cache = False

    def __init__(self, vault: Vault, gate: Gate, *, for_all: bool = False) -> None:
        """Show `vault` through `gate`. `for_all`: to other uids too, so the kernel is to check who reads a folder."""
        super().__init__()
        self.enable_acl = for_all
        self._vault = vault
        self._gate = gate
        self._me = callers.own_caller()
        self.table = KernelTable(self._me)
        self.touching = Touching()
        self.names = KernelNames(gate, self.touching, loop.device, for_one=not for_all)
        self._handles = Handles(gate)
        self.open_files = self._handles.readings
        self._inodes = Inodes(vault, self.table, self._handles.advance, listed=for_all)
        self._callers = callers.Callers()
        self.sharing = Sharing(self._callers.process_of)
        self._reply = ReplyBuffer(_REPLY_BYTES)
        parts = self.table, self._inodes, self._handles, self._callers, self.sharing, self.touching, self.names
        self.warm = WarmAnswers(gate, vault, MountParts(*parts, self._reply))
        self.held_files = HeldFiles(self.table, self._handles, self._may_see)

    # -- what the daemon does by itself --------------------------------------------------------------------------------

    def levels_held(self) -> set[str]:
        """Return the levels of which the kernel holds something that can change."""
        return touch_plan.held_levels(self.table)

    def touches(self, differing: Mapping[str, Difference]) -> list[Touch]:
        """Plan what to touch so that every watch is told of these differences, by level."""
        return touch_plan.plan_touches(self.table, self._inodes, self._me, differing)

    # -- looking -------------------------------------------------------------------------------------------------------

    def _caller(self, ctx: RequestContext, *, opens: bool = False) -> Caller:
        return (self._callers.look if opens else self._callers.glance)(ctx.pid, ctx.uid, ctx.gid)

    @warm_first(WarmAnswers.look_up)
    async def lookup(self, parent_inode: int, name: bytes, ctx: RequestContext) -> EntryAttributes:
        """Find a name in a folder."""
        if self.touching.is_by(ctx):
            return self.table.looked_up(self.names.told(self.table.as_held(self.touching.step(parent_inode, name))))
        folder, caller = self.table[parent_inode].node, self._caller(ctx)
        try:
            node = self._step(folder, name, caller)
            view = None if node.is_folder else await self._view(node, caller)
            inode = self._inodes.file(node, caller, view) if view else self._inodes.known_folder(node, caller)
            self.warm.learn_look_up((parent_inode, name), inode, view)
        except Unanswered as unanswered:
            inode = self._inodes.placeholder(unanswered.node, caller)
        return self.table.looked_up(self.names.told(inode))

    @guarded
    async def getattr(self, inode: int, ctx: RequestContext) -> EntryAttributes:
        """Describe an inode. The root's own attributes are open to all users, for they say nothing. Or ESTALE."""
        held, caller = self.table[inode], self._caller(ctx)
        if inode == ROOT_INODE and not caller.unknown:
            return self._inodes.folder(held.node, self._me if self.enable_acl else caller).entry
        if self.touching.is_by(ctx):
            return held.entry
        try:
            face = self._check(held.node, caller)
            if held.node.is_folder:
                return self.table.refreshed(self._inodes.folder(held.node, held.caller))
            view = await self._view(held.node, caller) if face.has_values_of(held.node.face) else None
        except Unanswered:
            return self.table[inode].entry  # what its look-up was told
        if view is not None and view.content(FORMATS[held.node.kind]) == held.identity.content:
            return self.table.refreshed(self._inodes.file(held.node, held.caller, view))
        if held.is_placeholder or (view is None and not self._handles.show(held)):
            raise FUSEError(errno.ESTALE)  # of another face, which nobody handed on: who holds a name is told nothing
        return self.table[inode].entry  # what was replaced keeps its text, so it keeps its size

    @guarded
    async def setattr(
        self,
        inode: int,
        attr: EntryAttributes,  # noqa: ARG002
        fields: pyfuse3.SetattrFields,
        fh: int | None,
        ctx: RequestContext,
    ) -> EntryAttributes:
        """Let the daemon touch an inode, by which nothing changes. To any other caller this is EROFS."""
        if not self.touching.allows(inode, fields, fh, ctx):
            raise FUSEError(errno.EROFS)
        return self.table[inode].entry

    @guarded
    async def getxattr(self, inode: int, name: bytes, ctx: RequestContext) -> bytes:  # noqa: ARG002
        """Return a folder's access list. Nothing else has an attribute.

        On a user's own mount ENOSYS is answered once, and the kernel stops asking, twice a file in every `ls -l`.
        """
        if not self.enable_acl:
            raise FUSEError(errno.ENOSYS)
        node = self.table[inode].node
        if not node.is_folder or name != access_lists.NAME:
            raise FUSEError(errno.ENODATA)
        return access_lists.access_list(*self._gate.listers("" if node == ROOT else node.level))

    @guarded
    async def access(self, inode: int, mode: int, ctx: RequestContext) -> bool:
        """Say whether a file may be used in a way, before it is. Writing is EROFS."""
        if mode & os.W_OK:
            raise FUSEError(errno.EROFS)
        node = self.table[inode].node
        with contextlib.suppress(Unanswered):  # the open waits
            self._check(node, self._caller(ctx))
        return node.is_folder or not mode & os.X_OK

    def _step(self, folder: Node, name: bytes, caller: Caller) -> Node:
        # who may not know of a level is told the same whether it exists or not
        node = listings.child_node_of(folder, name)
        face = self._check(node or folder, caller)
        if node is None or not listings.is_there(self._vault, node):
            raise FUSEError(errno.ENOENT)
        return nodes.faced(node, face)

    def _check(self, node: Node, caller: Caller) -> Face:
        # a folder may be passed by whoever may read somewhere below it. The rest only by who may read this level, in
        # the face that is returned
        if node.kind is FOLDER:
            if self._gate.sees(caller, node.level):
                return PLAIN_FACE
            self._gate.refuse(caller, nodes.request(node, Format.LOOKUP), "no grant")
        verdict = self._verdict(node, caller)
        if not verdict.is_served:
            if verdict.decision is _ASK and asking.is_askable(node):
                raise Unanswered(node)
            self._gate.refuse(caller, nodes.request(node, Format.LOOKUP), verdict.rule)
        return verdict.face

    def _verdict(self, node: Node, caller: Caller, face: Face | None = None) -> Verdict:
        return self._gate.judge_access(caller, node.level, node.capability, face, past=node.version > 0)

    async def _view(self, node: Node, caller: Caller) -> View:
        views, level, version = self._gate.views, node.level, node.version
        view = None if version else views.warm(level, node.face)
        if view is not None:
            return view
        loop.make_way()
        view = await (views.get_past(level, version, node.face) if version else views.get(level, node.face))
        if not self._check(node, caller).has_values_of(node.face):
            raise FUSEError(errno.ESTALE)
        return view

    # -- folders -------------------------------------------------------------------------------------------------------

    @guarded
    async def opendir(self, inode: int, ctx: RequestContext) -> int:
        """Open a folder for listing; what is listed is fixed here, for here the caller is known."""
        node, caller = self.table[inode].node, self._caller(ctx, opens=True)
        self._check(node, caller)
        if node.kind is NodeKind.VARIABLES:
            return self._handles.add(Listing(node, caller, (), view=await self._admit_names(node, caller)))
        return self._handles.add(self._listing(node, caller))

    def _listing(self, node: Node, caller: Caller) -> Listing:
        level = node.level
        if node.kind is NodeKind.HISTORY:
            return Listing(node, caller, (), listings.past_versions(self._vault, level))
        entries = []
        for name, file in listings.level_files(level, node.version):
            verdict = self._verdict(file, caller)
            if verdict.is_served or (verdict.decision is _ASK and asking.is_askable(file)):
                entries.append((name, nodes.faced(file, verdict.face)))
        if node.kind is FOLDER:
            below = [(child, Node(FOLDER, names.child(level, child))) for child in sorted(self._vault.children(level))]
            entries += [(name, step) for name, step in below if self._gate.sees(caller, step.level)]
        return Listing(node, caller, entries)

    @guarded
    async def readdir(self, fh: int, start_id: int, token: ReaddirToken) -> None:
        """List from `start_id` on, as far as the kernel's buffer goes; what may not be seen any more is left out."""
        await self.sharing.wait_turn_of(self._handles.opener(fh))
        listing = self._handles.listing(fh)
        index = start_id
        while (place := listing.at(index)) is not None:
            name, node = place
            index += 1
            is_served = self._may_list(node, listing.caller)
            if not is_served and not asking.may_ask(self._gate, node, listing.caller):
                continue
            inode = self._listed(node, listing) if is_served else self._inodes.placeholder(node, listing.caller)
            if not pyfuse3.readdir_reply(token, os.fsencode(name), self.names.told(inode).entry, index):
                return
            self.table.looked_up(inode)

    def _may_see(self, node: Node, caller: Caller) -> bool:
        # a folder may stay open for longer than a grant lasts, or than the rules show its reader one face
        if node.kind is FOLDER:
            return self._gate.sees(caller, node.level)
        return self._verdict(node, caller, node.face).is_served

    def _may_list(self, node: Node, caller: Caller) -> bool:
        # the names of variables may be listed by who may not read them
        if node.kind is not VALUE:
            return self._may_see(node, caller)
        return self._gate.judge_access(caller, node.level, Capability.NAMES, node.face, past=node.version > 0).is_served

    def _listed(self, node: Node, listing: Listing) -> Inode:
        if node.is_folder:
            return self._inodes.folder(node, listing.caller)
        view = listing.view
        if view is None and not node.version:
            view = self._gate.views.warm(node.level, node.face)
        if view is None or (node.kind is VALUE and not self._may_see(node, listing.caller)):
            # nothing true can be said of its size yet, or nothing may be
            return self._inodes.placeholder(node, listing.caller)
        return self._inodes.file(node, listing.caller, view)

    @guarded
    async def releasedir(self, fh: int) -> None:
        """Forget an opened folder."""
        self._handles.remove(fh)

    # -- files ---------------------------------------------------------------------------------------------------------

    @warm_first(WarmAnswers.open)
    async def open(self, inode: int, flags: int, ctx: RequestContext) -> FileInfo:
        """Open a file: the gate decides and records, and the handle keeps that snapshot. EROFS, EISDIR or ESTALE."""
        if flags & handles.WRITING:
            raise FUSEError(errno.EROFS)
        held = self.table[inode]
        if held.node.is_folder:
            raise FUSEError(errno.EISDIR)
        caller, request = self._caller(ctx, opens=True), nodes.request(held.node, FORMATS[held.node.kind])
        if caller.uid != held.identity.uid:  # it came by a descriptor of another user's: the name has another inode
            self._check(held.node, caller)
            raise FUSEError(errno.ESTALE)
        check = partial(self._handles.check_open, self.table, inode, caller.uid)
        view = self._gate.admit_warm(caller, request, held.identity.content, check)
        view = view or await self._admit(held, caller, request, check)
        if handles.is_grown(self.table[inode], view):  # opened by a descriptor: no look-up came before, to tell of it
            self.table.refreshed(self._inodes.file(held.node, caller, view))
        opened = handles.open_content(self.table[inode], caller, request, view)
        handle = self._handles.add(opened)
        self.warm.learn_open(self.table[inode], opened)
        return FileInfo(fh=handle, direct_io=True, keep_cache=False)

    async def _admit(self, held: Inode, caller: Caller, request: AccessRequest, check: Check) -> View:
        # between a look-up and its open the view may have changed: what was looked up is served for a moment, and as
        # long as a handle shows it. After that the kernel is sent back to the name
        shown, content, is_behind = FORMATS[held.node.kind], held.identity.content, False
        if asking.is_askable(held.node):
            await asking.wait_for_person(self._gate, caller, request)
        view: View | None = await self._view(held.node, caller)
        if view is not None and view.content(shown) != content:
            is_behind = self.names.is_behind(held, view.content(shown))
            view = self._gate.views.replaced(shown, content) or self._handles.view_of(held.number)
        if view is None or is_behind:
            raise FUSEError(errno.ESTALE)
        view.check()
        return self._gate.admit_view(caller, request, view, check)

    async def _admit_names(self, node: Node, caller: Caller) -> View:
        loop.make_way()
        request, check = nodes.request(node, Format.NAMES), partial(self._handles.check_room, caller.uid)
        return await self._gate.admit(caller, request, check=check)

    @warm_first(WarmAnswers.read)
    async def read(self, fh: int, off: int, size: int) -> memoryview:  # type: ignore[override]  # any buffer will do
        """Read from the snapshot of an open. The reply is sent before anything else can run."""
        if self.sharing.is_crowded:
            await self.sharing.wait_turn_of(self._handles.opener(fh))
        opened = self._handles.file(fh)
        if handles.is_for_pages(opened.extent, off, size):
            opened = self._for_pages(opened)
        return self._reply.filled(opened.view.read_into(self._reply.view, opened.extent, off, size))

    def _for_pages(self, opened: OpenFile) -> OpenFile:
        # with all that the text has by now, told or not: behind the end of what is sent the kernel's page has zeros
        request, view = opened.request, opened.view
        newest = None if request.version else self._gate.views.newest(request.level, request.face)
        if newest is not None and newest.content(request.format) == self.table[opened.inode].identity.content:
            view, opened = newest, handles.grown_file(self.table[opened.inode], opened, newest)
        view.is_paged = True
        return opened

    @answered_at_once
    def release(self, fh: int) -> None:
        """Let go of a snapshot."""
        if self._handles.remove(fh) is not None:
            self._reply.wipe()

    async def flush(self, fh: int) -> None:  # noqa: ARG002
        """Answer ENOSYS once, and the kernel stops asking at each close: there is nothing to flush."""
        raise FUSEError(errno.ENOSYS)

    # -- forgetting ----------------------------------------------------------------------------------------------------

    async def forget(self, inode_list: Sequence[tuple[int, int]]) -> None:
        """Note what the kernel has forgotten."""
        with contextlib.suppress(Exception):  # nobody is answered here, and a surprise would end the mount
            for inode, times in inode_list:
                self.table.forget(inode, times)

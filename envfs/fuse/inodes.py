"""The attributes of a node: the inode of its reader and content, with size, blocks, times and link count.

Laws: size and text agree, for an inode has one content, which may grow at its end as a log file does and in no other
way. Then every open handle of it grows when the size is told. No time is 1970: it is that of a record, or of the
mount's start. A folder has one link, as on btrfs, so nobody takes the number of its folders from that.
"""

import errno
import stat
import time
from collections.abc import Callable

from pyfuse3 import EntryAttributes, FUSEError

from envfs.core.access.caller import Caller
from envfs.errors import EnvFSError
from envfs.fuse import access_lists
from envfs.fuse.kernel_table import Inode, InodeIdentity, KernelTable
from envfs.fuse.nodes import FORMATS, PAST, ROOT, VALUE, Node
from envfs.gate.views.view import TEXTS, Extent, View
from envfs.host import clocks
from envfs.host.callers.callers import kept_caller
from envfs.vault.vault import Vault

_FOLDER_MODE, _FILE_MODE = stat.S_IFDIR | 0o500, stat.S_IFREG | 0o400
_LISTED_MODE = stat.S_IFDIR | access_lists.MODE
_SECONDS = 0.1  # for how long the kernel may know attributes: from a look-up to the check of a permission after it
_ROOT_SECONDS = 1.0
_SECTOR = 512  # stat(2): the unit of st_blocks, whatever the block size
_BLOCK = 4096
_TIMES_KEPT = 4096
_LOOK_AGAIN_NS = 1_000_000_000
TEXT_KINDS = frozenset(kind for kind, text in FORMATS.items() if text in TEXTS)
_PARTS = {kind: TEXTS[text] for kind, text in FORMATS.items() if text in TEXTS}


class Inodes:
    """Makes inodes, each for a caller as it is now. One that the kernel holds already is returned as it was told."""

    def __init__(
        self, vault: Vault, table: KernelTable, grow: Callable[[Inode, View], None], *, listed: bool = False
    ) -> None:
        """Describe what `vault` shows to who looks. The numbers are those of `table`.

        `grow` is told of an inode that is longer than before, and by which view, ahead of the kernel. `listed`: folders
        have access lists, which the kernel asks for and checks.
        """
        self._is_listed, self._folder_mode = listed, _LISTED_MODE if listed else _FOLDER_MODE
        self._vault = vault
        self._table = table
        self._grow = grow
        self._mounted_ns = time.time_ns()
        self._looked_ns: dict[Node, int] = {}
        self._times: dict[tuple[str, int], tuple[str, int]] = {}  # by level and version: the record's digest, its time

    def file(self, node: Node, caller: Caller, view: View) -> Inode:
        """Return the inode by which a caller gets a piece of a view. ENOENT if the view has no such piece."""
        caller, content = kept_caller(caller), view.content(FORMATS[node.kind])
        start, end = file_extent(view, node)
        size, changed_ns = end - start, view.changed_ns or self._mounted_ns
        held = self._table.held(node, caller.uid, content)
        if held is not None and size <= held.entry.st_size and changed_ns <= held.entry.st_mtime_ns:
            return held if held.caller is caller else Inode(held.number, held.identity, caller, held.entry)
        entry = EntryAttributes()
        entry.st_size = size
        entry.st_blocks = -(-size // _SECTOR)
        inode = self._inode(self._table.identity(node, caller.uid, content), caller, entry, changed_ns)
        if held is not None:
            self._grow(inode, view)
        return inode

    def looked_until_ns(self, folder: Node) -> int:
        """Return until when a folder's time counts as looked at, by the monotonic clock."""
        return self._looked_ns.get(folder, -_LOOK_AGAIN_NS) + _LOOK_AGAIN_NS

    def known_folder(self, node: Node, caller: Caller) -> Inode:
        """As `folder`, looking for a newer time once a second and no more: every path goes over folders."""
        caller = kept_caller(caller)
        held = self._table.held(node, caller.uid)
        if held is None or time.monotonic_ns() > self.looked_until_ns(node):
            return self.folder(node, caller)
        return held if held.caller is caller else Inode(held.number, held.identity, caller, held.entry)

    def folder(self, node: Node, caller: Caller) -> Inode:
        """Return the inode of a folder."""
        caller = kept_caller(caller)
        if len(self._looked_ns) >= _TIMES_KEPT:
            self._looked_ns.clear()
        self._looked_ns[node] = time.monotonic_ns()
        identity = self._table.identity(node, caller.uid)
        inode, changed_ns = self._table.find(identity), self._changed_ns(node)
        if inode is not None and inode.entry.st_mtime_ns == changed_ns and inode.caller is caller:
            return inode
        return self._inode(identity, caller, EntryAttributes(), changed_ns)

    def placeholder(self, node: Node, caller: Caller) -> Inode:
        """Return an inode for a name alone: for a listing or an event, where no view is there to describe.

        The size of a file that is open elsewhere is not touched by it, since it is another inode.
        """
        identity = self._table.identity(node, caller.uid, self._table.new_placeholder())
        return self._inode(identity, kept_caller(caller), EntryAttributes(), self._mounted_ns)

    def _inode(self, identity: InodeIdentity, caller: Caller, entry: EntryAttributes, changed_ns: int) -> Inode:
        number = self._table.number(identity)
        node = identity.node
        entry.st_ino = number
        entry.generation = self._table.generation
        entry.st_mode = self._folder_mode if node.is_folder else _FILE_MODE
        entry.st_nlink = 1
        entry.st_uid = caller.uid
        entry.st_gid = 0
        entry.st_blksize = _BLOCK
        entry.st_mtime_ns = entry.st_ctime_ns = entry.st_atime_ns = changed_ns
        entry.entry_timeout = 0
        entry.attr_timeout = _ROOT_SECONDS if node == ROOT else _SECONDS
        return Inode(number, identity, caller, entry)

    def _changed_ns(self, folder: Node) -> int:
        # that of the newest record below which it shows something else. A fault of the vault is told of the files
        if folder == ROOT and self._is_listed:  # what is told of it reaches users without a rule
            return self._mounted_ns
        try:
            version = folder.version or self._vault.versions(folder.level)[-1]
            return self._record_ns(folder, version) if version else self._mounted_ns
        except EnvFSError:
            return self._mounted_ns

    def _record_ns(self, folder: Node, version: int) -> int:
        digest = "" if folder.kind is PAST else self._vault.fingerprint(folder.level)[-1]
        key = (folder.level, version)
        cached_ns = self._times.get(key)
        if cached_ns is not None and cached_ns[0] == digest:
            return cached_ns[1]
        if len(self._times) >= _TIMES_KEPT:
            self._times.clear()
        changed_ns = clocks.parse_nanoseconds(self._vault.header(folder.level, version).time)
        self._times[key] = (digest, changed_ns)
        return changed_ns


def file_extent(view: View, node: Node) -> Extent:
    """Return where in a view a file's text is. ENOENT for a variable that is not there."""
    if node.kind is not VALUE:
        return view.part(_PARTS[node.kind])
    piece = view.value(node.name)
    if piece is None:
        raise FUSEError(errno.ENOENT)
    return piece

"""The files that the kernel holds of one mount: which of them a reader lost, and which are too many."""

import itertools
import os
from collections.abc import Callable

from envfs.core.access.caller import Caller
from envfs.fuse import nodes
from envfs.fuse.handles import Handles
from envfs.fuse.kernel_table import KernelTable
from envfs.fuse.nodes import Node


class HeldFiles:
    """Lists inodes and places. `may_see` tells whether a caller may still see a node."""

    def __init__(self, table: KernelTable, open_handles: Handles, may_see: Callable[[Node, Caller], bool]) -> None:
        """List what is in `table`, of which `open_handles` are in use."""
        self._table = table
        self._handles = open_handles
        self._may_see = may_see

    def everything(self) -> list[int]:
        """Return the inodes of all files."""
        return [inode.number for inode in self._table if not inode.node.is_folder]

    def withdrawn(self) -> list[int]:
        """Return the inodes of the files that one who has them may not read any more."""
        inodes = [inode for inode in self._table if not inode.node.is_folder]
        withdrawn = (inode.number for inode in inodes if not self._may_see(inode.node, inode.caller))
        return [*self._handles.withdrawn().union(withdrawn)]

    def beyond(self, most: int) -> list[tuple[int, bytes]]:
        """Return the places, folder and name, of the files that are held the longest, if there are over `most`."""
        table = self._table
        over = len(table) - most
        if over <= 0:
            return []
        in_use = self._handles.inodes()
        files = (inode for inode in table if not inode.node.is_folder and inode.number not in in_use)
        oldest = list(itertools.islice(files, over + most // 2))
        folders = [table.find(table.identity(nodes.parent(file.node), file.identity.uid)) for file in oldest]
        pairs = ((folder, file) for folder, file in zip(folders, oldest, strict=True) if folder is not None)
        return [(folder.number, os.fsencode(nodes.name(file.node))) for folder, file in pairs]

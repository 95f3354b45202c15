"""Access lists of folders: who may list and watch a folder's inode, as far as the kernel checks that by itself.

A watch takes no more than the kernel's own permission check, of which this daemon hears nothing. So on a mount for all
the kernel checks permissions, and each folder has a list (acl(5)). The mount point is the one inode that all uids
share, and names what is used right below it: those may read it that have a grant now. Every other folder is an inode
of its one reader, for whom its list is not consulted. Others come to it without a name: through a bind mount of the
folder, or in a program that was started there as another user. Those may read it that may know of the level's names.

The kernel knows users and groups, and no programs. So a rule that names a program, a unit or a token puts nobody on a
list: its callers go by name, and have their own inode of every folder but the mount point. On the list their user's
other programs, or everybody's, could watch the mount point.

Laws: everybody may pass, which tells nothing, for each name is decided below. A list is never longer than the kernel
takes: with a longer one it would refuse the folder to everybody, and a shorter one shuts nobody out who goes by name.
"""

import struct
from collections.abc import Iterable

from envfs.core.access.policy import MOST_LISTERS

NAME = b"system.posix_acl_access"
MODE = 0o551  # acl(5): of a file with a list, the bits of the group are the list's mask
_OWNER, _USER, _GROUP, _NAMED_GROUP, _MASK, _OTHER = 0x01, 0x02, 0x04, 0x08, 0x10, 0x20
_PASS, _READ_AND_PASS = 0o1, 0o5
_NO_ID = (1 << 32) - 1
_VERSION, _ENTRY = struct.pack("<I", 2), struct.Struct("<HHI")  # linux/posix_acl_xattr.h


def access_list(uids: Iterable[int], gids: Iterable[int] = ()) -> bytes:
    """Return the list by which these may read a folder and everybody may pass it. Of too many, the lowest users."""
    users = sorted(set(uids))[:MOST_LISTERS]
    groups = sorted(set(gids))[: MOST_LISTERS - len(users)]
    entries = [(_OWNER, _READ_AND_PASS, _NO_ID)]
    entries += [(_USER, _READ_AND_PASS, uid) for uid in users]
    entries += [(_GROUP, _PASS, _NO_ID), *((_NAMED_GROUP, _READ_AND_PASS, gid) for gid in groups)]
    entries += [(_MASK, _READ_AND_PASS, _NO_ID), (_OTHER, _PASS, _NO_ID)]
    return _VERSION + b"".join(_ENTRY.pack(*entry) for entry in entries)

"""Of which file system a mount is: of one that answers at once, and answers everybody alike?

A network file system may keep a reader waiting for ever. One in user space may show this process another content than
it shows to the kernel that runs it. So neither is read from, and nothing can be said of the content of files there.

Source: proc_pid_mountinfo(5).
"""

import os

from envfs.host.evidence.file_identity import FileIdentity, mount_number

_LOCAL = frozenset(
    (
        *(b"ext2", b"ext3", b"ext4", b"xfs", b"btrfs", b"f2fs", b"bcachefs", b"zfs", b"jfs", b"nilfs2"),
        *(b"tmpfs", b"ramfs", b"overlay", b"squashfs", b"erofs", b"iso9660", b"udf", b"vfat", b"exfat"),
    )
)
_MOST_BYTES = 4 << 20
_KEPT = 256
_READING = os.O_RDONLY | os.O_CLOEXEC


class FileSystems:
    """Knows of each mount that it was asked about."""

    def __init__(self) -> None:
        """Start knowing none."""
        self._local: dict[int, bool] = {}

    def is_local(self, identity: FileIdentity, process: int, folder: int, name: str) -> bool:
        """Tell whether a file can be read from at once. `process` is the folder of the process that runs it.

        The process has to be in the daemon's own user namespace: in another one every user can mount.
        """
        if not identity.is_unique:
            return _kind_of_mount(process, folder, name) in _LOCAL
        local = self._local.get(identity.mount)
        if local is None:
            if len(self._local) >= _KEPT:
                self._local.clear()
            local = self._local[identity.mount] = _kind_of_mount(process, folder, name) in _LOCAL
        return local

    @staticmethod
    def is_own(folder: int, name: str) -> bool:
        """Tell whether the mount that a file is on is one of the daemon's own mount namespace."""
        try:
            return bool(_kind(_own_mounts(), mount_number(folder, name)))
        except OSError:
            return False


def _kind_of_mount(process: int, folder: int, name: str) -> bytes:
    try:
        number = mount_number(folder, name)
        return _kind(_own_mounts(), number) or _kind(_mounts_of(process), number)
    except OSError:
        return b""


def _own_mounts() -> bytes:
    return _read_all(os.open("/proc/self/mountinfo", _READING))


def _mounts_of(process: int) -> bytes:
    return _read_all(os.open("mountinfo", _READING, dir_fd=process))


def _kind(mounts: bytes, number: int) -> bytes:
    start = b"%d " % number
    line = next((line for line in mounts.split(b"\n") if line.startswith(start)), b"")
    return line.partition(b" - ")[2].partition(b" ")[0]


def _read_all(handle: int) -> bytes:
    try:
        text = b""
        while len(text) < _MOST_BYTES and (piece := os.read(handle, 1 << 16)):
            text += piece
        return text
    finally:
        os.close(handle)

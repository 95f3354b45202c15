"""How much of a disk a folder takes, and how much is free."""

import os
from contextlib import suppress
from typing import NamedTuple


class FolderSize(NamedTuple):
    """How many files were looked at, and how many bytes they have. `is_whole` is false if there are more."""

    files: int
    size: int
    is_whole: bool


def folder_size(folder: str, most: int) -> FolderSize:
    """Add up the sizes of the files below a folder, of `most` of them. A link is not followed."""
    files = size = 0
    ahead = [folder]
    while ahead:
        with suppress(OSError), os.scandir(ahead.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    ahead.append(entry.path)
                    continue
                if files == most:
                    return FolderSize(files, size, is_whole=False)
                with suppress(OSError):
                    size += entry.stat(follow_symlinks=False).st_size
                files += 1
    return FolderSize(files, size, is_whole=True)


def free_bytes(path: str) -> int:
    """Return how many bytes this user may still write where `path` is. -1 if that cannot be told."""
    try:
        status = os.statvfs(path)
    except OSError:
        return -1
    return status.f_bavail * status.f_frsize

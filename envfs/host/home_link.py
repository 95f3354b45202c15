"""The link in a user's home folder that leads to their mount, which itself lies where backups of the home do not go.

Laws: nothing of the user's is lost: only a missing name, an empty folder of theirs or a link of ours is replaced. A
failure is a note, for the mount works without the link.
"""

import os
import stat

from envfs import safe_open

_OURS = ("/envfs/mnt", f"/envfs-{os.geteuid()}/mnt")  # where such a link has ever led to


def make_home_link(link: str, mount: str) -> str:
    """Make `link` lead to `mount`. Returns a note if it cannot, or the empty string."""
    try:
        _give_way(link)
        os.symlink(mount, link)
    except FileExistsError:
        return f"{link} is not a link to the mount, for something else is there; the views are in {mount}"
    except OSError as error:
        return f"cannot make the link {link}: {safe_open.error_words(error)}; the views are in {mount}"
    return ""


def remove_home_link(link: str, mount: str) -> None:
    """Remove `link` if it still leads to `mount`."""
    try:
        if os.readlink(link) == mount:
            os.unlink(link)
    except OSError:
        return  # it is gone, or something else


def _give_way(link: str) -> None:
    try:
        status = os.lstat(link)
    except FileNotFoundError:
        return
    if stat.S_ISLNK(status.st_mode):
        if os.readlink(link).endswith(_OURS):
            os.unlink(link)
    elif stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid() and not os.listdir(link):
        os.rmdir(link)  # a mount point of an earlier release

"""The socket of a daemon that this user started in a session with another runtime folder: from cron, `su` or ssh."""

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from envfs.locations import Locations

_MOUNT = "/mnt"


def socket_by_link(mine: "Locations") -> list[str]:
    """Return the socket beside the mount to which the link in the home folder leads, if it is another one's."""
    try:
        mount = os.readlink(mine.link)
    except OSError:
        return []  # none runs, its mount is elsewhere, or there is no such link
    path = f"{mount.removesuffix(_MOUNT)}/{os.path.basename(mine.socket)}"
    return [path] if mount.endswith(_MOUNT) and path != mine.socket else []

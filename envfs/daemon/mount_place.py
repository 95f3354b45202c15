"""The place of this home's mount: free of what a killed daemon left, remembered while it is used, linked from the home.

Law: where the mount is stands in a file of the state folder, so that whoever comes after a kill finds it.
"""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from envfs.errors import MountFailed
from envfs.host import home_link, machine, mounts, private_files
from envfs.locations import Locations


class MountPlace:
    """The folder `path`, in one of the places that are usual for this home or wherever somebody chose."""

    def __init__(self, places: Locations, path: str) -> None:
        """Use `path`."""
        self._places = places
        self.path = path
        self._link = places.link if path == places.mount else ""

    def prepare(self) -> None:
        """Clear dead mounts of this home away, and make the folder.

        Raises:
            MountFailed: something else is there, or could be put there by others, or this user may not mount
        """
        if os.geteuid() != 0 and not machine.has_name(os.geteuid()):
            raise MountFailed(
                f"uid {os.geteuid()} has no name on this machine, and fusermount3 mounts for users with one",
                "as root, `useradd` with this uid; exec, get and export work without a mount",
            )
        mounts.clear_dead(self.path, *mounts.mount_candidates(self._places))
        if self._link:
            mounts.check_owner(os.path.dirname(self.path))
        mounts.prepare_mount_point(self.path)

    async def obtain_device(self, _tell: Callable[..., None]) -> int:
        """Return the device of a mount that somebody else makes, or -1: this daemon mounts."""
        return -1

    async def wait_for_mount(self) -> None:
        """Wait until somebody else has mounted, if they are to."""

    def take(self) -> str:
        """Remember that the mount is here, and make the link. Returns a note if that cannot be, or the empty string."""
        private_files.write_private(Path(self._places.mounted), os.fsencode(self.path))
        return self.link_home()

    def link_home(self) -> str:
        """Make the link in the home folder, if there is to be one. Returns a note if that cannot be, or nothing."""
        return home_link.make_home_link(self._link, self.path) if self._link else ""

    def leave(self) -> bool:
        """Forget it. Returns True if a mount was still there, because it had been ended from outside."""
        with suppress(OSError):
            os.unlink(self._places.mounted)
        if self._link:
            home_link.remove_home_link(self._link, self.path)
        return bool(mounts.clear_dead(self.path))

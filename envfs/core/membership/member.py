"""A member of a vault, with devices and rights, and an invitation to become one."""

from typing import NamedTuple

from envfs.core import names
from envfs.core.membership.entries import MemberEntry, Role
from envfs.core.names import ROOT, Project

ADMINS = (Role.OWNER, Role.ADMIN)
FOUNDER = 1  # the number of the member who began the list
_WRITERS = (*ADMINS, Role.WRITER)


class Device(NamedTuple):
    """One identity of a member: its Ed25519 key, its age recipient, and how it comes to the store, if that was said."""

    author: str
    recipient: str = ""
    login: str = ""


class Member(NamedTuple):
    """A person or a machine. `number` is that of the entry that invited. `end` is empty for one without an end.

    A machine with a `bound` may renew itself until then, for `span` seconds at a time.
    """

    number: int
    name: str
    role: Role
    levels: tuple[str, ...]
    devices: tuple[Device, ...]
    machine: bool = False
    end: str = ""
    span: int = 0
    bound: str = ""
    acts: int = 0  # entries that the member signed without being an admin

    def device(self, author: str) -> Device | None:
        """Return the device with a key."""
        return next((device for device in self.devices if device.author == author), None)

    def has_ended(self, time: str) -> bool:
        """Tell whether the member's time was over at a time (UTC as records have it)."""
        return bool(self.end) and time > self.end

    @property
    def is_admin(self) -> bool:
        """Tell whether the member may change members and keys."""
        return self.role in ADMINS

    def may_open(self, project: Project) -> bool:
        """Tell whether the project's key is for this member. The text of level `/` is part of every view."""
        return project == ROOT or any(level == ROOT or names.project(level) == project for level in self.levels)

    def may_write(self, level: str) -> bool:
        """Tell whether versions of a level that this member writes count."""
        return self.role in _WRITERS and any(names.within(level, top) for top in self.levels)


class Invitation(NamedTuple):
    """An invitation that is not approved yet, by which member, and the join that answered it.

    All with the numbers of their entries.
    """

    number: int
    entry: MemberEntry
    joined: int = 0
    join: MemberEntry | None = None
    by: int = FOUNDER

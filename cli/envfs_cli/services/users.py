"""The user whose daemon a unit of the system runs: what systemd and that user's own programs call their places."""

import pwd

from envfs import locations
from envfs.errors import BadRequest
from envfs.tuples import NamedTuple


class ServiceUser(NamedTuple):
    """A user of this machine, by the names of passwd(5)."""

    name: str
    uid: int
    home: str

    @property
    def session(self) -> str:
        """The folder in memory that systemd makes for the user, who need not be logged in for it."""
        return f"/run/user/{self.uid}"

    @property
    def environment(self) -> dict[str, str]:
        """Variables that tell a process where this user's things are, as after a login."""
        return {"HOME": self.home, "USER": self.name, "LOGNAME": self.name, "XDG_RUNTIME_DIR": self.session}

    @property
    def places(self) -> locations.Locations:
        """Where the things of this user's daemon are."""
        return locations.find_locations({"XDG_RUNTIME_DIR": self.session}, self.uid, self.home)


def find_user(name: str) -> ServiceUser:
    """Return a user by name or number.

    Raises:
        BadRequest: there is none, or it is root
    """
    try:
        entry = pwd.getpwuid(int(name)) if name.isascii() and name.isdigit() else pwd.getpwnam(name)
    except (KeyError, OverflowError):
        raise BadRequest("there is no such user", "`getent passwd` lists them") from None
    if entry.pw_uid == 0:
        raise BadRequest("root has the service of the system", "leave --user out")
    return ServiceUser(entry.pw_name, entry.pw_uid, entry.pw_dir)

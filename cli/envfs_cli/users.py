"""The user whom a grant is for: by number or by name."""

import pwd

from envfs.errors import BadRequest


def uid_of(uid: "int | None", user: "str | None") -> int:
    """Return the number of a user.

    Raises:
        BadRequest: neither or both were given, or there is no user of that name
    """
    if uid is not None and user is None:
        return uid
    if uid is not None or user is None:
        raise BadRequest("say for whom", "with --uid N or with --user NAME")
    try:
        return pwd.getpwnam(user).pw_uid
    except KeyError:
        raise BadRequest("there is no such user", "`getent passwd` lists them") from None

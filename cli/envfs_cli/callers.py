"""The callers that a rule names: users and groups by number or name, programs by the file that is there now."""

import os

from envfs import safe_open
from envfs.core import limits
from envfs.errors import BadRequest, EnvFSError, TooLarge
from envfs.tuples import NamedTuple
from envfs_cli import files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_CHUNK = 1 << 20
_DELETED = " (deleted)"


class Pinned(NamedTuple):
    """A program: its path without links, and the SHA-256 of its content in hex. Empty if it is not pinned."""

    path: str = ""
    sha256: str = ""


class Named(NamedTuple):
    """The callers that the options of a command name."""

    uid: int | None
    gid: int | None
    exe: Pinned
    script: Pinned
    under: Pinned
    cgroup: str
    unit: str

    @property
    def conditions(self) -> "tuple[int | None, int | None, str, str, str, str, str]":
        """All that a caller has to meet but the programs' content, in the order that the requests have it in."""
        return self.uid, self.gid, self.exe.path, self.script.path, self.under.path, self.cgroup, self.unit

    @property
    def is_anybody(self) -> bool:
        """Tell whether nobody is named."""
        return all(condition in (None, "") for condition in self.conditions)


def named_callers(arguments: object, *, pinned: bool) -> Named:
    """Read the options that name callers. `pinned`: with the content of the programs.

    Raises:
        BadRequest: there is no such user, group or program, or something was given twice
    """
    options = {name: getattr(arguments, name) for name in ("uid", "user", "gid", "group", "exe", "script", "under")}
    return Named(
        _number(options["uid"], options["user"], uid_of_user, "--uid N or with --user NAME"),
        _number(options["gid"], options["group"], _gid, "--gid N or with --group NAME"),
        _program(options["exe"], pinned=pinned, is_script=False),
        _program(options["script"], pinned=pinned, is_script=True),
        _program(options["under"], pinned=pinned, is_script=False),
        str(getattr(arguments, "cgroup", None) or ""),
        str(getattr(arguments, "unit", None) or ""),
    )


def _number(number: "int | None", name: "str | None", look_up: "Callable[[str], int]", how: str) -> "int | None":
    if number is not None and name is not None:
        raise BadRequest("say for whom", f"with {how}")
    return number if name is None else look_up(name)


def uid_of_user(name: str) -> int:
    """Return the number of a user.

    Raises:
        BadRequest: there is no user of that name
    """
    import pwd

    try:
        return pwd.getpwnam(name).pw_uid
    except KeyError:
        import difflib

        near = difflib.get_close_matches(name, [user.pw_name for user in pwd.getpwall()], 1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise BadRequest("there is no such user", f"{hint}`getent passwd` lists them") from None


def _gid(name: str) -> int:
    import grp

    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        raise BadRequest("there is no such group", "`getent group` lists them") from None


def _program(path: "str | None", *, pinned: bool, is_script: bool) -> Pinned:
    if not path:
        return Pinned()
    if not pinned:
        return Pinned(os.path.realpath(path))
    try:
        handle = safe_open.open_file(path, follow=True)
    except OSError as error:
        raise files.cannot_read(path, error) from None
    try:
        return _pin(handle, is_script=is_script)
    except OSError as error:
        raise files.cannot_read(path, error) from None
    finally:
        os.close(handle)


def _pin(handle: int, *, is_script: bool) -> Pinned:
    import hashlib

    path = os.readlink(f"/proc/self/fd/{handle}").removesuffix(_DELETED)
    if os.fstat(handle).st_size > limits.PROGRAM_BYTES:
        raise TooLarge(
            f"{path} is too large to be pinned by its content", "with --no-pin the rule is for any program at that path"
        )
    digest, first = hashlib.sha256(), b""
    while chunk := os.read(handle, _CHUNK):
        first = first or chunk[:2]
        digest.update(chunk)
    if first == b"#!" and not is_script:
        raise EnvFSError(f"{path} is a script: its processes run an interpreter", f"name it with --script {path}")
    return Pinned(path, digest.hexdigest())

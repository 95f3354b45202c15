"""Bubblewrap (`bwrap`), which makes namespaces and mounts: whether it can here, and the words for one command.

Laws: its words go to it by a descriptor, and its environment is empty: a command can read both of its first process.
It inherits nothing that is not named.
"""

import os

from envfs import safe_open
from envfs.errors import EnvFSError
from envfs.tuples import NamedTuple
from envfs_cli.fencing.places import mounts_of_views
from envfs_cli.process import shared_memory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from envfs_cli.fencing.places import Places

_NAMES = ("/usr/bin/bwrap", "/bin/bwrap", "/usr/local/bin/bwrap", "/run/current-system/sw/bin/bwrap")
_SPACES = ("--unshare-user", "--unshare-net", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try")
_BASE = (*_SPACES, "--die-with-parent", "--cap-drop", "ALL", "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc")
_APPARMOR = "/proc/sys/kernel/apparmor_restrict_unprivileged_userns"
_SHARED = ("/tmp", "/var/tmp")  # noqa: S108 - as they are outside, for all users of the namespace
_MISSING = (
    "bubblewrap (bwrap) is not installed, and it makes the fence",
    "`apt install bubblewrap`, or --fence=best-effort",
)
_MOST_COMPLAINT = 4096


class Words(NamedTuple):
    """The words for bwrap before the command, and the descriptors that it is to inherit."""

    words: "tuple[str, ...]"
    descriptors: "tuple[int, ...]"


def find_bubblewrap() -> str:
    """Return the path of bwrap. Not by PATH, which a folder of the project may be in.

    Raises:
        EnvFSError: it is not installed
    """
    for path in _NAMES:
        if os.access(path, os.X_OK):
            return path
    raise EnvFSError(*_MISSING)


def check_bubblewrap(path: str) -> None:
    """Try whether it may make namespaces here.

    Raises:
        EnvFSError: it may not. The text has its reason
    """
    reading, writing = os.pipe2(os.O_CLOEXEC)
    null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    actions = [(os.POSIX_SPAWN_DUP2, null, 0), (os.POSIX_SPAWN_DUP2, null, 1), (os.POSIX_SPAWN_DUP2, writing, 2)]
    child = os.posix_spawn(path, [path, *_BASE, "--", "/bin/true"], {}, file_actions=actions)
    os.close(writing)
    os.close(null)
    complaint = os.read(reading, _MOST_COMPLAINT)
    os.close(reading)
    if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]):
        lines = complaint.decode(errors="replace").strip().splitlines()
        reason = lines[0].removeprefix("bwrap: ").lower().rstrip(".") if lines else "it does not say why"
        raise EnvFSError(f"no fence can be made here: {reason}", _advice())


def _advice() -> str:
    try:
        restricted = safe_open.read_file(_APPARMOR, 16).strip() == b"1"
    except (OSError, EnvFSError):
        restricted = False
    if restricted:
        return (
            "AppArmor keeps user namespaces from programs without a profile: `apt install apparmor-profiles` has one "
            "for bwrap, which goes to /etc/apparmor.d. --fence=best-effort does what it can"
        )
    return "user namespaces may be off (`sysctl user.max_user_namespaces`). --fence=best-effort does what it can"


def fence_words(places: "Places", filter_program: int, files: "Mapping[str, bytes]") -> Words:
    """Return the words of a fence. `files` are read-only ones at their paths, with content of ours."""
    mounts = mounts_of_views()  # a look at one would ask its daemon, which may not answer
    words = [*_BASE, "--remount-ro", "/proc"]
    descriptors = [filter_program]
    for path in places.fresh:
        words += ["--perms", "1777" if path in _SHARED else "0700", "--tmpfs", path]
        below = (shown for shown in places.shown if shown.startswith(f"{path}/"))
        words += [word for shown in below for word in ("--ro-bind", shown, shown)]
    for path in (*places.writable, *places.held):
        words += ["--bind", path, path]
    folders = [path for path in places.hidden if path in mounts or os.path.isdir(path)]
    for path in places.hidden:
        if path in folders:
            words += ["--perms", "0555", "--tmpfs", path]
        else:
            descriptors.append(os.open(os.devnull, os.O_RDONLY))
            words += ["--ro-bind-data", str(descriptors[-1]), path]
    for path in places.guarded:
        words += ["--ro-bind", path, path]
    for path, content in files.items():
        descriptors.append(_memory(content))
        words += ["--ro-bind-data", str(descriptors[-1]), path]
    words += [word for path in folders for word in ("--remount-ro", path)]
    words += ["--chdir", places.work, "--seccomp", str(filter_program)]
    return Words(tuple(words), tuple(descriptors))


def argument_memory(words: "Iterable[str]") -> int:
    """Return a descriptor with words for `--args`."""
    return _memory(b"".join(os.fsencode(word) + b"\0" for word in words))


def _memory(content: bytes) -> int:
    memory = shared_memory.new_memory("envfs-fence", content)
    os.lseek(memory, 0, os.SEEK_SET)
    return memory

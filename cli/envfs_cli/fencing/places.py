"""The file system that a fenced command sees: what it may write to, and what is hidden from it.

Laws: all is read-only that is not named here. A hidden file is hidden wherever a link leads to it. The folder of work
is writable, unless it is the home folder, one above it, or of the system.
"""

import contextlib
import os
import pwd
import stat
import sys
import tomllib

import envfs
import envfs_cli
from envfs import safe_open
from envfs.errors import EnvFSError
from envfs.tuples import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from envfs.locations import Locations
    from envfs_cli.fencing.ambient import Ambient

_OF_THE_SYSTEM = (
    "/bin",
    "/boot",
    "/dev",
    "/etc",
    "/lib",
    "/lib32",
    "/lib64",
    "/proc",
    "/run",
    "/sbin",
    "/sys",
    "/usr",
    "/var",
)
# by these, git takes its settings from elsewhere
_SCRIPTS = (".sh", ".bash", ".zsh", ".fish", ".py", ".js", ".mjs", ".cjs", ".ts", ".rb", ".pl")
_CHOOSERS_OF_GIT = ("commondir", "gitdir", "config.worktree")
_MOST_GIT_BYTES, _MOST_SETTINGS = 4096, 1 << 20


class Places(NamedTuple):
    """Absolute paths without links. `fresh` folders are empty and in memory, but for those that are `shown` below.

    `held` ones can be neither moved nor replaced. `guarded` ones are writable by their folder, and are read alone.
    `unmade` ones were not there, and are not to be when the command has ended.
    """

    work: str
    writable: "tuple[str, ...]"
    held: "tuple[str, ...]"
    fresh: "tuple[str, ...]"
    hidden: "tuple[str, ...]"
    guarded: "tuple[str, ...]"
    shown: "tuple[str, ...]" = ()
    unmade: "tuple[str, ...]" = ()

    @property
    def is_work_writable(self) -> bool:
        """Tell whether the command may write where it works."""
        return any(_is_below(self.work, path) for path in self.writable)


def places_for(
    ambient: "Ambient", own: "Locations", environ: "Mapping[str, str]", agent: str = "", more: "Iterable[str]" = ()
) -> Places:
    """Look where things are here. `agent` is the program whose own files are writable, `more` what a person named.

    Raises:
        EnvFSError: the current folder is one of those that are hidden, or is gone, or what a person named is not there
    """
    homes = home_folders(environ)
    try:
        work = os.getcwd()
    except FileNotFoundError:
        raise EnvFSError("the current folder is gone", "run it in the folder of a project") from None
    root, stores = _work_tree(work)
    writable = [path for path in (root,) if _may_be_work(path, homes)]
    guarded = [f"{path}/{name}" for path in writable for name in ambient.guarded_work]
    held = [f"{path}/.git" for path in writable if _is_folder(f"{path}/.git")]  # a link may lead anywhere
    if writable:
        writable += stores
        guarded += [f"{root}/.git"] if stat.S_ISREG(_mode(f"{root}/.git")) else []
        held += [folder for store in (*held, *stores) for folder in _folders_of_git(store)]
    choosers = [f"{folder}/{name}" for folder in (*held, *stores) for name in _CHOOSERS_OF_GIT]
    guarded += [*choosers, *(f"{folder}/{name}" for folder in (*held, *stores) for name in ("hooks", "config"))]
    own_of_agent = [f"{home}/{name}" for home in homes for name in ambient.writable.get(agent, ())]
    writable += [*_named(more), *own_of_agent]
    guarded += [f"{home}/{name}" for home in homes for name in ambient.guarded_home]
    guarded += [path for folder in own_of_agent for path in _programs_in(folder)]
    fresh = (*ambient.fresh, *(f"{home}/{name}" for home in homes for name in ambient.fresh_home))
    hidden = (*_existing(_hidden_paths(ambient, own, environ, homes)), *filter(_is_in_reach, mounts_of_views()))
    if any(_is_below(work, path) for path in hidden):
        raise EnvFSError("the current folder is hidden by the fence", "run it in the folder of a project")
    return _visible(
        Places(
            work,
            tuple(_existing(writable)),
            tuple(_existing(held)),
            tuple(path for path in _existing(fresh) if os.path.isdir(path)),
            hidden,
            tuple(_existing(guarded)),
            tuple(_existing((*homes, *_own_folders(), work))),
            tuple(path for path in choosers if not os.path.lexists(path)),
        )
    )


def _programs_in(folder: str) -> "Iterator[str]":
    # what a setting may name as a command, such as that of a status line
    if not _is_folder(folder):
        return
    for entry in os.scandir(folder):
        if entry.is_file() and (entry.name.endswith(_SCRIPTS) or os.access(entry.path, os.X_OK)):
            yield entry.path


def _is_in_reach(path: str) -> bool:
    # bubblewrap stops at a folder of another user that may not be passed
    return os.access(os.path.dirname(path), os.X_OK)


def _own_folders() -> "Iterator[str]":
    # for `envfs` inside. Without `site`, sys.prefix does not name the virtual environment
    yield from (sys.prefix, os.path.dirname(os.path.dirname(sys.executable)))
    yield from (os.path.dirname(module.__file__ or "") for module in (envfs, envfs_cli))


def _visible(places: Places) -> Places:
    """Leave out what nobody sees anyhow, because a fresh folder lies over it."""

    def covered(path: str) -> bool:
        return any(_is_below(path, folder) for folder in places.fresh)

    shown = tuple(path for path in places.shown if covered(path))
    seen = (*places.writable, *shown)

    def visible(paths: "Iterable[str]") -> "tuple[str, ...]":
        return tuple(path for path in paths if not covered(path) or any(_is_below(path, folder) for folder in seen))

    return places._replace(hidden=visible(places.hidden), guarded=visible(places.guarded), shown=shown)


def home_folders(environ: "Mapping[str, str]") -> "tuple[str, ...]":
    """Return the home folder that the environment names, and the user's own."""
    named = [environ.get("HOME", "")]
    with contextlib.suppress(KeyError):
        named.append(pwd.getpwuid(os.getuid()).pw_dir)
    return tuple(dict.fromkeys(os.path.realpath(path) for path in named if path.startswith("/") and path != "/"))


def _hidden_paths(
    ambient: "Ambient", own: "Locations", environ: "Mapping[str, str]", homes: "tuple[str, ...]"
) -> "Iterator[str]":
    yield from ambient.hidden
    yield from (f"{home}/{name}" for home in homes for name in ambient.hidden_home)
    yield from (own.home, own.vault, own.state, own.runtime, own.mount)
    yield from (os.path.dirname(own.settings), os.path.dirname(own.identity), _identity_file(own.settings))
    yield environ.get("XDG_RUNTIME_DIR", "")
    yield environ.get("SSH_AUTH_SOCK", "")
    yield environ.get("XAUTHORITY", "")
    for address in environ.get("DBUS_SESSION_BUS_ADDRESS", "").split(";"):
        yield address.partition("unix:path=")[2].partition(",")[0]


def _identity_file(settings: str) -> str:
    try:
        table = tomllib.loads(safe_open.read_file(settings, _MOST_SETTINGS).decode())
        return str(table["identity"]["file"])
    except (OSError, EnvFSError, ValueError, KeyError, TypeError):
        return ""  # in its usual place, or of another user


def mounts_of_views() -> "list[str]":
    """Return where views are mounted here, by any daemon, and bound elsewhere."""
    fields = [line.split(b" ") for line in _mount_lines() if b" - fuse.envfs " in line]
    return [os.fsdecode(words[4].decode("unicode_escape").encode("latin-1")) for words in fields]


def _mount_lines() -> "list[bytes]":
    with contextlib.suppress(OSError), open("/proc/self/mountinfo", "rb") as file:
        return file.read().splitlines()
    return []


def _named(paths: "Iterable[str]") -> "Iterator[str]":
    for path in paths:
        if not os.path.exists(path) or os.path.realpath(path) == "/":
            raise EnvFSError(
                f"{path} cannot be made writable: it is no file or folder below /", "make it first, or leave it out"
            )
        yield os.path.realpath(path)


def _existing(paths: "Iterable[str]") -> "Iterator[str]":
    # one that cannot be looked at cannot be reached, so it need not be hidden
    for path in dict.fromkeys(os.path.realpath(path) for path in paths if path.startswith("/")):
        if path != "/" and os.path.exists(path):
            yield path


def _may_be_work(path: str, homes: "tuple[str, ...]") -> bool:
    is_above = path == "/" or any(_is_below(home, path) for home in homes)
    of_system = any(_is_below(path, folder) for folder in _OF_THE_SYSTEM) and not _is_below(path, "/var/tmp")  # noqa: S108
    return not is_above and not of_system and path not in ("/tmp", "/home", "/root")  # noqa: S108


def _is_below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")


# -- git ---------------------------------------------------------------------------------------------------------------


def _work_tree(folder: str) -> "tuple[str, list[str]]":
    """Return the work tree that a folder is in, or the folder, and the stores of that tree that lie elsewhere."""
    for path in _upwards(folder):
        mode = _mode(f"{path}/.git")
        if mode:
            return path, _stores(path) if stat.S_ISREG(mode) else []
    return folder, []


def _folders_of_git(store: str) -> "Iterator[str]":
    # those of its other work trees and of its submodules, and the folders above them. None is behind a link
    for top in filter(_is_folder, (f"{store}/worktrees", f"{store}/modules")):
        yield from _folders_down_to_heads(top)


def _is_folder(path: str) -> bool:
    return stat.S_ISDIR(_mode(path))


def _folders_down_to_heads(top: str) -> "Iterator[str]":
    for folder, names, files in os.walk(top):
        yield folder
        if "HEAD" in files:
            names[:] = [name for name in names if name in ("modules", "worktrees")]


def _upwards(path: str) -> "Iterator[str]":
    while path != "/":
        yield path
        path = os.path.dirname(path)


def _mode(path: str) -> int:
    try:
        return os.lstat(path).st_mode
    except OSError:
        return 0


def _stores(tree: str) -> list[str]:
    # the file `.git` of a work tree is the repository's word. The store that it names has to name the tree, too
    entry = os.path.join(tree, _first_line(f"{tree}/.git").removeprefix("gitdir: "))
    if _first_line(f"{entry}/gitdir") != f"{tree}/.git":
        return []
    common = os.path.realpath(os.path.join(entry, _first_line(f"{entry}/commondir")))
    return [common] if os.path.realpath(entry).startswith(f"{common}/worktrees/") else []


def _first_line(path: str) -> str:
    try:
        return os.fsdecode(safe_open.read_file(path, _MOST_GIT_BYTES)).partition("\n")[0]
    except (OSError, EnvFSError):
        return ""

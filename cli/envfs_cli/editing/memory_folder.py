"""A file that a program edits, in a folder that is in memory and that no other process finds.

The folder is a tmpfs in a mount namespace of a child's own (mount_namespaces(7)): it is gone with the editor, however
that ends. Where the kernel gives no such namespace, the folder is on a tmpfs that all processes of the user see.

Laws: no byte of the text comes to a disk by this. For root the tmpfs is kept out of swap; for others the kernel has no
such option. Neither the editor nor the process that waits for it leaves a core dump.
"""

import contextlib
import ctypes
import os
import resource
import shutil
import signal
import tempfile

from envfs import safe_open
from envfs.core import limits
from envfs.errors import EnvFSError
from envfs_cli import exit_status, output, secrets
from envfs_cli.process import child as children
from envfs_cli.process import forking, signals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import NoReturn

    Command = Callable[[str], list[str]]  # from the file's path to the words that edit it

_CLONE_NEWNS, _CLONE_NEWUSER = 0x00020000, 0x10000000  # linux/sched.h
_MS_NOSUID, _MS_NODEV, _MS_NOEXEC, _MS_REC, _MS_PRIVATE = 2, 4, 8, 16384, 1 << 18  # linux/mount.h
_OPTIONS = ("mode=0700,size=64m,noswap", "mode=0700,size=64m")  # an older kernel, or no root: without `noswap`
_KEYS = (signal.SIGINT, signal.SIGQUIT)  # pressed for the editor
_MOST = limits.TEXT_BYTES + 1
_IN_MEMORY = ("tmpfs", "ramfs")


def edit_in_memory(text: bytes, name: str, command: "Command") -> bytes:
    """Have a program edit a text in a file called `name`. Returns the text then: a byte over the limit at most.

    Raises:
        EnvFSError: there is no place in memory, or the program failed
    """
    handle = secrets.from_bytes(text)
    try:
        place = tempfile.mkdtemp(prefix="envfs-edit-")
    except OSError as error:
        raise EnvFSError(f"there is no folder for the editor: {safe_open.error_words(error)}", "set TMPDIR") from None
    soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, hard))
    try:
        status = _waited(lambda: _edit(handle, place, name, command))
    finally:
        resource.setrlimit(resource.RLIMIT_CORE, (soft, hard))
        with contextlib.suppress(OSError):  # another process put something there. The text is not there
            os.rmdir(place)
    if status:
        raise EnvFSError("the editor failed, so nothing was changed", "its own message says more")
    return os.pread(handle, _MOST, 0)


def _waited(act: "Callable[[], int]") -> int:
    # what is pressed meanwhile is for the editor
    before = {number: signal.signal(number, signal.SIG_IGN) for number in _KEYS}
    try:
        child = forking.fork()
        if child == 0:
            children.be_child(act)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _edit(handle: int, place: str, name: str, command: "Command") -> int:
    with _memory_folder(place) as folder:
        path = os.path.join(folder, name)
        try:
            with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(os.pread(handle, _MOST, 0))
        except OSError as error:
            raise EnvFSError(f"the text cannot be put into {folder}: {safe_open.error_words(error)}") from None
        status = _waited(lambda: _become(command(path), folder))
        if not status:
            _take_back(path, handle)
        return status


def _take_back(path: str, handle: int) -> None:
    try:
        source = safe_open.open_file(path)
    except OSError as error:
        raise EnvFSError(f"the editor left no text behind: {safe_open.error_words(error)}") from None
    os.ftruncate(handle, 0)
    os.pwrite(handle, os.pread(source, _MOST, 0), 0)
    os.close(source)


def _become(words: "list[str]", folder: str) -> "NoReturn":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for number in _KEYS:
        signal.signal(number, signal.SIG_DFL)
    signals.restore_signals()
    try:
        os.execvpe(words[0], words, {**os.environ, "TMPDIR": folder})  # noqa: S606 - the person's own editor
    except OSError as error:
        reason = safe_open.error_words(error)
        output.error(
            EnvFSError(f"cannot run {os.path.basename(words[0])}: {reason}", "VISUAL or EDITOR names the editor")
        )
        os._exit(exit_status.BUG)


@contextlib.contextmanager
def _memory_folder(place: str) -> "Iterator[str]":
    try:
        _mount_own(place)
    except OSError:
        folder = _shared_folder()
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    else:
        yield place


def _mount_own(place: str) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    uid, gid = os.geteuid(), os.getegid()
    _checked(libc.unshare(_CLONE_NEWNS | (_CLONE_NEWUSER if uid else 0)))
    if uid:
        for file, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
            with open(f"/proc/self/{file}", "w", encoding="ascii") as written:
                written.write(text)
    _checked(libc.mount(b"none", b"/", None, ctypes.c_ulong(_MS_REC | _MS_PRIVATE), None))
    flags = ctypes.c_ulong(_MS_NOSUID | _MS_NODEV | _MS_NOEXEC)
    for options in _OPTIONS:
        if not libc.mount(b"tmpfs", place.encode(), b"tmpfs", flags, options.encode()):
            return
    _checked(-1)


def _checked(result: int) -> None:
    if result:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _shared_folder() -> str:
    for parent in (os.environ.get("XDG_RUNTIME_DIR"), "/dev/shm"):  # noqa: S108 - looked at, and made private
        if parent and os.path.isdir(parent) and _type_at(parent) in _IN_MEMORY:
            output.note(
                f"the text is in {parent}, in memory, until the editor ends: the kernel gives no place of its own"
            )
            return tempfile.mkdtemp(prefix="envfs-edit-", dir=parent)
    raise EnvFSError("there is no folder in memory for the editor", "set XDG_RUNTIME_DIR to one on a tmpfs")


def _type_at(path: str) -> str:
    real = os.path.realpath(path)
    with open("/proc/self/mounts", encoding="utf-8", errors="surrogateescape") as file:
        mounts = [line.split()[1:3] for line in file]
    within = [(len(point), kind) for point, kind in mounts if f"{real}/".startswith(point.rstrip("/") + "/")]
    return max(within, default=(0, ""))[1]

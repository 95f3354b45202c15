"""Git ignores a project's `.env`, and does not track it, or the person is told.

Laws: of a file with patterns every byte stays, lines are added. No program of the repository's own choosing is run.
The wait for git has an end.
"""

import contextlib
import os

from envfs import safe_open
from envfs_cli import output

_LARGEST = 1 << 24
_YES, _NO = 0, 1
_ENV = b".env"
_MADE = (".env", ".envfs.toml")
_GIT_SECONDS = 5  # it reads files of the repository's, which may be FIFOs


def see_to(folder: str) -> None:
    """See that git ignores `.env` in a folder of a work tree, and say if it tracks one."""
    if not _has_git(folder):
        return
    path = f"{folder}/.gitignore"
    if os.path.lexists(path) and not os.path.isfile(path):  # git would read a FIFO, and wait
        output.note(f"{path} is not a regular file: see that git ignores .env")
        return
    inside = _git(folder, "rev-parse", "--show-prefix")
    ignored = _git(folder, "check-ignore", "--quiet", "--no-index", "--", ".env") if inside == _YES else inside
    if ignored not in (_YES, _NO):
        output.note("git cannot say whether it ignores .env here: make sure that it does")
        return
    if ignored == _NO and _add_line(path, _ENV):
        output.note(".env is added to .gitignore")
    if _is_tracked(folder, ".env"):
        output.note("git tracks .env: `git rm --cached .env` takes it out of the index")
        output.note("its history still has the values that it had: change them")


def exclude(folder: str) -> None:
    """Have git ignore `.env` and `.envfs.toml` by a file of the repository that is in no work tree.

    So a work tree that a hook has linked has nothing that git does not know, and `git worktree remove` removes it.
    """
    path = _exclude_file(folder) if _has_git(folder) else ""
    if not path or (os.path.lexists(path) and not os.path.isfile(path)):
        return
    for name in _MADE:
        if _git(folder, "check-ignore", "--quiet", "--", name) == _NO and not _is_tracked(folder, name):
            _add_line(path, name.encode())


def _exclude_file(folder: str) -> str:
    status, path = _answer(folder, "rev-parse", "--git-path", "info/exclude")
    path = os.path.join(folder, path)
    with contextlib.suppress(OSError):  # that it cannot be written is said then
        os.makedirs(os.path.dirname(path), exist_ok=True)
    return path if status == _YES else ""


def _is_tracked(folder: str, name: str) -> bool:
    return _git(folder, "ls-files", "--error-unmatch", "--", name) == _YES


def _has_git(folder: str) -> bool:
    while not os.path.lexists(f"{folder}/.git"):
        if folder in ("/", ""):
            return False
        folder = os.path.dirname(folder)
    return True


def _git(folder: str, *words: str) -> int:
    return _answer(folder, *words)[0]


def _answer(folder: str, *words: str) -> tuple[int, str]:
    import subprocess

    environ = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    # a repository's settings may name a program that watches files, which ls-files would start, and one that fetches
    # what an index that was folded together lacks: no protocol is allowed to it, whatever the settings allow
    environ["GIT_ALLOW_PROTOCOL"] = "none"
    command = ["git", "-c", "core.fsmonitor=false", "-C", folder, *words]
    try:
        done = subprocess.run(
            command, env=environ, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=_GIT_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired):
        return -1, ""
    return done.returncode, os.fsdecode(done.stdout.rstrip(b"\n"))


def _add_line(path: str, line: bytes) -> bool:
    try:
        handle = safe_open.open_file(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
    except OSError as error:
        output.note(f"cannot write {path}: {safe_open.error_words(error)}; add {line.decode()} to it")
        return False
    with os.fdopen(handle, "r+b", buffering=0) as file:
        try:
            data = safe_open.read_handle(handle, _LARGEST)
        except OSError as error:
            output.note(f"cannot read {path}: {safe_open.error_words(error)}; add {line.decode()} to it")
            return False
        first = data.find(b"\n")
        end = b"\r\n" if first > 0 and data[first - 1 : first] == b"\r" else b"\n"
        file.write((b"" if not data or data.endswith(b"\n") else end) + line + end)
    return True

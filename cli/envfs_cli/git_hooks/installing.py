"""Writing a hook: where git looks for it, if nobody else's is there."""

import os
import sys

from envfs import safe_open
from envfs.errors import AlreadyExists, EnvFSError
from envfs_cli import output
from envfs_cli.git_commands import git_output

_LARGEST = 1 << 20
_PROGRAM = "envfs"
_MARK = "# written by EnvFS"
_SETTINGS = (".pre-commit-config.yaml", ".pre-commit-config.yml")


def install_hook(name: str, line: str) -> int:
    """Have git call a hook of one line.

    Raises:
        AlreadyExists: another hook is there, or another program runs the hooks. The hint says what to add
        EnvFSError: there is no repository, or the hook cannot be written
    """
    top = os.fsdecode(git_output(".", "rev-parse", "--show-toplevel").rstrip(b"\n"))
    hooks = os.path.join(os.getcwd(), os.fsdecode(git_output(".", "rev-parse", "--git-path", "hooks").rstrip(b"\n")))
    path = f"{hooks}/{name}"
    if _has(path, line):
        output.done(f"{path} has the line already")
        return 0
    _check_others(top, hooks, name, line)
    _write(path, f"#!/bin/sh\n{_MARK}: remove this file to undo it\n{line}\n")
    output.done(f"{path} is written")
    return 0


def own_program() -> str:
    """Return how a hook calls EnvFS: by its name where that is found, else by its path."""
    import shlex
    import shutil

    beside = f"{os.path.dirname(sys.executable)}/{_PROGRAM}"
    return _PROGRAM if shutil.which(_PROGRAM) or not os.path.exists(beside) else shlex.quote(beside)


def _has(path: str, line: str) -> bool:
    try:
        return line in safe_open.read_file(path, _LARGEST, follow=True).decode(errors="replace")
    except OSError:
        return False


def _check_others(top: str, hooks: str, name: str, line: str) -> None:
    if _is_project(top, hooks):
        folder = os.path.dirname(hooks) if os.path.basename(hooks) == "_" else hooks  # husky's own are in .husky/_
        where = f"{os.path.relpath(folder, top)}/{name}"
        raise AlreadyExists(
            f"the hooks are the project's, in {os.path.relpath(hooks, top)}, so none is written",
            f"add to {where}: `{line}`",
        )
    settings = [file for file in _SETTINGS if os.path.lexists(f"{top}/{file}")]
    if settings and name == "pre-commit":
        raise AlreadyExists(
            f"pre-commit runs the hooks here, by {settings[0]}",
            "add a hook with `repo: local`, `id: envfs-scan`, `language: system`, `pass_filenames: false` and "
            f"`entry: {line}`",
        )
    if os.path.lexists(f"{hooks}/{name}"):
        raise AlreadyExists(f"there is a hook already: {hooks}/{name}", f"add a line to it: `{line}`")


def _is_project(top: str, hooks: str) -> bool:
    own = os.path.realpath(os.fsdecode(git_output(".", "rev-parse", "--git-common-dir").rstrip(b"\n")))
    real, tree = os.path.realpath(hooks), os.path.realpath(top)
    return f"{real}/".startswith(f"{tree}/") and not f"{real}/".startswith(f"{own}/")


def _write(path: str, text: str) -> None:
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o777)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise EnvFSError(f"cannot write {path}: {safe_open.error_words(error)}") from None

"""Writing a hook: where git looks for it, if nobody else's is there."""

import os
import re
import sys

from envfs import safe_open
from envfs.errors import AlreadyExists, EnvFSError
from envfs_cli import output
from envfs_cli.git_commands import git_output

_LARGEST = 1 << 20
_PROGRAM = "envfs"
_MARK = "# written by EnvFS"
_HEAD = f"#!/bin/sh\n{_MARK}: remove this file to undo it\n"
_SETTINGS = (".pre-commit-config.yaml", ".pre-commit-config.yml")


def install_hook(name: str, line: str, earlier: str) -> int:
    """Have git call a hook of one line. One that EnvFS wrote, whose line matches `earlier`, is replaced.

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
    if os.path.lexists(path):
        _check_own(path, line, earlier)
        _replace(path, _HEAD + line + "\n")
        output.done(f"{path} was EnvFS's own, and is replaced")
        return 0
    _write(path, _HEAD + line + "\n")
    output.done(f"{path} is written")
    return 0


def own_program() -> str:
    """Return how a hook calls EnvFS: by its name where that is found, else by its path."""
    import shlex
    import shutil

    beside = f"{os.path.dirname(sys.executable)}/{_PROGRAM}"
    return _PROGRAM if shutil.which(_PROGRAM) or not os.path.exists(beside) else shlex.quote(beside)


def _has(path: str, line: str) -> bool:
    return line in _text(path)


def _text(path: str) -> str:
    try:
        return safe_open.read_file(path, _LARGEST, follow=True).decode(errors="replace")
    except OSError:
        return ""


def _check_own(path: str, line: str, earlier: str) -> None:
    text = _text(path)
    if _MARK not in text:
        raise AlreadyExists(f"there is a hook already: {path}", f"add a line to it: `{line}`")
    if os.path.islink(path) or not re.fullmatch(re.escape(_HEAD) + earlier + "\n", text):
        raise AlreadyExists(f"EnvFS wrote {path}, and it was changed since", f"remove {path} and try again")


def _replace(path: str, text: str) -> None:
    new = f"{path}.envfs-{os.getpid()}"
    _write(new, text)
    try:
        os.rename(new, path)
    except OSError as error:
        os.unlink(new)
        raise EnvFSError(f"cannot write {path}: {safe_open.error_words(error)}") from None


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

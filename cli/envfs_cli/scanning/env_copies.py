"""Copies of `.env` that editors, people and worktrees leave: known by their names, if variables are set in them."""

import os
import re

from envfs_cli.git_commands import git_output

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

COPY = "copy of .env"
_NAME = re.compile(
    r"(?:\.env(?:\.[\w-]+)?(?:~|\.~\d+~|[ ._-]?(?:bak|backup|old|orig|original|saved?|copy|te?mp|rej|sw[a-p])\d*)"
    r"|\.?env\.(?:bak|backup|old|orig|save|copy)|\.\.env(?:\.[\w-]+)?\.sw[a-p]|\.?#\.env(?:\.[\w-]+)?#?|\.env \(\d+\))",
    re.IGNORECASE,
)
_ASSIGNMENT = re.compile(rb"^(?:export )?[A-Za-z_][A-Za-z0-9_]*=[^\s\0]", re.MULTILINE)
_LIST = b"worktree "


def has_name_of_copy(name: str) -> bool:
    """Tell whether a file is named as a copy of `.env`."""
    return _NAME.fullmatch(name) is not None


def sets_variables(text: bytes) -> bool:
    """Tell whether a text sets variables."""
    return _ASSIGNMENT.search(text) is not None


def other_worktrees(folder: str) -> "Iterator[str]":
    """Yield the `.env` files, and others named after it, at the top of a repository's other work trees."""
    for tree in _worktrees(folder):
        if os.path.isdir(tree) and not _is_within(folder, tree):
            yield from _env_files(tree)


def _worktrees(folder: str) -> list[str]:
    listed = git_output(folder, "worktree", "list", "--porcelain", "-z").split(b"\0")
    return [os.fsdecode(line.removeprefix(_LIST)) for line in listed if line.startswith(_LIST)]


def _is_within(folder: str, tree: str) -> bool:
    return f"{os.path.realpath(folder)}/".startswith(f"{os.path.realpath(tree)}/")


def _env_files(folder: str) -> "Iterator[str]":
    paths = (f"{folder}/{name}" for name in sorted(os.listdir(folder)) if ".env" in name)
    yield from (path for path in paths if os.path.isfile(path) and not os.path.islink(path))

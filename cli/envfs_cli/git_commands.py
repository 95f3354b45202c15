"""git, asked about a repository that may be hostile: nothing that the repository chooses is run, or fetched.

Law: where git itself runs this process, as for a hook, the index and the objects that it works on are meant.
"""

import os
import subprocess

from envfs.errors import EnvFSError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_ITS_OWN = (
    *("GIT_DIR", "GIT_WORK_TREE", "GIT_COMMON_DIR", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY"),
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
)


def git_output(folder: str, *words: str) -> bytes:
    """Return what git prints.

    Raises:
        EnvFSError: there is no git, or it fails
    """
    command, environ = git_command(folder, words)
    try:
        done = subprocess.run(command, env=environ, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    except OSError as error:
        raise _no_git(error) from None
    if done.returncode:
        raise EnvFSError(f"git {words[0]} fails here", f"is {folder} in a repository of yours? `git status` says more")
    return done.stdout


def git_process(folder: str, *words: str) -> "subprocess.Popen[bytes]":
    """Start git with pipes to it and from it.

    Raises:
        EnvFSError: there is no git
    """
    command, environ = git_command(folder, words)
    try:
        return subprocess.Popen(
            command, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
    except OSError as error:
        raise _no_git(error) from None


def git_command(folder: str, words: "Sequence[str]") -> "tuple[list[str], dict[str, str]]":
    """Return a command of git, and its environment."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("GIT_") or name in _ITS_OWN}
    # settings may name a program that watches files, and a remote that has objects which are missing here; a replaced
    # object would be shown with the content of another one
    environ |= {"GIT_ALLOW_PROTOCOL": "none", "GIT_OPTIONAL_LOCKS": "0", "GIT_NO_LAZY_FETCH": "1"}
    environ |= {"GIT_NO_REPLACE_OBJECTS": "1"}
    settings = "-c", "core.fsmonitor=false", "-c", "log.diffMerges=separate"
    return ["git", *settings, "-C", folder, *words], environ


def _no_git(error: OSError) -> EnvFSError:
    return EnvFSError(f"git cannot be run: {os.strerror(error.errno or 0).lower()}", "is it installed?")

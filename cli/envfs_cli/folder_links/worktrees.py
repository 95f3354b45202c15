"""Work trees of git: a hook links each new one to a level, which may be named after its branch or its folder.

Law: what the name of a branch or a folder has that a level cannot have becomes a dash.
"""

import os
import re

from envfs.core import limits, names
from envfs.errors import BadName, EnvFSError
from envfs_cli.git_commands import git_output
from envfs_cli.git_hooks.installing import install_hook, own_program

_FIELD = re.compile(r"\{(?:branch|worktree)\}")
_OTHER_SIGNS = re.compile(r"[^A-Za-z0-9_.-]+")
_SAMPLE = "x"
_BEGIN, _END = 'case "$1" in *[!0]*) ;; *) ', " || : ;; esac"
_EARLIER = r"[^;|&\n]+ link --worktree [^;|&\n]+"
_NAMELESS = "worktree"


def install_worktree_hook(template: str) -> int:
    """Have git link each new work tree to a level.

    Raises:
        BadName: it cannot be a level, whatever the branch
        AlreadyExists: another hook is there
    """
    import shlex

    template = _checked(template)
    # git says of a new work tree, and of a clone, that zeros were checked out before (githooks(5), post-checkout)
    command = f"{own_program()} link --worktree {shlex.quote(template)}"
    return install_hook("post-checkout", _BEGIN + command + _END, re.escape(_BEGIN) + _EARLIER + re.escape(_END))


def worktree_level(folder: str, template: str) -> tuple[str, str]:
    """Return the level for a work tree, and the one above the first part that a field is in."""
    template = _checked(template)
    fixed = template[: template.index("{")].rpartition("/")[0] if "{" in template else template
    fields = {"{branch}": lambda: _branch(folder), "{worktree}": lambda: os.path.basename(folder)}
    level = _FIELD.sub(lambda match: _component(fields[match[0]]()), template)
    return names.parse_level(level), names.parse_level(fixed or "/")


def _checked(template: str) -> str:
    sample = _FIELD.sub(_SAMPLE, template)
    if "{" in sample:
        raise BadName("not a level path", "the fields of a level for new work trees are {branch} and {worktree}")
    names.parse_level(sample)
    return template if template.startswith("/") else f"/{template}"


def _branch(folder: str) -> str:
    try:
        return os.fsdecode(git_output(folder, "symbolic-ref", "--short", "HEAD").rstrip(b"\n"))
    except EnvFSError:  # a commit is checked out, and no branch
        return os.path.basename(folder)


def _component(name: str) -> str:
    component = _OTHER_SIGNS.sub("-", name).lstrip(".-")[: limits.COMPONENT_BYTES]
    return component or _NAMELESS

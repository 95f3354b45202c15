"""direnv: the variables that the `.envrc` of a folder sets, as direnv itself works them out.

Law: direnv runs an `.envrc` that its user has allowed, and no other one.
"""

import os

from envfs.errors import BadRequest
from envfs_cli.importing import json_trees
from envfs_cli.importing.tools.tool_output import tool_output
from envfs_cli.importing.tools.variables import ToolVariables, as_tree, left_out
from envfs_cli.importing.trees import NamedItems, Scalar, ScalarKind

# what is not one of these counts as set by the folder, whatever this shell has loaded already
_BASIS = ("PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME")
_OWN = "DIRENV_"


def from_direnv(source: str) -> ToolVariables:
    """Read what direnv sets in a folder, or in that of an .envrc.

    Raises:
        BadRequest: there is no such folder
        EnvFSError: direnv cannot be run, or the folder is not allowed
    """
    if not os.path.exists(source):
        raise BadRequest("there is no such folder", "name a folder with an .envrc, such as .")
    folder = source if os.path.isdir(source) else os.path.dirname(source) or "."
    basis = {name: os.environ[name] for name in _BASIS if name in os.environ}
    text = tool_output(("direnv", "export", "json"), folder, basis)
    tree = json_trees.parse_json(text) if text.strip() else NamedItems(())
    pairs, without_value, changed = [], [], []
    for name, node in tree.pairs if isinstance(tree, NamedItems) else ():
        if name.startswith(_OWN):
            continue
        if not isinstance(node, Scalar) or node.kind is ScalarKind.NULL:
            without_value.append(name)
        elif name in _BASIS:
            changed.append(name)
        else:
            pairs.append((name, node.text))
    notes = (*left_out(without_value, "the folder unsets it"), *left_out(changed, "the folder changes what was set"))
    return as_tree(pairs, notes)

"""The tools that `envfs import --from` knows."""

from envfs.errors import BadRequest
from envfs_cli.importing.tools import direnv, json_exports, manager_exports, password_store

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from envfs_cli.grammar.words import ImportTool
    from envfs_cli.importing.tools.variables import ToolVariables

_OF_SOURCE: "dict[ImportTool, Callable[[str], ToolVariables]]" = {
    "dotenvx": json_exports.from_dotenvx,
    "sops": json_exports.from_sops,
    "op": json_exports.from_op,
    "doppler": json_exports.from_doppler,
    "infisical": json_exports.from_infisical,
    "direnv": direnv.from_direnv,
    "pass": password_store.from_pass,
    "chamber": json_exports.from_chamber,
}
_OF_EXPORT: "dict[ImportTool, Callable[[str, str | None], ToolVariables]]" = {
    "1password-export": manager_exports.from_1password_export,
    "bitwarden-export": manager_exports.from_bitwarden_export,
}


def tool_variables(tool: "ImportTool", source: str, folder: "str | None") -> "ToolVariables":
    """Return what a tool has.

    Args:
        tool: its name
        source: a file of its, or what its program is asked for
        folder: the vault or folder of an export, or None for all of it

    Raises:
        BadRequest: `folder` is for exports alone
        EnvFSError: the tool does not run, or the file is none of its
    """
    of_export = _OF_EXPORT.get(tool)
    if of_export is not None:
        return of_export(source, folder)
    if folder is not None:
        raise BadRequest(f"--folder is for {' and '.join(_OF_EXPORT)}", "leave it out")
    return _OF_SOURCE[tool](source)

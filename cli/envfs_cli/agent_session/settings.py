"""The settings of coding agents against reading secrets, made from the fence's own list of what is hidden.

They are a second net: an agent enforces them itself, where a fence does not ask it. Law: a path is written as that
agent writes it, and a pattern is no wider than the file that it stands for.
"""

import json

from envfs_cli.daemon import client
from envfs_cli.fencing.ambient import shipped_ambient

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_PROJECT = (".env", ".env.*", "**/.env", "**/.env.*")
_COMMANDS = ("get", "export", "show", "exec", "run", "shell", "edit", "unlock", "grant", "approvals", "token")


def agent_settings(agent: str) -> "str | None":
    """Return the text of an agent's settings. None for an agent that is not known."""
    return _WRITERS[agent]() if agent in _WRITERS else None


def _claude() -> str:
    ambient, own = shipped_ambient(), client.user_locations()
    reads = [f"./{path}" for path in _PROJECT]
    reads += [pattern for path in ambient.hidden_home for pattern in _both(f"~/{path}")]
    reads += [pattern for path in (own.home, own.state, own.mount) for pattern in _both(f"/{path}")]
    denied = [f"Read({path})" for path in reads]
    denied += [f"Edit({path})" for path in (*(f"./{name}" for name in ambient.guarded_work), f"/{own.settings}")]
    denied += [f"Bash(envfs {word}:*)" for word in _COMMANDS]
    return json.dumps({"permissions": {"deny": denied}}, indent=2) + "\n"


def _both(path: str) -> tuple[str, str]:
    return path, f"{path}/**"


def _codex() -> str:
    names = ", ".join(map(json.dumps, shipped_ambient().variables))
    lines = (
        'sandbox_mode = "workspace-write"',
        "",
        "[sandbox_workspace_write]",
        "network_access = false",
        "",
        "[shell_environment_policy]",
        'inherit = "all"',
        f"exclude = [{names}]",
    )
    return "\n".join(lines) + "\n"


_WRITERS: "dict[str, Callable[[], str]]" = {"claude": _claude, "codex": _codex}
AGENTS = tuple(_WRITERS)

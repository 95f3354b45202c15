"""Where coding agents write down what they said and saw, as data: folders and files below the home folder."""

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_PLACES = (
    *(".claude", ".claude.json", ".codex", ".gemini", ".cursor", ".aider.chat.history.md", ".continue", ".cline"),
    *(".config/claude", ".config/github-copilot", ".config/goose", ".config/opencode", ".config/amp", ".config/zed"),
    *(".local/share/opencode", ".local/share/goose", ".local/share/amp", ".local/share/zed", ".local/state/opencode"),
    *(".config/Cursor/User/workspaceStorage", ".config/Code/User/workspaceStorage", ".config/Code/User/globalStorage"),
    *(".vscode-server/data/User", ".cursor-server/data/User", ".qwen", ".kiro", ".roo", ".windsurf", ".codeium"),
    *(".local/share/kilocode", ".copilot", ".factory", ".crush", ".local/share/crush", ".openhands", ".pi"),
)
_HERE = (".aider.chat.history.md", ".aider.input.history", ".specstory", ".crush")  # in the folder of a project
_BY_VARIABLE = ("CLAUDE_CONFIG_DIR", "CODEX_HOME")


def transcript_paths() -> "Iterator[str]":
    """Yield those that are there."""
    home = os.path.expanduser("~")
    named = [os.environ[name] for name in _BY_VARIABLE if os.environ.get(name)]
    paths = (*named, *(f"{home}/{place}" for place in _PLACES), *_HERE)
    yield from (path for path in dict.fromkeys(paths) if os.path.exists(path))

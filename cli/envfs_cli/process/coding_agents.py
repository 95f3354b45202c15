"""Commands that start a coding agent: by the names of their programs, and of the packages that npx and its like start.

An agent that looks around sends its environment to its model's host. So its user is told how it works without values.
"""

import os

from envfs_cli import output

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

# cli/direct.c has the first two lists as well
_AGENTS = (
    *("aider", "amp", "auggie", "claude", "cline", "codex", "copilot", "crush", "cursor-agent", "droid", "gemini"),
    *("goose", "grok", "kilocode", "kimi", "opencode", "openhands", "plandex", "qwen", "vibe"),
)
_RUNNERS = ("bunx", "npx", "pipx", "pnpm", "pnpx", "uvx", "yarn")
_PACKAGES = {
    "aider-chat": "aider",
    "claude-code": "claude",
    "gemini-cli": "gemini",
    "opencode-ai": "opencode",
    "qwen-code": "qwen",
    "kimi-cli": "kimi",
    "openhands-ai": "openhands",
}


def agent_of(command: "Sequence[str]") -> str:
    """Return the name of the coding agent that a command starts, or nothing."""
    program = os.path.basename(command[0]) if command else ""
    if program in _AGENTS:
        return program
    if program not in _RUNNERS:
        return ""
    packages = (word.rpartition("/")[2].partition("@")[0] for word in command[1:] if not word.startswith("-"))
    started = (_PACKAGES.get(name, name) for name in packages)
    return next((name for name in started if name in _AGENTS), "")


def note_values(command: "Sequence[str]", level: str) -> None:
    """Say that the command, if it is a coding agent, gets values, and how it would do without."""
    agent = agent_of(command)
    if agent:
        output.note(f"{agent} gets the values of {level}, and may send what it has to its model's host")
        output.hint(f"`envfs agent run {level} -- {agent}` gives it placeholders, and its requests the values")

"""The tools of the server for agents: a table of what each takes and does.

Law: no tool takes a value, and none gives one.
"""

from envfs.tuples import NamedTuple
from envfs_cli.agents import listings, petitions

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Schema = Mapping[str, object]
    Tool = Callable[[Mapping[str, object]], object]


class AgentTool(NamedTuple):
    """A tool: its name, what an agent is told of it, the words that it takes by name, and those that it needs."""

    name: str
    description: str
    takes: "Mapping[str, Schema]"
    needs: "tuple[str, ...]"
    act: "Tool"
    only_looks: bool = True

    @property
    def schema(self) -> "dict[str, object]":
        """The words that it takes, as JSON Schema."""
        return {
            "type": "object",
            "properties": self.takes,
            "required": list(self.needs),
            "additionalProperties": False,
        }


_LEVEL = {"type": "string", "description": "a level such as /shop/dev"}
_TOP = {"type": "string", "description": "this level and those below it; / is all"}
_NAME = {"type": "string", "description": "a variable's name"}
_NAMES = {"type": "array", "items": {"type": "string"}, "minItems": 1, "description": "names of variables"}

_REASON = {
    "type": "string",
    "minLength": 1,
    "maxLength": 500,
    "description": "why, in the words that the person is shown",
}

TOOLS = (
    AgentTool(
        "list_levels",
        "List the levels of the vault that this user may know of: version, time of the last change, and whether a rule "
        "gives this user their values.",
        {"level": _TOP},
        (),
        listings.list_levels,
    ),
    AgentTool(
        "list_names",
        "List the names of the variables that a program gets at a level, and the level that sets each.",
        {"level": _LEVEL},
        ("level",),
        listings.list_names,
    ),
    AgentTool(
        "presence",
        "Say of variables whether each is set, empty or not-set at a level, which level sets it and since when. "
        "Never the value.",
        {"level": _LEVEL, "names": _NAMES},
        ("level", "names"),
        listings.presence,
    ),
    AgentTool(
        "check",
        "List the problems of a level's variables: references that lead nowhere, empty values, values that some "
        "program would misread, names that change how programs run.",
        {"level": _LEVEL, "dialect": {"type": "string", "description": "node, python, docker, shell, systemd …"}},
        ("level",),
        listings.check,
    ),
    AgentTool(
        "history",
        "List the newest versions of a level: when, by whom, and the names that each added, changed or removed.",
        {
            "level": _LEVEL,
            "name": _NAME,
            "newest": {"type": "integer", "minimum": 1, "maximum": 1000, "description": "how many; default: 20"},
        },
        ("level",),
        listings.history,
    ),
    AgentTool(
        "stale",
        "List the variables that are due for rotation at a level and below it, and since when.",
        {"level": _TOP, "within_days": {"type": "integer", "minimum": 0, "maximum": 3650}},
        (),
        listings.stale,
    ),
    AgentTool(
        "request_access",
        "Ask a person for a right to read variables for 10 minutes. The person answers elsewhere (`envfs approvals "
        "watch`). Say why. The answer is a command line for programs that need the values: you get none.",
        {"level": _LEVEL, "names": _NAMES, "reason": _REASON},
        ("level", "names", "reason"),
        petitions.request_access,
        only_looks=False,
    ),
    AgentTool(
        "request_value",
        "Ask a person to set a variable that is missing or wrong. The person types the value at their own terminal. "
        "Never ask for the value in the conversation, and never invent one.",
        {"level": _LEVEL, "name": _NAME, "reason": _REASON},
        ("level", "name", "reason"),
        petitions.request_value,
        only_looks=False,
    ),
)

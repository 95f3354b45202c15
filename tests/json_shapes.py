"""What `--json` printed, held to the schema that EnvFS ships: with all the members of a shape, and no other.

A reader outside passes over members that it does not know, so the schema itself does not forbid them. Here they are
forbidden: a member that is printed is in the schema.
"""

import json
from pathlib import Path
from urllib.parse import quote

from jsonschema import Draft202012Validator

import envfs_cli

SCHEMA = json.loads((Path(envfs_cli.__file__).parent / "json_schema.json").read_text(encoding="utf-8"))
SHAPES = tuple(name for name in SCHEMA["$defs"] if not name[0].isupper())


def _closed(node: object) -> object:
    if isinstance(node, list):
        return [_closed(child) for child in node]
    if not isinstance(node, dict):
        return node
    children = {name: _closed(child) for name, child in node.items()}
    if isinstance(node.get("properties"), dict) and "type" in node:
        children["additionalProperties"] = False
    return children


_CLOSED = _closed(SCHEMA["$defs"])


def faults(document: object, *shapes: str) -> list[str]:
    """Say how a document differs from each of these shapes: nothing if it is one of them."""
    references = [{"$ref": f"#/$defs/{quote(name)}"} for name in shapes]
    validator = Draft202012Validator(
        {"$defs": _CLOSED, **(references[0] if len(references) == 1 else {"anyOf": references})}
    )
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(document)]


def shapes_of(words: list[str]) -> list[str]:
    """Return the shapes that a line of a command may print."""
    return [name for name in SHAPES if name.split()[0] == words[0]]

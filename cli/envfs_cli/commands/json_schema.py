"""`json-schema`: print the JSON Schema of what `--json` prints, whole or for one command."""

import json
import os
from urllib.parse import quote

from envfs import safe_open
from envfs.errors import EnvFSError
from envfs.tuples import NamedTuple
from envfs_cli import grammar, output
from envfs_cli.no_command import unknown_command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    Schema = dict[str, object]

_LARGEST = 1 << 20
_DEFINITIONS = "$defs"
_REFERENCE = f"#/{_DEFINITIONS}/"
_PATH = os.path.join(os.path.dirname(os.path.dirname(__file__)), "json_schema.json")


class JsonSchemaArguments(NamedTuple):
    """The arguments of `json-schema`."""

    command: str | None


def run_json_schema(arguments: JsonSchemaArguments) -> int:
    """Print the file as it is, or the part of it that is about one command."""
    text = safe_open.read_file(_PATH, _LARGEST, follow=True)
    if arguments.command is None:
        output.raw(text)
        return 0
    command = grammar.find_command(arguments.command)
    if command is None:
        raise unknown_command(arguments.command)
    part = command_schema(json.loads(text), command.name)
    output.print_line(json.dumps(part, indent=2, ensure_ascii=False))
    return 0


def command_schema(schema: "Schema", command: str) -> "Schema":
    """Return the schema of one command alone: any of its shapes, and what these refer to.

    Raises:
        EnvFSError: the command prints no JSON
    """
    definitions = schema[_DEFINITIONS]
    if not isinstance(definitions, dict):
        raise TypeError(_DEFINITIONS)
    shapes = [name for name in definitions if name.split()[0] == command]
    if not shapes:
        raise EnvFSError(f"`envfs {command}` prints no JSON", "`envfs json-schema` prints the shapes of all that do")
    needed: dict[str, object] = {}
    waiting = shapes[:]
    while waiting:
        name = waiting.pop(0)
        if name not in needed:
            needed[name] = definitions[name]
            waiting += _referred(definitions[name])
    facts = {name: value for name, value in schema.items() if name not in ("anyOf", _DEFINITIONS)}
    return {**facts, "anyOf": [{"$ref": _REFERENCE + quote(name)} for name in shapes], _DEFINITIONS: needed}


def _referred(node: object) -> "Iterator[str]":
    if isinstance(node, dict):
        if "$ref" in node:
            yield str(node["$ref"]).removeprefix(_REFERENCE)
        for child in node.values():
            yield from _referred(child)
    elif isinstance(node, list):
        for child in node:
            yield from _referred(child)

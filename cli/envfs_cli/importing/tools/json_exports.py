"""Tools whose variables come as one JSON object or list: dotenvx, sops, doppler, infisical, chamber and op.

A file, or standard input, has what the tool printed. Otherwise its program is asked.
"""

from envfs.errors import BadRequest, Malformed
from envfs_cli.importing import input_files, json_trees
from envfs_cli.importing.tools.tool_output import tool_output
from envfs_cli.importing.tools.variables import ToolVariables, as_tree, left_out, variable_name
from envfs_cli.importing.trees import Items, NamedItems, Node, Scalar, ScalarKind

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_OF_DOPPLER = ("DOPPLER_PROJECT", "DOPPLER_ENVIRONMENT", "DOPPLER_CONFIG")


def from_dotenvx(source: str) -> ToolVariables:
    """Read an encrypted .env file by dotenvx, which finds its key. Values are as dotenvx gives them to a program.

    Raises:
        EnvFSError: dotenvx cannot be run, or decrypts not all
    """
    words = ("dotenvx", "get", "-f", source, "--overload", "--strict")
    return _without(_table(tool_output(words)), lambda name: name.startswith("DOTENV_PUBLIC_KEY"), "a key of dotenvx")


def from_sops(source: str) -> ToolVariables:
    """Read a file that sops decrypts, or, from standard input, the JSON that it decrypted.

    Raises:
        EnvFSError: sops cannot be run, or does not decrypt it
    """
    if source == "-":
        text = input_files.text_of(source)
    else:
        text = tool_output(("sops", "--decrypt", "--output-type", "json", source))
    return _without(_table(text), lambda name: name == "sops", "what sops notes for itself")


def from_doppler(source: str) -> ToolVariables:
    """Read `doppler secrets download --format json`, or `doppler secrets --json`, or ask for PROJECT/CONFIG.

    Raises:
        EnvFSError: doppler cannot be run, or the file is none of these
    """
    project, slash, config = source.partition("/")
    words = (
        "doppler",
        "secrets",
        "download",
        "--no-file",
        "--format",
        "json",
        "--project",
        project,
        "--config",
        config,
    )
    table = _table(_text(source, words if slash else ()))
    pairs = tuple((name, _field(node, "computed", "raw")) for name, node in table.pairs)
    hidden = [name for name, node in pairs if _is_null(node)]
    shown = NamedItems(tuple((name, node) for name, node in pairs if not _is_null(node)))
    found = _without(shown, lambda name: name in _OF_DOPPLER, "what doppler tells of itself")
    return found._replace(notes=(*found.notes, *left_out(hidden, "doppler does not show them to this account")))


def from_infisical(source: str) -> ToolVariables:
    """Read `infisical export`, as JSON or dotenv text, or ask for an environment such as prod.

    Raises:
        EnvFSError: infisical cannot be run, or the file is none of these
    """
    text = _text(source, ("infisical", "export", "--format=json", f"--env={source}", "--silent"))
    if text.lstrip()[:1] not in ("[", "{"):
        return _of_dotenv(text)
    tree = json_trees.parse_json(text)
    if isinstance(tree, NamedItems):
        return ToolVariables(tree)
    if not isinstance(tree, Items) or not all(_word(item, "key", "secretKey") for item in tree.items):
        raise Malformed("the text is no list of secrets", "`infisical export --format=json` prints one")
    return as_tree([(_word(item, "key", "secretKey"), _word(item, "value", "secretValue")) for item in tree.items])


def from_chamber(source: str) -> ToolVariables:
    """Read `chamber export SERVICE`, or ask for a service. Names become those that `chamber exec` gives.

    chamber keeps names in small letters. A name with a capital comes from elsewhere, and stays as it is.

    Raises:
        EnvFSError: chamber cannot be run, or the file is no such export
    """
    table = _table(_text(source, ("chamber", "export", "--format", "json", source)))
    pairs = tuple((name, name if name.lower() != name else name.upper().replace("-", "_")) for name, _ in table.pairs)
    changed = [f"{name} is {now}" for name, now in pairs if now != name]
    nodes = (node for _, node in table.pairs)
    tree = NamedItems(tuple((now, node) for (_, now), node in zip(pairs, nodes, strict=True)))
    return ToolVariables(tree, (f"as `chamber exec` has it: {', '.join(changed)}",) if changed else ())


def from_op(source: str) -> ToolVariables:
    """Read `op item get ITEM --format json`, or ask for an item.

    Raises:
        EnvFSError: op cannot be run, or the file is no item
    """
    item = _table(_text(source, ("op", "item", "get", source, "--format", "json")))
    fields = item.get("fields")
    if not isinstance(fields, Items):
        raise Malformed("the text is no item of 1Password", "`op item get ITEM --format json` prints one")
    title = _word(item, "title")
    read = [(_word(field, "label", "id"), _word(field, "value")) for field in fields.items]
    pairs = [(variable_name(title, label), value) for label, value in read if value]
    return as_tree(pairs, left_out([label or "a field" for label, value in read if not value], "no value"))


def _of_dotenv(text: str) -> ToolVariables:
    from envfs_cli.importing.readers import javascript

    readings = javascript.read_node_dotenv(text)
    pairs = [(reading.name, "".join(map(str, reading.pieces))) for reading in readings if reading.pieces is not None]
    if not pairs:
        raise Malformed("the text is no export of infisical", "`infisical export --format=json` prints one")
    return as_tree(pairs)


def _text(source: str, words: "Sequence[str]") -> str:
    if source == "-" or input_files.is_plain_file(source):
        return input_files.text_of(source)
    if not words:
        raise BadRequest("there is no such file", "name a file that the tool exported, or PROJECT/CONFIG")
    return tool_output(words)


def _table(text: str) -> NamedItems:
    tree = json_trees.parse_json(text)
    if not isinstance(tree, NamedItems):
        raise Malformed("the text is no object of names and values", "the tool exports one as JSON")
    return tree


def _without(table: NamedItems, is_own: "Callable[[str], bool]", why: str) -> ToolVariables:
    taken = tuple((name, node) for name, node in table.pairs if not is_own(name))
    return ToolVariables(NamedItems(taken), left_out([name for name, _ in table.pairs if is_own(name)], why))


def _field(node: Node, *names: str) -> Node:
    if not isinstance(node, NamedItems):
        return node
    values = (node.get(name) for name in names)
    return next((value for value in values if value is not None), Scalar("", ScalarKind.NULL))


def _is_null(node: Node) -> bool:
    return isinstance(node, Scalar) and node.kind is ScalarKind.NULL


def _word(node: Node, *names: str) -> str:
    value = _field(node, *names) if isinstance(node, NamedItems) else None
    return value.text if isinstance(value, Scalar) else ""

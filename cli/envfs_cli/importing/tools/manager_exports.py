"""Exports of password managers: 1Password's .1pux, and Bitwarden's JSON without encryption.

An item has a title and fields. A field that is called as a variable is gives that variable. Any other is called by its
item and itself, as `variable_name` does.
"""

import lzma
import os
import zipfile
import zlib

from envfs.core import limits
from envfs.errors import Malformed, NoSuchVariable, TooLarge
from envfs_cli import files, secrets
from envfs_cli.importing import input_files, json_trees
from envfs_cli.importing.tools.variables import ToolVariables, as_tree, left_out, variable_name
from envfs_cli.importing.trees import Items, NamedItems, Node, Scalar, ScalarKind

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    Pairs = list[tuple[str, str]]

_DATA = "export.data"
_LARGEST = 8 * limits.TEXT_BYTES  # bytes of an export, most of which is no value
_PASSWORD = "password"


def from_1password_export(source: str, folder: "str | None") -> ToolVariables:
    """Read a .1pux file. `folder` is the vault in it that is meant.

    Raises:
        Malformed: it is no such file
        TooLarge: it is larger than such a file may be
        NoSuchVariable: there is no such vault
    """
    tree = json_trees.parse_json(_unpacked(source))
    vaults = [vault for account in _list(tree, "accounts") for vault in _list(account, "vaults")]
    chosen = [vault for vault in vaults if folder in (None, _text(_node(vault, "attrs"), "name"))]
    _check_chosen(chosen, [_text(_node(vault, "attrs"), "name") for vault in vaults], folder)
    pairs, archived = [], []
    for item in (item for vault in chosen for item in _list(vault, "items")):
        title = _text(_node(item, "overview"), "title")
        if _text(item, "state") == "archived":
            archived.append(title)
        else:
            pairs += [(variable_name(*words), value) for words, value in _fields_of_1password(title, item) if value]
    return as_tree(pairs, left_out(archived, "archived"))


# as the module for archives and those below it tell that an archive is damaged
_DAMAGED = (OSError, EOFError, KeyError, ValueError, RuntimeError, zipfile.BadZipFile, zlib.error, lzma.LZMAError)


def _unpacked(source: str) -> str:
    try:
        with _opened(source) as file, zipfile.ZipFile(file) as archive, archive.open(_DATA) as member:
            data = member.read(_LARGEST + 1)
    except _DAMAGED:
        raise Malformed(f"{source}: no export of 1Password", "it makes a .1pux file") from None
    if len(data) > _LARGEST:
        raise TooLarge(f"{source}: too large for an export", f"at most {_LARGEST} bytes")
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise Malformed(f"{source}: no export of 1Password", "it makes a .1pux file") from None


def _opened(source: str) -> "BinaryIO":
    # an ordinary file may have attachments of any size, which are not read
    if not input_files.is_plain_file(source):
        return os.fdopen(secrets.from_file(source, "the file" if source == "-" else source, _LARGEST), "rb")
    try:
        return os.fdopen(files.open_input(source)[0], "rb")
    except OSError as error:
        raise files.cannot_read(source, error) from None


def _fields_of_1password(title: str, item: Node) -> "Iterator[tuple[tuple[str, ...], str]]":
    details = _node(item, "details")
    for field in _list(details, "loginFields"):
        word = _text(field, "designation") or _text(field, "name")
        yield (title, word), _text(field, "value")
    if _text(details, _PASSWORD):
        yield (title, _PASSWORD), _text(details, _PASSWORD)
    for section in _list(details, "sections"):
        for field in _list(section, "fields"):
            value = _node(field, "value")
            inner = value.pairs[0][1] if isinstance(value, NamedItems) and value.pairs else None
            # a field of an item that is called as a variable is: that variable, as for API credentials
            words = (title,) if _text(field, "id") == "credential" and variable_name(title) == title else None
            yield words or (title, _text(field, "title") or _text(field, "id")), _scalar(inner)


def from_bitwarden_export(source: str, folder: "str | None") -> ToolVariables:
    """Read a JSON export without encryption. `folder` is the folder or collection in it that is meant.

    Raises:
        Malformed: it is no such file, or is encrypted
        NoSuchVariable: there is no such folder
    """
    tree = json_trees.parse_json(input_files.text_of(source))
    if not isinstance(tree, NamedItems) or not isinstance(tree.get("items"), Items):
        raise Malformed("no export of Bitwarden", "`bw export --format json` makes one")
    if _text(tree, "encrypted") == "true":
        raise Malformed("the export is encrypted", "`bw export --format json` makes one that is not")
    groups = {
        _text(each, "id"): _text(each, "name") for kind in ("folders", "collections") for each in _list(tree, kind)
    }
    if folder is not None:
        _check_chosen([name for name in groups.values() if name == folder], list(groups.values()), folder)
    pairs: Pairs = []
    for item in _list(tree, "items"):
        inside = {
            groups.get(_text(item, "folderId")),
            *(groups.get(_scalar(each)) for each in _list(item, "collectionIds")),
        }
        if folder in (None, *inside):
            fields = _fields_of_bitwarden(_text(item, "name"), item)
            pairs += [(variable_name(*words), value) for words, value in fields if value]
    return as_tree(pairs)


def _fields_of_bitwarden(title: str, item: Node) -> "Iterator[tuple[tuple[str, ...], str]]":
    login = _node(item, "login")
    for word in ("username", _PASSWORD):
        is_variable = word == _PASSWORD and variable_name(title) == title
        yield (title,) if is_variable else (title, word), _text(login, word)
    for field in _list(item, "fields"):
        yield (title, _text(field, "name")), _text(field, "value")


def _check_chosen(chosen: "list[Node] | list[str]", present: "list[str]", folder: "str | None") -> None:
    if folder is not None and not chosen:
        raise NoSuchVariable(
            "the export has no vault or folder of that name", f"it has {', '.join(sorted(set(present)))}"
        )


def _node(node: Node, name: str) -> Node:
    inner = node.get(name) if isinstance(node, NamedItems) else None
    return NamedItems(()) if inner is None else inner


def _list(node: Node, name: str) -> "tuple[Node, ...]":
    inner = _node(node, name)
    return inner.items if isinstance(inner, Items) else ()


def _text(node: Node, name: str) -> str:
    return _scalar(_node(node, name))


def _scalar(node: "Node | None") -> str:
    return node.text if isinstance(node, Scalar) and node.kind is not ScalarKind.NULL else ""

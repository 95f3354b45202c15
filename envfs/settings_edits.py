"""Edits of the text of `envfs.toml`, so that a person's comments survive.

Laws: text in, text out. This is the only importer of tomlkit, which is loaded with it: few daemons ever edit anything.
"""

import re
import tomllib

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import AoT

_GRANT_HEAD = re.compile(r"\s*\[\[\s*grant\s*\]\]")


def with_identity_file(text: str, identity_file: str) -> str:
    """Name the file of the identity."""
    document = tomlkit.parse(text)
    document["identity"] = {"file": identity_file}
    return tomlkit.dumps(document)


def with_keyring(text: str, keyring: str) -> str:
    """Name the keyring that has the identity, or (empty) none."""
    document = _parsed_with_table(text, "identity")
    table = document["identity"]
    if keyring:
        table["keyring"] = keyring
    else:
        table.pop("keyring", None)
    if not table:
        document.pop("identity")
    return tomlkit.dumps(document)


def with_founder(text: str, founder: str) -> str:
    """Name the owner of the vault that this home joined."""
    document = _parsed_with_table(text, "identity")
    document["identity"]["founder"] = founder
    return tomlkit.dumps(document)


def with_engine(text: str, engine: str) -> str:
    """Name the engine that machines share."""
    document = _parsed_with_table(text, "store")
    document["store"]["engine"] = engine
    return tomlkit.dumps(document)


def with_log_sharing(text: str, *, is_on: bool) -> str:
    """Share the access log, or do not."""
    document = _parsed_with_table(text, "audit")
    document["audit"]["share"] = is_on
    return tomlkit.dumps(document)


def with_recipient(text: str, recipient: str) -> str:
    """Add one to those whom the keys of new projects are sealed to."""
    document = _parsed_with_table(text, "keys")
    table = document["keys"]
    recipients = table.get("recipients", tomlkit.array())
    recipients.append(recipient)
    table["recipients"] = recipients
    return tomlkit.dumps(document)


def with_author(text: str, author: str, name: str) -> str:
    """Call the author of a key by a name, or (empty) by none."""
    document = _parsed_with_table(text, "authors")
    table = document["authors"]
    for other in [other for other, key in table.items() if key == author]:
        table.pop(other)
    if name:
        table[name] = author
    if not table:
        document.pop("authors")
    return tomlkit.dumps(document)


def without_grants(text: str, ended: set[int]) -> str:
    """Remove the grants at these places. The comments above them stay.

    Raises:
        ValueError: it is TOML that cannot be edited
    """
    try:
        return tomlkit.dumps(_without(text, ended))
    except TOMLKitError as error:  # the two readers of TOML disagree
        raise ValueError(str(error)) from None


def _parsed_with_table(text: str, name: str) -> tomlkit.TOMLDocument:
    if name not in tomllib.loads(text):
        # in front of the grants: behind them it would read as a part of the last one
        text = _with_table(text, f"[{name}]\n")
    return tomlkit.parse(text)


def _with_table(text: str, table: str) -> str:
    lines = text.splitlines(keepends=True)
    at = next((number for number, line in enumerate(lines) if _GRANT_HEAD.match(line)), len(lines))
    while 0 < at < len(lines) and lines[at - 1].lstrip().startswith("#"):
        at -= 1  # a comment above the first grant stays with it
    blank_line = "\n" if at and lines[at - 1].strip() else ""
    after = "\n" if at < len(lines) else ""
    return "".join([*lines[:at], blank_line, table, after, *lines[at:]])


def _without(text: str, ended: set[int]) -> tomlkit.TOMLDocument:
    # tomlkit counts the comment above a table to the table before it, and would remove it with that one
    document = tomlkit.parse(_cut(text, ended))
    remaining = [grant for index, grant in enumerate(tomllib.loads(text).get("grant", ())) if index not in ended]
    if _tables(document).unwrap() != remaining:  # not written as tables of their own: no comment can stand above one
        document = tomlkit.parse(text)
        document["grant"] = tomlkit.aot()
        for grant in remaining:
            document["grant"].append(tomlkit.item(grant))
    if not remaining:
        document.pop("grant", None)
    return document


def _cut(text: str, ended: set[int]) -> str:
    lines_left: list[str] = []
    ordinal, within = -1, False
    for line in text.splitlines(keepends=True):
        if line.lstrip().startswith("["):
            ordinal += bool(_GRANT_HEAD.match(line))
            within = bool(_GRANT_HEAD.match(line)) and ordinal in ended
        if not within or line.lstrip().startswith("#"):
            lines_left.append(line)
    return "".join(lines_left)


def _tables(document: tomlkit.TOMLDocument) -> AoT:
    grant_tables = document.get("grant", tomlkit.aot())
    if not isinstance(grant_tables, AoT):  # written as an inline array: nothing can be appended to that as a table
        tables = tomlkit.aot()
        for grant in grant_tables.unwrap():
            tables.append(tomlkit.item(grant))
        document["grant"] = grant_tables = tables
    return grant_tables

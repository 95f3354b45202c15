"""`vault.toml`: what a vault says of itself, unencrypted (docs/format.md §3)."""

import tomllib
from typing import NamedTuple

from envfs.errors import NoVault, UnsupportedFormat

FORMAT = 1
KEY = "vault.toml"


class Description(NamedTuple):
    """The public facts of a vault. `signing_key` is an Ed25519 public key in base64url."""

    id: str
    created: str
    recipient: str
    signing_key: str


def render_description(description: Description) -> bytes:
    """Write the description as TOML."""
    return (
        "# An EnvFS vault. Nothing in this file is secret; docs/format.md describes it.\n"
        f"format = {FORMAT}\n"
        f'id = "{description.id}"\n'
        f'created = "{description.created}"\n'
        "\n[owner]\n"
        f'recipient = "{description.recipient}"\n'
        f'signing_key = "{description.signing_key}"\n'
    ).encode()


def parse_description(data: bytes) -> Description:
    """Read a description.

    Raises:
        UnsupportedFormat: of another format number
        NoVault: not a description of a vault
    """
    try:
        body = tomllib.loads(data.decode())
    except (ValueError, RecursionError):
        raise NoVault("vault.toml is not TOML", "restore it from a backup: it holds nothing secret") from None
    number = body.get("format")
    if type(number) is not int or number != FORMAT:
        shown = number if type(number) is int else "unknown"
        raise UnsupportedFormat(f"the vault is of format {shown}", f"this release of envfs reads format {FORMAT}")
    owner = body.get("owner")
    tables = [body, *([owner] if isinstance(owner, dict) else [])]
    fields = {name: table[name] for table in tables for name in Description._fields if name in table}
    if len(fields) != len(Description._fields) or not all(isinstance(field, str) for field in fields.values()):
        raise NoVault("vault.toml lacks a field", "restore it from a backup: it holds nothing secret")
    return Description(**fields)

"""The table `[proxy]` of the settings: a person's rules, and how sessions go about hosts without one."""

from typing import NamedTuple

from envfs.errors import EnvFSError
from envfs.proxy.rules import ProxyRule, parse_rules

_KEYS = {"rule": list, "strict": bool, "roots": str}


class ProxySettings(NamedTuple):
    """The rules of a person. `strict`: no host without a rule is reached. `roots`: a file with more authorities."""

    rules: tuple[ProxyRule, ...] = ()
    strict: bool = False
    roots: str = ""


def parse_proxy_settings(table: object) -> ProxySettings:
    """Read the table.

    Raises:
        EnvFSError: it is malformed
    """
    if not isinstance(table, dict):
        raise EnvFSError("[proxy] is a table")
    for key, value in table.items():
        if key not in _KEYS:
            raise EnvFSError(f"unknown key in [proxy]: {key}")
        if type(value) is not _KEYS[key]:
            raise EnvFSError(f"{key} in [proxy] is of another type")
    roots = str(table.get("roots", ""))
    if roots and not roots.startswith("/"):
        raise EnvFSError("roots in [proxy] is a path from / on")
    return ProxySettings(parse_rules(table.get("rule", [])), bool(table.get("strict", False)), roots)

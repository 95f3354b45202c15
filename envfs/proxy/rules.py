"""Rules of the proxy: which variable's value goes to which hosts, and where in a request it may stand.

Laws: what no rule names is not put in. A rule says something about its own variables alone, so another rule changes
nothing for them. Unknown keys are refused, not skipped.
"""

import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Final, NamedTuple

from envfs.errors import EnvFSError
from envfs.protocol.proxying import SessionRule
from envfs.proxy.hosts import Endpoint, address_of, parse_pattern
from envfs.proxy.places import Place, PlaceKind, parse_place

_KEY = re.compile(r"[A-Za-z_*?][A-Za-z0-9_*?]{0,254}", re.ASCII)
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}", re.ASCII)
_TEST = re.compile(r"/[!-~]*(?: [a-z0-9-]{1,64}:[!-~]{1,256})*", re.ASCII)
_LONGEST_NAME: Final = 64
_METHOD = re.compile(r"[A-Z]{1,32}", re.ASCII)
DEFAULT_PLACES: Final = (Place(PlaceKind.HEADER), Place(PlaceKind.BASIC))


class ApprovalNeed(StrEnum):
    """When a person has to say yes to a request with a value in it."""

    NEVER = "never"
    FIRST = "first"  # to the first one of a session with its method, host and path
    EACH = "each"


class ProxyRule(NamedTuple):
    """One rule. `key` is a variable's name or a glob. No methods, or no paths: all of them.

    `name` is for the log and for the path of the base URL. A variable's name is in neither. The hosts may have private
    addresses of `networks`, and `address` is dialled in place of asking for theirs. With `scrub` its values in
    responses become placeholders again. `approve` is about requests with one of its values in them.
    `test` is the path that a cheap request has, and headers of it behind blanks. With `h2` its hosts and their clients
    may speak HTTP/2.
    """

    name: str
    key: str
    hosts: tuple[Endpoint, ...]
    places: tuple[Place, ...] = DEFAULT_PLACES
    methods: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
    address: str = ""
    scrub: bool = True
    approve: ApprovalNeed = ApprovalNeed.NEVER
    test: str = ""
    h2: bool = False

    def concerns(self, variable: str) -> bool:
        """Tell whether it is about a variable."""
        return fnmatchcase(variable, self.key)

    def is_for(self, endpoint: Endpoint) -> bool:
        """Tell whether it is about a host."""
        return any(endpoint.fits(pattern) for pattern in self.hosts)

    def allows(self, method: str, path: str) -> bool:
        """Tell whether a request with this method and path may have its values."""
        return (not self.methods or method in self.methods) and (
            not self.paths or any(fnmatchcase(path, glob) for glob in self.paths)
        )

    def may_mean(self, method: str, path: str) -> bool:
        """Tell whether a host may take a request for one with its methods and paths.

        Some hosts ignore the case of letters, unescape a path, take several slashes for one, and skip `;` and behind.
        """
        if self.methods and method not in self.methods:
            return False
        from urllib.parse import unquote  # noqa: PLC0415 - 0.4 MB, which a daemon without a proxy does without

        once = unquote(path, "latin-1")
        meant = [re.sub("/+", "/", re.sub(";[^/]*", "", text)).lower() for text in (once, unquote(once, "latin-1"))]
        globs = [re.sub("/+", "/", glob).lower() for glob in self.paths]
        return not globs or any(fnmatchcase(text, glob) for text in meant for glob in globs)

    def covers(self, place: Place) -> bool:
        """Tell whether its values may stand at a place."""
        return any(own.covers(place) for own in self.places)


def rules_for(rules: Iterable[ProxyRule], endpoint: Endpoint) -> tuple[ProxyRule, ...]:
    """Return the rules about a host. With none the host is not intercepted."""
    return tuple(rule for rule in rules if rule.is_for(endpoint))


def approval_need(
    rules: Iterable[ProxyRule], keys: Collection[str], endpoint: Endpoint, method: str, path: str
) -> ApprovalNeed:
    """Return when a person has to say yes to a request with the values of `keys`: of all rules for it the strictest.

    A rule is for it as well if the host may take its path for one of the rule's.
    """
    needs = [
        rule.approve
        for rule in rules_for(rules, endpoint)
        if (rule.allows(method, path) or rule.may_mean(method, path)) and any(map(rule.concerns, keys))
    ]
    return max(needs, key=tuple(ApprovalNeed).index, default=ApprovalNeed.NEVER)


def parse_rules(tables: object, where: str = "[[proxy.rule]]") -> tuple[ProxyRule, ...]:
    """Read the tables of the settings.

    Raises:
        EnvFSError: one is malformed. The text says which, and what is wrong
    """
    if not isinstance(tables, list):
        raise EnvFSError(f"{where} is an array of tables")
    rules = tuple(_numbered(table, f"{where} {number}") for number, table in enumerate(tables, 1))
    named = [str(table["name"]) for table in tables if "name" in table]
    twice = next((name for name in named if named.count(name) > 1), None)
    if twice is not None:
        raise EnvFSError(f"two of {where} have the name {twice!r}", "give each a name of its own")
    taken: set[str] = set(named)
    return tuple(
        rule if "name" in table else rule._replace(name=free_name(rule.name, taken))
        for rule, table in zip(rules, tables, strict=True)
    )


def free_name(name: str, taken: set[str]) -> str:
    """Return a name, or one with a number behind it, that is not taken, and take it."""
    number, chosen = 2, name
    while chosen in taken:
        number, chosen = number + 1, f"{name[: _LONGEST_NAME - 5]}-{number}"
    taken.add(chosen)
    return chosen


def _numbered(table: object, where: str) -> ProxyRule:
    if not isinstance(table, dict):
        raise EnvFSError(f"{where} is no table")
    try:
        return parse_rule(table)
    except EnvFSError as error:
        raise EnvFSError(f"{where}: {error.text}", error.hint) from None


def parse_rule(table: Mapping[str, object]) -> ProxyRule:
    """Read one table.

    Raises:
        EnvFSError: it is malformed
    """
    unknown = table.keys() - _KEYS.keys()
    if unknown:
        raise EnvFSError(f"unknown key {min(unknown)!r}", f"a rule has {', '.join(_KEYS)}")
    for key, value in table.items():
        if type(value) is not _KEYS[key]:
            raise EnvFSError(f"{key!r} is {_WORDS[_KEYS[key]]}")
    key = str(table.get("key", ""))
    if not _KEY.fullmatch(key):
        raise EnvFSError("'key' is a variable's name, or a pattern such as STRIPE_*", "it says whose value is put in")
    hosts = tuple(map(_pattern, _texts(table, "hosts")))
    if not hosts:
        raise EnvFSError("'hosts' names no host", 'such as hosts = ["api.example.com"]')
    name = str(table.get("name", re.sub("[^a-z0-9]+", "-", hosts[0].host).strip("-")[:_LONGEST_NAME]))
    if not _NAME.fullmatch(name):
        raise EnvFSError("'name' is of a-z 0-9 _ -", "it names the rule in the log and in the base URL's path")
    return ProxyRule(
        name,
        key,
        hosts,
        tuple(map(parse_place, _texts(table, "where"))) or DEFAULT_PLACES,
        _fitting(table, "methods", _METHOD, "a method in capitals, such as GET"),
        _fitting(table, "paths", re.compile(r"/.*|\*.*"), "a path from / on, with * for any text"),
        tuple(map(_network, _texts(table, "networks"))),
        _address(str(table.get("address", ""))),
        bool(table.get("scrub", True)),
        _approval(str(table.get("approve", ApprovalNeed.NEVER))),
        _test(str(table.get("test", ""))),
        bool(table.get("h2", False)),
    )


def _pattern(text: str) -> Endpoint:
    try:
        return parse_pattern(text)
    except EnvFSError as error:
        raise EnvFSError(f"{text!r} in 'hosts' is no host", error.hint or "write it without https:// and /") from None


def _network(text: str) -> str:
    from ipaddress import ip_network  # noqa: PLC0415 - few rules have one

    try:
        return str(ip_network(text))
    except ValueError:
        raise EnvFSError(f"{text!r} in 'networks' is no network", "such as 10.0.0.0/8") from None


def _address(text: str) -> str:
    if text and address_of(text) is None:
        raise EnvFSError("'address' is an IP address", "such as 10.1.2.3")
    return text


def _test(text: str) -> str:
    if text and not _TEST.fullmatch(text):
        raise EnvFSError("'test' is a path, and behind blanks headers", 'such as "/v1/models x-version:2"')
    return text


def _approval(text: str) -> ApprovalNeed:
    if text not in tuple(ApprovalNeed):
        raise EnvFSError(f"{text!r} in 'approve' is none of {', '.join(ApprovalNeed)}")
    return ApprovalNeed(text)


def _fitting(table: Mapping[str, object], key: str, pattern: re.Pattern[str], what: str) -> tuple[str, ...]:
    texts = _texts(table, key)
    for text in texts:
        if not pattern.fullmatch(text):
            raise EnvFSError(f"{text!r} in {key!r} is not {what}")
    return texts


def _texts(table: Mapping[str, object], key: str) -> tuple[str, ...]:
    texts = table.get(key, [])
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise EnvFSError(f"{key!r} is a list of texts")
    return tuple(texts)


_KEYS: Final[Mapping[str, type]] = {
    "key": str,
    "hosts": list,
    "where": list,
    "methods": list,
    "paths": list,
    "networks": list,
    "address": str,
    "scrub": bool,
    "approve": str,
    "test": str,
    "h2": bool,
    "name": str,
}
_WORDS: Final[Mapping[type, str]] = {str: "a text", list: "a list of texts", bool: "true or false"}


def rule_row(rule: ProxyRule) -> SessionRule:
    """Return a rule as a message has it."""
    hosts, places = tuple(host.authority for host in rule.hosts), tuple(place.text for place in rule.places)
    return SessionRule(rule.name, rule.key, hosts, places, *rule[4:-3], rule.approve.value, rule.test, rule.h2)


def rule_of_row(row: SessionRule) -> ProxyRule:
    """Return the rule that a message has. It is checked as a person's is.

    Raises:
        EnvFSError: it is malformed
    """
    lists = {name: list(value) for name, value in row._asdict().items() if isinstance(value, tuple)}
    return parse_rule({**row._asdict(), **lists})


def rule_lines(key: str, hosts: Sequence[str], places: Sequence[str]) -> str:
    """Write the rule that a person would add to the settings, as TOML."""
    named = ", ".join(map(json.dumps, hosts))
    listed = ", ".join(map(json.dumps, places))  # a name in a place is the client's: TOML has the same strings
    return f'[[proxy.rule]]\nkey = "{key}"\nhosts = [{named}]\nwhere = [{listed}]'

"""The shipped catalogue of services (`providers.toml`): which variable's value goes to which hosts without a rule.

Laws: a variable that a person's rule is about is no business of the catalogue. The catalogue is checked as strictly as
a person's rules are.
"""

import os
import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from typing import NamedTuple

from envfs import safe_open
from envfs.errors import EnvFSError
from envfs.proxy.rules import ProxyRule, free_name, parse_rule

_LARGEST = 1 << 20  # bytes
_OF_CATALOGUE = ("variables", "base_url", "untested")  # the remainder is as in a rule


class Provider(NamedTuple):
    """A service. `base_url` are its clients' variables for an address, each with the path that they expect.

    `untested` is why no cheap request tells whether a key is right.
    """

    name: str
    variables: tuple[str, ...]
    table: Mapping[str, object]
    base_url: Mapping[str, str]
    untested: str = ""

    def owns(self, variable: str) -> bool:
        """Tell whether a variable's name says that it holds a key of this service."""
        return any(variable == own or variable.endswith(f"_{own}") for own in self.variables)

    def rule(self, variable: str) -> ProxyRule:
        """Return the rule for a variable."""
        return parse_rule({**self.table, "key": variable, "name": self.name})


@cache
def shipped_providers() -> tuple[Provider, ...]:
    """Return the catalogue, read once."""
    text = safe_open.read_file(os.path.join(os.path.dirname(__file__), "providers.toml"), _LARGEST)
    return parse_providers(tomllib.loads(text.decode()))


def parse_providers(tables: Mapping[str, object]) -> tuple[Provider, ...]:
    """Read a catalogue.

    Raises:
        EnvFSError: it is malformed
    """
    providers = []
    for name, table in tables.items():
        if not isinstance(table, dict) or not table.get("variables"):
            raise EnvFSError(f"the provider {name} has no variables")
        rest = {key: value for key, value in table.items() if key not in _OF_CATALOGUE}
        urls, untested = table.get("base_url", {}), str(table.get("untested", ""))
        provider = Provider(name, tuple(table["variables"]), rest, urls, untested)
        provider.rule(provider.variables[0])  # refuses what is malformed
        providers.append(provider)
    return tuple(providers)


def session_rules(rules: Iterable[ProxyRule], variables: Iterable[str]) -> tuple[ProxyRule, ...]:
    """Return the rules for the variables of a session: those of a person, and for other variables the catalogue's."""
    own = tuple(rules)
    names = list(variables)
    chosen = [rule for rule in own if any(map(rule.concerns, names))]
    taken = {rule.name for rule in chosen}
    for name in names:
        if any(rule.concerns(name) for rule in own):
            continue
        for provider in shipped_providers():
            if provider.owns(name):
                rule = provider.rule(name)
                chosen.append(rule._replace(name=free_name(rule.name, taken)))
                break
    return tuple(chosen)


def of_catalogue(rules: Iterable[ProxyRule], variable: str) -> tuple[ProxyRule, ...]:
    """Return those of a session's rules that a variable has from the catalogue. A person's rule takes their place."""
    shipped = [rule._replace(name="") for rule in session_rules((), (variable,))]
    return tuple(rule for rule in rules if rule._replace(name="") in shipped)


def untested(rule: ProxyRule) -> str:
    """Return why a rule of the catalogue has no test. Empty where it has one."""
    return next((provider.untested for provider in shipped_providers() if provider.owns(rule.key)), "")


def base_urls(rules: Iterable[ProxyRule]) -> dict[str, tuple[str, str]]:
    """Return the variables that lead clients to the base URL: for each the rule's name and the path that it expects."""
    by_name = {provider.name: provider for provider in shipped_providers()}
    return {
        variable: (rule.name, path)
        for rule in rules
        if rule.name in by_name
        for variable, path in by_name[rule.name].base_url.items()
    }

"""The variables of a session as the proxy knows them: each has a placeholder, and those of a rule a value."""

from collections.abc import Sequence
from typing import NamedTuple

from envfs.proxy.hosts import Endpoint
from envfs.proxy.rules import ProxyRule, rules_for

SHORTEST = 16  # bytes of a placeholder that is looked for: a shorter one stands in a request by chance


class SessionVariable(NamedTuple):
    """A variable. `value` is a piece of secret memory, None where no rule names it. It is in no text of this."""

    name: str
    placeholder: bytes
    value: memoryview | None = None

    def __repr__(self) -> str:
        """Show the name alone."""
        return f"SessionVariable({self.name})"


class HostRules(NamedTuple):
    """The rules of one host, and all variables of the session, as any placeholder may turn up."""

    endpoint: Endpoint
    rules: tuple[ProxyRule, ...]
    variables: tuple[SessionVariable, ...]

    @property
    def is_http2(self) -> bool:
        """Tell whether HTTP/2 is offered to it, and in its name."""
        return any(rule.h2 for rule in self.rules)

    def rules_of(self, variable: SessionVariable, method: str, path: str) -> tuple[ProxyRule, ...]:
        """Return the rules by which the value of a variable may be put into a request."""
        return tuple(rule for rule in self.rules if rule.concerns(variable.name) and rule.allows(method, path))

    def scrubbed(self) -> tuple[SessionVariable, ...]:
        """Return the variables whose values become placeholders again in responses of the host."""
        scrubbing = [rule for rule in self.rules if rule.scrub]
        return tuple(
            variable
            for variable in self.variables
            if variable.value is not None and any(rule.concerns(variable.name) for rule in scrubbing)
        )


def host_rules(rules: Sequence[ProxyRule], variables: Sequence[SessionVariable], endpoint: Endpoint) -> HostRules:
    """Return what counts for a host."""
    usable = tuple(variable for variable in variables if len(variable.placeholder) >= SHORTEST)
    return HostRules(endpoint, rules_for(rules, endpoint), usable)

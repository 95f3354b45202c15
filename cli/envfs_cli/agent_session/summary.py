"""The summary of one session of a proxy, from the access log: hosts, requests, the rules that gave values, refusals.

Law: a row of the log is about the session if it names its process and came by the proxy.
"""

import json
from collections import Counter

from envfs.tuples import NamedTuple
from envfs_cli import output

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_WITHOUT = "no rule"
_MOST = 8  # rows of a kind for a person


class SessionFacts(NamedTuple):
    """How long a session lasted, and how often something was in the log: by host, by rule, by reason."""

    seconds: int
    requests: int
    hosts: "dict[str, int]"
    keys: "dict[str, int]"
    refusals: "dict[str, int]"


def facts_of_entries(lines: "Iterable[str]", pid: int, seconds: float) -> SessionFacts:
    """Count in the lines of the access log."""
    hosts: Counter[str] = Counter()
    keys: Counter[str] = Counter()
    refusals: Counter[str] = Counter()
    for line in lines:
        entry = json.loads(line)
        if entry.get("pid") != pid or entry.get("channel") != "proxy":
            continue
        if entry["event"] == "forward":
            rule, _, target = str(entry.get("rule", "")).partition(": ")
            hosts[target.partition("/")[0]] += 1
            keys.update([rule] if rule != _WITHOUT else [])
        elif entry["event"] == "refuse":
            refusals[_refused(str(entry.get("rule", "")))] += 1
    return SessionFacts(int(seconds), hosts.total(), dict(hosts), dict(keys), dict(refusals))


def _refused(rule: str) -> str:
    target, _, reason = rule.rpartition(": ")
    return f"{target.partition('/')[0]}: {reason}" if target else reason


def print_summary(facts: SessionFacts, *, as_json: bool) -> None:
    """Print the facts to standard error."""
    if as_json:
        output.plain_note(json.dumps(facts._asdict()))
        return
    numbers = f"{_number(facts.requests, 'request')} to {_number(len(facts.hosts), 'host')}"
    output.note(f"{numbers} in {_spoken(facts.seconds)}")
    for label, counts in (("host", facts.hosts), ("key of", facts.keys), ("refused", facts.refusals)):
        for line in _lines(label, counts):
            output.plain_note(line)


def _lines(label: str, counts: "Mapping[str, int]") -> "Iterable[str]":
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    yield from (f"  {label:<8}{count:>6}  {output.clean(name)}" for name, count in ordered[:_MOST])
    if len(ordered) > _MOST:
        yield f"  {label:<8}        and {len(ordered) - _MOST} more: `envfs log`"


def _number(count: int, what: str) -> str:
    return f"{count} {what}{'s' * (count != 1)}"


def _spoken(seconds: int) -> str:
    minutes, left = divmod(seconds, 60)
    return f"{minutes} min {left} s" if minutes else f"{left} s"

"""The command that gives a rule again: for one whose program has changed since it was pinned."""

import shlex

from envfs.core.access.roles import ALL, READER
from envfs.core.access.rule import Rule
from envfs.core.access.verdict import Decision


def grant_command(rule: Rule, seconds_left: int = 0) -> str:
    """Return the line that gives a rule as it is, to be typed into a shell. `seconds_left` 0 is without end."""
    numbers = [("--uid", rule.uid), ("--gid", rule.gid), ("--max-reads", rule.max_reads or None)]
    programs = [("--exe", rule.exe), ("--script", rule.script), ("--under", rule.under)]
    words = ["envfs", "grant", rule.level]
    words += [word for flag, number in numbers if number is not None for word in (flag, str(number))]
    words += [word for flag, pin in programs if pin for word in (flag, pin.path)]
    words += [
        word for flag, text in (("--cgroup", rule.cgroup), ("--unit", rule.unit)) if text for word in (flag, text)
    ]
    words += [] if rule.decision is Decision.ALLOW else ["--decision", rule.decision]
    by_default = ALL if rule.decision is Decision.DENY else READER
    words += [] if rule.can == by_default else ["--can", ",".join(sorted(rule.can))]
    words += ["--only", ",".join(rule.only)] if rule.only else []
    words += ["--birth", f"{rule.birth:.0f}s"] if rule.birth else []
    words += ["--dialect", rule.dialect] if rule.dialect else []
    words += ["--ttl", f"{seconds_left}s"] if seconds_left else []
    return shlex.join(words)

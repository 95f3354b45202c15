"""`grants.toml`: the rules of this machine that commands gave. A person's own stand in `envfs.toml`.

Laws: the file is loaded only if it is the daemon user's own and no other user may write it. An unknown key is refused,
not skipped. It is replaced whole or not at all. No id is given twice, not even after its rule is gone.
"""

import json
import tomllib
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

from envfs.core.access.rule import Rule
from envfs.core.access.rule_table import parse_rule, rule_table
from envfs.dotenv import dialect_names
from envfs.errors import EnvFSError, TooLarge
from envfs.host import private_files
from envfs.host.trusted_file import LARGEST, TrustedFile

MOST_RULES = 4096
_HEAD = """\
# The rules of this machine, as envfs grant and envfs revoke write them; envfs grants lists them.
# Your own go into envfs.toml: each command writes this file again, and comments in it are lost.
"""
_ESCAPES: dict[int, str] = {number: f"\\u{number:04x}" for number in range(0x7F, 0xA0)}  # json leaves these


class Rules(NamedTuple):
    """The rules, and the number of the next one."""

    rules: tuple[Rule, ...] = ()
    next_number: int = 1


class RulesFile:
    """The file at `path`, read again whenever it is another file than before."""

    def __init__(self, path: Path) -> None:
        """Use `path`, which need not exist: then there are no rules."""
        self.path = path
        self._file = TrustedFile(path, "file of rules")
        self._rules = Rules()

    def load(self) -> Rules:
        """Return the rules as they are now, or were a millisecond ago.

        Raises:
            UnsafeSettings: others could have written the file, or it does not parse
        """
        if self._file.changed():
            self._rules = self._read()
            self._file.confirm()
        return self._rules

    @property
    def trusted_until_ns(self) -> int:
        """Until when `load` returns the same without a look, by the monotonic clock."""
        return self._file.trusted_until_ns

    def add(self, rule: Rule, letter: str = "g") -> Rule:
        """Add a rule, and return it with its id. One of the same conditions at the same level is replaced.

        Raises:
            TooLarge: there are too many, or they are too long
        """
        old = self.load()
        if len(old.rules) >= MOST_RULES:
            raise TooLarge(f"there are {MOST_RULES} rules already", "`envfs grants` lists them")
        given = rule._replace(id=f"{letter}{old.next_number}")
        others = (each for each in old.rules if each.condition != given.condition)
        self._write(Rules((*others, given), old.next_number + 1))
        return given

    def remove(self, keys: Collection[str]) -> None:
        """Remove the rules of these ids."""
        old = self.load()
        remaining = tuple(rule for rule in old.rules if rule.id not in keys)
        if len(remaining) < len(old.rules):
            self._write(old._replace(rules=remaining))

    def _read(self) -> Rules:
        data = self._file.read()
        try:
            return parse_rules(data)
        except EnvFSError as error:
            raise self._file.wrong(error.text) from None

    def _write(self, rules: Rules) -> None:
        data = rules_text(rules).encode()
        parse_rules(data)  # a good file is never replaced by one that would not load, or is too large to be read
        if len(data) > LARGEST:
            raise TooLarge("the rules together are too long", "`envfs grants` lists them")
        private_files.write_private(self.path, data)
        self._file.forget()


def parse_rules(data: bytes) -> Rules:
    """Read the content of the file.

    Raises:
        EnvFSError: it is not TOML, or something in it is not a rule
    """
    try:
        body = tomllib.loads(data.decode())
    except (ValueError, RecursionError):
        raise EnvFSError("it is not TOML") from None
    next_number, tables = body.pop("next", 1), body.pop("grant", [])
    if body:
        raise EnvFSError(f"unknown table or key: {', '.join(sorted(body))}")
    if type(next_number) is not int or next_number < 1 or not isinstance(tables, list):
        raise EnvFSError("next is a number, and [[grant]] an array of tables")
    rules = tuple(parse_rule(table, dialect_names.NAMES) for table in tables)
    numbers = [int(rule.id[1:] or 0) for rule in rules]
    if 0 in numbers or len(set(numbers)) < len(numbers) or max(numbers, default=0) >= next_number:
        raise EnvFSError("each [[grant]] has an id of its own, with a number below next")
    return Rules(rules, next_number)


def rules_text(rules: Rules) -> str:
    """Write the content of the file."""
    parts = [_HEAD, f"next = {rules.next_number}\n"]
    for rule in rules.rules:
        parts.append("\n[[grant]]\n")
        parts += [f"{key} = {_toml(value)}\n" for key, value in rule_table(rule).items()]
    return "".join(parts)


def _toml(value: object) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).translate(_ESCAPES)
    return repr(value)

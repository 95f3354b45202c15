"""The written form of a rule: a table of TOML, the same in the settings file and in the machine's own file of rules.

Laws: an unknown key is refused, not skipped. A rule that is written is read back as the same one. No text of a rule
holds a control character, so none reaches a terminal.
"""

import re
from collections.abc import Collection, Mapping

from envfs.core import names
from envfs.core.access.roles import ALL, NAMED_SETS, READER, Capability
from envfs.core.access.rule import Pin, Rule, RuleProcess
from envfs.core.access.verdict import Decision
from envfs.errors import EnvFSError

MOST_CONDITION_CHARACTERS = 4096
MOST_GLOBS = 256
UIDS = 1 << 32
MOST_SECONDS = 10 * 366 * 86_400
_KEYS: dict[str, type] = {
    **dict.fromkeys(
        ("id", "level", "cgroup", "unit", "token", "by_token", "decision", "dialect", "until", "boot"), str
    ),
    **dict.fromkeys(("exe", "exe_sha256", "script", "script_sha256", "under", "under_sha256"), str),
    **dict.fromkeys(("uid", "gid", "by", "max_reads"), int),
    **dict.fromkeys(("process", "process_pidfd"), int),
    "process_boot": str,
    **dict.fromkeys(("birth", "boot_until", "process_start"), float),
    **dict.fromkeys(("can", "only"), list),
}
_PROGRAMS = ("exe", "script", "under")
_NO_END = "9999-12-31T23:59:59.999999Z"
_UNTIL = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", re.ASCII)
_ID = re.compile(r"[gt][0-9]{1,12}", re.ASCII)
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
_GLOB = re.compile(r"[A-Za-z0-9_*?]{1,255}", re.ASCII)
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def parse_rule(table: object, dialects: Collection[str]) -> Rule:
    """Read one table.

    Raises:
        EnvFSError: it is not a rule
    """
    fields = _checked(table)
    if "level" not in fields:
        raise EnvFSError("a [[grant]] needs level and uid, or another condition")
    rule = Rule(
        level=names.parse_level(str(fields["level"])),
        uid=_number(fields, "uid"),
        gid=_number(fields, "gid"),
        by=_number(fields, "by"),
        **{name: _pin(fields, name) for name in _PROGRAMS},  # type: ignore[arg-type]
        **{name: _text(fields, name) for name in ("cgroup", "unit", "dialect", "id", "by_token", "until", "boot")},  # type: ignore[arg-type]
        token=_matching(fields, "token", _SHA256),
        boot_until=float(str(fields.get("boot_until", 0.0))),
        birth=float(str(fields.get("birth", 0.0))),
        max_reads=int(str(fields.get("max_reads", 0))),
        decision=_decision(fields),
        can=_can(fields),
        only=parse_globs(fields.get("only", [])),
        process=_process(fields),
    )
    check_rule(rule, dialects)
    if ("boot" in fields) != ("boot_until" in fields) or ("boot" in fields and "until" not in fields):
        raise EnvFSError("boot and boot_until in a [[grant]] come together, and with until")
    return rule


def check_rule(rule: Rule, dialects: Collection[str]) -> None:
    """Refuse a rule that cannot be.

    Raises:
        EnvFSError: naming the key that is wrong
    """
    if not rule.names_anybody:
        raise EnvFSError("a [[grant]] needs level and uid, or another condition")
    if not all(_ID.fullmatch(name) for name in (rule.id, rule.by_token) if name):
        raise EnvFSError("id and by_token in a [[grant]] are a letter and a number, as in g7")
    if rule.dialect and rule.dialect not in dialects:
        raise EnvFSError(f"dialect in a [[grant]] is one of {', '.join(dialects)}")
    if not _UNTIL.fullmatch(rule.until or _NO_END):
        raise EnvFSError("until in a [[grant]] is written as in 2026-11-21T09:00:00.000000Z")
    for name, text in (("cgroup", rule.cgroup), *((name, _path(rule, name)) for name in _PROGRAMS)):
        if text and not text.startswith("/"):
            raise EnvFSError(f"{name} in a [[grant]] is an absolute path")
    if not 0 <= rule.birth <= MOST_SECONDS or not 0 <= rule.max_reads < UIDS:
        raise EnvFSError("birth and max_reads in a [[grant]] are not negative, and at most ten years and 2^32")
    if rule.max_reads and rule.decision is Decision.DENY:
        raise EnvFSError("max_reads in a [[grant]] is not for one that denies")


def rule_table(rule: Rule) -> dict[str, object]:
    """Write a rule as a table. It has no key for a field that is empty, or as it is by default."""
    numbers = {"uid": rule.uid, "gid": rule.gid, "by": rule.by}
    table: dict[str, object] = {"id": rule.id, "level": rule.level}
    table |= {name: number for name, number in numbers.items() if number is not None}
    for name in _PROGRAMS:
        pin: Pin | None = getattr(rule, name)
        table |= {name: pin.path, f"{name}_sha256": pin.sha256} if pin else {}
    table |= {"cgroup": rule.cgroup, "unit": rule.unit, "token": rule.token, "by_token": rule.by_token}
    table["decision"] = "" if rule.decision is Decision.ALLOW else str(rule.decision)
    table["can"] = [] if rule.can == _can_by_default(rule.decision) else sorted(rule.can)
    table |= {"only": list(rule.only), "max_reads": rule.max_reads, "birth": rule.birth, "dialect": rule.dialect}
    table |= {"until": rule.until, "boot": rule.boot}
    written = {name: value for name, value in table.items() if value or name in numbers}
    if rule.process is not None:
        boot, pid, pidfd, start = rule.process
        written |= {"process": pid, "process_pidfd": pidfd, "process_boot": boot, "process_start": start}
    return written | ({"boot_until": rule.boot_until} if rule.boot else {})


def parse_can(words: Collection[str]) -> frozenset[Capability]:
    """Return the capabilities that words name, each by itself or as a named set: `admin` is that of all of them.

    Raises:
        EnvFSError: a word is neither
    """
    can: set[Capability] = set()
    for word in words:
        if word in NAMED_SETS:
            can |= NAMED_SETS[word]
        elif word in set(Capability):
            can.add(Capability(word))
        else:
            raise EnvFSError(f"can in a [[grant]] lists some of {', '.join((*Capability, *NAMED_SETS))}")
    return frozenset(can)


def parse_globs(globs: object) -> tuple[str, ...]:
    """Return the globs of names that `only` lists.

    Raises:
        EnvFSError: one is not made of the characters of a name, `*` and `?`
    """
    if not isinstance(globs, (list, tuple)) or len(globs) > MOST_GLOBS:
        raise EnvFSError("only in a [[grant]] is a list of names, in which * and ? may stand")
    if not all(isinstance(glob, str) and _GLOB.fullmatch(glob) for glob in globs):
        raise EnvFSError("only in a [[grant]] is a list of names, in which * and ? may stand")
    return tuple(globs)


def parse_digest(text: str) -> str:
    """Return a SHA-256 in hex, or nothing.

    Raises:
        EnvFSError: it is something else
    """
    if text and not _SHA256.fullmatch(text):
        raise EnvFSError("a digest in a [[grant]] is SHA-256 in hex")
    return text


def has_control_characters(text: str) -> bool:
    """Tell whether a text has something that a terminal would obey, or that cannot be written."""
    return _CONTROL.search(text) is not None


def _checked(table: object) -> Mapping[str, object]:
    if not isinstance(table, dict):
        raise EnvFSError("[grant] is a table")
    for key, value in table.items():
        kind = _KEYS.get(key)
        if kind is None:
            raise EnvFSError(f"unknown key in [grant]: {key}")
        if not (type(value) is kind or (kind is float and type(value) is int)):
            raise EnvFSError(f"{key} in [grant] is of another type")
        if isinstance(value, str) and (len(value) > MOST_CONDITION_CHARACTERS or has_control_characters(value)):
            raise EnvFSError(f"{key} in [grant] is too long, or has a control character")
    return table


def _number(fields: Mapping[str, object], name: str) -> int | None:
    if name not in fields:
        return None
    number = int(str(fields[name]))
    if not 0 <= number < UIDS - 1:
        raise EnvFSError(f"{name} in a [[grant]] is a number from 0 to {UIDS - 2}")
    return number


def _text(fields: Mapping[str, object], name: str) -> str:
    return str(fields.get(name, ""))


def _matching(fields: Mapping[str, object], name: str, pattern: re.Pattern[str]) -> str:
    text = _text(fields, name)
    if text and not pattern.fullmatch(text):
        raise EnvFSError(f"{name} in a [[grant]] is SHA-256 in hex")
    return text


def _pin(fields: Mapping[str, object], name: str) -> Pin | None:
    path, sha256 = _text(fields, name), _matching(fields, f"{name}_sha256", _SHA256)
    if sha256 and not path:
        raise EnvFSError(f"{name}_sha256 in a [[grant]] comes with {name}")
    return Pin(path, sha256) if path else None


def _process(fields: Mapping[str, object]) -> RuleProcess | None:
    keys = ("process_boot", "process", "process_pidfd", "process_start")
    if not any(key in fields for key in keys):
        return None
    boot, pid, pidfd, start = (fields.get(key) for key in keys)
    if not (isinstance(boot, str) and boot and isinstance(pid, int) and pid > 0 and isinstance(pidfd, int)):
        raise EnvFSError("process, process_pidfd, process_boot and process_start in a [[grant]] come together")
    return RuleProcess(boot, pid, pidfd, float(str(start or 0.0)))


def _path(rule: Rule, name: str) -> str:
    pin: Pin | None = getattr(rule, name)
    return pin.path if pin else ""


def _decision(fields: Mapping[str, object]) -> Decision:
    try:
        return Decision(_text(fields, "decision") or Decision.ALLOW)
    except ValueError:
        raise EnvFSError(f"decision in a [[grant]] is one of {', '.join(Decision)}") from None


def _can(fields: Mapping[str, object]) -> frozenset[Capability]:
    words = fields.get("can", [])
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise EnvFSError(f"can in a [[grant]] lists some of {', '.join((*Capability, *NAMED_SETS))}")
    can = parse_can([word for word in words if word != Capability.ADMIN])
    can |= {Capability.ADMIN} & set(words)  # written out, it is the one capability
    return can or _can_by_default(_decision(fields))


def _can_by_default(decision: Decision) -> frozenset[Capability]:
    return ALL if decision is Decision.DENY else READER

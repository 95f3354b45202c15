"""What a vault must hold: a dictionary of levels, each with all its versions, changed by what was acknowledged.

A change is the request and the secrets that go with it. `apply_change` says what it does, and `choose_change` makes
one that must succeed. Values are different each time, and need no quotes, so a text is read back as a dictionary.
"""

import random
from collections.abc import Callable
from typing import NamedTuple

Text = dict[str, str]
Body = dict[str, object]

NAMES = ("ALPHA", "BETA", "GAMMA", "DELTA", "OMEGA")


class Version(NamedTuple):
    """One version of a level. By a removed one the level is listed no more. Of a forgotten one the text is gone."""

    text: Text
    operation: str
    removed: bool = False
    forgotten: bool = False


class Change(NamedTuple):
    """A request that changes something, and the secrets that go with it."""

    body: Body
    secrets: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        return str(self.body["type"])

    @property
    def level(self) -> str:
        return str(self.body.get("level", ""))


class Expected:
    """The levels of a vault, or of a part of it, and the users whom rules let read there."""

    def __init__(self, levels: tuple[str, ...]) -> None:
        self.levels: dict[str, list[Version]] = {level: [] for level in levels}
        self.rules: set[tuple[str, int]] = set()
        self.count = 0
        self.shared = ""
        self.compared: dict[str, int] = {}  # by level, how many versions were compared with those that are there

    def copy(self) -> "Expected":
        other = Expected(())
        other.levels = {level: list(versions) for level, versions in self.levels.items()}
        other.rules, other.count, other.shared = set(self.rules), self.count, self.shared
        other.compared = dict(self.compared)
        return other

    def to_json(self) -> Body:
        levels = {level: [list(version) for version in versions] for level, versions in self.levels.items()}
        return {"levels": levels, "rules": sorted(self.rules), "count": self.count, "shared": self.shared}

    @classmethod
    def from_json(cls, body: Body) -> "Expected":
        one = cls(())
        assert isinstance(body["levels"], dict)
        one.levels = {level: [Version(*each) for each in versions] for level, versions in body["levels"].items()}
        assert isinstance(body["rules"], list)
        one.rules, one.count = {(level, uid) for level, uid in body["rules"]}, int(str(body["count"]))
        one.shared = str(body["shared"])
        return one

    def text(self, level: str) -> Text | None:
        """Return a level's own text. None if it has none, or was removed."""
        versions = self.levels[level]
        return versions[-1].text if versions and not versions[-1].removed else None

    def present(self) -> list[str]:
        return [level for level in self.levels if self.text(level) is not None]

    # -- what a change does --------------------------------------------------------------------------------------------

    def apply(self, change: Change, version: int | None = None) -> None:
        """Do what a change does. `version`, where the reply has one, says whether there was a new version at all."""
        body, level = change.body, change.level
        if level and level not in self.levels:
            self.shared = change.secrets[0]  # of a variable of this one's own, at a level that others write too
        elif change.kind in _TEXTS:
            self._write(change, version)
        elif change.kind in ("grant-access", "revoke"):
            rule = (level, int(str(body["uid"])))
            self.rules = self.rules - {rule} | ({rule} if change.kind == "grant-access" else set())
        elif change.kind == "rotate-key" or (change.kind == "change-recipients" and body.get("remove")):
            self._reseal(str(body["project"]))
        elif change.kind == "forget-versions":
            before = int(str(body["before"])) - 1
            self.levels[level][:before] = [each._replace(forgotten=True) for each in self.levels[level][:before]]
        elif change.kind == "move-level":
            self._move(level, str(body["target"]))

    def _reseal(self, project: str) -> None:
        for level in self.present():
            if level.split("/")[1] == project:
                self.levels[level].append(self.levels[level][-1]._replace(operation="reseal"))

    def _write(self, change: Change, version: int | None) -> None:
        level, text = change.level, _TEXTS[change.kind](self, change, dict(self.text(change.level) or {}))
        if version is None or version > len(self.levels[level]):
            self.levels[level].append(Version(text, _operation(change), removed=change.kind == "remove-level"))
        else:
            assert self.text(level) == text, change.body
        if change.kind == "copy-variables" and change.body.get("move"):
            source = str(change.body["source"])
            names = _names(change)
            remaining = {name: value for name, value in (self.text(source) or {}).items() if name not in names}
            self.levels[source].append(Version(remaining, "unset"))

    def _move(self, level: str, target: str) -> None:
        there = [each for each in self.levels[level] if not each.forgotten]
        moved = [each._replace(operation="move", removed=True) for each in there[:-1]]
        self.levels[target] += [*moved, there[-1]._replace(operation="move")]
        self.levels[level].append(Version({}, "remove", removed=True))

    # -- choosing ------------------------------------------------------------------------------------------------------

    def choose(self, chance: random.Random) -> Change:
        """Choose a change that must succeed. Another value each time."""
        present = self.present()
        level = chance.choice(sorted(self.levels))
        if not present or chance.random() < 0.3:
            return self._set(level, chance)
        level = chance.choice(present)
        change = CHOICES[chance.choice(_WEIGHTED)](self, level, chance)
        return change or self._set(level, chance)

    def value(self) -> str:
        self.count += 1
        return f"value-{self.count}"

    def _set(self, level: str, chance: random.Random) -> Change:
        return Change({"type": "set-variable", "level": level, "name": chance.choice(NAMES)}, (self.value(),))

    def _set_many(self, level: str, chance: random.Random) -> Change:
        names = chance.sample(NAMES, 3)
        return Change(
            {"type": "set-variables", "level": level, "names": names}, ("".join(f"{self.value()}\0" for _ in names),)
        )

    def _unset(self, level: str, chance: random.Random) -> Change | None:
        name = _any(chance, self.text(level))
        return Change({"type": "unset-variable", "level": level, "name": name}) if name else None

    def _rename(self, level: str, chance: random.Random) -> Change | None:
        text = self.text(level) or {}
        name, free = _any(chance, text), [name for name in NAMES if name not in text]
        if not name or not free:
            return None
        return Change({"type": "rename-variable", "level": level, "name": name, "new_name": chance.choice(free)})

    def _import(self, level: str, chance: random.Random) -> Change:
        text = "".join(f"{name}={self.value()}\n" for name in chance.sample(NAMES, 2))
        return Change({"type": "import-text", "level": level, "replace": False}, (text,))

    def _edit(self, level: str, chance: random.Random) -> Change:
        text = "".join(f"{name}={self.value()}\n" for name in chance.sample(NAMES, 3))
        expected = len(self.levels[level])
        return Change({"type": "import-text", "level": level, "replace": True, "expected": expected}, (text,))

    def _rollback(self, level: str, chance: random.Random, *, named: bool = False) -> Change | None:
        there = [at for at, each in enumerate(self.levels[level], 1) if not each.forgotten]
        version = chance.choice(there)
        text = self.text(level) or {}
        either = sorted({*text, *self.levels[level][version - 1].text})
        if named and not either:
            return None
        names = chance.sample(either, min(2, len(either))) if named else []
        return Change({"type": "rollback", "level": level, "version": version, "names": names})

    def _rollback_named(self, level: str, chance: random.Random) -> Change | None:
        return self._rollback(level, chance, named=True)

    def _copy(self, level: str, chance: random.Random, *, move: bool = False) -> Change | None:
        target = chance.choice([each for each in sorted(self.levels) if each != level])
        name = _any(chance, self.text(level))
        names = [name] if name and (move or chance.random() < 0.5) else []
        if not name:
            return None
        body: Body = {"type": "copy-variables", "level": target, "source": level, "names": names, "move": move}
        return Change(body)

    def _move_variable(self, level: str, chance: random.Random) -> Change | None:
        return self._copy(level, chance, move=True)

    def _move_level(self, level: str, chance: random.Random) -> Change | None:
        free = [each for each in sorted(self.levels) if self.text(each) is None]
        return Change({"type": "move-level", "level": level, "target": chance.choice(free)}) if free else None

    def _remove(self, level: str, chance: random.Random) -> Change:
        return Change({"type": "remove-level", "level": level})

    def _forget(self, level: str, chance: random.Random) -> Change:
        return Change({"type": "forget-versions", "level": level, "before": chance.randint(1, len(self.levels[level]))})

    def _rotate_value(self, level: str, chance: random.Random) -> Change | None:
        name = _any(chance, self.text(level))
        body: Body = {"type": "rotate-variable", "level": level, "name": name, "phase": "direct"}
        return Change(body, (self.value(),)) if name else None

    def _rotate(self, level: str, chance: random.Random) -> Change:
        return Change({"type": "rotate-key", "project": level.split("/")[1]})

    def _grant(self, level: str, chance: random.Random) -> Change:
        here = sorted(rule for rule in self.rules if rule[0] in self.levels)
        if len(here) > 3:
            at, uid = chance.choice(here)
            return Change({"type": "revoke", "level": at, "uid": uid})
        return Change({"type": "grant-access", "level": level, "uid": chance.randint(20_000, 20_999)})

    def _rotate_log(self, level: str, chance: random.Random) -> Change:
        return Change({"type": "rotate-log"})


CHOICES = {
    "set many": Expected._set_many,
    "unset": Expected._unset,
    "rename": Expected._rename,
    "import": Expected._import,
    "edit": Expected._edit,
    "rollback": Expected._rollback,
    "rollback named": Expected._rollback_named,
    "copy": Expected._copy,
    "move a variable": Expected._move_variable,
    "move a level": Expected._move_level,
    "remove": Expected._remove,
    "forget": Expected._forget,
    "rotate a value": Expected._rotate_value,
    "rotate": Expected._rotate,
    "grant": Expected._grant,
    "rotate the log": Expected._rotate_log,
}
_WEIGHTED = [*CHOICES, "set many", "unset", "import", "edit", "rollback", "copy", "move a level", "grant"]


def _rolled_back(expected: Expected, change: Change, old: Text) -> Text:
    then = expected.levels[change.level][int(str(change.body["version"])) - 1].text
    names = _names(change) or tuple({**old, **then})
    left = {name: value for name, value in old.items() if name not in names}
    return left | {name: then[name] for name in names if name in then}


def _copied(expected: Expected, change: Change, old: Text) -> Text:
    source = expected.text(str(change.body["source"])) or {}
    return old | {name: source[name] for name in _names(change) or tuple(source)}


_TEXTS: dict[str, Callable[[Expected, Change, Text], Text]] = {  # what a change makes of a level's text
    "set-variable": lambda _, change, old: old | {str(change.body["name"]): change.secrets[0]},
    "rotate-variable": lambda _, change, old: old | {str(change.body["name"]): change.secrets[0]},
    "set-variables": lambda _, change, old: (
        old | dict(zip(_names(change), change.secrets[0].split("\0"), strict=False))
    ),
    "unset-variable": lambda _, change, old: {name: old[name] for name in old if name != change.body["name"]},
    "rename-variable": lambda _, change, old: {
        str(change.body["new_name"]) if name == change.body["name"] else name: old[name] for name in old
    },
    "import-text": lambda _, change, old: ({} if change.body["replace"] else old) | parsed(change.secrets[0]),
    "rollback": _rolled_back,
    "copy-variables": _copied,
    "remove-level": lambda _expected, _change, _old: {},
}


def parsed(text: str) -> Text:
    """Read a text whose values need no quotes."""
    return dict(line.split("=", 1) for line in text.splitlines())


def _names(change: Change) -> tuple[str, ...]:
    names = change.body.get("names", ())
    assert isinstance(names, (list, tuple))
    return tuple(names)


def _any(chance: random.Random, text: Text | None) -> str:
    return chance.choice(sorted(text)) if text else ""


def _operation(change: Change) -> str:
    """Return the word that the history has for a change."""
    match change.kind:
        case "import-text":
            return "replace" if change.body["replace"] else "import"
        case "rollback":
            return "restore" if change.body.get("names") else "rollback"
        case "copy-variables":
            return "copy"
        case kind:
            return kind.partition("-")[0]

"""The rules in force: those of a person in the settings file, and those that commands gave.

Law: at no moment of a change is more allowed than before or after it.
"""

import time
from collections.abc import Collection

from envfs.core.access.rule import Rule
from envfs.errors import UnsafeSettings
from envfs.rules_file import RulesFile
from envfs.settings import Settings, SettingsFile


class RuleBook:
    """The rules of both files, as one. Until `trusted_until_ns`, by the monotonic clock, `load` returns `rules`."""

    def __init__(self, settings: SettingsFile, given: RulesFile) -> None:
        """Join `settings` and the rules that were `given` by commands."""
        self._settings = settings
        self._given = given
        self._sources: tuple[object, object] = (None, None)
        self.rules: tuple[Rule, ...] = ()
        self.trusted_until_ns = 0

    def load(self) -> tuple[Rule, ...]:
        """Return the rules as they are now, or were a millisecond ago: the same tuple as long as nothing changed.

        Raises:
            UnsafeSettings: one of the files is not to be trusted
        """
        if time.monotonic_ns() < self.trusted_until_ns:
            return self.rules
        settings, given = self._settings.load(), self._given.load()
        self.trusted_until_ns = min(self._settings.trusted_until_ns, self._given.trusted_until_ns)
        if self._sources != (None, None) and self._sources[0] is settings and self._sources[1] is given:
            return self.rules
        self.rules, self._sources = (*settings.grants, *given.rules), (settings, given)
        return self.rules

    def settings(self) -> Settings:
        """Return the settings.

        Raises:
            UnsafeSettings: the file is not to be trusted
        """
        return self._settings.load()

    def next_key(self, letter: str) -> str:
        """Return the id that the next rule gets."""
        return f"{letter}{self._given.load().next_number}"

    def replaced_by(self, rule: Rule) -> list[Rule]:
        """Return the rules that one takes the place of."""
        return [each for each in self.load() if each.condition == rule.condition]

    def give(self, rule: Rule, letter: str = "g") -> Rule:
        """Add a rule, and return it with its id. One of the same conditions at the same level is replaced."""
        self.trusted_until_ns = 0
        old = [each.key for each in self._settings.load().grants if each.condition == rule.condition]
        given = self._given.add(rule, letter)
        self._settings.remove_grants(old)  # until then the stricter of both counts
        return given

    def end(self, keys: Collection[str]) -> None:
        """Remove the rules of these ids, wherever they stand."""
        self.trusted_until_ns = 0
        self.end_given(keys)
        self._settings.remove_grants(keys)

    def end_given(self, keys: Collection[str]) -> None:
        """Remove the rules of these ids that commands gave, and leave a person's own where they are."""
        self.trusted_until_ns = 0
        self._given.remove(keys)

    def is_trusted(self) -> bool:
        """Tell whether both files are."""
        try:
            self.load()
        except UnsafeSettings:
            return False
        return True

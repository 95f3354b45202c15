"""`LEVEL@VERSION` on a command line, in every command that reads."""

from envfs.errors import BadName
from envfs.tuples import NamedTuple

_RANGE = ".."  # between two versions, as git has it


class DatedLevel(NamedTuple):
    """A level, and the version of it that is meant, as the requests have both (`core.version_choice`)."""

    level: str
    version: int = 0
    moment: str = ""

    @property
    def is_newest(self) -> bool:
        """Tell whether no version of the past is meant."""
        return not self.version and not self.moment


def dated_level(text: str, version: "int | None" = None) -> DatedLevel:
    """Read `LEVEL` or `LEVEL@VERSION`. `version` is that of the option.

    Raises:
        Mistake: a version is named twice
        BadName: what stands behind the @ is none. Its hint says what may be meant
    """
    level, at, word = text.partition("@")
    if not at:
        return DatedLevel(level, version or 0)
    if version is not None:
        from envfs_cli.arguments import Mistake

        raise Mistake("a version is named once", "leave out --version, or the @ and what follows it")
    from envfs.core.version_choice import parse_version_choice

    try:
        return DatedLevel(level, *parse_version_choice(word))
    except BadName as error:
        error.hint = _hint(level, word) or error.hint
        raise


def _hint(level: str, word: str) -> str:
    from datetime import datetime

    from envfs.core import names
    from envfs_cli import meant_versions

    try:
        named = names.parse_level(level)
    except BadName:  # what was typed may be a value with an @ in it, which is not repeated
        return ""
    if _RANGE in word:
        return meant_versions.range_hint(named, word)
    return meant_versions.version_hint(named, word, datetime.now().astimezone())


def names_version(word: str) -> bool:
    """Tell whether a word is that of a version, as `@7`, `7` or a time are, and not a level."""
    return word.startswith("@") or word.isdigit() or (word[:4].isdigit() and ":" in word) or _is_range(word)


def _is_range(word: str) -> bool:
    return word[:1].isdigit() and _RANGE in word


def check_newest(dated: DatedLevel, what: str) -> None:
    """Refuse a version of the past where there is nothing of the past.

    Raises:
        Mistake: one is named
    """
    if not dated.is_newest:
        from envfs_cli.arguments import Mistake

        raise Mistake(what, "leave out the @ and what follows it")

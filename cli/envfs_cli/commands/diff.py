"""`diff`: the variables in which two versions of a level differ, or two levels.

Laws: values are compared by the keyholder, or with --reveal here, where they were read for that. The exit status is 0
if nothing differs and 1 if something does, as that of diff(1).
"""

from envfs.core import names
from envfs.errors import NotApproved
from envfs.protocol import control
from envfs.tuples import NamedTuple
from envfs_cli import output
from envfs_cli.arguments import Mistake
from envfs_cli.daemon import session
from envfs_cli.level_versions import DatedLevel, dated_level, names_version
from envfs_cli.replies.variables import variables_of
from envfs_cli.replies.written import print_notes

_SIGNS = {"added": "+", "changed": "~", "removed": "-"}
_BEFORE_NEWEST = -1
_DIFFERS = 1  # as of diff(1)


class DiffArguments(NamedTuple):
    """The arguments of `diff`."""

    level: str
    first: str | None
    second: str | None
    reveal: bool
    names: bool
    own: bool
    passphrase_file: str | None
    json: bool


class VariableDifference(NamedTuple):
    """A variable that differs. The values are None where there is none, or none was read."""

    change: str
    name: str
    before: str | None = None
    now: str | None = None


def run_diff(arguments: DiffArguments) -> int:
    """List what differs. The exit status is 1 if something does."""
    before, now = _sides(arguments)
    own = arguments.own or before.level == now.level
    asking = session.start_session(arguments.passphrase_file)
    if arguments.reveal:
        differences = _compared(_values(asking, before, own=own), _values(asking, now, own=own))
    elif arguments.names:
        listed = _compared(_names(asking, before, own=own), _names(asking, now, own=own))
        differences = [difference._replace(before=None, now=None) for difference in listed]
    else:
        differences = _asked(asking, before, now, own=own)
    _print(differences, arguments)
    return _DIFFERS if differences else 0


def _sides(arguments: DiffArguments) -> "tuple[DatedLevel, DatedLevel]":
    first, second = arguments.first, arguments.second
    if arguments.names and arguments.reveal:
        raise Mistake("values are compared, or names alone", "leave out --names, or --reveal")
    one = dated_level(arguments.level)
    one = one._replace(level=names.parse_level(one.level))
    if first is None:
        return (one._replace(version=_BEFORE_NEWEST) if one.is_newest else one), DatedLevel(one.level)
    if not names_version(first):
        if second is not None:
            raise Mistake("two levels are compared, or two versions of one", "write /shop@3 /shop/prod@5 for both")
        other = dated_level(first)
        return one, other._replace(level=names.parse_level(other.level))
    if second is None:
        then = _version(one.level, first)
        return (then, DatedLevel(one.level)) if one.is_newest else (one, then)
    if not one.is_newest:
        raise Mistake("there are three versions", "name two")
    return _version(one.level, first), _version(one.level, second)


def _version(level: str, word: str) -> DatedLevel:
    return dated_level(f"{level}@{word.removeprefix('@')}")


def _asked(asking: session.Session, before: DatedLevel, now: DatedLevel, *, own: bool) -> "list[VariableDifference]":
    rows: list[object] = []
    reply, _ = asking.ask(control.CompareLevels(*before, *now, own), (), rows)
    print_notes(reply)
    return [VariableDifference(row.change, row.name) for row in rows if isinstance(row, control.DifferenceRow)]


def _names(asking: session.Session, side: DatedLevel, *, own: bool) -> "dict[str, str]":
    rows = (row for row in asking.rows(control.ListVariables(*side)) if isinstance(row, control.VariableRow))
    return {row.name: "" for row in rows if not own or row.level == side.level}


def _values(asking: session.Session, side: DatedLevel, *, own: bool) -> "dict[str, str]":
    what = "own" if own else "environ"
    reply, blob = asking.ask(control.ReadView(side.level, what, "show", (), side.version, moment=side.moment))
    if isinstance(reply, control.ViewSent) and reply.masked:
        raise NotApproved(f"of {side.level} this user gets placeholders, which cannot be compared")
    if not own:
        return variables_of(blob)
    from envfs.dotenv.document import parse_document

    return parse_document(blob.decode()).variables()


def _compared(before: "dict[str, str]", now: "dict[str, str]") -> "list[VariableDifference]":
    from envfs.dotenv.merging import name_changes

    groups = zip(_SIGNS, name_changes(before, now), strict=True)
    return [
        VariableDifference(change, name, before.get(name), now.get(name)) for change, group in groups for name in group
    ]


def _print(differences: "list[VariableDifference]", arguments: DiffArguments) -> None:
    if arguments.json:
        shown = 4 if arguments.reveal else 2
        output.as_json([dict(list(difference._asdict().items())[:shown]) for difference in differences])
        return
    none = "no variable differs"
    ordered = sorted(differences, key=lambda difference: difference.name)
    if arguments.reveal:
        cells = [(_SIGNS.get(row.change, "?"), row.name, row.before or "", row.now or "") for row in ordered]
        output.print_table(("", "NAME", "BEFORE", "NOW"), cells, none=none, whole=True)
    else:
        output.print_table(("", "NAME"), [(_SIGNS.get(row.change, "?"), row.name) for row in ordered], none=none)

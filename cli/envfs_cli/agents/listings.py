"""The answers to what an agent looks up: levels, names, presence, problems, history, variables that are due.

Laws: each is plain data, for JSON. No request here is one that brings a view. Messages of versions and commands of
rotations are left out, as their authors may have put anything into them.
"""

from envfs.protocol import control
from envfs_cli.agents.asking import rows_of
from envfs_cli.replies.problems import view_problems

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Answer = list[dict[str, object]]
    Given = Mapping[str, object]

_MOST_VERSIONS, _DAY = 20, 86_400


def list_levels(given: "Given") -> "Answer":
    """List the levels that this user may know of."""
    return [
        {"level": row.level, "version": row.version, "changed": row.time, "values_allowed": row.allowed}
        for row in rows_of(control.ListLevels(str(given.get("level", "/"))), control.LevelRow)
    ]


def list_names(given: "Given") -> "Answer":
    """List the names of a level's view."""
    rows = rows_of(control.ListVariables(str(given["level"])), control.VariableRow)
    return [{"name": row.name, "set_by": row.level} for row in rows]


def _presence_request(given: "Given") -> control.ListPresence:
    return control.ListPresence(str(given["level"]), texts(given["names"]), ages=True)


def presence(given: "Given") -> "Answer":
    """Say whether variables are set."""
    return [
        {"name": row.name, "state": row.state, "set_by": row.source, "since": row.since}
        for row in rows_of(_presence_request(given), control.PresenceRow)
    ]


def check(given: "Given") -> "Answer":
    """List the problems of a level's view."""
    request = control.DescribeView(str(given["level"]), dialect=str(given.get("dialect", "")))
    rows = rows_of(request, object)
    problems = view_problems(
        [row for row in rows if isinstance(row, control.FactsRow)],
        [row for row in rows if isinstance(row, control.DanglingRow)],
        [row for row in rows if isinstance(row, control.WrongDirectiveRow)],
    )
    return [problem._asdict() for problem in problems]


def history(given: "Given") -> "Answer":
    """List the versions of a level, with the names that each changed."""
    newest, name = _number(given, "newest", _MOST_VERSIONS), str(given.get("name", ""))
    request = control.ListHistory(str(given["level"]), newest, name=name)
    return [_version(row) for row in rows_of(request, control.VersionRow)]


def _version(row: control.VersionRow) -> "dict[str, object]":
    return {
        "version": row.version,
        "time": row.time,
        "author": row.author_name or row.author[:8],
        "operation": row.operation,
        "added": row.added,
        "changed": row.changed,
        "removed": row.removed,
        "renamed": [{"before": pair.before, "now": pair.now} for pair in row.renamed],
    }


def stale(given: "Given") -> "Answer":
    """List the variables that are due for rotation."""
    request = control.ListRotations(str(given.get("level", "/")), _number(given, "within_days", 0) * _DAY)
    return [
        {"level": row.level, "name": row.name, "state": row.state, "due": row.due, "since": row.since}
        for row in rows_of(request, control.RotationRow)
    ]


def _number(given: "Given", word: str, default: int) -> int:
    number = given.get(word, default)
    return number if isinstance(number, int) else default


def texts(words: object) -> "tuple[str, ...]":
    """Return a list of words as the requests have it."""
    listed: Sequence[object] = words if isinstance(words, list) else ()
    return tuple(map(str, listed))

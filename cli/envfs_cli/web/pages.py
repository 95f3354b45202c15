"""Each page: what it looks up, and the template that shows it."""

import hashlib

from envfs.core import names
from envfs.core.events import EventKind
from envfs.errors import EnvFSError
from envfs.protocol import control
from envfs.tuples import NamedTuple
from envfs_cli import callers
from envfs_cli.replies import questions
from envfs_cli.web import rendering
from envfs_cli.web.parts import PageLooker, PagePart

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Words = Mapping[str, str]
    Values = dict[str, object]

PERIODS = (("1", "24 hours"), ("7", "7 days"), ("30", "30 days"), ("90", "90 days"))
PAGES = (
    ("", "Overview"),
    ("levels", "Levels"),
    ("log", "Access log"),
    ("rotations", "Rotation"),
    ("rules", "Rules"),
    ("approvals", "Approvals"),
    ("health", "Health"),
)
_OF_CHANGES = "changes health"
_OF_A_MOMENT = ("waiting", "seconds_left")  # fields of a question that change while it waits


class Page(NamedTuple):
    """A page: its template, what it looks up, and of which news it is to be loaded again."""

    template: str
    look: "Callable[[PageLooker, str, Words], Values]"
    news: str
    here: str


def _overview(looker: PageLooker, _subject: str, _words: "Words") -> "Values":
    log, activity = looker.activity(1, {})
    return {
        "questions": looker.questions(),
        "status": looker.status(),
        "rotations": looker.settled().rotations(),  # it has an entry in the log for each level
        "log": log,
        "activity": activity,
    }


class _Node:
    """A level in the tree, with those below it."""

    def __init__(self, name: str, row: object) -> None:
        self.name = name
        self.row = row
        self.below: list[_Node] = []


def _levels(looker: PageLooker, _subject: str, _words: "Words") -> "Values":
    part = looker.levels()
    return {"levels": part, "tree": level_tree([row for row in part.rows if isinstance(row, control.LevelRow)])}


def level_tree(rows: "list[control.LevelRow]") -> "list[_Node]":
    """Return levels as a tree. One whose levels above are not shown stands at the top, with its whole path."""
    nodes: dict[str, _Node] = {}
    top: list[_Node] = []
    for row in sorted(rows, key=lambda row: row.level.strip("/").split("/")):
        above = next((path for path in _levels_above(row.level) if path in nodes), "")
        name = row.level if not above else row.level.removeprefix(above).lstrip("/")
        node = nodes[row.level] = _Node(name, row)
        (nodes[above].below if above else top).append(node)
    return top


def _levels_above(level: str) -> "list[str]":
    parts = level.strip("/").split("/") if level != names.ROOT else []
    nearest = [f"/{'/'.join(parts[:count])}" for count in range(len(parts) - 1, 0, -1)]
    return [*nearest, names.ROOT] if parts else []


def _level(looker: PageLooker, subject: str, _words: "Words") -> "Values":
    try:
        level = names.parse_level(subject or names.ROOT)
    except EnvFSError as error:
        return {**_empty_level(PagePart([], None, error.text, error.hint)), "level": subject}
    levels = [row for row in looker.levels().rows if isinstance(row, control.LevelRow)]
    rules = looker.rules()
    log, activity = looker.activity(7, {"level": level})
    return {
        "level": level,
        "above": [(path, path.rpartition("/")[2] or "/") for path in reversed(_levels_above(level))],
        "below": [row for row in levels if row.level != level and _levels_above(row.level)[:1] == [level]],
        "names": looker.names(level),
        "log": log,
        "activity": activity,
        "readers": looker.readers(level),
        "versions": looker.versions(level),
        "rotations": looker.rotations(level),
        "rules": rules._replace(
            rows=[row for row in rules.rows if isinstance(row, control.GrantRow) and _counts(row, level)]
        ),
    }


def _empty_level(part: PagePart) -> "Values":
    shown = ("names", "log", "readers", "versions", "rotations", "rules")
    return {"above": [], "below": [], "activity": None, **dict.fromkeys(shown, part)}


def _counts(row: control.GrantRow, level: str) -> bool:
    return names.within(level, row.level) or names.within(row.level, level)


def _log(looker: PageLooker, _subject: str, words: "Words") -> "Values":
    chosen = {name: words.get(name, "").strip() for name in ("level", "user", "exe", "event")}
    days = words.get("days", "")
    chosen["days"] = days if days in dict(PERIODS) else PERIODS[1][0]
    try:
        uid = (
            callers.uid_of_user(chosen["user"]) if chosen["user"] and not chosen["user"].isdecimal() else chosen["user"]
        )
        log, activity = looker.activity(int(chosen["days"]), {**chosen, "uid": str(uid)})
    except EnvFSError as error:
        log, activity = PagePart([], None, error.text, error.hint), None
    return {"chosen": chosen, "log": log, "activity": activity, "periods": PERIODS, "events": list(EventKind)}


def _rotations(looker: PageLooker, _subject: str, _words: "Words") -> "Values":
    return {"rotations": looker.rotations()}


def _rules(looker: PageLooker, _subject: str, _words: "Words") -> "Values":
    return {"rules": looker.rules()}


def _approvals(looker: PageLooker, _subject: str, _words: "Words") -> "Values":
    return {"questions": looker.questions()}


def _approval(looker: PageLooker, subject: str, _words: "Words") -> "Values":
    part = looker.question(subject)
    row = next((row for row in part.rows if isinstance(row, control.QuestionRow)), None)
    if row is None and not part.refusal:
        part = part._replace(refusal="the question has ended")
    values: Values = {"name": subject, "question": part, "row": row, "facts": [], "command": "", "choices": []}
    if row is None:
        return values
    choices = [(scope, questions.choice_words(row, scope)) for scope in row.choices]
    return values | {
        "facts": _grouped(questions.question_facts(row, rendering.local_minute(row.asked))),
        "command": questions.set_command(row),
        "choices": [*choices, ("", "it gets nothing")],
        "shown": digest_of(row),
    }


def digest_of(row: control.QuestionRow) -> str:
    """Return what names a question with all that a person was shown of it, but for how long it waits."""
    fields = [(name, value) for name, value in row._asdict().items() if name not in _OF_A_MOMENT]
    return hashlib.sha256(repr(fields).encode("utf-8", "surrogatepass")).hexdigest()


def _grouped(facts: "list[tuple[str, str]]") -> "list[tuple[str, list[str]]]":
    grouped: list[tuple[str, list[str]]] = []
    for name, text in facts:
        if not name and grouped:
            grouped[-1][1].append(text)
        elif text:
            grouped.append((name, [text]))
    return grouped


def _health(looker: PageLooker, _subject: str, _words: "Words") -> "Values":
    return {"status": looker.status(), "sharing": looker.sharing(), "findings": looker.findings()}


_ALL = {
    "": Page("overview.html", _overview, f"approvals log {_OF_CHANGES}", ""),
    "levels": Page("levels.html", _levels, _OF_CHANGES, "levels"),
    "level": Page("level.html", _level, f"log {_OF_CHANGES}", "levels"),
    "log": Page("log.html", _log, "log health", "log"),
    "rotations": Page("rotations.html", _rotations, _OF_CHANGES, "rotations"),
    "rules": Page("rules.html", _rules, _OF_CHANGES, "rules"),
    "approvals": Page("approvals.html", _approvals, "approvals health", "approvals"),
    "approval": Page("approval.html", _approval, "approvals health", "approvals"),
    "health": Page("health.html", _health, _OF_CHANGES, "health"),
}


def find_page(path: str) -> "tuple[Page, str] | None":
    """Return the page at a path below the folder, and what it is about."""
    first, slash, rest = path.partition("/")
    if first == "level" and slash:
        return _ALL["level"], f"/{rest}"
    if first == "approvals" and rest:
        return _ALL["approval"], rest
    return (_ALL[path], "") if path in _ALL and path not in ("level", "approval") else None

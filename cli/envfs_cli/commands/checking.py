"""`explain` and `check`: where a value comes from, what is wrong with a level's variables; never a value unasked."""

from envfs.core import limits, names
from envfs.errors import EnvFSError, NoSuchVariable
from envfs.protocol import control
from envfs_cli import files, output
from envfs_cli.daemon import session

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NamedTuple

    from envfs_cli.arguments import Values
else:
    from envfs.tuples import NamedTuple


class Problem(NamedTuple):
    """Something that `check` found; `kind` is one of its words, `error` tells those that fail it."""

    kind: str
    name: str
    text: str
    error: bool


def explain(values: "Values") -> int:
    """Say which levels set a variable, which wins, and what it refers to."""
    level, name = str(values["level"]), names.variable(str(values["name"]))
    asking = session.start(values)
    facts, dangling = _examine(asking, level, values)
    found = next((row for row in facts if row.name == name), None)
    if found is None:
        raise NoSuchVariable(f"{level} has no variable of that name", f"`envfs show {level}` lists them")
    value = _value(asking, level, name, values) if values["reveal"] else None
    led = [row for row in dangling if row.chain[0] == name or name in row.chain[:-1]]
    if values["json"]:
        shown = {} if value is None else {"value": value}
        chains = [{"kind": row.kind, "chain": row.chain} for row in led]
        output.as_json({**_plain(found), "dangling": chains, **shown})
        return 0
    output.line(f"{output.paint(name, 'head')} at {level}")
    for place in reversed(found.levels):
        output.line(f"  set at     {place}{'' if place == found.levels[-1] else '  (overridden)'}")
    for use in found.uses:
        output.line(f"  refers to  {use.name}  ({use.level or 'not set'})")
    for row in led:
        output.line(f"  {output.paint(row.kind.ljust(9), 'bad')}  {_chain(row)}")
    if found.refused:
        output.line(f"  {output.paint('refused', 'bad')}    {found.refused}")
    for text in found.doubts:
        output.line(f"  {output.paint('doubt', 'warn')}      {text}")
    if value is not None:
        output.line(f"  value      {output.clean(value)}")
    return 0


def check(values: "Values") -> int:
    """Say what is wrong with a level's variables; the exit status is 0 only if nothing is."""
    level = str(values["level"])
    against = str(values["against"] or "")
    expected = _wanted(against) if against else ([], set[str]())
    facts, dangling = _examine(session.start(values), level, values)
    problems = [
        *(_against(facts, against, *expected) if against else ()),
        *(Problem(row.kind, row.chain[0], _chain(row), error=True) for row in dangling),
        *_doubtful(facts),
    ]
    if values["json"]:
        output.as_json([problem._asdict() for problem in problems])
    else:
        output.table(("PROBLEM", "NAME", "WHAT"), [(each.kind, each.name, each.text) for each in problems])
        output.done(f"{len(facts)} variables, {len(problems) or 'no'} problem{'s' * (len(problems) != 1)}")
    wrong = any(problem.error or values["strict"] for problem in problems)
    return EnvFSError.status if wrong else 0


def _examine(
    asking: session.Session, level: str, values: "Values"
) -> "tuple[list[control.FactsRow], list[control.DanglingRow]]":
    rows = asking.rows(control.DescribeView(level, int(str(values["version"] or 0)), str(values.get("dialect") or "")))
    facts = [row for row in rows if isinstance(row, control.FactsRow)]
    return facts, [row for row in rows if isinstance(row, control.DanglingRow)]


def _value(asking: session.Session, level: str, name: str, values: "Values") -> str:
    request = control.ReadView(level, "value", "show", (name,), int(str(values["version"] or 0)))
    return asking.ask(request)[1].decode()


def _chain(row: control.DanglingRow) -> str:
    text = " → ".join(row.chain)
    return f"{text}, which is set further down: move it up" if row.kind == "later" else text


def _plain(facts: control.FactsRow) -> "dict[str, object]":
    return {**facts._asdict(), "uses": [use._asdict() for use in facts.uses]}


def _doubtful(facts: "list[control.FactsRow]") -> "list[Problem]":
    from envfs.dotenv import portability

    found = []
    for row in facts:
        if portability.is_dangerous(row.name):
            found.append(Problem("dangerous", row.name, "it changes how programs run, or which", error=False))
        if row.refused:
            text = f"{row.refused.removeprefix('has ')}: no view in this dialect can be made"
            found.append(Problem("refused", row.name, text, error=True))
        if row.empty:
            found.append(Problem("empty", row.name, "", error=False))
        found += [Problem("misread", row.name, text, error=False) for text in row.doubts]
    return found


def _against(facts: "list[control.FactsRow]", path: str, required: "list[str]", known: "set[str]") -> "list[Problem]":
    have = {row.name for row in facts}
    missing = [Problem("missing", name, f"{path} wants it", error=True) for name in required if name not in have]
    extra = [
        Problem("extra", row.name, f"{path} does not know it", error=False) for row in facts if row.name not in known
    ]
    return [*missing, *extra]


def _wanted(path: str) -> "tuple[list[str], set[str]]":
    # the names that must be there, and all that may
    from envfs.dotenv.document import parse_document

    text = files.read_text(path, limits.TEXT_BYTES)
    if path.endswith(".json"):
        return _of_schema(path, text)
    found = list(parse_document(text).variables())
    return found, set(found)


def _of_schema(path: str, text: str) -> "tuple[list[str], set[str]]":
    import json

    try:
        body = json.loads(text)
        required = [str(name) for name in body.get("required", [])]
        return required, {*required, *map(str, body.get("properties", {}))}
    except (ValueError, AttributeError, TypeError, RecursionError):
        raise EnvFSError(f"{path} is no JSON Schema of an object", "it has `properties` and `required`") from None

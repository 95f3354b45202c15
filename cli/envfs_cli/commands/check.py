"""`check`: what is wrong with a level's variables, and whether those are there that a file requires."""

from envfs.core import limits
from envfs.errors import EnvFSError
from envfs.protocol import control
from envfs.tuples import NamedTuple
from envfs_cli import files, output
from envfs_cli.daemon import session
from envfs_cli.level_versions import dated_level
from envfs_cli.replies.facts import view_facts
from envfs_cli.replies.problems import Problem, view_problems


class CheckArguments(NamedTuple):
    """The arguments of `check`."""

    level: str
    against: str | None
    strict: bool
    dialect: str | None
    version: int | None
    live: bool
    passphrase_file: str | None
    json: bool


class Expected(NamedTuple):
    """The variables that must be there according to a file, and all that may be."""

    file: str
    required: tuple[str, ...]
    allowed: frozenset[str]


def run_check(arguments: CheckArguments) -> int:
    """Say what is wrong with a level's variables. The exit status is 0 only if nothing is."""
    expected = _expected(arguments.against) if arguments.against else None
    dated = dated_level(arguments.level, arguments.version)
    asking = session.start_session(arguments.passphrase_file)
    facts, dangling, directives = view_facts(asking, dated, arguments.dialect or "")
    problems = [
        *(_compared(facts, expected) if expected is not None else ()),
        *view_problems(facts, dangling, directives),
        *(_live(asking, arguments) if arguments.live else ()),
    ]
    if arguments.json:
        output.as_json([problem._asdict() for problem in problems])
    else:
        output.print_table(
            ("PROBLEM", "NAME", "WHAT"),
            [(problem.kind, problem.name, problem.text) for problem in problems],
            none="",  # the next line says it
        )
        output.done(f"{len(facts)} variables, {len(problems) or 'no'} problem{'s' * (len(problems) != 1)}")
    fails = any(problem.error or arguments.strict for problem in problems)
    return EnvFSError.status if fails else 0


def _live(asking: session.Session, arguments: CheckArguments) -> "list[Problem]":
    from envfs_cli.daemon import live_tests
    from envfs_cli.level_versions import check_newest

    check_newest(dated_level(arguments.level, arguments.version), "--live asks with values as they are now")
    tests = live_tests.find_tests(asking, arguments.level)
    results = live_tests.run_tests(arguments.level, tests, arguments.passphrase_file) if tests else []
    wrong = [result for result in results if result.state != "ok"]
    words = (f"{result.state}, asked of {result.host}: {result.text}" for result in wrong)
    is_error = (result.state == "refused" for result in wrong)
    return [
        Problem("live", result.name, text, error=error)
        for result, text, error in zip(wrong, words, is_error, strict=True)
    ]


def _compared(facts: "list[control.FactsRow]", expected: Expected) -> "list[Problem]":
    file, present = expected.file, {row.name for row in facts}
    missing = [name for name in expected.required if name not in present]
    extra = [row.name for row in facts if row.name not in expected.allowed]
    return [
        *(Problem("missing", name, f"{file} wants it", error=True) for name in missing),
        *(Problem("extra", name, f"{file} does not know it", error=False) for name in extra),
    ]


def _expected(path: str) -> Expected:
    from envfs.dotenv.document import parse_document

    text = files.read_text(path, limits.TEXT_BYTES)
    if path.endswith(".json"):
        return _of_schema(path, text)
    names = tuple(parse_document(text).variables())
    return Expected(path, names, frozenset(names))


def _of_schema(path: str, text: str) -> Expected:
    import json

    try:
        body = json.loads(text)
        required = tuple(str(name) for name in body.get("required", []))
        return Expected(path, required, frozenset((*required, *map(str, body.get("properties", {})))))
    except (ValueError, AttributeError, TypeError, RecursionError):
        raise EnvFSError(f"{path} is no JSON Schema of an object", "it has `properties` and `required`") from None

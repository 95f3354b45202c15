"""`proxy`: list the sessions of `exec --proxy`, end one, list the rules by which values are sent, and test keys."""

from envfs.errors import EnvFSError
from envfs.protocol import control
from envfs.tuples import NamedTuple
from envfs_cli import output
from envfs_cli.arguments import Mistake
from envfs_cli.closed_sets import Unhandled
from envfs_cli.daemon import client, session

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Literal


class ProxyArguments(NamedTuple):
    """The arguments of `proxy`."""

    action: "Literal['ls', 'stop', 'rules', 'test']"
    subject: str | None
    name: str | None
    passphrase_file: str | None
    json: bool


def run_proxy(arguments: ProxyArguments) -> int:
    """List sessions or rules, or end a session.

    Raises:
        Mistake: there is no session to end, or no level to test, or there are more words
    """
    if arguments.name and arguments.action != "test":
        raise Mistake("there are more words than the action takes", "`envfs proxy --help` explains each")
    match arguments.action:
        case "ls":
            _print_sessions(as_json=arguments.json)
        case "stop":
            if not arguments.subject:
                raise Mistake("no session is named", "`envfs proxy ls` lists them")
            session.session_over(client.need_running()).reply(control.StopProxy(arguments.subject))
        case "rules":
            _print_rules(arguments)
        case "test":
            return _test_keys(arguments)
        case _:
            raise Unhandled(arguments.action)
    return 0


def _test_keys(arguments: ProxyArguments) -> int:
    from envfs_cli.daemon import live_tests

    if not arguments.subject:
        raise Mistake("no level is named", "such as `envfs proxy test /shop/dev STRIPE_KEY`")
    asking = session.start_session(arguments.passphrase_file)
    only = (arguments.name,) if arguments.name else ()
    tests = live_tests.find_tests(asking, arguments.subject, only)
    if not tests:
        subject = arguments.name or f"any variable of {arguments.subject}"
        raise EnvFSError(
            f"no rule and no service of the catalogue has a test of {subject}", "`test` in a [[proxy.rule]]"
        )
    asking.close()
    results = live_tests.run_tests(arguments.subject, tests, arguments.passphrase_file)
    if arguments.json:
        output.rows_json(results)
    else:
        output.print_table(("VARIABLE", "HOST", "STATE", "WHY"), [tuple(result) for result in results])
    return EnvFSError.status if any(result.state != "ok" for result in results) else 0


def _print_sessions(*, as_json: bool) -> None:
    sent = session.session_over(client.need_running()).rows(control.ListProxies())
    rows = [row for row in sent if isinstance(row, control.ProxyRow)]
    if as_json:
        output.rows_json(rows)
        return
    heads = ("SESSION", "LEVEL", "USER", "PID", "PORT", "REQUESTS", "REFUSED", "RULES")
    output.print_table(heads, [_session_cells(row) for row in rows])


def _session_cells(row: control.ProxyRow) -> "tuple[str, ...]":
    user, counts = row.user or str(row.uid), (str(row.requests), str(row.refusals))
    return row.session, row.level, user, str(row.pid), str(row.port), *counts, ", ".join(row.rules)


def _print_rules(arguments: ProxyArguments) -> None:
    asking = session.start_session(arguments.passphrase_file)
    sent = asking.rows(control.ListProxyRules(arguments.subject or ""))
    rows = [row for row in sent if isinstance(row, control.ProxyRuleRow)]
    if arguments.json:
        output.rows_json(rows)
        return
    heads = ("VARIABLE", "HOSTS", "WHERE", "APPROVE", "NAME", "FROM")
    output.print_table(heads, [_rule_cells(row) for row in rows])


def _rule_cells(row: control.ProxyRuleRow) -> "tuple[str, ...]":
    where: Sequence[str] = row.where
    return row.key, ", ".join(row.hosts), ", ".join(where), row.approve, row.name, row.source

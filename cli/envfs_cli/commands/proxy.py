"""`proxy`: list the sessions of `exec --proxy`, end one, and list the rules by which values are sent."""

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

    action: "Literal['ls', 'stop', 'rules']"
    subject: str | None
    passphrase_file: str | None
    json: bool


def run_proxy(arguments: ProxyArguments) -> int:
    """List sessions or rules, or end a session.

    Raises:
        Mistake: there is no session to end
    """
    match arguments.action:
        case "ls":
            _print_sessions(as_json=arguments.json)
        case "stop":
            if not arguments.subject:
                raise Mistake("no session is named", "`envfs proxy ls` lists them")
            session.session_over(client.need_running()).reply(control.StopProxy(arguments.subject))
        case "rules":
            _print_rules(arguments)
        case _:
            raise Unhandled(arguments.action)
    return 0


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

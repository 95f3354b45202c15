"""`proxy`: list the sessions of `exec --proxy`, end one, list the rules by which values are sent, and test keys."""

from envfs.errors import EnvFSError
from envfs.protocol import control
from envfs.tuples import NamedTuple
from envfs_cli import output
from envfs_cli.arguments import Mistake
from envfs_cli.closed_sets import Unhandled
from envfs_cli.daemon import client, session

_HOURS = 12  # that a session without a command stands

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Literal


class ProxyArguments(NamedTuple):
    """The arguments of `proxy`."""

    action: "Literal['ls', 'start', 'env', 'stop', 'rules', 'test']"
    subject: str | None
    name: str | None
    ttl: int | None
    unset: bool
    only: tuple[str, ...]
    allow_dangerous: bool
    reason: str | None
    passphrase_file: str | None
    json: bool


def run_proxy(arguments: ProxyArguments) -> int:
    """List sessions or rules, or end a session.

    Raises:
        Mistake: there is no session to end, or no level to test, or there are more words
    """
    _check_words(arguments)
    match arguments.action:
        case "ls":
            _print_sessions(as_json=arguments.json)
        case "stop":
            if not arguments.subject:
                raise Mistake("no session is named", "`envfs proxy ls` lists them")
            session.session_over(client.need_running()).reply(control.StopProxy(arguments.subject))
            output.done("a shell that took over its variables keeps them, and they work no more: begin a new shell")
        case "start":
            return _start(arguments)
        case "env":
            _print_environment(arguments)
        case "rules":
            _print_rules(arguments)
        case "test":
            return _test_keys(arguments)
        case _:
            raise Unhandled(arguments.action)
    return 0


def _check_words(arguments: ProxyArguments) -> None:
    if (arguments.name and arguments.action != "test") or (arguments.subject and arguments.action == "ls"):
        raise Mistake("there are more words than the action takes", "`envfs proxy --help` explains each")
    if arguments.ttl is not None and arguments.action != "start":
        raise Mistake("--ttl goes with `proxy start` alone", "leave it out")
    if arguments.unset and (arguments.action != "env" or arguments.json):
        raise Mistake("--unset goes with `proxy env` alone", "leave it out")


def _start(arguments: ProxyArguments) -> int:
    from envfs_cli.daemon import new_proxies, standing_proxies

    if not arguments.subject:
        raise Mistake("no level is named", "`envfs ls` lists them")
    shown = new_proxies.ShownVariables(arguments.only, dangerous=arguments.allow_dangerous)
    seconds, reason = arguments.ttl or _HOURS * 3600, session.given_reason(arguments.reason)
    name, status = standing_proxies.start_standing(arguments.subject, shown, seconds, reason, arguments.passphrase_file)
    if name:
        _print_started(name, as_json=arguments.json)
    return status


def _print_started(name: str, *, as_json: bool) -> None:
    if as_json:
        output.as_json({"session": name})
        return
    output.print_line(name)
    output.done(f'a shell uses it by `eval "$(envfs proxy env {name})"`, and `envfs proxy stop {name}` ends it')


def _print_environment(arguments: ProxyArguments) -> None:
    from envfs_cli.daemon import standing_proxies

    if not arguments.subject:
        raise Mistake("no session is named", "`envfs proxy ls` lists them")
    sent = session.session_over(client.need_running()).rows(control.ListProxies())
    rows = [row for row in sent if isinstance(row, control.ProxyRow)]
    variables = standing_proxies.standing_environment(rows, arguments.subject)
    if arguments.json:
        output.as_json(dict(variables))
        return
    lines = standing_proxies.unsetting_lines if arguments.unset else standing_proxies.shell_lines
    output.raw("".join(f"{line}\n" for line in lines(variables)).encode())


def _test_keys(arguments: ProxyArguments) -> int:
    from envfs_cli.daemon import live_tests

    if not arguments.subject:
        raise Mistake("no level is named", "`envfs ls` lists them")
    asking = session.start_session(arguments.passphrase_file)
    only = (arguments.name,) if arguments.name else ()
    tests = live_tests.find_tests(asking, arguments.subject, only)
    if not tests:
        subject = "that variable" if arguments.name else f"any variable of {arguments.subject}"
        raise EnvFSError(
            f"no rule and no service of the catalogue has a test of {subject}",
            "give it a [[proxy.rule]] with test, the path of a cheap request, in envfs.toml",
        )
    asking.close()
    results = live_tests.run_tests(arguments.subject, tests, arguments.passphrase_file)
    if arguments.json:
        output.rows_json(results)
    else:
        output.print_table(("VARIABLE", "HOST", "STATE", "WHY"), [tuple(result) for result in results], none="")
    return EnvFSError.status if any(result.state != "ok" for result in results) else 0


def _print_sessions(*, as_json: bool) -> None:
    sent = session.session_over(client.need_running()).rows(control.ListProxies())
    rows = [row for row in sent if isinstance(row, control.ProxyRow)]
    if as_json:
        output.rows_json(rows)
        return
    heads = ("SESSION", "LEVEL", "USER", "PID", "PORT", "REQUESTS", "REFUSED", "RULES")
    output.print_table(heads, [_session_cells(row) for row in rows], none="there is no session of a proxy")


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
    output.print_table(heads, [_rule_cells(row) for row in rows], none="there is no rule")


def _rule_cells(row: control.ProxyRuleRow) -> "tuple[str, ...]":
    where: Sequence[str] = row.where
    return row.key, ", ".join(row.hosts), ", ".join(where), row.approve, row.name, row.source

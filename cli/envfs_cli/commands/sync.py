"""`sync`: share the vault by an engine, say how that is, and decide conflicts."""

from envfs.errors import EnvFSError
from envfs.protocol import control
from envfs.tuples import NamedTuple
from envfs_cli import exit_status, output
from envfs_cli.arguments import Mistake
from envfs_cli.closed_sets import Unhandled
from envfs_cli.daemon import client, session
from envfs_cli.replies.engine_states import engine_state

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    from envfs_cli.output import Style

_LOG_ACTIONS = ("on", "off", "send")
_IN_ORDER = ("waiting", "aside", "left")  # kinds of rows that nobody has to do anything about


class SyncArguments(NamedTuple):
    """The arguments of `sync`."""

    action: "Literal['status', 'start', 'resolve', 'log', 'rejoin', 'accept']"
    subject: str | None
    mine: bool
    theirs: bool
    passphrase_file: str | None
    json: bool


def run_sync(arguments: SyncArguments) -> int:
    """Start, report, or decide. The exit status of `status` is 0 if nothing needs a person.

    Raises:
        Mistake: it is not said which level, or whose values count
    """
    match arguments.action:
        case "start":
            return _start(arguments)
        case "status":
            return _status(arguments)
        case "resolve":
            return _resolve(arguments)
        case "log":
            return _log(arguments)
        case "rejoin":
            link = session.start_session(arguments.passphrase_file)
            return _done(link.reply(control.RejoinEngine()), as_json=arguments.json)
        case "accept":
            link = session.start_session(arguments.passphrase_file)
            return _done(link.reply(control.AcceptLosses()), as_json=arguments.json)
        case _:
            raise Unhandled(arguments.action)


def _start(arguments: SyncArguments) -> int:
    from envfs_cli.sharing import copying, starting
    from envfs_cli.sharing.typed_addresses import engine_address

    if not arguments.subject:
        raise Mistake("name the engine by its address", "such as ssh://vault@server/srv/vault, or a folder")
    report = starting.start_sharing(engine_address(arguments.subject), arguments.passphrase_file)
    copying.print_copied(report, as_json=arguments.json)
    output.note("this vault is shared from now on: `envfs sync status` says how that is")
    output.note("`envfs member invite NAME` lets somebody in, who runs `envfs member join` with the same address")
    return 0


def _status(arguments: SyncArguments) -> int:
    link = session.shared_link() or client.reach_for_look()
    rows: list[control.SharingRow] = []
    report, _ = link.ask(control.DescribeSharing(), on_row=lambda row: _add(rows, row))
    if not isinstance(report, control.SharingReport):
        return exit_status.BUG
    if arguments.json:
        output.as_json({**report._asdict(), "rows": [row._asdict() for row in rows]})
    else:
        _print(report, rows)
    needs_person = any(row.kind not in _IN_ORDER for row in rows) or report.state == "away"
    return EnvFSError.status if needs_person else 0


def _add(rows: "list[control.SharingRow]", row: object) -> None:
    if isinstance(row, control.SharingRow):
        rows.append(row)


def _print(report: control.SharingReport, rows: "list[control.SharingRow]") -> None:
    state = engine_state(report)
    for name, text in (
        ("engine", output.clean(report.engine) or "none"),
        ("state", f"{state}: {output.clean(report.text)}" if report.text else state),
        ("contact", output.shown_time(report.contact) + " UTC" if report.contact else "none yet"),
        ("behind", _count(report.behind, "record")),
        ("waiting", _count(report.waiting, "version")),
        ("conflicts", str(report.conflicts)),
        ("members", _count(report.members, "entry", "entries") + " in their list"),
    ):
        output.print_field("", name.ljust(10), " ", text, "dim")
    for row in rows:
        output.print_field("", output.clean(row.kind).ljust(10), " ", output.clean(_sentence(row)), _style(row))
    for level in dict.fromkeys(output.clean(row.subject) for row in rows if row.kind == "conflict"):
        output.hint(f"`envfs sync resolve {level} --mine` has this machine's values count, `--theirs` leaves them")
    if any(row.kind == "went-back" for row in rows):
        output.hint("`envfs sync accept` says that you know that the engine lost records, and is on the log")
    if any(row.kind == "forked" for row in rows):
        output.hint("`envfs sync rejoin` takes the engine's records, and merges this machine's versions into them")


def _sentence(row: control.SharingRow) -> str:
    version = f" version {row.version}" if row.version and row.subject.startswith("/") else ""
    names = f": {', '.join(row.names)}" if row.names else ""
    return f"{row.subject}{version}{names}{f': {row.text}' if row.text else ''}"


def _style(row: control.SharingRow) -> "Style":
    return "dim" if row.kind in _IN_ORDER else "bad"


def _count(number: int, one: str, several: str = "") -> str:
    return f"{number:,} {one if number == 1 else several or one + 's'}"


def _resolve(arguments: SyncArguments) -> int:
    if not arguments.subject:
        raise Mistake("name the level", "`envfs sync status` lists those in conflict")
    if arguments.mine == arguments.theirs:
        raise Mistake("say whose values count: --mine or --theirs", "`envfs sync status` names the variables")
    link = session.start_session(arguments.passphrase_file)
    return _done(link.reply(control.ResolveConflict(arguments.subject, arguments.mine)), as_json=arguments.json)


def _done(reply: object, *, as_json: bool) -> int:
    if not isinstance(reply, control.Done):
        return exit_status.BUG
    if as_json:
        output.message_json(reply)
        return 0
    for sentence in reply.notes:
        output.done(output.clean(sentence))
    return 0


def _log(arguments: SyncArguments) -> int:
    link = session.start_session(arguments.passphrase_file)
    action = arguments.subject
    if action is None:
        from envfs_cli.replies import log_machines

        rows = [row for row in link.rows(control.ListLogMachines()) if isinstance(row, control.LogMachineRow)]
        log_machines.print_machines(rows, as_json=arguments.json)
        return 0
    if action not in _LOG_ACTIONS:
        raise Mistake("not an action of `sync log`", "envfs sync log on; off, send, or nothing for a list")
    reply = link.reply(control.ShareLog(action))
    if not isinstance(reply, control.Done):
        return exit_status.BUG
    for sentence in reply.notes:
        output.done(output.clean(sentence))
    if action == "on":
        output.note(
            "owners and admins get the entries of this machine's access log, and no value: once an hour at most"
        )
    return 0

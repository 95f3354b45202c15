"""`token`: let the bearer of a token read a level, for callers without a uid of their own."""

from envfs.protocol import control
from envfs.tuples import NamedTuple
from envfs_cli import output
from envfs_cli.arguments import Mistake
from envfs_cli.closed_sets import Unhandled
from envfs_cli.daemon import new_tokens, session
from envfs_cli.replies.written import print_notes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

_SECONDS = 15 * 60


class TokenArguments(NamedTuple):
    """The arguments of `token`. `level` is the id of a token for `revoke`."""

    action: "Literal['create', 'ls', 'revoke']"
    level: str | None
    ttl: int | None
    only: "tuple[str, ...]"
    max_reads: int | None
    can: "tuple[str, ...]"
    dialect: str | None
    passphrase_file: str | None
    json: bool


def run_token(arguments: TokenArguments) -> int:
    """Do what the action says.

    Raises:
        Mistake: the action needs a level, or an id
    """
    if arguments.action == "ls":
        return _list(arguments)
    if not arguments.level:
        needed = "the level that it is for" if arguments.action == "create" else "the id of the token"
        raise Mistake(f"name {needed}", "`envfs token ls` lists the tokens")
    match arguments.action:
        case "create":
            return _create(arguments, arguments.level)
        case "revoke":
            return _revoke(arguments, arguments.level)
        case _:
            raise Unhandled(arguments.action)


def _create(arguments: TokenArguments, level: str) -> int:
    seconds = arguments.ttl or _SECONDS
    limits = new_tokens.TokenLimits(
        level, seconds, arguments.only, arguments.max_reads, arguments.can, arguments.dialect or ""
    )
    token, reply = new_tokens.make_token(session.start_session(arguments.passphrase_file), limits)
    rule_id = reply.id if isinstance(reply, control.RuleGiven) else ""
    if arguments.json:
        output.as_json({"id": rule_id, "token": token, "level": level, "seconds": seconds})
    else:
        output.print_line(token)
        output.note(f"{rule_id} lasts {seconds} s and is shown this once: put it into ENVFS_TOKEN")
    print_notes(reply)
    return 0


def _revoke(arguments: TokenArguments, rule_id: str) -> int:
    if not (rule_id.startswith("t") and rule_id[1:].isdigit()):
        raise Mistake("a token is named by its id, such as t3", "`envfs token ls` lists them")
    print_notes(session.start_session(arguments.passphrase_file).reply(control.Revoke("/", id=rule_id)))
    return 0


def _list(arguments: TokenArguments) -> int:
    sent = session.start_session(arguments.passphrase_file).rows(control.ListGrants())
    rows = [row for row in sent if isinstance(row, control.GrantRow) and row.is_token]
    if arguments.json:
        output.rows_json(rows)
        return 0
    none = "there is no token; `envfs token create /LEVEL` prints a new one"
    output.print_table(("ID", "LEVEL", "CAN", "UNTIL (UTC)", "MORE"), [_cells(row) for row in rows], none=none)
    return 0


def _cells(row: control.GrantRow) -> "tuple[str, ...]":
    more = [
        f"only {','.join(row.only)}" if row.only else "",
        f"{row.reads} of {row.max_reads} reads" if row.max_reads else "",
        f"ends with process {row.process}" if row.process else "",
    ]
    until = output.shown_time(row.until) or "-"
    return row.id, row.level, ",".join(row.can), until, ", ".join(filter(None, more)) or "-"

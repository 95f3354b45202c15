"""`grant`, `revoke`, `grants`, `log`: who may read, and who did."""

import json
import pwd

from envfs.errors import BadRequest, LogBroken
from envfs.protocol import control
from envfs_cli import output, session

TYPE_CHECKING = False
if TYPE_CHECKING:
    from envfs_cli.arguments import Values
    from envfs_cli.session import Session

_DEFAULT_LINES = 20


def grant(values: "Values") -> int:
    """Approve a user."""
    uid, level = _uid(values), str(values["level"])
    request = control.Grant(level, uid, int(str(values["ttl"] or 0)), str(values["dialect"] or ""))
    reply = session.start(values).reply(request)
    output.done(f"uid {uid} may read {level} and all below it")
    for text in reply.notes if isinstance(reply, control.Done) else ():
        output.note(text)
    return 0


def revoke(values: "Values") -> int:
    """Take a grant back."""
    uid, level = _uid(values), str(values["level"])
    session.start(values).reply(control.Revoke(level, uid))
    output.done(f"the grant of uid {uid} on {level} is gone")
    return 0


def _uid(values: "Values") -> int:
    uid, user = values["uid"], values["user"]
    if (uid is None) == (user is None):
        raise BadRequest("say for whom", "with --uid N or with --user NAME")
    if uid is not None:
        return int(str(uid))
    try:
        return pwd.getpwnam(str(user)).pw_uid
    except KeyError:
        raise BadRequest("there is no such user", "`getent passwd` lists them") from None


def grants(values: "Values") -> int:
    """List the grants."""
    rows = session.start(values).rows(control.ListGrants())
    if values["json"]:
        output.rows_json(rows)  # type: ignore[arg-type]
        return 0
    cells = [_cells(row) for row in rows if isinstance(row, control.GrantRow)]
    output.table(("LEVEL", "UID", "USER", "UNTIL (UTC)", "DIALECT"), cells)
    return 0


def _cells(row: control.GrantRow) -> "tuple[str, ...]":
    until = row.until[:19].replace("T", " ") or "without end"
    return row.level, str(row.uid), row.user or "-", until, row.dialect or "-"


def log(values: "Values") -> int:
    """Print the log, verify it, keep its file and go on in another, or begin a new log."""
    link, action = session.start(values), values["action"]
    if action == "verify":
        return _verify(link, as_json=bool(values["json"]))
    if action in ("rotate", "restart"):
        reply = link.reply(control.RotateLog() if action == "rotate" else control.RestartLog())
        output.note(reply.notes[0] if isinstance(reply, control.Done) else "")
        return 0
    if action is not None:
        raise BadRequest("log takes verify, rotate or restart", "`envfs log` alone prints entries")
    count = values["lines"] if values["lines"] is not None else _DEFAULT_LINES
    request = control.ReadLog(int(str(count)), bool(values["follow"]))
    link.follow(request, _print_json if values["json"] else _print)
    return 0


def _verify(link: "Session", *, as_json: bool) -> int:
    reply = link.reply(control.VerifyLog())
    if isinstance(reply, control.Checked):
        if as_json:
            output.message_json(reply)
        else:
            output.line(f"the access log is whole: {reply.looked_at} entries, {reply.notes[0]}")
            for text in reply.notes[1:]:
                output.note(text)
    return 0


def _print_json(row: object) -> None:
    if isinstance(row, control.LogRow):
        output.row(row.line.rstrip("\n"))


def _print(row: object) -> None:
    if isinstance(row, control.LogRow):
        output.row(_sentence(row.line))


def _sentence(line: str) -> str:
    try:
        found = json.loads(line)
    except ValueError:
        raise LogBroken("the access log holds a line that is no entry", "`envfs log verify`") from None
    entry = {name: output.clean(str(value)) for name, value in found.items()}
    what = entry.get("event", "")
    style = {"refuse": "bad", "read": "good"}.get(what, "dim")
    where = f"{entry.get('level', '')}{'@' + str(entry['version']) if 'version' in entry else ''}"
    who = f"uid {entry['uid']} pid {entry['pid']} {entry.get('executable', '')}" if "uid" in entry else ""
    parts = [
        entry.get("time", "")[:19].replace("T", " "),
        output.paint(what.ljust(8), style),
        where.ljust(16),
        f"{entry.get('door', '')} {entry.get('form', '')}".strip().ljust(14),
        who,
        output.paint(entry.get("rule", ""), "dim"),
    ]
    return "  ".join(part for part in parts if part).rstrip()

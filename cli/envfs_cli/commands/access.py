"""`grant`, `revoke`, `grants`, `log`: who may read, and who did."""

import json
import pwd

from envfs.errors import BadRequest, LogBroken
from envfs.protocol import control
from envfs_cli import output
from envfs_cli.daemon import session

TYPE_CHECKING = False
if TYPE_CHECKING:
    from envfs_cli.arguments import Values
    from envfs_cli.daemon.session import Session

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
        for note in reply.notes if isinstance(reply, control.Done) else ():
            output.note(note)
        return 0
    if action is not None:
        raise BadRequest("log takes verify, rotate or restart", "`envfs log` alone prints entries")
    count = values["lines"] if values["lines"] is not None else _DEFAULT_LINES
    request = control.ReadLog(int(str(count)), bool(values["follow"]))
    printer = _Printer(as_json=bool(values["json"]))
    link.follow(request, printer.take)
    return LogBroken.status if printer.is_broken else 0


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


class _Printer:
    """Prints entries as they come; a line that is none `is_broken`, is reported once, and hides no other."""

    def __init__(self, *, as_json: bool) -> None:
        """Print sentences, or lines as they are."""
        self._as_json = as_json
        self.is_broken = False

    def take(self, row: object) -> None:
        """Print an entry."""
        if not isinstance(row, control.LogRow):
            return
        facts = _facts(row.line)
        if facts is not None:
            output.row(row.line.rstrip("\n") if self._as_json else _sentence(facts))
        elif not self.is_broken:
            self.is_broken = True
            output.error(LogBroken("the access log holds a line that is no entry", "`envfs log verify`"))


def _facts(line: str) -> "dict[str, object] | None":
    try:
        facts = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return facts if isinstance(facts, dict) else None


def _sentence(facts: "dict[str, object]") -> str:
    entry = {name: output.clean(str(value)) for name, value in facts.items()}
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

"""`init`, `status`, `verify`, `accept`: the vault as a whole."""

import os
from contextlib import suppress

from envfs.errors import AuthenticationFailed, EnvFSError, WrongPassphrase
from envfs.protocol import control
from envfs_cli import output, secrets
from envfs_cli.daemon import client, session
from envfs_cli.terminal import prompts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from envfs_cli.arguments import Values


def init(values: "Values") -> int:
    """Make a vault."""
    file = values["identity_file"]
    path = os.path.abspath(str(file)) if file else ""
    if not path.isascii() and path.encode(errors="replace").decode() != path:
        raise EnvFSError("the path of the identity file is not UTF-8 text", "the settings could not name it")
    if values["recovery"]:
        output.need()
    descriptors: tuple[int, ...] = ()
    if not path:
        named = values["passphrase_file"] or secrets.named_file("")
        _check_init(asks=named is None)
        descriptors = (secrets.new_passphrase(None if named is None else str(named)),)
    link = session.over(client.own(), values)
    with prompts.Waiting("making the identity"):
        made = link.reply(control.Init(path), descriptors)
    if isinstance(made, control.Made):
        _say_made(link, made, path, values)
    return 0


def _check_init(*, asks: bool) -> None:
    link = client.own(looks=True)
    with suppress(WrongPassphrase):  # whatever else would refuse it does so before anybody is asked
        link.ask(control.Init())
    link.close()
    if asks:
        prompts.check(secrets.NAME_A_FILE)


def _say_made(link: session.Session, made: control.Made, identity_file: str, values: "Values") -> None:
    from envfs_cli.commands import custody

    if values["json"]:
        secret = {"recovery": custody.add_recovery(link, "")[1]} if values["recovery"] else {}
        output.as_json({**made._asdict(), **secret})
        return
    kept = identity_file or client.places().identity
    output.line(f"a vault is made in {made.home}")
    output.line(f"  identity   {kept}{' (unencrypted: whoever reads it reads the vault)' if identity_file else ''}")
    output.line(f"  recipient  {made.recipient}")
    output.line(f"  approved   uid {made.approved_uid}, for everything; nobody else")
    output.note(
        "without the identity" + ("" if identity_file else " and its passphrase") + " nothing opens: keep a copy"
    )
    if values["recovery"] or prompts.confirm("make a recovery sheet, for the day when it is lost?"):
        recovery, identity = custody.add_recovery(link, "")
        output.line(f"\n{custody.sheet(recovery.recipient, identity).rstrip()}")


def status(values: "Values") -> int:
    """Say what runs and what is wrong; the exit status is 0 only if nothing is wrong."""
    link = session.Session.kept or client.looking()
    report, _ = link.ask(control.Status())
    if not isinstance(report, control.StatusReport):
        return 1
    if values["json"]:
        output.as_json({**_told(report), "running": not link.private})
    else:
        for name, text in (
            _outline(report) if report.audience != "owner" else _in_full(report, running=not link.private)
        ):
            output.line(f"{output.paint(name.ljust(10), 'dim')} {text}")
        for text in report.problems:
            output.line(f"{output.paint('problem'.ljust(10), 'bad')} {text}")
    return EnvFSError.status if report.problems else 0


_TOLD = {"approved": ("uid", "mount", "unlocked", "grants", "audience"), "other": ("uid", "audience")}


def _told(report: control.StatusReport) -> "dict[str, object]":
    members = report._asdict()
    told = _TOLD.get(report.audience, tuple(members))
    return {name: value if name in told else None for name, value in members.items()}


def _outline(report: control.StatusReport) -> "list[tuple[str, str]]":
    rows = [("daemon", f"runs as uid {report.uid}; it reports in full to that user alone")]
    if report.audience != "approved":
        return [*rows, ("grants", f"none for uid {os.geteuid()}")]
    return [
        *rows,
        ("mount", report.mount or "none"),
        ("state", "unlocked" if report.unlocked else "locked"),
        ("grants", f"{report.grants} for uid {os.geteuid()}"),
    ]


def _in_full(report: control.StatusReport, *, running: bool) -> "list[tuple[str, str]]":
    return [
        ("daemon", f"pid {report.pid}, uid {report.uid}, release {report.release}" if running else "does not run"),
        ("mount", report.mount or "none"),
        ("vault", f"{report.vault_folder} ({report.vault or 'none'})"),
        ("state", _state(report, running=running)),
        ("keyholder", f"pid {report.keyholder_pid}" if running and report.keyholder_pid else "none"),
        ("grants", str(report.grants)),
        ("log", f"{report.log} ({report.log_entries} entries)"),
    ]


def _state(report: control.StatusReport, *, running: bool) -> str:
    if running:
        return "unlocked" if report.unlocked else "locked"
    if not report.vault:
        return "none"
    return f"no daemon has it open; a command opens it {'without' if report.unlocked else 'with'} a passphrase"


def verify(values: "Values") -> int:
    """Check every record of the vault."""
    rows: list[object] = []
    link = session.start(values)
    with prompts.Waiting("checking every record"):
        reply, _ = link.ask(control.VerifyVault(bool(values["repair"])), (), rows)
    faults = [row for row in rows if isinstance(row, control.FaultRow)]
    if not isinstance(reply, control.Checked):
        return 1
    if values["json"]:
        output.as_json({**reply._asdict(), "faults": [fault._asdict() for fault in faults]})
    else:
        for fault in faults:
            output.line(output.clean(f"{fault.key}: {fault.reason}"))
        for text in reply.notes:
            output.note(text)
        output.line(f"{reply.looked_at} records looked at, {reply.failed} failed")
    return AuthenticationFailed.status if reply.failed else 0


def accept(values: "Values") -> int:
    """Accept a level as it is now."""
    level = str(values["level"])
    if not values["yes"] and not prompts.confirm(f"take {level} as it is now for the truth?"):
        raise EnvFSError("not confirmed, so nothing was changed", "say yes, or use --yes")
    reply = session.start(values).reply(control.Accept(level))
    for text in reply.notes if isinstance(reply, control.Done) else ():
        output.note(text)
    return 0

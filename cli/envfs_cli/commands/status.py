"""`status`: say what runs and what is wrong."""

import os

from envfs.errors import EnvFSError
from envfs.protocol import control
from envfs.tuples import NamedTuple
from envfs_cli import exit_status, output
from envfs_cli.daemon import client, session

_MEMBERS = {"approved": ("uid", "mount", "unlocked", "grants", "audience"), "other": ("uid", "audience")}


class StatusArguments(NamedTuple):
    """The arguments of `status`."""

    json: bool


def run_status(arguments: StatusArguments) -> int:
    """Say what runs and what is wrong. The exit status is 0 only if nothing is wrong."""
    link = session.shared_link() or client.reach_for_look()
    report, _ = link.ask(control.Status())
    if not isinstance(report, control.StatusReport):
        return exit_status.BUG
    if arguments.json:
        output.as_json({**_members(report), "running": not link.private})
    else:
        for name, text in (
            _outline(report) if report.audience != "owner" else _in_full(report, running=not link.private)
        ):
            output.print_field("", name.ljust(10), " ", text, "dim")
        for text in report.problems:
            output.print_field("", "problem".ljust(10), " ", text, "bad")
    return EnvFSError.status if report.problems else 0


def _members(report: control.StatusReport) -> "dict[str, object]":
    # what the daemon keeps from this user is null, and no guess
    members = report._asdict()
    reported = _MEMBERS.get(report.audience, tuple(members))
    return {name: value if name in reported else None for name, value in members.items()}


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

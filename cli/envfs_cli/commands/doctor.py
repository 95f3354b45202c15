"""`doctor`: what protects the vault here, what is wrong with the installation, and how to fix it.

Law: whatever is missing or broken is a finding. The command itself goes on.
"""

import os

from envfs import __version__
from envfs.errors import EnvFSError, KeyholderGone, NotApproved, TimedOut
from envfs.protocol import control
from envfs.protocol.control import FindingRow
from envfs.tuples import NamedTuple
from envfs_cli import output
from envfs_cli.daemon import client, session

TYPE_CHECKING = False
if TYPE_CHECKING:
    from envfs_cli.daemon.client import Link
    from envfs_cli.output import Style

_OK, _NOTE, _PROBLEM = "ok", "note", "problem"
_STYLES: "dict[str, Style]" = {_OK: "good", _NOTE: "warn", _PROBLEM: "bad"}
_PLUGIN = "age-plugin-"
_RESTART = "`envfs unmount`, then `envfs mount`"


class DoctorArguments(NamedTuple):
    """The arguments of `doctor`."""

    json: bool


def run_doctor(arguments: DoctorArguments) -> int:
    """Print findings. The exit status is 0 only if none of them is a problem."""
    findings = [*_asked(), *_plugins(os.environ.get("PATH", ""))]
    if arguments.json:
        output.rows_json(findings)
    else:
        _print(findings)
    return EnvFSError.status if any(finding.state == _PROBLEM for finding in findings) else 0


# -- asking ------------------------------------------------------------------------------------------------------------


def _asked() -> "list[FindingRow]":
    try:
        link = session.shared_link() or client.reach_for_look()
        report, _ = link.ask(control.Status())
        if link.private or not isinstance(report, control.StatusReport):
            return [_not_running(), *_diagnosed(link)]
        if report.uid != os.geteuid():
            return _of_a_stranger(report.uid)
        return [_running(report), *_diagnosed(link)]
    except TimedOut:
        raise  # there is nothing to be found out
    except EnvFSError as error:
        return [_broken(error)]


def _diagnosed(link: "Link") -> "list[FindingRow]":
    rows: list[object] = []
    try:
        link.ask(control.Diagnose(), (), rows.append)
    except EnvFSError as error:
        rows.append(_broken(error))
    return [row for row in rows if isinstance(row, FindingRow)]


def _running(report: control.StatusReport) -> FindingRow:
    text = f"pid {report.pid}, release {report.release}, mounted at {report.mount}"
    if report.release != __version__:
        return FindingRow("daemon", _PROBLEM, f"{text}; this command is of release {__version__}", _RESTART)
    return FindingRow("daemon", _OK, text)


def _not_running() -> FindingRow:
    return FindingRow("daemon", _NOTE, "none runs here; one was started for this look", "`envfs mount` starts one")


def _of_a_stranger(owner: int) -> "list[FindingRow]":
    text = f"one of uid {owner} runs here; it tells its owner alone how it is"
    row = FindingRow("daemon", _NOTE, text, "what follows is about this user, without it")
    if os.path.exists(client.user_locations().vault):
        return [row._replace(hint=f"ask uid {owner} to run this")]
    return [row, *_diagnosed(client.start_private_daemon(looks=True))]


def _broken(error: EnvFSError) -> FindingRow:
    if isinstance(error, KeyholderGone):
        return FindingRow("daemon", _PROBLEM, "it ended instead of answering", "what it printed says why")
    if isinstance(error, NotApproved):
        return FindingRow("daemon", _PROBLEM, error.text, error.hint)
    return FindingRow("daemon", _PROBLEM, f"it refuses to be looked at: {error.text}", error.hint or _RESTART)


def _plugins(path: str) -> "list[FindingRow]":
    names: set[str] = set()
    for folder in path.split(":"):
        try:
            names.update(name for name in os.listdir(folder) if name.startswith(_PLUGIN))
        except OSError:
            continue  # a folder of PATH that is not there
    return [FindingRow("age plugins", _NOTE, ", ".join(sorted(names)))] if names else []


# -- saying ------------------------------------------------------------------------------------------------------------


def _print(findings: "list[FindingRow]") -> None:
    if not output.on_terminal():
        output.print_table((), [(row.state, row.check, row.text, row.hint) for row in findings], none="")
        return
    width = max(len(row.check) for row in findings)
    for row in findings:
        check = f"  {output.clean(row.check).ljust(width)}  "
        output.print_field("", row.state.ljust(len(_PROBLEM)), check, row.text, _STYLES.get(row.state, "bad"))
        if row.hint and row.state != _OK:
            for line in output.lines_below(" " * (len(_PROBLEM) + len(check)), row.hint):
                output.print_line(output.paint(line, "dim"))
    output.print_line(f"\n{_summary(findings)}")


def _summary(findings: "list[FindingRow]") -> str:
    problems, notes = (sum(row.state == state for row in findings) for state in (_PROBLEM, _NOTE))
    counted = (
        f"{problems or 'no'} problem{'' if problems == 1 else 's'}, {notes or 'no'} note{'' if notes == 1 else 's'}"
    )
    return output.paint(counted, "bad" if problems else "good")

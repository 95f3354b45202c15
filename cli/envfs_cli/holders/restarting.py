"""Restarting the processes that have an old value, or sending them a signal: by this user, and never by the daemon.

Laws: a unit is asked for only if the process is still in it. No signal goes to another process with
the same number, nor to one that this command descends from.
"""

import os
import signal
import subprocess

from envfs.errors import EnvFSError
from envfs.protocol import control
from envfs.tuples import NamedTuple
from envfs_cli import output
from envfs_cli.arguments import Mistake
from envfs_cli.holders import listing, processes
from envfs_cli.holders.processes import NamedProcess, ProcessHandle
from envfs_cli.terminal import prompts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from envfs_cli.daemon.session import Session

_UNSURE = ("descends", "orphan", "unclear")
_BOOTED = "/run/systemd/system"  # sd_booted(3)
_SERVICE, _USER_MANAGER = ".service", "user@"
_ENDING = (signal.SIGTERM, signal.SIGKILL, signal.SIGINT, signal.SIGQUIT, signal.SIGABRT)
_END_SECONDS, _RESTART_SECONDS = 10.0, 300.0


class RestartStep(NamedTuple):
    """One thing to do about some processes: the command that restarts their unit, a signal, or (both empty) nothing.

    `why` says why nothing is done.
    """

    about: str
    processes: "tuple[NamedProcess, ...]"
    command: tuple[str, ...] = ()
    signal: int = 0
    why: str = ""


class RestartOutcome(NamedTuple):
    """The end of a step: whether it is done, and a text that says so."""

    about: str
    pids: tuple[int, ...]
    action: str
    done: bool
    text: str


def restart_holders(
    link: "Session", level: str, name: str, *, before: int = 0, signal_name: str | None = None, yes: bool = False
) -> int:
    """Restart, or signal, the processes that have what version `before` replaced (0: any value but that of now).

    The steps are shown, and a person is asked, unless `yes`. Returns the exit status: 0 if no process is
    left that has the old value and could not be reached.

    Raises:
        Mistake: there is no such signal
        EnvFSError: the answer is no
    """
    number = 0 if signal_name is None else signal_number(signal_name)
    listed = listing.list_holders(link, level, name, before=before)
    for text in listed.notes:
        output.note(text)
    steps = plan_restarts(listed.rows, number, has_units=True)
    return report_outcomes(carry_out(steps, link, yes=yes), as_json=False)


def signal_number(name: str) -> int:
    """Return the number of a signal such as HUP, SIGHUP or 1.

    Raises:
        Mistake: there is none
    """
    word = f"SIG{name.upper().removeprefix('SIG')}"
    try:
        return int(signal.Signals(int(name)) if name.isdecimal() else signal.Signals[word])
    except (KeyError, ValueError):
        raise Mistake("there is no such signal", "as in HUP, USR1 or TERM") from None


def plan_restarts(rows: "Sequence[control.HolderRow]", number: int, *, has_units: bool) -> tuple[RestartStep, ...]:
    """Say what to do about each process with an old value.

    With `has_units` units are restarted, with the `number` of a signal other processes get it.
    """
    above, units, steps = processes.own_lineage(), dict[tuple[str, ...], list[control.HolderRow]](), list[RestartStep]()
    old = {row.pid: row for row in reversed(rows) if not row.is_current and not row.is_renewed}
    for row in sorted(old.values(), key=lambda row: row.pid):
        process, command = NamedProcess(row.pid, row.process), restart_command(row)
        if row.pid in above:
            steps.append(RestartStep(listing.about(row), (process,), why="this command was started by it"))
        elif has_units and command:
            units.setdefault(command, []).append(row)
        elif row.kind in _UNSURE:
            steps.append(RestartStep(listing.about(row), (process,), why="it is not certain that it has the value"))
        elif number:
            steps.append(RestartStep(listing.about(row), (process,), signal=number))
        else:
            steps.append(RestartStep(listing.about(row), (process,), why=_why_not(row)))
    asked = (
        RestartStep(of_unit[0].unit, tuple(NamedProcess(row.pid, row.process) for row in of_unit), command)
        for command, of_unit in units.items()
    )
    return (*asked, *steps)


def restart_command(row: control.HolderRow) -> tuple[str, ...]:
    """Return the command that restarts the service of a process. Empty if it is of none, or none can be asked here."""
    manager, _, own = row.unit.partition("/")
    if not os.path.isdir(_BOOTED) or row.container:
        return ()
    if not own:
        is_service = manager.endswith(_SERVICE) and not manager.startswith(_USER_MANAGER)
        return ("systemctl", "restart", "--", manager) if is_service else ()
    uid = manager.removeprefix(_USER_MANAGER).removesuffix(_SERVICE)
    if not own.endswith(_SERVICE) or not uid.isdecimal():
        return ()
    user = row.user if int(uid) == row.uid and row.user else uid
    machine = () if int(uid) == os.geteuid() else (f"--machine={user}@.host",)
    return ("systemctl", "--user", *machine, "restart", "--", own)


def _why_not(row: control.HolderRow) -> str:
    if row.container:
        return f"it runs in container {row.container}: restart that, or use --signal HUP"
    if not os.path.isdir(_BOOTED):
        return "no systemd runs here: use --signal HUP"
    return "it is of no service: use --signal HUP"


def carry_out(steps: "Sequence[RestartStep]", link: "Session", *, yes: bool) -> list[RestartOutcome]:
    """Show the steps, ask, and carry them out.

    Raises:
        EnvFSError: the answer is no
    """
    active = [step for step in steps if step.command or step.signal]
    for step in active:
        output.note(_words(step))
    if active and not yes:
        link.let_go()
        prompts.need_yes(f"{'do that' if len(active) == 1 else 'do all of that'}?")
    return [_do(step) for step in (*active, *(step for step in steps if step not in active))]


def _words(step: RestartStep) -> str:
    pids = ", ".join(str(process.pid) for process in step.processes)
    if step.command:
        return f"`{' '.join(step.command)}` for process{'es' * (len(step.processes) > 1)} {pids}"
    return f"{signal.Signals(step.signal).name} to process {pids}: {step.about}"


def _do(step: RestartStep) -> RestartOutcome:
    pids = tuple(process.pid for process in step.processes)
    if step.command:
        return RestartOutcome(step.about, pids, "restart", *_restart(step))
    if step.signal:
        return RestartOutcome(step.about, pids, signal.Signals(step.signal).name, *_send(step))
    if all(map(processes.has_ended, pids)):  # with the one that it descends from
        return RestartOutcome(step.about, pids, "none", True, "it has ended")
    return RestartOutcome(step.about, pids, "none", False, step.why)


def _restart(step: RestartStep) -> tuple[bool, str]:
    alive = [process for process in step.processes if processes.is_there(process)]
    if not alive:
        return True, "it has ended already"
    unit = step.command[-1]
    if f"/{unit}/" in processes.cgroup_of(os.getpid()) + "/":
        return False, "this command runs in it"
    if not any(f"/{unit}/" in processes.cgroup_of(process.pid) + "/" for process in alive):
        return False, f"it is not in {unit} any more"
    try:
        status = subprocess.run(step.command, check=False, timeout=_RESTART_SECONDS).returncode
    except (OSError, subprocess.TimeoutExpired):
        return False, "systemctl could not be run, or did not answer"
    if status:
        return False, f"systemctl ended with status {status}"
    left = [str(process.pid) for process in alive if processes.is_there(process)]
    return not left, f"process {', '.join(left)} is still there" if left else "restarted"


def _send(step: RestartStep) -> tuple[bool, str]:
    try:
        handle = ProcessHandle(step.processes[0])
    except ProcessLookupError:
        return True, "it has ended already"
    except OSError:
        return False, "it cannot be seen from here"
    try:
        handle.send(step.signal)
        if step.signal not in _ENDING:
            return True, "sent"
        return (True, "ended") if handle.has_ended(_END_SECONDS) else (False, "sent, and it is still there")
    except PermissionError:
        return False, "this user may not signal it"
    except OSError:
        return True, "it has ended already"
    finally:
        handle.close()


def report_outcomes(outcomes: "Sequence[RestartOutcome]", *, as_json: bool) -> int:
    """Say of each step what became of it. Returns the exit status."""
    if as_json:
        output.rows_json(outcomes)
    else:
        rows = [(_result(one), ",".join(map(str, one.pids)), one.about, one.text) for one in outcomes]
        none = "no live process is known to have an old value"
        output.print_table(("RESULT", "PID", "PROCESS", "WHAT"), rows, none=none)
    return 0 if all(outcome.done for outcome in outcomes) else EnvFSError.status


def _result(outcome: RestartOutcome) -> str:
    return "done" if outcome.done else "left" if outcome.action == "none" else "failed"

"""Restarting or signalling the processes that have an old value: what is done about which, and to no other."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from envfs.protocol import control
from envfs_cli.arguments import Mistake
from envfs_cli.holders import processes, restarting
from envfs_cli.holders.processes import NamedProcess
from envfs_cli.holders.restarting import RestartStep

R = control.HolderRow
ROW = R(
    *("/shop", "/shop", 1, False, "read", "mount", -1, "x", "T", 7, "ana", "/usr/bin/app", "", "", "", "", 1),
    *("T", "T", False),
)


@pytest.fixture
def waiting() -> Iterator["subprocess.Popen[bytes]"]:
    """Give one test a process that waits."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    yield process
    process.kill()
    process.communicate()


def named(pid: int) -> NamedProcess:
    return NamedProcess(pid, processes._key(pid))


@pytest.fixture
def booted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Have a systemd that notes what it is asked. Its exit status is in the file `status`."""
    monkeypatch.setattr(restarting, "_BOOTED", str(tmp_path))
    program = tmp_path / "systemctl"
    program.write_text(f'#!/bin/sh\necho "$@" >>{tmp_path}/asked\nexit $(cat {tmp_path}/status)\n')
    program.chmod(0o755)
    (tmp_path / "status").write_text("0")
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return tmp_path


@pytest.mark.parametrize(
    ("unit", "command"),
    [
        ("shop.service", ("systemctl", "restart", "--", "shop.service")),
        ("user@7.service/app.service", ("systemctl", "--user", "--machine=ana@.host", "restart", "--", "app.service")),
        ("user@8.service/app.service", ("systemctl", "--user", "--machine=8@.host", "restart", "--", "app.service")),
        ("user@7.service/tab.scope", ()),
        ("user@7.service", ()),
        ("session-3.scope", ()),
        ("init.scope", ()),
        ("", ()),
    ],
)
def test_services_alone_are_restarted(booted: Path, unit: str, command: tuple[str, ...]) -> None:
    assert booted.exists()
    assert restarting.restart_command(ROW._replace(unit=unit)) == command
    assert restarting.restart_command(ROW._replace(unit=unit, container="0123")) == ()


def test_ones_own_user_units_are_asked_of_ones_own_manager(booted: Path) -> None:
    assert booted.exists()
    row = ROW._replace(unit=f"user@{os.geteuid()}.service/app.service")
    assert restarting.restart_command(row) == (
        "systemctl",
        "--user",
        "restart",
        "--",
        "app.service",
    )


def test_without_systemd_a_signal_is_the_hint(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(restarting, "_BOOTED", str(tmp_path / "none"))
    (step,) = restarting.plan_restarts([ROW._replace(unit="shop.service")], 0, has_units=True)
    assert (step.command, step.signal) == ((), 0)
    assert "--signal HUP" in step.why


def test_one_unit_is_restarted_once_and_others_get_the_signal(booted: Path) -> None:
    assert booted.exists()
    rows = [
        ROW._replace(pid=-2, unit="shop.service"),
        ROW._replace(pid=-3, unit="shop.service", kind="descends"),
        ROW._replace(pid=-4),
        ROW._replace(pid=-5, is_current=True),
        ROW._replace(pid=-6, is_renewed=True),
        ROW._replace(pid=-7, kind="orphan"),
        ROW._replace(pid=-8, kind="unclear"),
        ROW._replace(pid=-9, kind="descends"),
        ROW._replace(pid=os.getpid()),
        ROW._replace(pid=os.getppid()),
    ]
    steps = restarting.plan_restarts(rows, signal.SIGHUP, has_units=True)
    done = {(tuple(each.pid for each in step.processes), bool(step.command), step.signal) for step in steps}
    assert done == {
        ((-3, -2), True, 0),
        ((-4,), False, int(signal.SIGHUP)),
        ((-7,), False, 0),
        ((-8,), False, 0),
        ((-9,), False, 0),
        ((os.getpid(),), False, 0),
        ((os.getppid(),), False, 0),
    }


def test_one_that_ended_with_the_one_above_it_is_not_left(waiting: "subprocess.Popen[bytes]") -> None:
    step = RestartStep("app", (named(waiting.pid),), why="it is not certain that it has the value")
    assert not restarting._do(step).done
    waiting.kill()
    waiting.communicate()
    assert restarting._do(step).done


def test_a_unit_is_asked_only_while_the_process_is_in_it(
    booted: Path, waiting: "subprocess.Popen[bytes]", monkeypatch: pytest.MonkeyPatch
) -> None:
    step = RestartStep("shop.service", (named(waiting.pid),), ("systemctl", "restart", "--", "shop.service"))
    outcome = restarting._do(step)
    assert (outcome.done, outcome.text) == (False, "it is not in shop.service any more")
    assert not (booted / "asked").exists()
    monkeypatch.setattr(processes, "cgroup_of", lambda pid: "/system.slice/shop.service" if pid == waiting.pid else "/")
    assert not restarting._do(step).done  # it was asked, and the process is still there
    assert (booted / "asked").read_text() == "restart -- shop.service\n"
    (booted / "status").write_text("5")
    assert "status 5" in restarting._do(step).text
    monkeypatch.setattr(processes, "cgroup_of", lambda _pid: "/system.slice/shop.service/app")
    assert restarting._do(step).text == "this command runs in it"
    waiting.kill()
    waiting.wait()
    assert restarting._do(step).done


def test_a_signal_reaches_the_process_that_is_meant_and_no_other(waiting: "subprocess.Popen[bytes]") -> None:
    process = named(waiting.pid)
    other = process._replace(key=process.key[:-1] + ("0" if process.key[-1] != "0" else "1"))
    assert restarting._do(RestartStep("app", (other,), signal=signal.SIGKILL)).text == "it has ended already"
    assert waiting.poll() is None
    outcome = restarting._do(RestartStep("app", (process,), signal=signal.SIGKILL))
    assert (outcome.done, outcome.text, outcome.action) == (True, "ended", "SIGKILL")
    assert waiting.wait() == -signal.SIGKILL
    assert restarting._do(RestartStep("app", (process,), signal=signal.SIGHUP)).done


@pytest.mark.parametrize("name", ["HUP", "SIGHUP", "hup", "1"])
def test_a_signal_has_several_spellings(name: str) -> None:
    assert restarting.signal_number(name) == signal.SIGHUP


@pytest.mark.parametrize("name", ["NONE", "0", "-1", "999", "", "SIG"])
def test_there_is_no_such_signal(name: str) -> None:
    with pytest.raises(Mistake):
        restarting.signal_number(name)


def test_the_exit_status_says_whether_one_is_left(capsys: pytest.CaptureFixture[str]) -> None:
    done = restarting.RestartOutcome("shop.service", (7,), "restart", True, "restarted")
    assert restarting.report_outcomes([done], as_json=False) == 0
    assert restarting.report_outcomes([done, done._replace(done=False)], as_json=True) == 100
    assert "restarted" in capsys.readouterr().out

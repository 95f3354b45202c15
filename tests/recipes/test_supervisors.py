"""OpenRC, runit, s6 and supervisord run EnvFS: started, unlocked, read, killed, started again, ended."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.recipes.copied import PYTHON, RECIPES, TOOLS
from tests.system.home import ENVFS, SECONDS

STEPS = Path(__file__).with_name("supervisor_steps.sh")
PROGRAMS = {
    "runit": TOOLS / "debian/usr/bin/runsv",
    "s6": TOOLS / "debian/usr/bin/s6-supervise",
    "supervisord": PYTHON / "supervisord",
    "openrc": TOOLS / "debian/sbin/openrc-run",
}


@pytest.mark.soak
@pytest.mark.parametrize("kind", PROGRAMS)
def test_a_supervisor_runs_it_and_leaves_nothing_at_its_end(kind: str) -> None:
    if not PROGRAMS[kind].exists():
        pytest.skip("`make recipes` installs it")
    inside = ["unshare", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child", "sh", STEPS]
    done = subprocess.run(
        [*inside, ENVFS, kind, RECIPES / "supervisors", TOOLS / "debian", PYTHON],
        capture_output=True,
        text=True,
        check=False,
        timeout=5 * SECONDS,
        cwd="/",
        env={"PATH": os.environ["PATH"]},
    )
    said = [line for line in done.stdout.splitlines() if line.startswith(("read", "cap", "after", "end", "in vain"))]
    assert done.returncode == 0, done
    assert said == [
        "read: A=1",
        "capabilities: 0000000000080004",  # CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH
        "after a crash: A=1",
        "end",
    ], done.stdout

"""What a process that handles secrets takes away from itself, seen in a child."""

import os
import select
import subprocess
import sys

import pytest

_SEE = """
import ctypes, os, resource
from envfs.host.process import hardening
hardening.{function}()
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
dumpable = ctypes.CDLL(None).prctl(3, 0, 0, 0, 0)
print(dumpable, status["NoNewPrivs"].strip(), oct(os.umask(0)), resource.getrlimit(resource.RLIMIT_CORE))
"""
_KEYHOLDER = """
import time
from envfs.host.process import hardening
hardening.harden_keyholder()
print("ready", flush=True)
time.sleep(60)
"""
_PARENT = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", sys.argv[1]], stdout=1)
print(child.pid, flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize(
    ("function", "no_new"),
    [("harden", "0"), ("harden_keyholder", "1"), ("harden(), hardening.give_up_privileges", "1")],
)
def test_a_hardened_process_dumps_nothing_and_shares_nothing(function: str, no_new: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _SEE.format(function=function)], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["0", no_new, "0o77", "(0,", "0)"]


def test_a_hardened_keyholder_dies_with_its_parent() -> None:
    command = [sys.executable, "-c", _PARENT, _KEYHOLDER]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        words = {process.stdout.readline().strip(), process.stdout.readline().strip()}
        keyholder = int((words - {"ready"}).pop())
        handle = os.pidfd_open(keyholder)
        process.kill()
    assert select.select([handle], [], [], 10)[0]
    os.close(handle)


def test_a_hardened_keyholder_starts_under_a_limit_on_file_sizes() -> None:
    code = "from envfs.host.process import hardening; hardening.harden_keyholder()"
    script = f"ulimit -f 1000; exec {sys.executable} -c '{code}'"
    command = ["setpriv", "--reuid=4321", "--clear-groups"] if os.geteuid() == 0 else []
    done = subprocess.run([*command, "/bin/sh", "-c", script], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.returncode == 0

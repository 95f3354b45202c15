"""A child of this process that something else than `subprocess` has started, as `subprocess` has its own children."""

import subprocess
import threading


def process_of(pid: int) -> "subprocess.Popen[bytes]":
    """Return the child of that number, to be waited for."""
    process = subprocess.Popen.__new__(subprocess.Popen)
    vars(process).update(args=[], pid=pid, stdin=None, stdout=None, stderr=None, returncode=None)
    vars(process).update(_child_created=True, _waitpid_lock=threading.Lock(), _sigint_wait_secs=0.25)
    return process

"""Threads allocate where the whole process does: asked of a process of its own, as it is for its whole life."""

import subprocess
import sys

import pytest

from envfs.host.libc import LIBC

_ASKED = """
import ctypes, threading
from envfs.host.libc import LIBC
from envfs.host.process import heap

if {shared}:
    heap.share_heap()
LIBC.malloc.restype = ctypes.c_void_p
places = []
thread = threading.Thread(target=lambda: places.append(LIBC.malloc(64)))
thread.start()
thread.join()
with open("/proc/self/maps") as maps:
    (whole,) = (line.split()[0] for line in maps if line.rstrip().endswith("[heap]"))
start, end = (int(word, 16) for word in whole.split("-"))
print(start <= places[0] < end)
"""


@pytest.mark.skipif(not hasattr(LIBC, "mallopt"), reason="this C library has one heap anyway")
@pytest.mark.parametrize("shared", [True, False])
def test_a_thread_has_a_heap_of_its_own_unless_it_is_shared(shared: bool) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _ASKED.format(shared=shared)], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == f"{shared}\n"

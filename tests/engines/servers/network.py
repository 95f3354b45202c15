"""A network of several machines on one: a namespace each, with an address of its own, and a bridge in one more.

All stands in namespaces that nobody else uses, so the addresses cannot meet those of the machine. What is started in
the block of `at` is on that machine of the network: a thread has a network of its own, and its children have it too.
"""

import contextlib
import ctypes
import itertools
import os
import shutil
import subprocess
from collections.abc import Iterator

import pytest

_NUMBERS = itertools.count()
_NET = 0x40000000  # CLONE_NEWNET of setns(2)
_LIBC = ctypes.CDLL(None, use_errno=True)
HUB = "10.0.0.1"


class Network:
    """A hub, on which servers run, and machines around it."""

    def __init__(self, machines: int) -> None:
        self._name = f"envfs-{os.getpid()}-{next(_NUMBERS)}"
        self._count = machines

    def make(self) -> None:
        _ip("netns", "add", self._name)
        self._in_hub("link", "add", "bridge", "type", "bridge")
        self._in_hub("addr", "add", f"{HUB}/24", "dev", "bridge")
        for device in ("bridge", "lo"):
            self._in_hub("link", "set", device, "up")
        for number in range(self._count):
            name = self._machine(number)
            _ip("netns", "add", name)
            self._in_hub("link", "add", f"port{number}", "type", "veth", "peer", "name", "eth0", "netns", name)
            self._in_hub("link", "set", f"port{number}", "master", "bridge", "up")
            _ip("-n", name, "addr", "add", f"10.0.0.{number + 2}/24", "dev", "eth0")
            for device in ("eth0", "lo"):
                _ip("-n", name, "link", "set", device, "up")

    def remove(self) -> None:
        for name in (*map(self._machine, range(self._count)), self._name):
            subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True, timeout=60)

    @contextlib.contextmanager
    def at(self, number: int | None = None) -> Iterator[None]:
        """Have this thread, and what it starts, on one machine for the block, or on the hub."""
        own = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        name = self._name if number is None else self._machine(number)
        there = os.open(f"/run/netns/{name}", os.O_RDONLY | os.O_CLOEXEC)
        try:
            _set(there)
            yield
        finally:
            _set(own)
            os.close(there)
            os.close(own)

    def cut(self, number: int) -> None:
        """Take a machine's cable out."""
        self._in_hub("link", "set", f"port{number}", "down")

    def resume(self, number: int) -> None:
        """Put it back."""
        self._in_hub("link", "set", f"port{number}", "up")

    def _machine(self, number: int) -> str:
        return f"{self._name}-{number}"

    def _in_hub(self, *words: str) -> None:
        _ip("-n", self._name, *words)


def _set(handle: int) -> None:
    if _LIBC.setns(handle, _NET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, timeout=60)


@contextlib.contextmanager
def network(machines: int) -> Iterator[Network]:
    if os.geteuid() != 0 or shutil.which("ip") is None:
        pytest.skip("needs root and ip, to make networks")
    made = Network(machines)
    try:
        made.make()
        yield made
    finally:
        made.remove()

"""Confinement of the proxy: once a session has begun, it reads what names and certificates take, and writes nothing.

Law: the vault, the mount and people's homes (but for Python in one) are out of its reach, whatever is wrong with it. It
listens nowhere else, and signals nobody. Where the kernel has no Landlock, it serves all the same.
"""

import os
import sys
from collections.abc import Iterator

from envfs.host.process import landlock

_READABLE = (
    *("/usr", "/lib", "/lib64", "/etc", "/nix/store"),
    # resolv.conf may be a link into these, and the modules of nsswitch.conf(5) look here
    *("/run/systemd/resolve", "/run/resolvconf", "/run/NetworkManager", "/run/nscd", "/var/run/nscd", "/var/lib/sss"),
)


def confine_proxy() -> int:
    """Give all else up. Return the version of Landlock that did it, 0 for none."""
    return landlock.confine_landlock(_readable(), connects=True)


def _readable() -> Iterator[str]:
    yield from _READABLE
    yield from {sys.prefix, sys.base_prefix, os.path.dirname(os.path.realpath("/etc/resolv.conf"))}
    yield from (path for path in sys.path if os.path.isabs(path))

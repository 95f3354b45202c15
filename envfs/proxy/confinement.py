"""Confinement of the proxy: once a session has begun, it reads what names and certificates take, and writes nothing.

Law: the vault, the mount and people's homes (but for Python in one) are out of its reach, whatever is wrong with it. It
listens nowhere else, signals nobody, and starts nothing. Where the kernel has no Landlock, or libseccomp is missing, it
serves all the same.
"""

import os
import sys
from collections.abc import Iterator

from envfs.host.process import landlock, seccomp
from envfs.proxy.system_calls import OF_PROXY

_READABLE = (
    *("/usr", "/lib", "/lib64", "/etc", "/nix/store"),
    # resolv.conf may be a link into these, and the modules of nsswitch.conf(5) look here
    *("/run/systemd/resolve", "/run/resolvconf", "/run/NetworkManager", "/run/nscd", "/var/run/nscd", "/var/lib/sss"),
)


def confine_proxy() -> tuple[int, str]:
    """Give all else up. Return the version of Landlock that did it, 0 for none, and why seccomp did not, if so."""
    version = landlock.confine_landlock(_readable(), connects=True)
    return version, seccomp.confine_seccomp(OF_PROXY)


def _readable() -> Iterator[str]:
    yield from _READABLE
    yield from {sys.prefix, sys.base_prefix, os.path.dirname(os.path.realpath("/etc/resolv.conf"))}
    yield from (path for path in sys.path if os.path.isabs(path))

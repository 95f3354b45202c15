"""Confinement of a courier: it reads what its engine takes, and writes nothing but the folder that is one.

Law: the vault, the mount and people's homes (but for what ssh and the address name) are out of its reach, whatever is
wrong with it. It listens nowhere and signals nobody. Where the kernel has no Landlock, it serves all the same.
"""

import os
import pwd
import sys
from collections.abc import Iterator
from contextlib import suppress

from envfs.courier.address import Address
from envfs.host.process import landlock

_READABLE = (
    *("/usr", "/bin", "/sbin", "/lib", "/lib64", "/etc", "/nix/store", "/dev/urandom"),
    # resolv.conf may be a link into these, and the modules of nsswitch.conf(5) look here
    *("/run/systemd/resolve", "/run/resolvconf", "/run/NetworkManager", "/run/nscd", "/var/run/nscd", "/var/lib/sss"),
)
_FILES = ("ca", "cert", "config", "identity", "key", "known_hosts", "passfile")  # options that name one


def confine_courier(address: Address) -> int:
    """Give all up that this engine does not take. Return the version of Landlock that did it, 0 for none."""
    is_folder = address.scheme == "folder"
    writable = ("/dev/null", address.path if is_folder else "/dev/null")
    return landlock.confine_landlock(_readable(address), writable, connects=not is_folder)


def _readable(address: Address) -> Iterator[str]:
    yield from _READABLE
    yield from {sys.prefix, sys.base_prefix, os.path.dirname(os.path.realpath("/etc/resolv.conf"))}
    yield from (path for path in sys.path if os.path.isabs(path))
    yield from (value for name, value in address.options if name in _FILES and os.path.isabs(value))
    if address.scheme in ("ssh", "sftp"):
        with suppress(KeyError):
            yield os.path.join(pwd.getpwuid(os.geteuid()).pw_dir, ".ssh")

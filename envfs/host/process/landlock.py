"""Landlock: a process gives up files and network for good, and for its children (landlock(7), Linux 5.13).

Rights that the kernel does not know are left out. `confine` says which version did it, 0 for none.
"""

import os
import struct
from collections.abc import Iterable
from contextlib import suppress

from envfs.host.libc import LIBC

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_BENEATH = 1  # LANDLOCK_RULE_PATH_BENEATH
_READ, _READ_FILE = 0b1101, 0b0101  # execute (to load a library), read files and folders; of a file without folders
_CHANGE = 0b110_0001_1011_1110  # write, read, list, remove, make files and folders, link, truncate
_CHANGE_FILE = 0b100_0000_0000_0110  # write, read, truncate
_VERSION_FLAG = 1
_FILES = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 5: (1 << 16) - 1}  # rights known since each version
_NETWORK_SINCE, _NETWORK, _LISTENING = 4, 0b11, 0b01  # bind and connect TCP; bind alone
_SCOPE_SINCE, _SCOPES = 6, 0b11  # abstract unix sockets, signals to others


def landlock_version() -> int:
    """Return the kernel's version of Landlock, 0 if it has none."""
    kernel_version: int = LIBC.syscall(_CREATE_RULESET, None, 0, _VERSION_FLAG)
    return max(0, kernel_version)


def confine_landlock(readable: Iterable[str] = (), writable: Iterable[str] = (), *, connects: bool = False) -> int:
    """Give up opening, making and removing files, TCP, and signals to others. Returns the version that did it.

    Files beneath the `readable` paths can be read, beneath the `writable` ones read, made, changed and removed. With
    `connects` hosts are reached. Needs no_new_privs. Open descriptors stay open.
    """
    kernel_version = landlock_version()
    if not kernel_version:
        return 0
    files = max(rights for since, rights in _FILES.items() if since <= kernel_version)
    network = (_LISTENING if connects else _NETWORK) if kernel_version >= _NETWORK_SINCE else 0
    scopes = _SCOPES if kernel_version >= _SCOPE_SINCE else 0
    attributes = struct.pack("QQQ", files, network, scopes)
    size = 24 if scopes else 16 if network else 8
    rules: int = LIBC.syscall(_CREATE_RULESET, attributes, size, 0)
    if rules < 0:
        return 0
    try:
        for path in readable:
            _allow(rules, path, _READ if os.path.isdir(path) else _READ_FILE)
        for path in writable:
            _allow(rules, path, files & (_CHANGE if os.path.isdir(path) else _CHANGE_FILE))
        return kernel_version if LIBC.syscall(_RESTRICT_SELF, rules, 0) == 0 else 0
    finally:
        os.close(rules)


def _allow(rules: int, path: str, rights: int) -> None:
    with suppress(OSError):  # not every machine has each of them
        handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
        LIBC.syscall(_ADD_RULE, rules, _BENEATH, struct.pack("=Qi", rights, handle), 0)
        os.close(handle)

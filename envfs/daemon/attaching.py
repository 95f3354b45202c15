"""The mount of a daemon that may not mount: made and taken away by a short process outside of its sandbox.

A file system that a service mounts in a mount namespace of its own is seen by nobody else, and all that makes the
rest of the system read-only for a service gives it such a namespace. So the daemon opens /dev/fuse and waits. This
process, which runs as root, asks it for that very descriptor, and mounts in the namespace of the system: that of the
first process. systemd gives each command of such a unit a namespace, one with a `+` before its path too.

A user's daemon that cannot gain privileges has the same need. There the process is the user's own, outside of the
sandbox: fusermount3 mounts for it, and the daemon is given the device.

Laws: nothing of the daemon is trusted but the descriptor, and that is one of /dev/fuse. The place is not the daemon's
to choose. Nothing is done as root in a folder of a user.
"""

import os
import pwd
import socket
import stat
import struct
import time
from typing import NamedTuple

from envfs import safe_open
from envfs.daemon.mount_place import MountPlace
from envfs.errors import MountFailed, NotRunning
from envfs.host import fusermount, mounts
from envfs.host.libc import LIBC, last_error
from envfs.locations import Locations

_SECONDS, _STEP = 30.0, 0.05
_MOUNT_NAMESPACE = 0x00020000  # CLONE_NEWNS
_NO_SUID, _NO_DEVICES, _NO_PROGRAMS, _NO_TIMES = 2, 4, 8, 1024
_FLAGS = _NO_SUID | _NO_DEVICES | _NO_PROGRAMS | _NO_TIMES
_BY_FORCE = 1 | 8  # MNT_FORCE aborts the connection. No link is followed: umount(2)


class GivenDevice(NamedTuple):
    """A descriptor of /dev/fuse, and the user and group of the daemon that answers there."""

    device: int
    uid: int
    gid: int


def attach_mount(places: Locations, path: str) -> None:
    """Mount at `path` what the daemon that waits serves, and wait until it answers.

    Raises:
        MountFailed: the place is taken, or the kernel refuses
        NotRunning: there is no such daemon
    """
    _enter_system()
    MountPlace(places, path).prepare()
    with _connected(places.attaching) as connection:
        given = _receive_device(connection)
        try:
            _mount(path, given)
        finally:
            os.close(given.device)
    _check_answer(path)


def attach_own_mount(places: Locations, path: str) -> str:
    """Mount at `path` for the daemon of this user that waits, and wait until it answers. Returns a note, or nothing.

    Raises:
        MountFailed: the place is taken, or fusermount3 refuses
        NotRunning: there is no such daemon
    """
    place = MountPlace(places, path)
    place.prepare()
    with _connected(places.attaching) as connection:
        if _peer(connection).uid != os.geteuid():
            raise NotRunning(f"the daemon at {places.attaching} is not this user's")
        device = fusermount.mount_for_user(path, mounts.OPTIONS)
        try:
            socket.send_fds(connection, [b"."], [device])
        finally:
            os.close(device)
    _check_answer(path)
    return place.link_home()


def become_user(uid: int) -> None:
    """Be this user, in the mount namespace of the system.

    Raises:
        NotRunning: there is no such user
    """
    try:
        user = pwd.getpwuid(uid)
    except KeyError:
        raise NotRunning(f"uid {uid} is no user of this machine", "`getent passwd` lists them") from None
    _enter_system()
    os.initgroups(user.pw_name, user.pw_gid)
    os.setresgid(user.pw_gid, user.pw_gid, user.pw_gid)
    os.setresuid(uid, uid, uid)


def detach_mount(path: str) -> None:
    """Take the mount at `path` away, if one is there, and end its connection, whatever its daemon is doing."""
    _enter_system()
    while (mounted := mounts.mounted_at(path)) is not None and mounted.kind == mounts.FILE_SYSTEM:
        LIBC.umount2(os.fsencode(path), _BY_FORCE)
        if mounts.mounted_at(path) is not None:
            mounts.clear_mount(path)


def detach_own_mount(places: Locations, path: str) -> None:
    """Take the mount of this user at `path` away, if one is there whose daemon is gone, and the link to it."""
    if mounts.mounted_at(path) is None or mounts.dead_mounts(path):  # another daemon of this user may serve there
        MountPlace(places, path).leave()


def _check_answer(path: str) -> None:
    try:
        os.stat(path)
    except OSError as error:
        words = safe_open.error_words(error)
        hint = "its log says why: `journalctl -u 'envfs*'`"
        raise MountFailed(f"the daemon did not answer at {path}: {words}", hint) from None


def _enter_system() -> None:
    if os.readlink("/proc/self/ns/mnt") == os.readlink("/proc/1/ns/mnt"):
        return
    namespace = os.open("/proc/1/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
    try:
        if LIBC.setns(namespace, _MOUNT_NAMESPACE):
            raise MountFailed(f"cannot mount for the system: {os.strerror(last_error().errno or 0).lower()}")
    finally:
        os.close(namespace)


def _mount(path: str, given: GivenDevice) -> None:
    who = f"user_id={given.uid},group_id={given.gid}"
    options = f"fd={given.device},rootmode={stat.S_IFDIR:o},{who},allow_other,default_permissions"
    kind = mounts.FILE_SYSTEM.encode()
    if LIBC.mount(b"envfs", os.fsencode(path), kind, _FLAGS, options.encode()):
        raise MountFailed(f"cannot mount at {path}: {os.strerror(last_error().errno or 0).lower()}")


def _connected(path: str) -> socket.socket:
    until = time.monotonic() + _SECONDS
    while True:
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.settimeout(_SECONDS)
            connection.connect(path)
            return connection
        except OSError as error:
            connection.close()
            if time.monotonic() > until:
                words = safe_open.error_words(error)
                raise NotRunning(f"no daemon waits for a mount at {path}: {words}", "systemctl start envfs") from None
        time.sleep(_STEP)


class _Peer(NamedTuple):
    process: int
    uid: int
    gid: int


def _peer(connection: socket.socket) -> _Peer:
    return _Peer(*struct.unpack("=3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)))


def _receive_device(connection: socket.socket) -> GivenDevice:
    peer = _peer(connection)
    try:
        descriptors = socket.recv_fds(connection, 1, 1)[1]
    except OSError:
        descriptors = []
    if not descriptors or not fusermount.is_device(descriptors[0]):
        raise NotRunning("the daemon gave no device", "systemctl restart envfs")
    return GivenDevice(descriptors[0], peer.uid, peer.gid)

"""One nursery that starts and stops everything.

serve    a long-lived daemon: keyholder, control socket, mount; ready is told on a descriptor
answer   no mount: the requests of one client over one inherited connection, then the end
"""

import os
import signal
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import trio

from envfs.control import identity
from envfs.control.finishing import finish_all
from envfs.control.locking import lock_now
from envfs.control.server import Server, bind
from envfs.control.service import House, Service
from envfs.core.audit import Event
from envfs.daemon.keyholder_link import KeyholderLink
from envfs.daemon.lock import DaemonLock
from envfs.errors import EnvFSError, Locked
from envfs.host import clocks, files, mounts
from envfs.locations import Locations
from envfs.protocol.keyholding import SignCheckpoint, Signed

if TYPE_CHECKING:
    from envfs.fuse.touching import Toucher

_ANSWER_WAITS = 15.0
_SYNC_SECONDS = 1.0
_SLEPT = 2.0  # the two clocks part by more than this only while the machine sleeps
_RESTART_SECONDS = 0.5  # a keyholder that cannot start must not be started in a tight circle
_CHECKPOINT_SECONDS = 60.0


async def answer(places: Locations, connection: socket.socket) -> None:
    """Serve the requests of one client; the vault is this process's alone meanwhile."""
    # without a vault there is nothing to lock, and a question must not leave folders behind
    lock = DaemonLock(Path(places.lock), _ANSWER_WAITS) if Path(places.vault).exists() else None  # noqa: ASYNC240
    link = KeyholderLink()
    service = Service(places, link, _nothing)
    service.keyholder_pid = link.pid
    try:
        with suppress(EnvFSError):  # what is missing is said when something needs it
            await identity.load_identity(service, ())
        connection.setblocking(False)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_tend, service)
            await Server(service).serve(trio.socket.from_stdlib_socket(connection))
            nursery.cancel_scope.cancel()
        await _checkpoint(service)
    finally:
        service.close()
        link.close()
        if lock is not None:
            lock.close()


async def serve(places: Locations, mount_path: str, passphrase: int | None, ready: Callable[[str], None]) -> None:
    """Serve the mount and the socket until SIGTERM, SIGINT, `envfs unmount`, or an unmount from outside."""
    lock = DaemonLock(Path(places.lock), _ANSWER_WAITS if passphrase is None else 1.0)
    link = KeyholderLink()
    try:
        async with trio.open_nursery() as nursery:
            service = Service(places, link, nursery.cancel_scope.cancel)
            service.keyholder_pid = link.pid
            try:
                await _serve(service, link, nursery, mount_path, passphrase, ready)
            finally:
                service.close()
    finally:
        link.close()
        lock.close()


async def _serve(
    service: Service,
    link: KeyholderLink,
    nursery: trio.Nursery,
    mount_path: str,
    passphrase: int | None,
    ready: Callable[[str], None],
) -> None:
    from envfs.fuse.mount import Mount  # noqa: PLC0415 - `answer` starts without pyfuse3
    from envfs.fuse.operations import Operations  # noqa: PLC0415
    from envfs.fuse.touching import Toucher  # noqa: PLC0415
    from envfs.fuse.withdrawal import Withdrawal  # noqa: PLC0415

    house = service.house
    _drop_unfinished(service.places)
    service.settings.load()
    await _load(service, passphrase)
    path = mount_path or service.settings.load().mount or service.places.mount
    listener = bind(service.places.socket)
    try:
        mounts.prepare(path)
        operations = Operations(house.vault, house.gate, for_all=service.owner == 0)
        mount = Mount(operations, path, for_all=service.owner == 0)
        withdrawal = Withdrawal(operations, house.gate)
        service.after_lock, service.after_revoke = withdrawal.after_lock, withdrawal.after_revoke
        try:
            service.log.append(Event("start", "daemon"), service.me)
            service.mount = path
            for task in (_watch_signals, _tend):
                nursery.start_soon(task, service)
            nursery.start_soon(Server(service).run, listener)
            nursery.start_soon(_keep_keyholder, service, link)
            nursery.start_soon(house.changes.run)
            nursery.start_soon(withdrawal.run)
            nursery.start_soon(_announce, Toucher(operations, path), house, path, ready)
            nursery.start_soon(_finish_changes, service)
            await mount.serve()
            nursery.cancel_scope.cancel()
        finally:
            mount.close()
            await _say_stopped(service)
    finally:
        with suppress(OSError):
            os.unlink(service.places.socket)


async def _say_stopped(service: Service) -> None:
    with trio.CancelScope(shield=True), suppress(EnvFSError):
        service.refusals.flush()
        service.log.append(Event("stop", "daemon"), service.me)
        await _checkpoint(service)


async def _announce(toucher: "Toucher", house: House, path: str, ready: Callable[[str], None]) -> None:
    # the mount answers only once the loop runs, so that whoever waits for `ready` can read at once
    await toucher.begin()
    house.changes.mount = toucher
    ready(path)


async def _load(service: Service, passphrase: int | None) -> None:
    descriptors = () if passphrase is None else (passphrase,)
    try:
        await identity.load_identity(service, descriptors)
    finally:
        for descriptor in descriptors:
            os.close(descriptor)  # the passphrase must not stay where it can be read again


async def _watch_signals(service: Service) -> None:
    with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1) as signals:
        async for number in signals:
            if number == signal.SIGUSR1:
                await _lock(service, "SIGUSR1")
            else:
                service.stop()


async def _tend(service: Service) -> None:
    # once a second what was logged is put on the disk; once a minute its end is signed, if it moved
    signed_at, signed_tip = trio.current_time(), None
    asleep = _seconds_asleep()
    while True:
        await trio.sleep(_SYNC_SECONDS)
        with suppress(EnvFSError):
            service.refusals.flush()
        service.expire_views()
        if service.log.unsynced:
            await trio.to_thread.run_sync(service.log.sync)
        for scope in service.locks.due():
            await _lock(service, "its time was over", scope)
        if not service.locks.unlocked:
            asleep = _seconds_asleep()
            continue
        reason = _reason_to_lock(service, _seconds_asleep() - asleep)
        asleep = _seconds_asleep()
        if reason:
            await _lock(service, reason)
            continue
        if trio.current_time() - signed_at >= _CHECKPOINT_SECONDS and service.log.tip != signed_tip:
            with suppress(EnvFSError):
                await _checkpoint(service)
            signed_at, signed_tip = trio.current_time(), service.log.tip


def _reason_to_lock(service: Service, slept: float) -> str:
    with suppress(EnvFSError):
        settings = service.settings.load()
        if settings.lock_at_suspend and slept > _SLEPT and not settings.identity_file:
            return "the machine slept"
        if settings.idle_seconds and clocks.boot_seconds() - service.house.gate.served_at > settings.idle_seconds:
            return "idle"
    return ""


def _seconds_asleep() -> float:
    return clocks.boot_seconds() - time.monotonic()


async def _lock(service: Service, reason: str, scope: str = "") -> None:
    with suppress(EnvFSError):
        await lock_now(service, service.me, reason, scope)


async def _checkpoint(service: Service) -> None:
    if not service.locks.unlocked or not service.log.tip.seq:
        return
    tip = service.log.tip
    with suppress(Locked):
        answer = await service.keyholder.ask(SignCheckpoint(tip.seq, tip.digest))
        if isinstance(answer.message, Signed):
            service.log.append_checkpoint(tip, answer.message.signature)


async def _keep_keyholder(service: Service, link: KeyholderLink) -> None:
    # without its keyholder a daemon serves nothing; the next one is locked unless its identity needs no passphrase
    while True:
        await link.wait_ended()
        service.locks.lost()
        service.house.views.wipe()
        service.house.changes.locked("")
        await trio.sleep(_RESTART_SECONDS)
        link.start()
        service.keyholder_pid = link.pid
        for project in tuple(service.locks.closed):  # what a person locked stays so, from the first moment
            await _lock(service, "the keyholder was started again", project)
        with suppress(EnvFSError):
            await identity.load_identity(service, (), reopen=False)
            service.house.changes.unlocked()
        await _finish_changes(service)


def _drop_unfinished(places: Locations) -> None:
    # what processes that were killed left of files: an identity under a passphrase that never came to count, for one
    for path in (places.settings, places.identity, places.seen, places.log_end):
        files.drop_unfinished(Path(path))


async def _finish_changes(service: Service) -> None:
    # a change of keys that a crash broke off; what is still locked waits until it is not
    with suppress(EnvFSError):
        await finish_all(service.house, service.me)


def _nothing() -> None:
    """There is nothing to stop."""

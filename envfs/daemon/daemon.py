"""One nursery that starts and stops everything.

serve    a long-lived daemon: keyholder, control socket, mount. Ready is told on a descriptor
answer   no mount: the requests of one client over one inherited connection, then the end
"""

import os
import signal
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import trio

from envfs.control import dispatch
from envfs.control.server import Server, bind_socket
from envfs.core import events
from envfs.daemon.attached_place import AttachedPlace, OwnAttachedPlace
from envfs.daemon.housekeeping import (
    Housekeeping,
    finish_changes,
    keep_keyholder,
    keep_log_now,
    lock_by_daemon,
    sign_checkpoint_now,
)
from envfs.daemon.keyholder_process import KeyholderLink
from envfs.daemon.keyholder_start import StartedKeyholder
from envfs.daemon.late_approval import load_approved_identity
from envfs.daemon.liveness import Heart
from envfs.daemon.lock import DaemonLock
from envfs.daemon.mount_place import MountPlace
from envfs.daemon.notifications import Notifications
from envfs.daemon.read_only_service import LookingService
from envfs.daemon.service_manager import ServiceManager
from envfs.errors import EnvFSError, MountFailed, WrongPassphrase
from envfs.host import private_files
from envfs.host.supervision import Tasks, run_once, run_restarted, supervised_nursery
from envfs.locations import Locations
from envfs.service.keys import identity
from envfs.service.members.tending import Tending
from envfs.service.service import OpenVault, Service

if TYPE_CHECKING:
    from envfs.fuse.operations import Operations
    from envfs.fuse.touching import Toucher
    from envfs.fuse.withdrawal import Withdrawal

_ANSWER_WAITS = 15.0
_ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_END_WAITS = 5.0  # a keyholder that does not answer must not keep the daemon from ending


async def answer_one_client(
    places: Locations,
    connection: socket.socket,
    keyholder: StartedKeyholder,
    lock: int = -1,
    *,
    looks: bool = False,
    passing: bool = False,
) -> None:
    """Serve the requests of one client. The vault is this process's alone meanwhile, unless it only `looks`.

    `lock` is the descriptor of the lock that the client took for it, or -1. With `passing` the client made the home for
    this daemon alone, which removes it.
    """
    guard = _guard(places, lock) if not looks else None
    link = KeyholderLink(started=keyholder)
    service = (LookingService if looks else Service)(places, link, _nothing)
    service.lasts = service.sharing.lasts = False
    service.sharing.runs = not looks
    service.is_passing = service.sharing.must_arrive = passing
    service.keyholder_pid = link.pid
    try:
        if guard is not None:
            _drop_unfinished(places)
        with suppress(EnvFSError):  # what is missing is said when something needs it
            await identity.load_identity(service, ())
        connection.setblocking(False)
        async with supervised_nursery() as tasks:
            if not looks:
                tasks.keep(Housekeeping(service).run)
                tasks.keep(service.sharing.run)
                if not service.store.has_texts:  # of a vault that was joined just now
                    await service.sharing.hear()
            server = Server(service)
            tasks.keep(server.reassure)
            await server.serve(trio.socket.from_stdlib_socket(connection))
            tasks.cancel()
        if not looks and not passing:
            with suppress(EnvFSError):  # signed by the next one
                await sign_checkpoint_now(service)
            await keep_log_now(service)
    finally:
        service.close()
        link.close()
        if guard is not None:
            guard.close()
        if passing:
            import shutil  # noqa: PLC0415 - the end of one command

            await trio.to_thread.run_sync(partial(shutil.rmtree, places.home, ignore_errors=True))


def _guard(places: Locations, handle: int) -> DaemonLock | None:
    if handle >= 0:
        return DaemonLock(handle)
    # without a vault of one's own there is nothing to lock, and a question must not leave folders behind
    with suppress(OSError):
        if os.stat(places.vault).st_uid == os.geteuid():
            return DaemonLock.taken(Path(places.lock), _ANSWER_WAITS)
    return None


class Serving(NamedTuple):
    """How a daemon serves: where it mounts (empty: the usual place), and the descriptor of a passphrase.

    A service is root's although it runs as another user. Somebody else mounts for it, and for one that `is_attached`.
    One that `may_be_locked` starts without the passphrase, which `envfs unlock` brings.
    """

    mount_path: str = ""
    passphrase: int | None = None
    is_service: bool = False
    is_attached: bool = False
    may_be_locked: bool = False


async def serve_mount(
    places: Locations,
    serving: Serving,
    ready: Callable[[str, str], None],
    keyholder: StartedKeyholder,
    *,
    lock: int = -1,
) -> None:
    """Serve the mount and the socket until SIGTERM, SIGINT, `envfs unmount`, or an unmount from outside.

    `ready` is called with a note, or the empty string, and with where it is mounted. `lock` is as for `answer`.
    """
    from envfs.fuse import binding_start  # noqa: PLC0415 - `answer` starts without pyfuse3

    guard = DaemonLock(lock) if lock >= 0 else DaemonLock.taken(Path(places.lock), _ANSWER_WAITS)
    link = KeyholderLink(started=keyholder)
    try:
        binding_start.load_pyfuse3()
        async with supervised_nursery() as tasks:
            service = Service(places, link, tasks.cancel)
            service.keyholder_pid = link.pid
            service.owner = 0 if serving.is_service else service.owner
            try:
                await _serve(service, link, tasks, partial(_prepare, service, serving), ready)
            finally:
                service.close()
    finally:
        link.close()
        guard.close()


async def _serve(
    service: Service,
    link: KeyholderLink,
    tasks: Tasks,
    prepare: Callable[[], Awaitable[MountPlace]],
    ready: Callable[[str, str], None],
) -> None:
    from envfs.fuse.crowding import Crowding  # noqa: PLC0415
    from envfs.fuse.mount import Mount  # noqa: PLC0415 - `answer` starts without pyfuse3
    from envfs.fuse.operations import Operations  # noqa: PLC0415
    from envfs.fuse.rule_files import watch_rule_files  # noqa: PLC0415
    from envfs.fuse.touching import Toucher  # noqa: PLC0415
    from envfs.fuse.withdrawal import Withdrawal  # noqa: PLC0415

    open_vault, manager = service.open_vault, ServiceManager(os.environ, os.getpid())
    # before there is anything that has to be taken away at the end. A second signal does not break that off
    for number in _ENDING:
        signal.signal(number, signal.SIG_IGN)
    tasks.keep(_watch_signals, service)
    place = await prepare()
    path, listener = place.path, bind_socket(service.places.socket)
    try:
        place.prepare()
        operations = Operations(open_vault.vault, open_vault.gate, for_all=service.owner == 0)
        mount = Mount(operations, path, for_all=service.owner == 0, device=await place.obtain_device(manager.tell))
        withdrawal = Withdrawal(operations.held_files, operations.names, open_vault.gate)
        _join_mount(service, operations, withdrawal)
        heart = Heart(manager, path)
        try:
            on_ready, service.mount = partial(_ready, manager, path, partial(ready, place.take())), path
            _begin(service, link, tasks, listener)
            crowding, sharing = Crowding(operations.held_files), operations.sharing
            for duty in (withdrawal.run, crowding.run, sharing.run, sharing.watch):
                tasks.keep(duty)
            tasks.keep(watch_rule_files, operations.names, (service.places.settings, service.places.rules))
            await place.wait_for_mount()
            tasks.keep(_announce, Toucher(operations, path), open_vault, heart, on_ready)
            await run_restarted(mount.serve)
            tasks.cancel()
        finally:
            manager.tell("STOPPING=1")
            mount.close()
            was_aborted = place.leave()
            heart.close()  # only now: an unmount can get stuck too
            with trio.move_on_after(_END_WAITS, shield=True):
                await run_once(_say_stopped, service)
        _check_end(path, was_aborted=was_aborted)
    finally:
        with suppress(OSError):
            os.unlink(service.places.socket)


def _join_mount(service: Service, operations: "Operations", withdrawal: "Withdrawal") -> None:
    service.after_lock, service.after_revoke = withdrawal.after_lock, withdrawal.after_revoke
    service.open_files = operations.open_files
    service.forget_names = service.open_vault.changes.at_once = operations.names.forget


async def _prepare(service: Service, serving: Serving) -> MountPlace:
    await trio.to_thread.run_sync(_nothing)  # where no thread can be started, that is said before anything is mounted
    _drop_unfinished(service.places)
    dispatch.load_handlers()
    service.settings.load()
    with suppress(*(WrongPassphrase,) if serving.may_be_locked else ()):
        await _load(service, serving.passphrase)
    if serving.is_service:
        return AttachedPlace(service.places, service.places.mount)
    path = serving.mount_path or service.settings.load().mount or service.places.mount
    return (OwnAttachedPlace if serving.is_attached else MountPlace)(service.places, path)


def _check_end(path: str, *, was_aborted: bool) -> None:
    if was_aborted:
        raise MountFailed(f"the mount at {path} was ended from outside, as by a watchdog", "start it again")


def _begin(service: Service, link: KeyholderLink, tasks: Tasks, listener: socket.socket) -> None:
    service.log.append(events.started(), service.me)
    tasks.keep(Housekeeping(service).run)
    tasks.keep(Server(service).run, listener)
    tasks.keep(keep_keyholder, service, link)
    tasks.keep(service.open_vault.changes.run)
    tasks.keep(service.open_vault.approvals.board.run)
    tasks.keep(service.open_vault.approvals.run, partial(_after_revoke, service))
    tasks.keep(Notifications(service).run)
    tasks.keep(service.proxies.run)
    tasks.keep(service.sharing.run)
    tasks.keep(Tending(service).run)
    tasks.run(finish_changes, service)


async def _after_revoke(service: Service) -> None:
    await service.after_revoke()  # which a mount replaces


async def _say_stopped(service: Service) -> None:
    with suppress(EnvFSError):
        service.refusals.flush(is_end=True)
        service.log.append(events.stopped(), service.me)
        await sign_checkpoint_now(service)


async def _announce(toucher: "Toucher", open_vault: OpenVault, heart: Heart, ready: Callable[[], None]) -> None:
    # the mount answers only once the loop runs, so that whoever waits for `ready` can read at once
    await toucher.begin()
    open_vault.changes.mount = toucher
    heart.begin(toucher.device)
    ready()
    await run_restarted(heart.run)


def _ready(manager: ServiceManager, path: str, ready: Callable[[str], None]) -> None:
    ready(path)
    manager.tell("READY=1", f"STATUS=serving {path}")


async def _load(service: Service, passphrase: int | None) -> None:
    descriptors = () if passphrase is None else (passphrase,)
    try:
        await load_approved_identity(service, descriptors)
    finally:
        for descriptor in descriptors:
            os.close(descriptor)  # the passphrase must not stay where it can be read again


async def _watch_signals(service: Service) -> None:
    with trio.open_signal_receiver(*_ENDING, signal.SIGUSR1) as signals:
        async for number in signals:
            if number == signal.SIGUSR1:
                await run_once(lock_by_daemon, service, "SIGUSR1")
            else:
                service.stop()


def _drop_unfinished(places: Locations) -> None:
    # what processes that were killed left of files: an identity under a passphrase that never took effect, for one
    for path in (places.settings, places.rules, places.identity, places.seen, places.uses, places.log_end):
        private_files.drop_unfinished(Path(path))


def _nothing() -> None:
    """There is nothing to stop."""

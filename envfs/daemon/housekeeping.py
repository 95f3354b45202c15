"""The daemon's own work: put the log on the disk and sign it, lock when it is time, keep a keyholder.

Laws: each of these is done for itself, so that none which fails keeps the others from being done; what cannot be done
now is tried again a second later.
"""

import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

import trio

from envfs.core.scope import VAULT, Scope
from envfs.daemon.keyholder_process import KeyholderLink
from envfs.errors import EnvFSError
from envfs.host import clocks
from envfs.host.supervision import run_once, supervised_nursery
from envfs.service.access.grants import end_sessions
from envfs.service.keys import identity
from envfs.service.keys.locking import lock_now
from envfs.service.keys.rekeying import finish_all
from envfs.service.levels.forgetting import finish_forgetting
from envfs.service.members.sealing import finish_keys
from envfs.service.service import Service

_SECOND = 1.0
_SLEPT = 2.0  # the two clocks part by more than this only while the machine sleeps
_RESTART_SECONDS = 0.5  # a keyholder that cannot start must not be started in a tight circle
_CHECKPOINT_SECONDS = 60.0  # also how often it is seen to what is kept of the log


class Housekeeping:
    """The daemon's own work, once a second."""

    def __init__(self, service: Service) -> None:
        """Look after `service`."""
        self._service = service
        self._signed_at, self._kept_at = trio.current_time(), -_CHECKPOINT_SECONDS
        self._signed_tip: object = None
        self._asleep = _seconds_asleep()

    async def run(self) -> None:
        """Go on for ever."""
        duties = (
            *(self._lock_what_is_due, self._end_sessions, self._forget_old_views),
            *(self._put_log_on_disk, self._sign_log),
        )
        async with supervised_nursery() as tasks:
            tasks.keep(_every_second, self._keep_log)  # it may take seconds, and wait for a verification
            await _every_second(*duties)

    async def _lock_what_is_due(self) -> None:
        service = self._service
        for scope in service.locks.due():
            await lock_by_daemon(service, "its time was over", scope)
        slept, self._asleep = _seconds_asleep() - self._asleep, _seconds_asleep()
        reason = _reason_to_lock(service, slept) if service.locks.unlocked else ""
        if reason:
            await lock_by_daemon(service, reason)

    async def _end_sessions(self) -> None:
        with suppress(EnvFSError):
            if self._service.has_open_vault:
                await end_sessions(self._service)

    async def _forget_old_views(self) -> None:
        self._service.expire_views()

    async def _put_log_on_disk(self) -> None:
        with suppress(EnvFSError):
            self._service.refusals.flush()
        if self._service.log.unsynced:
            await trio.to_thread.run_sync(self._service.log.sync)

    async def _sign_log(self) -> None:
        log = self._service.log
        if trio.current_time() - self._signed_at < _CHECKPOINT_SECONDS or log.tip == self._signed_tip:
            return
        self._signed_at = trio.current_time()
        with suppress(EnvFSError):
            await sign_checkpoint_now(self._service)
        self._signed_tip = log.tip

    async def _keep_log(self) -> None:
        if not self._service.has_open_vault:
            return
        log, settings = self._service.log, self._service.audit_settings()
        is_large = log.end.size >= settings.segment_bytes and self._service.locks.unlocked
        if trio.current_time() - self._kept_at >= _CHECKPOINT_SECONDS or is_large:
            self._kept_at = trio.current_time()
            await keep_log_now(self._service)


async def _every_second(*duties: Callable[[], Awaitable[None]]) -> None:
    while True:
        await trio.sleep(_SECOND)
        for duty in duties:
            await run_once(duty)


def _reason_to_lock(service: Service, slept: float) -> str:
    with suppress(EnvFSError):
        settings = service.settings.load()
        if settings.lock_at_suspend and slept > _SLEPT and not settings.identity_file:
            return "the machine slept"
        if settings.idle_seconds and clocks.boot_seconds() - service.open_vault.gate.served_at > settings.idle_seconds:
            return "idle"
    return ""


def _seconds_asleep() -> float:
    return clocks.boot_seconds() - time.monotonic()


async def lock_by_daemon(service: Service, reason: str, scope: Scope = VAULT) -> None:
    """Lock a scope, as the daemon."""
    with suppress(EnvFSError):
        await lock_now(service, service.me, reason, scope)


async def sign_checkpoint_now(service: Service) -> None:
    """Have the end of the log signed. Nothing happens while the vault is locked."""
    if service.locks.unlocked:
        if service.has_open_vault:
            await finish_forgetting(service)
            if service.pending_keys:
                await finish_keys(service)
        await service.ledger.sign(service.keyholder)


async def keep_log_now(service: Service) -> None:
    """Close the log's segment if it is time, and keep of the closed ones what the settings say."""
    with suppress(EnvFSError):
        if service.has_open_vault:  # asking must not begin a log
            await service.keeping.keep(service.audit_settings(), service.me)


async def keep_keyholder(service: Service, link: KeyholderLink) -> None:
    """Start a keyholder whenever one ended, for ever.

    Without one a daemon serves nothing. The next one is locked unless its identity needs no passphrase.
    """
    link.is_replaced = True
    while True:
        await link.wait_ended()
        service.keyholder_pid = 0
        service.locks.lost()
        service.open_vault.views.wipe()
        service.forget_names()
        service.proxies.close()  # nobody can say any more what was locked
        service.open_vault.changes.locked(VAULT)
        await trio.sleep(_RESTART_SECONDS)
        link.start()
        service.keyholder_pid = link.pid
        service.keyholder_restarts += 1
        await run_once(_make_ready, service)


async def _make_ready(service: Service) -> None:
    for scope in tuple(service.locks.closed):  # what a person locked stays so, from the first moment
        await lock_by_daemon(service, "the keyholder was started again", scope)
    with suppress(EnvFSError):
        await identity.load_identity(service, (), reopen=False)
        service.open_vault.changes.unlocked()
    await finish_changes(service)


async def finish_changes(service: Service) -> None:
    """Finish a change of keys that a crash interrupted; what is still locked waits until it is not."""
    with suppress(EnvFSError):
        await finish_all(service.open_vault, service.me)
        await finish_forgetting(service)
    with suppress(EnvFSError):
        await finish_keys(service)

"""A description of the vault, for a person who looks after it: what is in it, who opens it, what vouches for it."""

import os
from pathlib import Path

import trio

from envfs.gate.audit_log import log_files
from envfs.host import disk_usage
from envfs.host.disk_usage import FolderSize
from envfs.protocol.control import VaultInfo
from envfs.service.keys import identity
from envfs.service.maintenance import last_times
from envfs.service.service import Service
from envfs.vault import description
from envfs.vault.summary import Summary, summarize

_FILES = 20_000  # whose sizes are added up
_MOST_REMOVED = 1000  # that are named


async def describe_vault(service: Service) -> VaultInfo:
    """Describe the vault. Nothing is decrypted."""
    vault, folder = service.open_vault.vault, service.places.vault
    summary = await trio.to_thread.run_sync(summarize, vault)
    size = await trio.to_thread.run_sync(disk_usage.folder_size, folder, _FILES)
    settings, about = service.settings.load(), vault.description
    times = last_times.read_last_times(service.places.last_times)
    parts = log_files.log_parts(Path(service.places.log))
    vouching = service.ledger.vouching()
    return VaultInfo(
        vault=about.id,
        folder=folder,
        format=description.FORMAT,
        created=about.created,
        projects=summary.projects,
        zero_knowledge=summary.zero_knowledge,
        levels=summary.levels,
        versions=summary.versions,
        removed=summary.removed[:_MOST_REMOVED],
        bytes=_bytes(size, summary),
        bytes_estimated=not size.is_whole,
        free=disk_usage.free_bytes(folder),
        oldest=summary.oldest,
        newest=summary.newest,
        times_estimated=summary.is_estimated,
        recipient=about.recipient,
        author=about.signing_key,
        recipients=service.open_vault.keys.defaults(),
        identity=identity.identity_file(service),
        in_passphrase=identity.identity_file(service) == service.places.identity,
        keyring=settings.keyring,
        unlocked=service.locks.unlocked,
        locked=tuple(sorted(scope.project for scope in service.locks.closed if scope.project)),
        log=service.places.log,
        log_entries=service.log.tip.seq,
        log_files=len(parts),
        log_bytes=sum(_size(part.path) for part in parts),
        log_problem=service.log.look() or service.ledger.behind,
        checkpoint=vouching.record,
        checkpoint_entry=vouching.entries,
        witnesses=vouching.witnesses,
        verified=times.verified,
        verify_failed=times.failed,
        backed_up=times.backed_up,
    )


def _bytes(size: FolderSize, summary: Summary) -> int:
    # of more files than were looked at: as if those beyond were as large
    return size.size if size.is_whole else size.size * max(summary.files, size.files) // size.files


def _size(path: Path) -> int:
    try:
        return os.stat(path, follow_symlinks=False).st_size
    except OSError:
        return 0

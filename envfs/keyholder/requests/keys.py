"""Requests that make a project's keys, seal them again, or hold those that only a passphrase opens."""

import os

from envfs.core import keyfile, limits, record
from envfs.core.keyfile import KEY_BYTES, Custody, Keys
from envfs.core.membership.members import Claimed, Members
from envfs.core.recipients import canonical_recipients
from envfs.core.record import Point
from envfs.core.secret import Secret
from envfs.errors import TooLarge, WrongPassphrase
from envfs.keyholder.crypto import age, plugins, sealing
from envfs.keyholder.requests.work import Work, WorkResult
from envfs.protocol.keyholding import Held, HoldKeys, Sealed, SealKeys


def seal_keys(request: SealKeys, work: Work) -> WorkResult:
    """Put a new key in front, or change the recipients, or both. Raises BadRequest, or TooLarge for too many keys."""
    members = work.members(request.place.vault, request.members)
    place, author = request.place, work.identity.author
    members.check_right(Claimed(place.stream, place.seq, author, request.time))
    work.is_audited = not request.fresh  # a file that was for others is put right by a new key, and by nothing else
    old = _open(request, work)
    keys = (Secret(os.urandom(KEY_BYTES)), *old.keys) if request.fresh else old.keys
    if len(keys) > limits.PROJECT_KEYS:
        raise TooLarge(
            "the project has had too many keys", f"at most {limits.PROJECT_KEYS} can be kept for its history"
        )
    under = _new_passphrase(request, work)
    to = () if under is not None else _recipients(request, work, members, old)
    point = members.newest if members.now.shared else Point()
    data = _sealed(request, work, Keys(keys, to, old.ext, point), under)
    if under is not None:
        work.hold(request.place, data, Keys(keys, to))
    return WorkResult(Sealed(keyfile.kid(keys[0])), (data,))


def _recipients(request: SealKeys, work: Work, members: Members, old: Keys) -> tuple[str, ...]:
    # in a vault with members their list says for whom it is, and nobody else does
    if members.now.shared:
        return members.now.recipients(record.project_of_stream(request.place.stream), request.time)
    return canonical_recipients((work.identity.recipient, *(request.recipients or old.recipients)))


def hold_keys(request: HoldKeys, work: Work) -> WorkResult:
    """Open a key file with its passphrase, and hold its keys. Raises WrongPassphrase if none came."""
    data = work.blobs[0]
    if not work.descriptors:
        _ = work.identity
        project = record.project_of_stream(request.place.stream)
        raise WrongPassphrase(
            f"project {project} needs its passphrase", f"unlock it with `envfs unlock {project}`", project
        )
    work.hold(request.place, data, work.open_under(request.place, data, 0, request.members))
    return WorkResult(Held())


def _sealed(request: SealKeys, work: Work, keys: Keys, under: Secret[str] | None) -> bytes:
    plain = sealing.sign_keys(work.identity, request.place, request.time, keys)
    if under is not None:
        return age.seal_under(plain, under)
    if request.plugins:
        return plugins.seal_by_plugin(work.descriptors[-1], plain, keys.recipients)
    return age.seal_to_recipients(plain, keys.recipients)


def _open(request: SealKeys, work: Work) -> Keys:
    if request.head is None:
        return Keys((), ())
    if keyfile.custody_of(work.blobs[0]) == Custody.MANAGED:
        return work.keys(request.head, 0, request.members)
    _need(work, request)
    return work.open_under(request.head, work.blobs[0], 0, request.members)


def _new_passphrase(request: SealKeys, work: Work) -> Secret[str] | None:
    if request.custody == Custody.MANAGED:
        return None
    _need(work, request)
    return work.passphrase(len(work.descriptors) - 1)


def _need(work: Work, request: SealKeys) -> None:
    if not work.descriptors:
        project = record.project_of_stream(request.place.stream)
        raise WrongPassphrase(f"project {project} needs its passphrase", "type it, or name its file", project)

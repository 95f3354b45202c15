"""One request with all that came with it, and what can be done with that. An answer with all that goes with it."""

import contextlib
import os
from collections.abc import Callable
from functools import cached_property
from typing import NamedTuple, TypeVar

from envfs.core import keyfile, limits, passphrases, record
from envfs.core.addresses import MemberRecords, RecordAddress, SealedLayer
from envfs.core.keyfile import Custody, Keys
from envfs.core.membership.members import Members
from envfs.core.secret import Secret
from envfs.dotenv.document import Document, parse_document
from envfs.errors import AuthenticationFailed, Locked, Malformed, NotApproved, TooLarge, WrongPassphrase
from envfs.host.memory import Region
from envfs.keyholder.confinement import Confinement
from envfs.keyholder.crypto import age, sealing
from envfs.keyholder.crypto.identity import Identity
from envfs.keyholder.crypto.statements import check_members
from envfs.keyholder.held.keyring import Keyring

_CHUNK = 1 << 16
Opened = TypeVar("Opened")


class WorkResult(NamedTuple):
    """A reply with its blobs and the region that goes with it."""

    message: NamedTuple
    blobs: tuple[bytes, ...] = ()
    region: Region | None = None


class Work:
    """The means of a request: the keyring, the records that came as blobs, the descriptors."""

    def __init__(
        self,
        keyring: Keyring,
        blobs: tuple[bytes, ...],
        descriptors: tuple[int, ...],
        confined: Confinement = Confinement(),  # noqa: B008 - a value that nobody can change
    ) -> None:
        """Take over what came."""
        self.keyring = keyring
        self.blobs = blobs
        self.descriptors = descriptors
        self.confined = confined
        self.is_audited = True  # whether key files have to be sealed to the members of the vault and nobody else
        self._keys: dict[int, Keys] = {}
        self._level_keys: dict[int, tuple[Secret[bytes], ...]] = {}
        self._members: dict[MemberRecords | None, Members] = {}

    @cached_property
    def identity(self) -> Identity:
        """The held identity. Locked if there is none."""
        return Identity(*self.keyring.identity_and_author(), self.keyring.checked, self.keyring.founder())

    def keys(self, place: RecordAddress, blob: int, where: MemberRecords | None = None) -> Keys:
        """Return a project's keys, opened once for each blob. `where` are the records of the stream `member`.

        Raises:
            Locked: the project is locked, or under a passphrase that was not given yet
        """
        if blob not in self._keys:
            self._keys[blob] = self._open_keys(place, self.blobs[blob], where)
        return self._keys[blob]

    def level_keys(
        self, place: RecordAddress, blob: int, where: MemberRecords | None = None
    ) -> tuple[Secret[bytes], ...]:
        """Return a project's keys alone, the newest first. A managed key file that was opened before is not again.

        Raises:
            Locked: the project is locked, or under a passphrase that was not given yet
        """
        if blob not in self._level_keys:
            self._level_keys[blob] = self._managed_keys(place, blob, where) or self.keys(place, blob, where).keys
        return self._level_keys[blob]

    def _managed_keys(
        self, place: RecordAddress, blob: int, where: MemberRecords | None
    ) -> tuple[Secret[bytes], ...] | None:
        data = self.blobs[blob]
        if keyfile.custody_of(data) != Custody.MANAGED:
            return None
        identity, project = self.keyring.identity(), record.project_of_stream(place.stream)
        name = _whole_name(place, data, self.members(place.vault, where).newest.digest if where else "")
        held = self.keyring.opened(identity, project, name)
        if held is None:
            held = self.keys(place, blob, where).keys
            self.keyring.hold_opened(identity, project, name, held)
        return held

    def open_under(self, place: RecordAddress, data: bytes, number: int, where: MemberRecords | None = None) -> Keys:
        """Open a project's key file with the passphrase in descriptor `number`."""
        _ = self.identity  # without one, no passphrase helps
        plain = self.open_with(number, lambda passphrase: age.open_under(data, passphrase))
        keys = self._checked(place, where, data, plain)
        return _under(Custody.ZERO_KNOWLEDGE, keys)

    def hold(self, place: RecordAddress, data: bytes, keys: Keys) -> None:
        """Hold the keys of a key file that only a passphrase opens."""
        self.keyring.hold_project(record.project_of_stream(place.stream), _name(place, data), keys.keys)

    def open(self, layer: SealedLayer) -> Document:
        """Open a level's record, and read its text."""
        return parse_document(self.open_record(layer).text)

    def open_record(self, layer: SealedLayer) -> sealing.OpenedRecord:
        """Open a level's record."""
        keys = {keyfile.kid(key): key for key in self.level_keys(layer.key, layer.key_blob, layer.members)}
        members = self.members(layer.record.vault, layer.members)
        return sealing.open_record(self.identity, layer.record, keys, self.blobs[layer.record_blob], members)

    def members(self, vault: str, where: MemberRecords | None) -> Members:
        """Return who may write the records of a vault, checked once.

        Raises:
            AuthenticationFailed: a record of the stream `member` is not as its owner wrote it
        """
        if where not in self._members:
            records = self.blobs[where.blob : where.blob + where.number] if where else ()
            self._members[where] = check_members(self.identity, vault, records)
        return self._members[where]

    def _checked(self, place: RecordAddress, where: MemberRecords | None, data: bytes, plain: bytes) -> Keys:
        members = self.members(place.vault, where) if where else None
        digest = record.digest(data) if where else ""
        return sealing.check_key_file(self.identity, place, plain, members, digest, audited=self.is_audited)

    def _open_keys(self, place: RecordAddress, data: bytes, where: MemberRecords | None) -> Keys:
        identity, project = self.identity, record.project_of_stream(place.stream)
        if keyfile.custody_of(data) == Custody.ZERO_KNOWLEDGE:
            held = self.keyring.project(project, _name(place, data))
            if held:
                return Keys(held, ())
        elif not self.keyring.is_closed(project):
            self._check_member(place, where)
            return _under(
                Custody.MANAGED,
                self._checked(place, where, data, identity.open(data)),
            )
        raise Locked(f"project {project} is locked", f"unlock it with `envfs unlock {project}`", project)

    def _check_member(self, place: RecordAddress, where: MemberRecords | None) -> None:
        # a key that is not for this member is no fault of the vault
        project = record.project_of_stream(place.stream)
        member = self.members(place.vault, where).now.by_author(self.identity.author) if where else None
        if member is not None and not member.may_open(project):
            hint = "an administrator of the vault may change that: `envfs member ls` lists them"
            raise NotApproved(f"project {project} is not open to you: its key is for other members", hint, project)

    def passphrase(self, number: int) -> Secret[str]:
        """Read a new passphrase from descriptor `number`, in its one spelling.

        Raises:
            WrongPassphrase: it is empty or no text
        """
        return self._spellings(number)[0]

    def open_with(self, number: int, opener: Callable[[Secret[str]], Opened]) -> Opened:
        """Return what `opener` makes of the passphrase in descriptor `number`, in whichever spelling it opens.

        Raises:
            WrongPassphrase: none of them opens it, or it is empty or no text
        """
        *likelier, last = self._spellings(number)
        for spelling in likelier:
            with contextlib.suppress(WrongPassphrase):
                return opener(spelling)
        return opener(last)

    def _spellings(self, number: int) -> tuple[Secret[str], ...]:
        try:
            spellings = passphrases.passphrase_spellings(self.read(number, limits.PASSPHRASE_BYTES, "the passphrase"))
        except UnicodeDecodeError:
            raise WrongPassphrase("the passphrase is not UTF-8 text") from None
        if not spellings[0]:
            raise WrongPassphrase("the passphrase is empty", "type one, or name its file with --passphrase-file")
        return tuple(map(Secret, spellings))

    def read(self, number: int, limit: int, what: str, slack: int = 0) -> bytes:
        """Read descriptor `number` from its start, wherever it was read to: it may serve a second try.

        `slack` bytes over the limit are for the caller to judge.

        Raises:
            TooLarge: it holds more than `limit` bytes
        """
        data = bytearray()
        while chunk := os.pread(self.descriptors[number], min(_CHUNK, limit + slack + 1 - len(data)), len(data)):
            data += chunk
            if len(data) > limit + slack:
                raise TooLarge(f"{what} is too large", f"at most {limit} bytes")
        return bytes(data)

    def read_text(self, number: int, limit: int, what: str, slack: int = 0) -> str:
        """As `read`, for UTF-8 text.

        Raises:
            Malformed: it is none, with line and column
        """
        data = self.read(number, limit, what, slack)
        try:
            return data.decode()
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            column = error.start - data.rfind(b"\n", 0, error.start)
            raise Malformed(f"{what} is not UTF-8 text", "convert it first", line, column) from None


def _name(place: RecordAddress, data: bytes) -> str:
    # by its place too: a copy of it under another number is not the file that was opened
    return record.digest(record.record_key(place.stream, place.seq).encode() + b"\0" + data)


def _whole_name(place: RecordAddress, data: bytes, members: str) -> str:
    # by all of its place, and by the members that judged it: what was checked of it stands for nothing else
    return record.digest(f"{tuple(place)!r}{members}".encode() + b"\0" + data)


def _under(custody: str, keys: Keys) -> Keys:
    # the owner's signature says whom the file is sealed to. Its open header is anybody's to write
    if (Custody.MANAGED if keys.recipients else Custody.ZERO_KNOWLEDGE) != custody:
        raise AuthenticationFailed("a project's key file is not under the custody that its owner gave it")
    return keys

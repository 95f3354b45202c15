"""A keyholder asked by hand: one request at a time, the records of a project, an identity file."""

import os
from typing import NamedTuple

from envfs.core import record
from envfs.core.addresses import RecordAddress, SealedLayer
from envfs.daemon.keyholder_process import KeyholderLink
from envfs.gate.keyholder import KeyholderAnswer
from envfs.host.memory import Region
from envfs.protocol.keyholding import IdentityMade, LoadIdentity, Rendered, RenderView, SealKeys, WriteLevel
from tests.component.cheap import TIME
from tests.component.world import memory, run

VAULT = "b83616da-e0d9-45ac-a54a-b73f09b274b1"
PLACE = RecordAddress(VAULT, "level/shop", 1, "")
KEY_PLACE = RecordAddress(VAULT, "key/shop", 1, "")
LOG_PLACE = RecordAddress(VAULT, "log/0000000000000000", 1, "")
TIP = "a" * 64
LAYER = SealedLayer("/shop", PLACE, 0, KEY_PLACE, 1)


def ask(
    link: KeyholderLink, request: NamedTuple, blobs: tuple[bytes, ...] = (), secrets: tuple[bytes, ...] = ()
) -> KeyholderAnswer:
    """Ask once; secrets go along in memory."""
    descriptors = tuple(memory(secret) for secret in secrets)
    try:
        return run(lambda: link.ask(request, tuple, blobs, descriptors))
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def new_key(place: RecordAddress) -> SealKeys:
    """Return the request for a project's first key, sealed to the owner alone."""
    return SealKeys(place, TIME, "managed", (), fresh=True)


class Chain:
    """The records of one project, made by asking."""

    def __init__(self, link: KeyholderLink, project: str = "shop") -> None:
        self.link = link
        self.key_place = RecordAddress(VAULT, f"key/{project}", 1, "")
        self.level, self.stream = f"/{project}", f"level/{project}"
        self.key = ask(link, new_key(self.key_place)).blobs[0]
        self.records: list[bytes] = []

    def place(self, seq: int) -> RecordAddress:
        return RecordAddress(VAULT, self.stream, seq, record.digest(self.records[seq - 2]) if seq > 1 else "")

    def layer(self, seq: int, number: int, key: int) -> SealedLayer:
        return SealedLayer(self.level, self.place(seq), number, self.key_place, key)

    def write(
        self,
        operation: str,
        secret: bytes | None = None,
        name: str = "",
        *,
        trim: bool = False,
        names: tuple[str, ...] = (),
    ) -> object:
        """Apply an operation to the head; keep the record if there is one."""
        seq = len(self.records)
        blobs = (self.key, *self.records[-1:])
        head = self.layer(seq, 1, 0) if seq else None
        request = WriteLevel(
            self.place(seq + 1), TIME, operation, name, self.key_place, 0, head, None, trim, names=names
        )
        answer = ask(self.link, request, blobs, () if secret is None else (secret,))
        self.records += answer.blobs
        return answer.message

    def render(self, data: bytes | None = None, layer: SealedLayer | None = None) -> str:
        """Ask for the view of the head, or of what is given instead; return its dotenv text."""
        seq = len(self.records)
        request = RenderView((layer or self.layer(seq, 0, 1),))
        answer = ask(self.link, request, (self.records[-1] if data is None else data, self.key))
        assert isinstance(answer.message, Rendered)
        region = Region(answer.descriptors[0], sum(answer.message.sizes))
        text = bytes(region.map[: answer.message.sizes[0]]).decode()
        region.close()
        return text


class Kept(NamedTuple):
    """An identity in a file, and its public half."""

    file: bytes
    made: IdentityMade

    @property
    def load(self) -> LoadIdentity:
        return LoadIdentity(self.made.recipient, self.made.signing_key)

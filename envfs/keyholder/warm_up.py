"""Work for nobody, with keys that open nothing: what is set up lazily, and which pages are touched, is done before.

A child's first use of a page costs it a fault, and a view touches 600 of them: half of the time that it takes.
"""

import os

from envfs.core.addresses import RecordAddress, SealedLayer
from envfs.core.keyfile import KEY_BYTES, Keys
from envfs.core.secret import Secret
from envfs.keyholder.crypto import identity as identities
from envfs.keyholder.crypto import sealing
from envfs.keyholder.crypto.identity import Identity
from envfs.keyholder.held.keyring import Keyring
from envfs.keyholder.requests.table import answer
from envfs.keyholder.requests.work import Work
from envfs.protocol import framing, keyholding, wire
from envfs.protocol.keyholding import RenderView

_TIME = "2000-01-01T00:00:00.000000Z"
_TEXT = "".join(f"NAME_{number}='a value {number}' # and why\n" for number in range(50))


class WarmUp:
    """A level of a vault that is not there, and the request for its view."""

    def __init__(self) -> None:
        """Seal the level."""
        text = identities.new_identity()
        identity, key = Identity(text), Secret(os.urandom(KEY_BYTES))
        self._keyring = Keyring()
        self._keyring.hold(text, identity.author)
        key_place, place = RecordAddress("", "key/nowhere", 1, ""), RecordAddress("", "level/nowhere", 1, "")
        self._blobs = (
            sealing.seal_key_file(identity, key_place, _TIME, Keys((key,), (identity.recipient,))),
            sealing.seal_text(identity, place, _TIME, key, _TEXT),
        )
        self._request = RenderView((SealedLayer("/nowhere", place, 1, key_place, 0),))

    def run(self, times: int = 1) -> None:
        """Make the view and throw it away."""
        for _ in range(times):
            frame = framing.encode_frame(wire.to_body(self._request), self._blobs)
            decoder = framing.Decoder(sum(map(len, self._blobs)), len(frame))
            for part in (frame, *self._blobs):
                decoder.feed(part)
            body, blobs = decoder.next() or ({}, ())
            reply = answer(wire.from_body(body, keyholding.REQUESTS), Work(self._keyring, blobs, ()))
            framing.encode_frame(wire.to_body(reply.message))
            if reply.region is not None:
                reply.region.close()

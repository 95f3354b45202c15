"""What the keyholder can be asked, one function a request, run in a child that ends after it.

request            needs the identity   descriptors          answers
CreateIdentity     no, makes it         passphrase | file    IdentityMade (+ age file)
LoadIdentity       no, learns it        identity, passphrase IdentityMade
CreateKey          yes                                       Sealed + age file
WriteLevel         yes                  value | text         Sealed + record, or Unchanged
RenderView         yes                                       Rendered + region
CompareVersions    yes                                       Compared
CheckRecords/Keys  yes                                       Faults
SignCheckpoint     yes                                       Signed
VerifyCheckpoint   yes                                       Faults
"""

import os
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from envfs.core import audit, dotenv, emit, limits, names, record, views
from envfs.core.dotenv import Document
from envfs.errors import AuthenticationFailed, EnvFSError, Malformed, TooLarge, WrongPassphrase
from envfs.host.memory import Region
from envfs.keyholder import identity as identities
from envfs.keyholder import sealing
from envfs.keyholder.identity import Identity
from envfs.keyholder.keyring import Keyring
from envfs.protocol import keyholding as ask

_PASSPHRASE_BYTES = 4096


class Work(NamedTuple):
    """One request with all that came with it."""

    keyring: Keyring
    blobs: tuple[bytes, ...]
    descriptors: tuple[int, ...]

    def identity(self) -> Identity:
        """Return the held identity, or raise Locked."""
        return Identity(self.keyring.identity())


class Answer(NamedTuple):
    """A reply with its blobs and the region that goes with it."""

    message: NamedTuple
    blobs: tuple[bytes, ...] = ()
    region: Region | None = None


def answer(request: object, work: Work) -> Answer:
    """Carry out a request.

    Raises:
        EnvFSError: it is refused
    """
    return _TABLE[type(request)](request, work)


# -- the identity ------------------------------------------------------------------------------------------------------


def _create_identity(request: ask.CreateIdentity, work: Work) -> Answer:
    text = identities.new()
    made = Identity(text)
    blobs: tuple[bytes, ...] = ()
    if request.plain:
        note = f"# EnvFS identity; whoever reads this file reads the vault\n# recipient: {made.recipient}\n"
        _write_all(work.descriptors[0], f"{note}{text}\n".encode())
    else:
        blobs = (identities.wrap(text, _passphrase(work.descriptors[0])),)
    work.keyring.hold(text)
    return Answer(ask.IdentityMade(made.recipient, made.author), blobs)


def _load_identity(request: ask.LoadIdentity, work: Work) -> Answer:
    data = _read_all(work.descriptors[0], limits.FRAME_BYTES, "the identity file")
    if identities.is_encrypted(data):
        if len(work.descriptors) == 1:
            raise WrongPassphrase("the identity needs its passphrase", "unlock it with `envfs unlock`")
        text = identities.unwrap(data, _passphrase(work.descriptors[1]))
    else:
        text = identities.line(data)
    held = Identity(text)
    if (held.recipient, held.author) != (request.owner_recipient, request.owner_signing_key):
        raise AuthenticationFailed("the identity is not the vault's owner", "look at [owner] in vault.toml")
    work.keyring.hold(text)
    return Answer(ask.IdentityMade(held.recipient, held.author))


def _passphrase(descriptor: int) -> str:
    data = _read_all(descriptor, _PASSPHRASE_BYTES, "the passphrase").removesuffix(b"\n")
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise WrongPassphrase("the passphrase is not UTF-8 text") from None
    if not text:
        raise WrongPassphrase("the passphrase is empty", "type one, or name its file with --passphrase-file")
    return text


# -- keys and texts ----------------------------------------------------------------------------------------------------


def _create_key(request: ask.CreateKey, work: Work) -> Answer:
    key = os.urandom(sealing.KEY_BYTES)
    data = sealing.seal_key(work.identity(), request.place, request.time, key)
    return Answer(ask.Sealed(sealing.kid(key)), (data,))


def _write_level(request: ask.WriteLevel, work: Work) -> Answer:
    identity = work.identity()
    key = sealing.open_key(identity, request.key, work.blobs[request.key_blob])
    old = _document(identity, request.head, work.blobs) if request.head else dotenv.parse("")
    new, notes = _OPERATIONS[request.operation](request, work, identity, old)
    text = new.render()
    if text == old.render():
        return Answer(ask.Unchanged())
    if len(text.encode()) > limits.TEXT_BYTES:
        raise TooLarge("the level's text would be too long", f"at most {limits.TEXT_BYTES} bytes a level")
    changes = views.difference(old.variables(), new.variables())
    data = sealing.seal_text(identity, request.place, request.time, key, text)
    return Answer(ask.Sealed(sealing.kid(key), *changes, notes=notes), (data,))


_Edited = tuple[Document, tuple[str, ...]]


def _set(request: ask.WriteLevel, work: Work, _identity: Identity, old: Document) -> _Edited:
    value = _text(_read_all(work.descriptors[0], limits.VALUE_BYTES, "the value"), "the value")
    if request.trim:
        value = value.removesuffix("\n").removesuffix("\r")
    if "\0" in value:
        raise Malformed("the value holds a NUL character", "no environment can carry one")
    return old.set(names.variable(request.name), value), ()


def _unset(request: ask.WriteLevel, _work: Work, _identity: Identity, old: Document) -> _Edited:
    return old.unset(request.name), ()


def _imported(work: Work) -> Document:
    new = dotenv.parse(_text(_read_all(work.descriptors[0], limits.TEXT_BYTES, "the text"), "the text"))
    new.check()
    return new


def _duplicates(new: Document) -> tuple[str, ...]:
    return tuple(f"{name} is set more than once; the last one counts" for name in new.duplicates())


def _merge(_request: ask.WriteLevel, work: Work, _identity: Identity, old: Document) -> _Edited:
    new = _imported(work)
    if not old.render():
        return new, _duplicates(new)
    merged = old
    for name, value in new.variables().items():
        if old.variables().get(name) != value:
            merged = merged.set(name, value)
    return merged, _duplicates(new)


def _replace(_request: ask.WriteLevel, work: Work, _identity: Identity, _old: Document) -> _Edited:
    new = _imported(work)
    return new, _duplicates(new)


def _restore(request: ask.WriteLevel, work: Work, identity: Identity, _old: Document) -> _Edited:
    if request.restore is None:
        return dotenv.parse(""), ()
    return _document(identity, request.restore, work.blobs), ()


_OPERATIONS: dict[str, Callable[[ask.WriteLevel, Work, Identity, Document], _Edited]] = {
    "set": _set,
    "unset": _unset,
    "merge": _merge,
    "replace": _replace,
    "restore": _restore,
}


# -- views and history -------------------------------------------------------------------------------------------------


def _render_view(request: ask.RenderView, work: Work) -> Answer:
    identity, keys = work.identity(), _Keys(work)
    layers = [views.Layer(each.level, _open(identity, each, keys, work.blobs)) for each in request.layers]
    view = views.merge(layers)
    dotenv_part = emit.portable(view.variables).encode()
    environ_part = b"\0" + emit.environ(view.variables)
    index_part = "".join(f"{name}\0{view.origin[name]}\0" for name in view.variables).encode()
    if len(dotenv_part) + len(environ_part) + len(index_part) > limits.VIEW_BYTES:
        raise TooLarge("the view would be too large", f"at most {limits.VIEW_BYTES} bytes a view")
    region = Region.create(len(dotenv_part) + len(environ_part) + len(index_part))
    region.map[: region.size] = dotenv_part + environ_part + index_part
    sizes = (len(dotenv_part), len(environ_part), len(index_part))
    return Answer(ask.Rendered(*sizes, len(view.variables)), region=region)


def _compare_versions(request: ask.CompareVersions, work: Work) -> Answer:
    identity, keys = work.identity(), _Keys(work)
    found, before = [], None
    for layer in request.layers:
        variables = _open(identity, layer, keys, work.blobs).variables()
        if before is not None or layer.record.seq == 1:
            author = record.parse(work.blobs[layer.record_blob]).header.author
            changes = views.difference(before or {}, variables)
            found.append(ask.VersionChange(layer.record.seq, author, *changes))
        before = variables
    return Answer(ask.Compared(tuple(found)))


class _Keys:
    """Opens each project key once in a request."""

    def __init__(self, work: Work) -> None:
        self._blobs = work.blobs
        self._open: dict[int, bytes] = {}

    def get(self, identity: Identity, layer: ask.Layer) -> bytes:
        if layer.key_blob not in self._open:
            self._open[layer.key_blob] = sealing.open_key(identity, layer.key, self._blobs[layer.key_blob])
        return self._open[layer.key_blob]


def _open(identity: Identity, layer: ask.Layer, keys: _Keys, blobs: Sequence[bytes]) -> Document:
    text = sealing.open_text(identity, layer.record, keys.get(identity, layer), blobs[layer.record_blob])
    return dotenv.parse(text)


def _document(identity: Identity, layer: ask.Layer, blobs: Sequence[bytes]) -> Document:
    key = sealing.open_key(identity, layer.key, blobs[layer.key_blob])
    return dotenv.parse(sealing.open_text(identity, layer.record, key, blobs[layer.record_blob]))


# -- verification ------------------------------------------------------------------------------------------------------


def _check_records(request: ask.CheckRecords, work: Work) -> Answer:
    identity, keys = work.identity(), _Keys(work)
    return Answer(ask.Faults(tuple(_fault(_open, identity, each, keys, work.blobs) for each in request.layers)))


def _check_keys(request: ask.CheckKeys, work: Work) -> Answer:
    identity = work.identity()
    pairs = zip(request.keys, work.blobs, strict=True)
    return Answer(ask.Faults(tuple(_fault(sealing.open_key, identity, k.place, data) for k, data in pairs)))


def _sign_checkpoint(request: ask.SignCheckpoint, work: Work) -> Answer:
    signature = work.identity().sign(audit.checkpoint_text(request.seq, request.digest))
    return Answer(ask.Signed(record.to_base64(signature)))


def _verify_checkpoint(request: ask.VerifyCheckpoint, work: Work) -> Answer:
    identity = work.identity()

    def check(point: tuple[str, ...]) -> None:
        text = audit.checkpoint_text(int(point[0]), point[1])
        identity.verify(identity.author, text, record.from_base64(point[2]))

    return Answer(ask.Faults(tuple(_fault(check, point) for point in request.checkpoints)))


def _fault(check: Callable[..., object], *arguments: object) -> str:
    try:
        check(*arguments)
    except EnvFSError as error:
        return error.text
    return ""


# -- descriptors -------------------------------------------------------------------------------------------------------


def _read_all(descriptor: int, limit: int, what: str) -> bytes:
    # from its start, wherever somebody read before: the same descriptor serves a second try
    data = bytearray()
    while chunk := os.pread(descriptor, min(1 << 16, limit + 1 - len(data)), len(data)):
        data += chunk
        if len(data) > limit:
            raise TooLarge(f"{what} is too large", f"at most {limit} bytes")
    return bytes(data)


def _text(data: bytes, what: str) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = error.start - data.rfind(b"\n", 0, error.start)
        raise Malformed(f"{what} is not UTF-8 text", "convert it first", line, column) from None


def _write_all(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
    os.fsync(descriptor)


_TABLE: dict[type, Callable[[Any, Work], Answer]] = {
    ask.CreateIdentity: _create_identity,
    ask.LoadIdentity: _load_identity,
    ask.CreateKey: _create_key,
    ask.WriteLevel: _write_level,
    ask.RenderView: _render_view,
    ask.CompareVersions: _compare_versions,
    ask.CheckRecords: _check_records,
    ask.CheckKeys: _check_keys,
    ask.SignCheckpoint: _sign_checkpoint,
    ask.VerifyCheckpoint: _verify_checkpoint,
}

"""Requests for a proxy: the values that its rules name, and the certificates of its session.

Laws: the authority of a session is derived from the held identity and the session's name. So nothing new is held, and
there is no
certificate while the vault is locked. Its key never leaves this process, and that of a host goes to the proxy.
"""

import base64

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from envfs.core.access.face import Face
from envfs.dotenv import canaries, merging
from envfs.dotenv.document import parse_document
from envfs.dotenv.placeholders import masking
from envfs.host.memory import Region
from envfs.keyholder.crypto import certificates
from envfs.keyholder.crypto.session_authority import authority_key
from envfs.keyholder.requests.views import placeholder_seeds_of
from envfs.keyholder.requests.work import Work, WorkResult
from envfs.protocol.bindings import Binding, encode_bindings
from envfs.protocol.keyholding import AuthorityMade, BindValues, Bound, IssueAuthority, IssueCertificate, LeafMade


def bind_values(request: BindValues, work: Work) -> WorkResult:
    """Put all variables of a view with their placeholders into a region, and the values of those that are named."""
    records = [work.open_record(layer) for layer in request.layers]
    layers = [
        merging.Layer(layer.level, parse_document(opened.text))
        for layer, opened in zip(request.layers, records, strict=True)
    ]
    view = merging.merge_layers(layers)
    masked = masking.masked_view(view, placeholder_seeds_of(view, records))
    shows, named = Face(only=request.only).shows, frozenset(request.names)
    content = encode_bindings(
        Binding(name, masked.variables[name].encode(), value.encode() if name in named else None)
        for name, value in view.variables.items()
        if shows(name)
    )
    region = Region.create(len(content), ordinary=request.ordinary)
    region.map[: len(content)] = content
    bound = tuple(name for name in canaries.canary_names(layers, view) if name in named and shows(name))
    return WorkResult(Bound(len(content), bound), region=region)


def issue_authority(request: IssueAuthority, work: Work) -> WorkResult:
    """Return the certificate of a session's authority."""
    key = authority_key(work.keyring.identity(), request.session)
    certificate = certificates.authority_certificate(key, _name(request.session), request.moment)
    return WorkResult(AuthorityMade(), (_pem("CERTIFICATE", certificate),))


def issue_certificate(request: IssueCertificate, work: Work) -> WorkResult:
    """Put the certificate of a host, with its key, into memory."""
    authority, key = authority_key(work.keyring.identity(), request.session), ec.generate_private_key(ec.SECP256R1())
    name = _name(request.session)
    certificate = certificates.host_certificate(authority, name, key, request.host, request.moment)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    content = _pem("CERTIFICATE", certificate) + private
    region = Region.create(len(content), ordinary=True)  # TLS reads it as a file, which secret memory cannot be
    region.map[: len(content)] = content
    return WorkResult(LeafMade(len(content)), region=region)


def _name(session: str) -> str:
    return f"EnvFS proxy session {session[:8]}"


def _pem(label: str, data: bytes) -> bytes:
    text = base64.b64encode(data)
    lines = [text[at : at + 64] for at in range(0, len(text), 64)]
    return b"\n".join((f"-----BEGIN {label}-----".encode(), *lines, f"-----END {label}-----".encode(), b""))

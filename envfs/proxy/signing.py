"""Requests signed for AWS (Signature Version 4, docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html).

A client has placeholders for its key's name and its secret, and signs with these. Laws: a request is signed again with
the values only if its own signature is the one that the placeholders give for it, by one of the two ways to write a
path. So what is signed is what the client meant. The secret goes to no host, a signature of one request does.
"""

import hashlib
import hmac
import re
from collections.abc import Sequence
from typing import Final, NamedTuple
from urllib.parse import quote, unquote_to_bytes

from envfs.proxy.places import SIGNED, PlaceKind
from envfs.proxy.substitution import RequestHead, Unfit
from envfs.proxy.variables import HostRules, SessionVariable

Headers = Sequence[tuple[bytes, bytes]]
_ALGORITHM: Final = b"AWS4-HMAC-SHA256"
_AUTHORIZATION = re.compile(
    rb"AWS4-HMAC-SHA256 +Credential=([^/,\s]+)/([0-9]{8}/[a-z0-9-]+/[a-z0-9.-]+/aws4_request), *"
    rb"SignedHeaders=([a-z0-9;_-]+), *Signature=([0-9a-f]{64})"
)
_PAIRS: Final = (("ACCESS_KEY_ID", "SECRET_ACCESS_KEY"), ("ACCESS_KEY", "SECRET_KEY"))  # names of a key and its secret
_CHUNKS_SIGNED: Final = b"STREAMING-AWS4"
_PLACE: Final = str(PlaceKind.SIGV4)


class SignedParts(NamedTuple):
    """The signed parts of a request beside its head: headers that came, those that are sent, the digest of the body."""

    came: Headers
    sent: Headers
    payload: bytes


class Signature(NamedTuple):
    """The signature of a request by placeholders, and the variables whose values take their place."""

    key: SessionVariable
    secret: SessionVariable
    scope: bytes
    signed_headers: tuple[bytes, ...]
    digest: bytes

    @property
    def names(self) -> tuple[str, str]:
        """The names of the variables."""
        return self.key.name, self.secret.name


def find_signature(host: HostRules, head: RequestHead) -> Signature | None:
    """Return the signature of a request that is made with placeholders. None: it has none.

    Raises:
        Unfit: it is of a kind that cannot be made again, or no rule says that it may be
    """
    _check_query(host, head)
    values = [value for name, value in head.headers if name == b"authorization" and value.startswith(b"AWS4-")]
    variable = _variable_in(host, b"\n".join(values))
    if variable is None:
        return None
    if len(values) > 1:
        raise Unfit(variable.name, _PLACE, "it has two signatures")
    match = _AUTHORIZATION.fullmatch(values[0].strip())
    if match is None or match[1] != variable.placeholder:
        raise Unfit(variable.name, _PLACE, "its signature is of another kind than AWS4-HMAC-SHA256")
    secret = _secret_of(host, variable)
    for signing in (variable, secret):
        _check_rules(host, head, signing)
    return Signature(variable, secret, match[2], tuple(match[3].split(b";")), match[4])


def payload_digest(headers: Headers, key: str) -> bytes | None:
    """Return the digest of the body as the client says it. None: the body has to be there for it.

    Raises:
        Unfit: each piece of the body has a signature of its own
    """
    digest = next((value for name, value in headers if name == b"x-amz-content-sha256"), None)
    if digest is not None and digest.startswith(_CHUNKS_SIGNED):
        raise Unfit(key, _PLACE, "each piece of its body is signed, which the proxy cannot do again")
    return digest


def sign_again(signature: Signature, head: RequestHead, parts: SignedParts) -> bytes:
    """Return the header Authorization with the values.

    Raises:
        Unfit: the signature that came is not that of the request, or a signed header is not sent
    """
    target = _meant_target(signature, head, parts)
    digest = _digest(signature, head.method, target, (parts.sent, parts.payload), bytes(signature.secret.value or b""))
    credential = bytes(signature.key.value or b"") + b"/" + signature.scope
    signed = b";".join(signature.signed_headers)
    return b"%b Credential=%b, SignedHeaders=%b, Signature=%b" % (_ALGORITHM, credential, signed, digest)


def _meant_target(signature: Signature, head: RequestHead, parts: SignedParts) -> bytes:
    # in the writing of the client: S3 has a path as it is, the other services once more escaped
    for target in (head.target, _escaped_once_more(head.target)):
        digest = _digest(signature, head.method, target, (parts.came, parts.payload), signature.secret.placeholder)
        if hmac.compare_digest(digest, signature.digest):
            return target
    raise Unfit(signature.key.name, _PLACE, "its signature is not the one of this request")


# -- the rules ---------------------------------------------------------------------------------------------------------


def _check_query(host: HostRules, head: RequestHead) -> None:
    for field in head.target.partition(b"?")[2].split(b"&"):
        name, _, value = field.partition(b"=")
        if name.lower() == b"x-amz-credential" and (variable := _variable_in(host, unquote_to_bytes(value))):
            raise Unfit(variable.name, _PLACE, "an address that is signed beforehand cannot be signed again")


def _variable_in(host: HostRules, text: bytes) -> SessionVariable | None:
    return next((variable for variable in host.variables if variable.placeholder in text), None)


def _secret_of(host: HostRules, key: SessionVariable) -> SessionVariable:
    names = [key.name.replace(of_key, of_secret) for of_key, of_secret in _PAIRS if of_key in key.name]
    secret = next((variable for name in names for variable in host.variables if variable.name == name), None)
    if secret is None:
        raise Unfit(key.name, _PLACE, f"there is no {names[0] if names else 'variable'} with the secret beside it")
    return secret


def _check_rules(host: HostRules, head: RequestHead, variable: SessionVariable) -> None:
    rules = host.rules_of(variable, head.method, head.path)
    if variable.value is None or not any(SIGNED in rule.places for rule in rules):
        raise Unfit(variable.name, _PLACE, "no rule lets its value sign requests to this host")


# -- the signature -----------------------------------------------------------------------------------------------------


def _digest(signature: Signature, method: str, target: bytes, parts: tuple[Headers, bytes], secret: bytes) -> bytes:
    canonical = hashlib.sha256(_canonical_request(signature, method, target, parts)).hexdigest().encode()
    moment = next((value for name, value in parts[0] if name == b"x-amz-date"), b"")
    text = b"\n".join((_ALGORITHM, moment, signature.scope, canonical))
    return hmac.digest(_signing_key(signature, secret), text, "sha256").hex().encode()


def _signing_key(signature: Signature, secret: bytes) -> bytes:
    key = b"AWS4" + secret
    for part in signature.scope.split(b"/"):
        key = hmac.digest(key, part, "sha256")
    return key


def _canonical_request(signature: Signature, method: str, target: bytes, parts: tuple[Headers, bytes]) -> bytes:
    path, _, query = target.partition(b"?")
    lines = [name + b":" + _canonical_value(signature, parts[0], name) for name in signature.signed_headers]
    signed = b";".join(signature.signed_headers)
    return b"\n".join((method.encode(), path, _canonical_query(query), *lines, b"", signed, parts[1]))


def _canonical_query(query: bytes) -> bytes:
    fields = sorted(field.partition(b"=")[::2] for field in query.split(b"&") if field)
    return b"&".join(name + b"=" + value for name, value in fields)


def _canonical_value(signature: Signature, headers: Headers, name: bytes) -> bytes:
    values = [b" ".join(value.split()) for other, value in headers if other == name]
    if not values:
        raise Unfit(signature.key.name, _PLACE, f"the header {name.decode()} is signed, and is not sent")
    return b",".join(values)


def _escaped_once_more(target: bytes) -> bytes:
    path, question, query = target.partition(b"?")
    return quote(path, safe="/~").encode() + question + query

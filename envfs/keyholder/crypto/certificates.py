"""Certificates of a proxy's session (RFC 5280, DER of ITU-T X.690): its authority's own one, and one for each host.

Two kinds with one algorithm are all that is needed, so they are written here: the library's builder takes 18 ms of
each keyholder's start (docs/design.md §8), and nothing can be loaded later. The library signs.
"""

import hashlib
import socket
import time
from collections.abc import Iterable
from typing import Final

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

_BOOLEAN, _INTEGER, _BITS, _OCTETS, _OBJECT, _UTF8 = 0x01, 0x02, 0x03, 0x04, 0x06, 0x0C
_SEQUENCE, _SET, _UTC_TIME, _TIME = 0x30, 0x31, 0x17, 0x18
_DNS_NAME, _IP_ADDRESS, _KEY_ID, _VERSION, _EXTENSIONS = 0x82, 0x87, 0x80, 0xA0, 0xA3
_LAST_UTC_YEAR: Final = 2049  # RFC 5280 §4.1.2.5
_COMMON_NAME: Final = bytes.fromhex("550403")
_ECDSA_SHA256: Final = bytes.fromhex("2a8648ce3d040302")
_BASIC, _USAGE, _PURPOSES = bytes.fromhex("551d13"), bytes.fromhex("551d0f"), bytes.fromhex("551d25")
_SUBJECT_KEY, _AUTHORITY_KEY, _NAMES = bytes.fromhex("551d0e"), bytes.fromhex("551d23"), bytes.fromhex("551d11")
_SERVER: Final = bytes.fromhex("2b06010505070301")
_SIGNS_CERTIFICATES, _SIGNS = b"\x01\x06", b"\x07\x80"  # bits 5 and 6, and bit 0, behind the number of unused bits
_SERIAL_BYTES, _KEY_ID_BYTES = 16, 20
_HOUR, _DAYS = 3600, 30 * 86400  # seconds: before the moment, as clocks differ, and after it


class _EcdsaWithSha256(ec.ECDSA):
    """The algorithm of the signatures. The library's own loads a module once it is made: 3 ms of each start."""

    def __init__(self) -> None:
        """Leave out what is loaded."""

    @property
    def algorithm(self) -> hashes.HashAlgorithm:
        """The hash."""
        return hashes.SHA256()

    @property
    def deterministic_signing(self) -> bool:
        """Random, as usual."""
        return False


def authority_certificate(key: ec.EllipticCurvePrivateKey, name: str, moment: int) -> bytes:
    """Return the certificate of a session's authority, in DER. `moment` is in seconds since 1970."""
    extensions = (
        _extension(_BASIC, _der(_SEQUENCE, _der(_BOOLEAN, b"\xff"), _der(_INTEGER, b"\0")), critical=True),
        _extension(_USAGE, _der(_BITS, _SIGNS_CERTIFICATES), critical=True),
        _extension(_SUBJECT_KEY, _der(_OCTETS, _key_id(key))),
    )
    return _certificate(key, (name, name), key, moment, extensions)


def host_certificate(
    authority: ec.EllipticCurvePrivateKey, name: str, key: ec.EllipticCurvePrivateKey, host: str, moment: int
) -> bytes:
    """Return the certificate of a host, in DER. `name` is that of the authority."""
    extensions = (
        _extension(_BASIC, _der(_SEQUENCE), critical=True),
        _extension(_USAGE, _der(_BITS, _SIGNS), critical=True),
        _extension(_PURPOSES, _der(_SEQUENCE, _der(_OBJECT, _SERVER))),
        _extension(_NAMES, _der(_SEQUENCE, _host_name(host)), critical=True),  # as the subject has no name
        _extension(_AUTHORITY_KEY, _der(_SEQUENCE, _der(_KEY_ID, _key_id(authority)))),
        _extension(_SUBJECT_KEY, _der(_OCTETS, _key_id(key))),
    )
    return _certificate(authority, (name, ""), key, moment, extensions)


def _certificate(
    signer: ec.EllipticCurvePrivateKey,
    names: tuple[str, str],
    key: ec.EllipticCurvePrivateKey,
    moment: int,
    extensions: Iterable[bytes],
) -> bytes:
    algorithm, public = _der(_SEQUENCE, _der(_OBJECT, _ECDSA_SHA256)), _public(key)
    issuer, subject = map(_name, names)
    validity = _der(_SEQUENCE, _moment(moment - _HOUR), _moment(moment + _DAYS))
    serial = _der(_INTEGER, _serial(public, names[1], moment))
    listed = _der(_EXTENSIONS, _der(_SEQUENCE, *extensions))
    version = _der(_VERSION, _der(_INTEGER, b"\x02"))
    unsigned = _der(_SEQUENCE, version, serial, algorithm, issuer, validity, subject, public, listed)
    signature = signer.sign(unsigned, _EcdsaWithSha256())
    return _der(_SEQUENCE, unsigned, algorithm, _der(_BITS, b"\0", signature))


def _der(tag: int, *parts: bytes) -> bytes:
    content = b"".join(parts)
    size = len(content)
    if size < 128:  # noqa: PLR2004 - X.690 §8.1.3
        return bytes((tag, size)) + content
    written = size.to_bytes((size.bit_length() + 7) // 8)
    return bytes((tag, 128 | len(written))) + written + content


def _extension(kind: bytes, value: bytes, *, critical: bool = False) -> bytes:
    mark = _der(_BOOLEAN, b"\xff") if critical else b""
    return _der(_SEQUENCE, _der(_OBJECT, kind), mark, _der(_OCTETS, value))


def _name(text: str) -> bytes:
    if not text:
        return _der(_SEQUENCE)
    return _der(_SEQUENCE, _der(_SET, _der(_SEQUENCE, _der(_OBJECT, _COMMON_NAME), _der(_UTF8, text.encode()))))


def _moment(seconds: int) -> bytes:
    parts = time.gmtime(seconds)
    if parts.tm_year <= _LAST_UTC_YEAR:
        return _der(_UTC_TIME, time.strftime("%y%m%d%H%M%SZ", parts).encode())
    return _der(_TIME, time.strftime("%Y%m%d%H%M%SZ", parts).encode())


def _serial(public: bytes, subject: str, moment: int) -> bytes:
    digest = hashlib.sha256(public + subject.encode() + str(moment).encode()).digest()[:_SERIAL_BYTES]
    return bytes((digest[0] & 0x7F | 0x40,)) + digest[1:]  # positive, and without a zero at its beginning


def _public(key: ec.EllipticCurvePrivateKey) -> bytes:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.DER, form)


def _key_id(key: ec.EllipticCurvePrivateKey) -> bytes:
    return hashlib.sha256(_public(key)).digest()[:_KEY_ID_BYTES]  # RFC 7093 §2, method 4


def _host_name(host: str) -> bytes:
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            return _der(_IP_ADDRESS, socket.inet_pton(family, host))
        except OSError:
            continue
    return _der(_DNS_NAME, host.encode("ascii"))

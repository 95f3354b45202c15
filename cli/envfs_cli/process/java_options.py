"""The options by which a Java virtual machine finds a proxy and trusts its certificates.

Java reads no variable but JAVA_TOOL_OPTIONS, and its certificates from a store of its own. Its older form (JKS: the
format of sun.security.provider.JavaKeyStore) is written here. Law: certificates that cannot be read are left out.
"""

import binascii
import hashlib
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

NAME = "JAVA_TOOL_OPTIONS"
_MAGIC, _VERSION, _TRUSTED = 0xFEEDFEED, 2, 2
_PASSWORD = "changeit"  # the usual one, and no secret: the store holds certificates alone
_SALT = b"Mighty Aphrodite"  # the format's
_BREAKING = frozenset(" \t\n|\"'")
_BEGIN, _END = b"-----BEGIN CERTIFICATE-----", b"-----END CERTIFICATE-----"


def java_options(port: int, store: str, without_proxy: "Iterable[str]", present: "Mapping[str, str]") -> str:
    """Return the value of JAVA_TOOL_OPTIONS. Options that are there stay, and those behind them count."""
    plain = (host for host in without_proxy if not set(host) & _BREAKING)
    hosts = "|".join(f"*{host}" if host.startswith(".") else host for host in plain)
    options = [f"-D{scheme}.proxyHost=127.0.0.1 -D{scheme}.proxyPort={port}" for scheme in ("http", "https")]
    options += [f"-Dhttp.nonProxyHosts={hosts}", f"-Djavax.net.ssl.trustStore={store}"]
    options += ["-Djavax.net.ssl.trustStoreType=JKS", f"-Djavax.net.ssl.trustStorePassword={_PASSWORD}"]
    options.append("-Djdk.http.auth.tunneling.disabledSchemes=")  # HTTP Basic towards the proxy
    return " ".join((*filter(None, [present.get(NAME)]), *options))


def trust_store(bundle: bytes) -> bytes:
    """Return a store with the certificates of a bundle in PEM."""
    certificates = list(dict.fromkeys(_certificates(bundle)))
    parts = [_MAGIC.to_bytes(4), _VERSION.to_bytes(4), len(certificates).to_bytes(4)]
    moment = (time.time_ns() // 1_000_000).to_bytes(8)
    for number, certificate in enumerate(certificates):
        size = len(certificate).to_bytes(4)
        parts += [_TRUSTED.to_bytes(4), _text(f"envfs-{number}"), moment, _text("X.509"), size, certificate]
    content = b"".join(parts)
    digest = hashlib.sha1(_PASSWORD.encode("utf-16-be") + _SALT + content, usedforsecurity=False).digest()
    return content + digest


def _certificates(bundle: bytes) -> "Iterator[bytes]":
    for piece in bundle.split(_BEGIN)[1:]:
        text, end, _ = piece.partition(_END)
        try:
            certificate = binascii.a2b_base64(text) if end else b""
        except binascii.Error:
            continue
        if certificate:
            yield certificate


def _text(text: str) -> bytes:
    return len(text).to_bytes(2) + text.encode("ascii")

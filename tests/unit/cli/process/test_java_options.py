"""What a Java virtual machine is told of a proxy and of certificates."""

import hashlib
import ssl

from envfs_cli.process.java_options import java_options, trust_store
from tests.component.proxying import Authority


def _take(content: bytes, size_bytes: int) -> tuple[bytes, bytes]:
    size = int.from_bytes(content[:size_bytes])
    return content[size_bytes : size_bytes + size], content[size_bytes + size :]


def test_a_store_has_each_certificate_once_and_is_whole() -> None:
    one, other = Authority("one").certificate, Authority("other").certificate
    broken = b"-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n-----BEGIN"
    store = trust_store(b"# comment\n" + one + other + one + broken)
    content, digest = store[:-20], store[-20:]
    assert digest == hashlib.sha1(b"\0c\0h\0a\0n\0g\0e\0i\0tMighty Aphrodite" + content).digest()  # noqa: S324
    assert content[:12] == bytes.fromhex("feedfeed 00000002 00000002")
    content, aliases, certificates = content[12:], [], []
    while content:
        assert content[:4] == b"\0\0\0\2"
        alias, content = _take(content[4:], 2)
        kind, content = _take(content[8:], 2)
        certificate, content = _take(content, 4)
        aliases.append(alias)
        certificates.append(certificate)
        assert kind == b"X.509"
    assert aliases == [b"envfs-0", b"envfs-1"]
    assert certificates == [ssl.PEM_cert_to_DER_cert(text.decode()) for text in (one, other)]


def test_options_that_are_there_stay_and_hosts_without_a_proxy_are_named() -> None:
    given = {"JAVA_TOOL_OPTIONS": "-Xmx1g"}
    words = java_options(1234, "/proc/7/fd/102", [".corp", "localhost", "a b", "x|y"], given).split()
    assert words[0] == "-Xmx1g"
    assert {"-Dhttps.proxyHost=127.0.0.1", "-Dhttps.proxyPort=1234"} <= {*words}
    assert "-Dhttp.nonProxyHosts=*.corp|localhost" in words
    assert "-Djavax.net.ssl.trustStore=/proc/7/fd/102" in words

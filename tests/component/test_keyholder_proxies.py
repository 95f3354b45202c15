"""The keyholder binds values for a proxy, and issues certificates of its session, confined as it is."""

import os
import socket
import ssl
import threading
import time
from pathlib import Path

import pytest

from envfs.daemon.keyholder_process import KeyholderLink
from envfs.errors import Locked
from envfs.host.memory import Region
from envfs.protocol.bindings import Binding, read_bindings
from envfs.protocol.keyholding import BindValues, IssueAuthority, IssueCertificate
from tests.component.keyholders import Chain, ask

SECONDS = 30.0
NOW = int(time.time())


def _bound(chain: Chain, *names: str, only: tuple[str, ...] = ()) -> list[Binding]:
    layer = chain.layer(len(chain.records), 0, 1)
    answer = ask(chain.link, BindValues((layer,), names, only), (chain.records[-1], chain.key))
    region = Region.received(answer.descriptors[0], answer.message.size)
    with memoryview(region.map)[: region.size] as memory:
        bindings = [
            Binding(name, placeholder, None if value is None else bytes(value))
            for name, placeholder, value in read_bindings(memory)
        ]
    region.close()
    return bindings


def test_every_variable_has_its_placeholder_and_those_that_are_named_their_value(chain: Chain) -> None:
    one, other = _bound(chain, "B")
    assert (one.name, one.value) == ("A", None)
    assert (other.name, other.value) == ("B", b"two words")
    assert other.placeholder.startswith(b"masked_")
    assert _bound(chain, only=("B",)) == [other._replace(value=None)]


def _certificate(keyholder: KeyholderLink, session: str, host: str, folder: Path) -> Path:
    answer = ask(keyholder, IssueCertificate(session, host, NOW))
    path = folder / f"{session}-leaf.pem"
    path.write_bytes(os.pread(answer.descriptors[0], answer.message.size, 0))
    os.close(answer.descriptors[0])
    return path


def _shake_hands(certificate: Path, authority: bytes, host: str) -> str:
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(certificate)
    trusting = ssl.create_default_context(cadata=authority.decode())
    trusting.verify_flags |= ssl.VERIFY_X509_STRICT  # as Python 3.13 does
    ours, theirs = socket.socketpair()

    def serve() -> None:
        try:
            with serving.wrap_socket(theirs, server_side=True) as stream:
                stream.recv(1)
        except (ssl.SSLError, OSError):
            theirs.close()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        with trusting.wrap_socket(ours, server_hostname=host) as stream:
            return stream.version() or ""
    except ssl.SSLCertVerificationError as error:
        return error.verify_message
    finally:
        ours.close()
        thread.join(SECONDS)


@pytest.mark.parametrize("host", ["api.example.com", "10.1.2.3", "::1", "a" * 63 + "." + "b" * 63 + ".example.com"])
def test_a_certificate_of_a_session_stands_for_its_host(chain: Chain, host: str, tmp_path: Path) -> None:
    keyholder = chain.link
    authority = ask(keyholder, IssueAuthority("one", NOW)).blobs[0]
    leaf = _certificate(keyholder, "one", host, tmp_path)
    assert _shake_hands(leaf, authority, host) == "TLSv1.3"
    assert "mismatch" in _shake_hands(leaf, authority, "other.example.com")
    assert _shake_hands(leaf, ask(keyholder, IssueAuthority("two", NOW)).blobs[0], host).startswith("unable to get")


def test_a_locked_keyholder_binds_and_issues_nothing(locked_keyholder: KeyholderLink) -> None:
    for request in (IssueAuthority("one", NOW), IssueCertificate("one", "api.example.com", NOW)):
        with pytest.raises(Locked):
            ask(locked_keyholder, request)

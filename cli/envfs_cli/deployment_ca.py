"""A certificate authority of one deployment, by openssl: its own certificate, one for each member and each server.

Laws:
- A private key is written where it stays, readable by its user alone, and is shown nowhere. Nothing is overwritten.
- Members sign in by the name in their certificate. A server's certificate has none, so it signs nobody in.
- The authority vouches for this deployment alone, and for no further authority.
"""

import ipaddress
import os
import re
import secrets
import subprocess

from envfs import safe_open
from envfs.errors import AlreadyExists, BadRequest, EnvFSError
from envfs.tuples import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_AUTHORITY = "ca"
_AUTHORITY_DAYS = 3650
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@-]{0,62}", re.ASCII)
_SECONDS = 60
_NEW_KEY = ("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")
_OF_AUTHORITY = """\
basicConstraints=critical,CA:TRUE,pathlen:0
keyUsage=critical,keyCertSign,cRLSign
subjectKeyIdentifier=hash
"""
_OF_MEMBER = """\
basicConstraints=critical,CA:FALSE
keyUsage=critical,digitalSignature
extendedKeyUsage=clientAuth
"""
# a server of etcd shows its certificate to itself as well, as a client: its JSON gateway does
_OF_SERVER = """\
basicConstraints=critical,CA:FALSE
keyUsage=critical,digitalSignature
extendedKeyUsage=serverAuth,clientAuth
subjectAltName=critical,{names}
"""


class IssuedCertificate(NamedTuple):
    """A certificate and its key, as paths. `fingerprint` is SHA-256, to be read aloud."""

    certificate: str
    key: str
    fingerprint: str


def make_authority(folder: str) -> bool:
    """Make an authority in a folder. False if there is one.

    Raises:
        EnvFSError: it cannot be made
    """
    if os.path.exists(f"{folder}/{_AUTHORITY}.crt"):
        return False
    try:
        os.makedirs(folder, 0o700, exist_ok=True)
    except OSError as error:
        raise _cannot_write(folder, error) from None
    _issue(folder, _AUTHORITY, "/CN=EnvFS deployment", _OF_AUTHORITY, _AUTHORITY_DAYS)
    return True


def issue_member(folder: str, name: str, days: int) -> IssuedCertificate:
    """Issue the certificate of a member, who is called so in the engine too.

    Raises:
        BadRequest: not a name for it
        AlreadyExists: the member has one
        EnvFSError: it cannot be made
    """
    if not _NAME.fullmatch(name) or name == _AUTHORITY:
        raise BadRequest("not a member's name", "letters, digits, _ . @ and -, at most 63")
    return _issue(folder, name, f"/CN={name}", _OF_MEMBER, days)


def issue_server(folder: str, hosts: "Sequence[str]", days: int) -> IssuedCertificate:
    """Issue the certificate of a server. Clients know it by any of `hosts`: names or IP addresses.

    Raises:
        BadRequest: not names of a host
        AlreadyExists: the first of them has one
        EnvFSError: it cannot be made
    """
    if not hosts or not all(map(_is_host, hosts)):
        raise BadRequest("not the name of a server", "a name such as db.example.com, or an IP address")
    names = ",".join(f"IP:{host}" if _is_ip(host) else f"DNS:{host}" for host in hosts)
    return _issue(folder, hosts[0].replace(":", "_"), "/", _OF_SERVER.format(names=names), days)


def _is_host(text: str) -> bool:
    return _is_ip(text) or (_NAME.fullmatch(text) is not None and "@" not in text and text != _AUTHORITY)


def _is_ip(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _issue(folder: str, name: str, subject: str, extensions: str, days: int) -> IssuedCertificate:
    certificate, key = f"{folder}/{name}.crt", f"{folder}/{name}.key"
    if os.path.lexists(certificate) or os.path.lexists(key):
        raise AlreadyExists(f"{name} has a certificate, or a key, in {folder}", "move both out of there for new ones")
    mark = f"{folder}/.new-{secrets.token_hex(8)}"
    try:
        _openssl(*_NEW_KEY, "-out", f"{mark}.key")
        _openssl("req", "-new", "-config", "/dev/null", "-key", f"{mark}.key", "-subj", subject, "-out", f"{mark}.csr")
        _openssl(*_signed_by(folder, name, mark), "-days", str(days), "-out", f"{mark}.crt", text=extensions)
        os.chmod(f"{mark}.crt", 0o644)
        os.link(f"{mark}.key", key)
        os.link(f"{mark}.crt", certificate)
    except OSError as error:
        raise _cannot_write(folder, error) from None
    finally:
        _remove(f"{mark}.{end}" for end in ("key", "csr", "crt"))
    printed = _openssl("x509", "-in", certificate, "-noout", "-fingerprint", "-sha256")
    return IssuedCertificate(certificate, key, printed.partition("=")[2].strip())


def _signed_by(folder: str, name: str, mark: str) -> "tuple[str, ...]":
    signer: tuple[str, ...] = ("-signkey", f"{mark}.key")
    if name != _AUTHORITY:
        signer = ("-CA", f"{folder}/{_AUTHORITY}.crt", "-CAkey", f"{folder}/{_AUTHORITY}.key")
    number = f"0x{secrets.randbits(126) | 1 << 126:x}"
    return ("x509", "-req", "-in", f"{mark}.csr", *signer, "-set_serial", number, "-sha256", "-extfile", "/dev/stdin")


def _openssl(*words: str, text: str = "") -> str:
    command = ["openssl", *words]
    try:
        done = subprocess.run(
            command, input=text.encode(), capture_output=True, check=False, umask=0o077, timeout=_SECONDS
        )
    except OSError as error:
        raise EnvFSError(f"cannot run openssl: {safe_open.error_words(error)}", "is it installed?") from None
    except subprocess.TimeoutExpired:
        raise EnvFSError("openssl does not end") from None
    if done.returncode:
        last = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise EnvFSError(f"openssl {words[0]} fails", last)
    return done.stdout.decode(errors="replace")


def _remove(paths: "Iterable[str]") -> None:
    for path in paths:
        if os.path.lexists(path):
            os.unlink(path)


def _cannot_write(folder: str, error: OSError) -> EnvFSError:
    return EnvFSError(f"cannot write to {folder}: {safe_open.error_words(error)}")

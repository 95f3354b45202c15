"""A certificate authority of one deployment, by openssl: its own certificate, one for each member and each server.

Laws:
- A private key is written where it stays, readable by its user alone, and is shown nowhere. Nothing is overwritten.
- Members sign in by the name in their certificate. A server's certificate has none, so it signs nobody in.
- The authority vouches for this deployment alone, and for no further authority.
- A certificate begins two days before it is made: the clocks of its members may be behind.
"""

import ipaddress
import os
import re
import secrets
import shutil
import subprocess
import time

from envfs import safe_open
from envfs.errors import AlreadyExists, BadRequest, EnvFSError
from envfs.tuples import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_AUTHORITY = "ca"
_AUTHORITY_DAYS = 3650
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@-]{0,62}", re.ASCII)
_SECONDS = 60
_DAY = 86400
_BEFORE_DAYS = 2
# `openssl ca` is the one of its commands that can say when a certificate begins
_SETTINGS = """\
[ca]
default_ca=own
[own]
database=./index
rand_serial=yes
new_certs_dir=.
policy=any
default_md=sha256
[any]
commonName=optional
"""
_NEW_KEY = ("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")
_OF_AUTHORITY = """\
basicConstraints=critical,CA:TRUE,pathlen:0
keyUsage=critical,keyCertSign,cRLSign
subjectKeyIdentifier=hash
"""
_OF_MEMBER = """\
basicConstraints=critical,CA:FALSE
subjectKeyIdentifier=hash
authorityKeyIdentifier=keyid
keyUsage=critical,digitalSignature
extendedKeyUsage=clientAuth
"""
# a server of etcd shows its certificate to itself as well, as a client: its JSON gateway does
_OF_SERVER = """\
basicConstraints=critical,CA:FALSE
subjectKeyIdentifier=hash
authorityKeyIdentifier=keyid
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
    place = f"{folder}/.new-{secrets.token_hex(8)}"
    try:
        os.mkdir(place, 0o700)
        _sign(place, folder, subject, extensions, days, is_authority=name == _AUTHORITY)
        os.chmod(f"{place}/new.crt", 0o644)
        os.link(f"{place}/new.key", key)
        os.link(f"{place}/new.crt", certificate)
    except OSError as error:
        raise _cannot_write(folder, error) from None
    finally:
        shutil.rmtree(place, ignore_errors=True)
    printed = _openssl(folder, "x509", "-in", f"{name}.crt", "-noout", "-fingerprint", "-sha256")
    return IssuedCertificate(certificate, key, printed.partition("=")[2].strip())


def _sign(place: str, folder: str, subject: str, extensions: str, days: int, *, is_authority: bool) -> None:
    for name, text in (("settings", _SETTINGS), ("extensions", extensions), ("index", "")):
        handle = os.open(f"{place}/{name}", os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(text)
    _openssl(place, *_NEW_KEY, "-out", "new.key")
    _openssl(place, "req", "-new", "-config", "/dev/null", "-key", "new.key", "-subj", subject, "-out", "new.csr")
    authority = os.path.abspath(folder)
    signer: tuple[str, ...] = ("-cert", f"{authority}/{_AUTHORITY}.crt", "-keyfile", f"{authority}/{_AUTHORITY}.key")
    if is_authority:
        signer = ("-selfsign", "-keyfile", "new.key")
    files = ("-config", "settings", "-extfile", "extensions", "-in", "new.csr", "-out", "new.crt")
    now = time.time()
    times = ("-startdate", _moment(now - _BEFORE_DAYS * _DAY), "-enddate", _moment(now + days * _DAY))
    _openssl(place, "ca", "-batch", "-notext", *files, *signer, *times)


def _moment(seconds: float) -> str:
    return time.strftime("%Y%m%d%H%M%SZ", time.gmtime(seconds))


def _openssl(folder: str, *words: str) -> str:
    command = ["openssl", *words]
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            umask=0o077,
            timeout=_SECONDS,
        )
    except OSError as error:
        raise EnvFSError(f"cannot run openssl: {safe_open.error_words(error)}", "is it installed?") from None
    except subprocess.TimeoutExpired:
        raise EnvFSError("openssl does not end") from None
    if done.returncode:
        last = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise EnvFSError(f"openssl {words[0]} fails", last)
    return done.stdout.decode(errors="replace")


def _cannot_write(folder: str, error: OSError) -> EnvFSError:
    return EnvFSError(f"cannot write to {folder}: {safe_open.error_words(error)}")

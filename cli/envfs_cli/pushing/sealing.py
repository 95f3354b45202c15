"""A level as a SealedSecret of Kubernetes: what the keyholder seals for the cluster's certificate, in a manifest."""

import os
import subprocess

from envfs import safe_open
from envfs.dotenv import kubernetes
from envfs.errors import BadRequest, EnvFSError
from envfs.protocol import control
from envfs.tuples import NamedTuple
from envfs_cli import files
from envfs_cli.daemon import session
from envfs_cli.replies.variables import variables_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from envfs.dotenv.kubernetes import SealScope, SecretName

_LARGEST = 1 << 16  # bytes of a certificate
_SECONDS = 60
_EXPIRED = "-checkend", "0"
_FETCH = "`kubeseal --fetch-cert` prints the controller's of today"
_INSTALL = "it reads the certificate: `apt-get install openssl`"


class SealTarget(NamedTuple):
    """For whom values are sealed: the file of a certificate, the Secret that they become, and what may open them."""

    certificate: str
    secret: "SecretName"
    scope: "SealScope"


def sealed_secret(asking: session.Session, level: str, target: SealTarget, only: tuple[str, ...]) -> bytes:
    """Return the manifest of a SealedSecret with the values of a level.

    Raises:
        BadRequest: the certificate is none, or has ended. The scope needs a namespace
    """
    label = kubernetes.sealing_label(target.secret, target.scope)
    key = public_key(target.certificate)
    why = session.given_reason(None)
    _, blob = asking.ask(control.SealView(level, key, label, only, why))
    return kubernetes.sealed_manifest(target.secret, target.scope, variables_of(blob)).encode()


def public_key(path: str) -> str:
    """Return the public key of a certificate, in base64.

    Raises:
        BadRequest: it is none, or has ended
        EnvFSError: openssl is not there, or the file cannot be read
    """
    text, command = files.read_text(path, _LARGEST), ["openssl", "x509", "-noout", "-pubkey", *_EXPIRED]
    try:
        done = subprocess.run(
            command,
            input=text.encode(),
            capture_output=True,
            check=False,
            timeout=_SECONDS,
            env={**os.environ, "LC_ALL": "C"},
        )
    except OSError as error:
        raise EnvFSError(f"cannot run openssl: {safe_open.error_words(error)}", _INSTALL) from None
    except subprocess.TimeoutExpired:
        raise EnvFSError("openssl does not end") from None
    lines = done.stdout.decode(errors="replace").splitlines()
    if "-----BEGIN PUBLIC KEY-----" not in lines:
        raise BadRequest("the file of --seal is no certificate", _FETCH)
    if done.returncode:
        raise BadRequest("the certificate of --seal has ended: nothing that it sealed would be opened", _FETCH)
    begin = lines.index("-----BEGIN PUBLIC KEY-----")
    return "".join(lines[begin + 1 : lines.index("-----END PUBLIC KEY-----")])

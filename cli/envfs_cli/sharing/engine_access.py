"""The way of a machine to the engine of a vault: an address, and the files that it names, to be sent along.

Laws: the files of the person who invites are theirs: their key, certificate and password never go along. A machine of a
server of ssh gets a key of its own, which is made here and stays nowhere.
"""

import os
import shlex
import shutil
import subprocess
import tempfile
from urllib.parse import unquote, urlsplit

from envfs import safe_open
from envfs.errors import BadRequest, EnvFSError
from envfs.tuples import NamedTuple

_OWN = ("config", "identity", "cert", "key", "passfile")  # options that name what is a person's own
_MOST_BYTES, _SECONDS = 64 * 1024, 60
_KEY = "id_ed25519"


class EngineAccess(NamedTuple):
    """An address without options, the files by the option that names each, and the public key that was made for it."""

    engine: str
    files: "dict[str, str]"
    public_key: str = ""


def given_access(address: str) -> EngineAccess:
    """Return the access by an address whose files are the machine's own, as a person gave them.

    Raises:
        EnvFSError: a file cannot be read
    """
    engine, options = _parted(address)
    return EngineAccess(engine, {name: _content(path) for name, path in options.items()})


def access_like(address: str, name: str) -> EngineAccess:
    """Return the access of a machine of that name by the engine of the person who invites it.

    Raises:
        BadRequest: the engine asks for a certificate, which is nobody's but the machine's
    """
    engine, options = _parted(address)
    kind = engine.partition(":")[0]
    if kind in ("postgres", "postgresql", "etcd"):
        raise BadRequest(
            "the engine knows machines by a certificate, and none is named for this one",
            f"--engine '{_example(engine, name)}'; `envfs store ca FOLDER --member {shlex.quote(name)}` makes one",
        )
    files = {option: _content(path) for option, path in options.items() if option not in _OWN}
    if kind not in ("ssh", "sftp"):
        return EngineAccess(engine, files)
    if "known_hosts" not in files:
        files["known_hosts"] = _host_keys(engine)
    private, public = _new_key(name)
    return EngineAccess(engine, {**files, "identity": private}, public)


def admitting_command(access: EngineAccess) -> str:
    """Return the command that lets the key of a machine onto the server of ssh, for an account with a shell there.

    Where there is no shell, the line of authorized_keys that the server's administrator has to add.
    """
    if access.engine.startswith("sftp:"):
        return f'restrict,command="internal-sftp" {access.public_key}'
    parts = urlsplit(access.engine)
    folder = shlex.quote(unquote(parts.path).removeprefix("/~/"))
    remote = shlex.quote(f"envfs store invite - {folder} >> ~/.ssh/authorized_keys")
    port = f"-p {parts.port} " if parts.port else ""
    login = f"{parts.username}@{parts.hostname}" if parts.username else parts.hostname
    return f"echo {shlex.quote(access.public_key)} | ssh {port}{login} {remote}"


def _parted(address: str) -> "tuple[str, dict[str, str]]":
    engine, _, query = address.partition("?")
    pairs = [pair.partition("=") for pair in query.split("&") if pair]
    return engine, {name: unquote(path) for name, _, path in pairs}


def _example(engine: str, name: str) -> str:
    kind, _, rest = engine.partition("://")
    login = f"{name}@" if kind != "etcd" else ""
    return f"{kind}://{login}{rest.rpartition('@')[2]}?ca=ca.crt&cert={name}.crt&key={name}.key"


def _content(path: str) -> str:
    try:
        return safe_open.read_file(path, _MOST_BYTES, follow=True).decode()
    except UnicodeDecodeError:
        raise EnvFSError(f"{path} is no text") from None
    except OSError as error:
        raise EnvFSError(f"cannot read {path}: {safe_open.error_words(error)}") from None


def _host_keys(engine: str) -> str:
    parts = urlsplit(engine)
    host = f"[{parts.hostname}]:{parts.port}" if parts.port else parts.hostname or ""
    said = _ran("ssh-keygen", "-F", host)
    keys = "".join(f"{line}\n" for line in said.splitlines() if line and not line.startswith("#"))
    if not keys:
        raise EnvFSError(
            f"ssh does not know {parts.hostname}, so a machine could not know it either",
            "connect to it once with ssh, and compare the key that it shows",
        )
    return keys


def _new_key(name: str) -> "tuple[str, str]":
    folder = tempfile.mkdtemp(prefix="envfs-", dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None)  # noqa: S108
    try:
        _ran("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", f"envfs-{name}", "-f", f"{folder}/{_KEY}")
        private, public = (_content(f"{folder}/{_KEY}{ending}") for ending in ("", ".pub"))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if not private or not public:
        raise EnvFSError("no key of ssh could be made for the machine", "give one: --engine 'ADDRESS?identity=FILE'")
    return private, public.strip()


def _ran(*words: str) -> str:
    try:
        done = subprocess.run(
            words, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired):
        raise EnvFSError(f"{words[0]} cannot be run", "it comes with the client of OpenSSH") from None
    return done.stdout

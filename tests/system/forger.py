"""Makes records as docs/format.md describes them, by means of its own: well, or as somebody without the right would."""

import base64
import hashlib
import hmac
import json
import os
import subprocess
import tomllib
from pathlib import Path
from typing import NamedTuple

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

Header = dict[str, object]


def encoded(data: bytes) -> str:
    """Encode in base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decoded(text: str) -> bytes:
    """Decode base64url without padding."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def compact(body: Header) -> bytes:
    """Write JSON without blanks."""
    return json.dumps(body, separators=(",", ":")).encode()


def public(key: Ed25519PrivateKey) -> str:
    """Return how a record names an author."""
    return encoded(key.public_key().public_bytes_raw())


def owners_key(identity: Path) -> Ed25519PrivateKey:
    """Derive the signing key from an identity file (docs/format.md §3)."""
    line = next(row for row in identity.read_text(encoding="ascii").splitlines() if row.startswith("AGE-SECRET-KEY-1"))
    derived = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=b"envfs/1/signing-key").derive(line.encode())
    return Ed25519PrivateKey.from_private_bytes(derived)


def project_key(identity: Path, file: Path) -> bytes:
    """Open a project key with age."""
    done = subprocess.run(["age", "-d", "-i", identity, file], check=True, capture_output=True)
    return decoded(json.loads(done.stdout)["k"])


def kid(key: bytes) -> str:
    """Return a key's thumbprint (RFC 7638)."""
    return encoded(hashlib.sha256(compact({"k": encoded(key), "kty": "oct"})).digest())


def header_of(record: Path) -> Header:
    """Read a record's protected header."""
    found: Header = json.loads(decoded(json.loads(record.read_bytes())["protected"]))
    return found


class Pen(NamedTuple):
    """Who writes: the key that signs, whom the header names, and the key that seals."""

    signing: Ed25519PrivateKey
    author: str
    sealing: bytes


def new_signing_key() -> Ed25519PrivateKey:
    """Return somebody else's signing key."""
    return Ed25519PrivateKey.generate()


def recipient_of(vault: Path) -> str:
    """Return the owner's age recipient."""
    return str(tomllib.loads((vault / "vault.toml").read_text(encoding="utf-8"))["owner"]["recipient"])


def owners_pen(identity: Path, key: Path) -> Pen:
    """Return the owner's own pen for the project of a key file."""
    signing = owners_key(identity)
    return Pen(signing, public(signing), project_key(identity, key))


def note(body: Header, pen: Pen) -> str:
    """Return a sealed note."""
    protected, iv = encoded(b'{"alg":"dir","enc":"A256GCM","typ":"envfs-note"}'), os.urandom(12)
    plain = compact(body)
    sealed = AESGCM(pen.sealing).encrypt(iv, plain + b" " * (-len(plain) % 128), protected.encode())
    return f"{protected}..{encoded(iv)}.{encoded(sealed[:-16])}.{encoded(sealed[-16:])}"


def next_record(before: Path, pen: Pen, text: str, beside: Header | None = None) -> Path:
    """Write the record that follows `before`, with what else its header is to have; returns its path."""
    header = {name: value for name, value in header_of(before).items() if name not in _OPTIONAL} | (beside or {})
    number = int(str(header["seq"])) + 1
    header |= {"kid": kid(pen.sealing), "seq": number, "prev": digest(before), "author": pen.author}
    target = before.with_name(f"@{number:08d}.json")
    target.write_bytes(record(header, pen, text))
    return target


_OPTIONAL = ("members", "note", "ext", "crit")


def statement(kind: str, stream: Path, pen: Pen, payload: Header, beside: Header | None = None) -> Path:
    """Write the next signed statement of a stream, which is a folder of a vault; returns its path."""
    stream.mkdir(parents=True, exist_ok=True)
    before = sorted(stream.glob("@*.json"))
    vault = next(folder for folder in stream.parents if (folder / "vault.toml").exists())
    header: Header = {
        "alg": "EdDSA",
        "typ": kind,
        "vault": tomllib.loads((vault / "vault.toml").read_text(encoding="utf-8"))["id"],
        "stream": str(stream.relative_to(vault)),
        "seq": len(before) + 1,
        "prev": digest(before[-1]) if before else "",
        "author": pen.author,
        "time": "2026-11-29T18:09:10.123456Z",
        **(beside or {}),
    }
    protected, body = encoded(compact(header)), encoded(compact(payload))
    signature = encoded(pen.signing.sign(f"{protected}.{body}".encode()))
    target = stream / f"@{len(before) + 1:08d}.json"
    target.write_bytes(compact({"payload": body, "protected": protected, "signature": signature}) + b"\n")
    return target


def digest(path: Path) -> str:
    """Return how others name a record."""
    return encoded(hashlib.sha256(path.read_bytes()).digest())


def record(header: Header, pen: Pen, text: str) -> bytes:
    """Return a record."""
    protected, iv = encoded(compact(header)), os.urandom(12)
    sealed = AESGCM(pen.sealing).encrypt(iv, text.encode(), protected.encode())
    parts = {
        "protected": protected,
        "iv": encoded(iv),
        "ciphertext": encoded(sealed[:-16]),
        "tag": encoded(sealed[-16:]),
    }
    signature = pen.signing.sign(".".join(parts.values()).encode())
    return compact({**parts, "signature": encoded(signature)}) + b"\n"


def key_file(header: Header, pen: Pen, recipient: str) -> bytes:
    """Return a project key, sealed to a recipient as anybody can."""
    protected = encoded(compact(header | {"kid": kid(pen.sealing), "author": pen.author}))
    jwk: Header = {"kty": "oct", "k": encoded(pen.sealing), "kid": kid(pen.sealing), "alg": "A256GCM"}
    jwk |= {"earlier": [], "recipients": [recipient]}
    signature = encoded(pen.signing.sign(f"{protected}.{encoded(compact(jwk))}".encode()))
    plain = compact({**jwk, "protected": protected, "signature": signature}) + b"\n"
    done = subprocess.run(["age", "-e", "-r", recipient], input=plain, check=True, capture_output=True)
    return done.stdout


def under_passphrase(plain: bytes, passphrase: str, work: int = 2) -> bytes:
    """Return an age file under a passphrase that opens in no time: `age` itself spends a second on each, by 2**18."""
    salt, file_key, nonce = os.urandom(16), os.urandom(16), os.urandom(16)
    wrapping = hashlib.scrypt(passphrase.encode(), salt=b"age-encryption.org/v1/scrypt" + salt, n=2**work, r=8, p=1)
    body = ChaCha20Poly1305(wrapping[:32]).encrypt(bytes(12), file_key, None)
    words = (base64.b64encode(part).rstrip(b"=").decode() for part in (salt, body))
    header = f"age-encryption.org/v1\n-> scrypt {next(words)} {work}\n{next(words)}\n---".encode()
    mac = hmac.digest(_derived(file_key, None, b"header"), header, "sha256")
    sealed = ChaCha20Poly1305(_derived(file_key, nonce, b"payload")).encrypt(bytes(11) + b"\1", plain, None)
    return header + b" " + base64.b64encode(mac).rstrip(b"=") + b"\n" + nonce + sealed


def _derived(key: bytes, salt: bytes | None, info: bytes) -> bytes:
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=salt, info=info).derive(key)

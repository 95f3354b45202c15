#!/usr/bin/env python3
"""Give a role of PostgreSQL the password on standard input: `# @rotate-with /srv/shop/set_role_password.py shop`.

`psql` finds the server by PGHOST, PGUSER and ~/.pgpass, as usual. The server gets a SCRAM verifier (RFC 5802, RFC 7677)
and never the password: so it is in no command line, no log of statements and no `pg_stat_activity`. Running it again
with the same password does no harm, which `envfs rotate --resume` rests on.
"""

import base64
import hashlib
import hmac
import os
import subprocess
import sys

_ROUNDS, _SALT_BYTES = 4096, 16


def scram_verifier(password: bytes) -> str:
    """Return what PostgreSQL keeps of a password. Of other characters than ASCII it would want SASLprep."""
    salt = os.urandom(_SALT_BYTES)
    salted = hashlib.pbkdf2_hmac("sha256", password, salt, _ROUNDS)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    salt_text, stored_text, server_text = (base64.b64encode(part).decode() for part in (salt, stored, server))
    return f"SCRAM-SHA-256${_ROUNDS}:{salt_text}${stored_text}:{server_text}"


def set_role_password(role: str, password: bytes) -> int:
    """Change a role's password. Return the exit status of psql."""
    quoted = role.replace('"', '""')
    statement = f"ALTER ROLE \"{quoted}\" PASSWORD '{scram_verifier(password)}';\n"
    words = ["psql", "--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1", "--file", "-"]
    return subprocess.run(words, input=statement, text=True, check=False).returncode


def main() -> int:
    """Take the password from standard input."""
    if len(sys.argv) != 2:  # noqa: PLR2004 - itself and the role
        sys.exit("usage: set_role_password.py ROLE")
    return set_role_password(sys.argv[1], sys.stdin.buffer.read())


if __name__ == "__main__":
    sys.exit(main())

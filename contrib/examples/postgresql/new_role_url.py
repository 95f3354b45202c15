#!/usr/bin/env python3
"""Print the URL of the other one of two roles, with a new password: for `envfs rotate --command … --give-old`.

Two roles are members of one group, which owns everything. A rotation gives the idle one a new password and makes it the
one that programs get. So the value before goes on working until the next rotation, and no connection ever fails. If the
URL that is printed here is lost, a password was changed that nobody uses.
"""

import os
import secrets
import sys
import urllib.parse
from pathlib import Path

from set_role_password import set_role_password

_PASSWORD_BYTES = 32


def main() -> int:
    """Take the URL of now from the file that EnvFS names."""
    if len(sys.argv) != 3:  # noqa: PLR2004 - itself and two roles
        sys.exit("usage: new_role_url.py ROLE_A ROLE_B")
    url = urllib.parse.urlsplit(Path(os.environ["ENVFS_OLD_FILE"]).read_text(encoding="utf-8"))
    role = sys.argv[2] if url.username == sys.argv[1] else sys.argv[1]
    password = secrets.token_urlsafe(_PASSWORD_BYTES)
    status = set_role_password(role, password.encode())
    if status == 0:
        place = url.netloc.rpartition("@")[2]
        sys.stdout.write(url._replace(netloc=f"{role}:{password}@{place}").geturl())
    return status


if __name__ == "__main__":
    sys.exit(main())

"""One process that reads by the mount and by the socket: `python accessing.py MOUNT SOCKET COUNT SEED`.

It goes on until so many accesses were served, and prints how many of each kind were, and how many were tried in vain.
"""

import json
import random
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

from peer import HELLO, Peer

_FILES = {".env": "dotenv", ".env.json": "json", ".environ": "environ", ".vars/APP_NAME": "value"}
_LEVELS = ("/", "/shop", "/shop/prod")
_REST, _PATIENCE = 0.02, 60.0


class _Access:
    """One access, and the words that its entry in the log has."""

    def __init__(self, chance: random.Random) -> None:
        self.level = chance.choice(_LEVELS)
        self.file = chance.choice(tuple(_FILES) if self.level != "/" else (".env", ".env.json", ".environ"))
        self.by_socket = chance.random() < 0.3
        self.format = "dotenv" if self.by_socket else _FILES[self.file]
        self.key = f"{'show' if self.by_socket else 'mount'} {self.level} {self.format}"

    def read(self, mount: Path, control: Path) -> bool:
        if not self.by_socket:
            return bool((mount / self.level.strip("/") / self.file).read_bytes())
        with Peer(control) as peer:
            peer.ask(HELLO)
            asked = {"type": "read-view", "level": self.level, "format": "dotenv", "channel": "show"}
            return peer.ask(asked)["type"] == "view-sent"


def main(mount: str, control: str, count: str, seed: str) -> None:
    """Read so often, at random."""
    chance, served, in_vain = random.Random(int(seed)), Counter[str](), Counter[str]()
    until = time.monotonic() + _PATIENCE
    while served.total() < int(count) and time.monotonic() < until:
        access, done = _Access(chance), False
        with suppress(OSError, EOFError):
            done = access.read(Path(mount), Path(control))
        (served if done else in_vain)[access.key] += 1
        if done:
            until = time.monotonic() + _PATIENCE
        else:
            time.sleep(_REST)
    sys.stdout.write(json.dumps({"served": served, "in vain": in_vain}))


if __name__ == "__main__":
    main(*sys.argv[1:])

"""A writer of one load: makes changes of its own levels and says on a file what it asked for and what it was told.

load.py SOCKET OUTPUT NAME       sets the variable NAME at the level that all share. A line
on standard input begins a round: {"seed": 1, "expected": {…}}; an empty one ends it.
What is written to the file stays there when this process is killed.
"""

import json
import os
import random
import select
import sys
from pathlib import Path

from tests.system.expected import Change, Expected
from tests.system.peer import HELLO, Peer

SHARED = "/shared"
_AT_THE_SHARED_LEVEL = 0.15


def _is_told_to_stop() -> bool:
    return bool(select.select([0], [], [], 0)[0])


def _say(output: int, **words: object) -> None:
    os.write(output, json.dumps(words).encode() + b"\n")


def _chosen(expected: Expected, chance: random.Random, name: str) -> Change:
    if chance.random() < _AT_THE_SHARED_LEVEL:
        return Change({"type": "set-variable", "level": SHARED, "name": name}, (expected.value(),))
    return expected.choose(chance)


def _round(socket: Path, output: int, name: str, expected: Expected, chance: random.Random) -> str:
    with Peer(socket) as peer:
        peer.ask(HELLO)
        while not _is_told_to_stop():
            change = _chosen(expected, chance, name)
            _say(output, asked=[change.body, change.secrets])
            _, reply = peer.ask_all(change.body, change.secrets)
            _say(output, told=reply)
            if reply["type"] == "failed":
                return "refused"
            version = reply.get("version") if reply["type"] == "written" else None
            expected.apply(change, int(str(version)) if version is not None else None)
    return "stopped"


def main() -> None:
    """Carry out one round after the other."""
    socket, name = Path(sys.argv[1]), sys.argv[3]
    output = os.open(sys.argv[2], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for line in open(0, "rb", buffering=0):  # noqa: SIM115 - and no line more is taken than the one that is read
        if not line.strip():
            continue
        order = json.loads(line)
        try:
            expected, chance = Expected.from_json(order["expected"]), random.Random(order["seed"])
            how = _round(socket, output, name, expected, chance)
        except (EOFError, OSError) as error:
            how = type(error).__name__
        _say(output, ended=how)


if __name__ == "__main__":
    main()

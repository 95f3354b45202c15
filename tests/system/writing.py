"""One of several processes that write a level at once: sets variables of its own, one version each.

writing.py SOCKET LEVEL PREFIX COUNT      prints how long it took, in seconds
"""

import sys
import time
from pathlib import Path

from tests.system.peer import HELLO, Peer


def main() -> None:
    """Begin once a line comes, so that all begin together."""
    socket, level, prefix, count = sys.argv[1:]
    with Peer(Path(socket)) as peer:
        peer.socket.settimeout(120.0)
        peer.ask(HELLO)
        sys.stdin.readline()
        before = time.monotonic()
        for number in range(int(count)):
            body = {"type": "set-variable", "level": level, "name": f"{prefix}_{number}"}
            _, reply = peer.ask_all(body, (f"value {number}",))
            assert reply["type"] == "written", reply
        print(time.monotonic() - before)


if __name__ == "__main__":
    main()

"""A person at a terminal of its own, who answers questions by the socket: a process in a session of its own.

Run by itself, this is that process: it takes the terminal, connects, and sends each line of its input as a request.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Self

ROOT = Path(__file__).parents[2]


class Person:
    """Somebody with a terminal that is as old as this object. `uid` 0 is root."""

    def __init__(self, socket: Path, uid: int = 0, *, terminal: bool = True, words: tuple[str, ...] = ()) -> None:
        self._master, slave = os.openpty()
        os.chown(os.ttyname(slave), uid, -1)
        as_uid = ("setpriv", "--reuid", str(uid), "--regid", str(uid), "--clear-groups", "--") if uid else ()
        command = [*as_uid, *words, sys.executable, __file__, str(socket), os.ttyname(slave) if terminal else ""]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=not words,
            env={"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]},
        )
        os.close(slave)
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Leave."""
        self._process.kill()
        self._process.wait()
        os.close(self._master)
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()

    def ask(self, **request: object) -> tuple[list[dict[str, object]], dict[str, object]]:
        """Send one request; return the rows and the reply."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        rows, reply = json.loads(self._process.stdout.readline())
        return rows, reply

    def questions(self) -> list[dict[str, object]]:
        """Return the questions that wait."""
        return self.ask(type="list-approvals")[0]

    def answer(self, question: str, scope: str = "") -> dict[str, object]:
        """Answer a question: yes for a scope, or no."""
        return self.ask(type="respond-approval", question=question, scope=scope)[1]


def main() -> None:
    """Be the person's process."""
    from tests.system.peer import HELLO, Peer

    socket, terminal = sys.argv[1:]
    if terminal:
        os.open(terminal, os.O_RDWR)  # the first terminal that the leader of a session opens is its own
    with Peer(Path(socket)) as peer:
        peer.ask(HELLO)
        print("ready", flush=True)
        for line in sys.stdin:
            print(json.dumps(peer.ask_all(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()

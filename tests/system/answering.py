"""A person who answers questions: at a terminal by the socket, or by commands in a shell; each a session of its own.

The session must be older than the question, and its first process must still run. Tests may be started from a session
of which nothing is left, so no command that they start themselves can answer.
Run by itself, this is the person at a terminal: it connects, and sends each line of its input as a request.
"""

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from tests.system.home import Home

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


class Seat:
    """A shell that root began before there was a question, without a terminal. It runs one command after the other."""

    _END = "the command ended with"

    def __init__(self, home: "Home") -> None:
        self._shell = subprocess.Popen(
            ["sh"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
            env=home.environ(),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._shell.communicate()

    def run(self, *words: str | Path, status: int = 0) -> str:
        """Run one command, which must end with `status`. Return what it said, on both streams."""
        assert self._shell.stdin is not None
        assert self._shell.stdout is not None
        self._shell.stdin.write(
            f"{shlex.join(map(str, words))} 2>&1 </dev/null; status=$?; echo; echo {self._END} $status\n"
        )
        self._shell.stdin.flush()
        said = ""
        for line in self._shell.stdout:
            if line.startswith(self._END):
                assert line == f"{self._END} {status}\n", (words, line, said)
                break
            said += line
        return said


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

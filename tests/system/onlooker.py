"""A process of another user that looks at paths all the time, so that the kernel remembers them."""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.system.home import as_user
from tests.system.probing import Ended

_PROBE = Path(__file__).with_name("probe.py").read_text(encoding="utf-8")
_SCRIPT = """
import json, os, sys, threading, time
probe = {"__name__": "probe"}
exec(sys.argv[1], probe)
paths = sys.argv[2:]
def look():
    while True:
        for path in paths:
            try:
                os.stat(path)
            except OSError:
                pass
        time.sleep(0.05)  # a name is remembered for longer
threading.Thread(target=look, daemon=True).start()
for line in sys.stdin:
    print(json.dumps(probe["attempt"](*json.loads(line))), flush=True)
"""


class Onlooker:
    """The process. It answers one question after the other."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def attempt(self, *wish: object) -> Ended:
        """Try one thing, as `probing.attempt` does."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        words = [str(part) if isinstance(part, Path) else part for part in wish]
        self._process.stdin.write(json.dumps(words) + "\n")
        self._process.stdin.flush()
        return Ended(*json.loads(self._process.stdout.readline()))


@contextmanager
def looking(uid: int, paths: Sequence[Path]) -> Iterator[Onlooker]:
    """Have a user look at `paths` for the block."""
    words = [*as_user(uid), sys.executable, "-I", "-S", "-c", _SCRIPT, _PROBE, *map(str, paths)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd="/") as process:
        try:
            yield Onlooker(process)
        finally:
            process.kill()

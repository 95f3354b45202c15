"""A vault of its own in a temporary folder, its daemon and its mount: made for the measurements, gone afterwards."""

import fcntl
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from grown_vaults import Grown, cached_home, copy_home
from peers import as_user

ENVFS = str(Path(sys.executable).with_name("envfs"))
_ENDING_SECONDS = 10.0


class Home:
    """`with Home() as home:` a vault, mounted unless `mounted` is false. All ends with the block. Root may give a uid.

    The identity is in a file: what is measured is EnvFS, and not the second that a passphrase takes on purpose.
    """

    def __init__(
        self, *, mounted: bool = True, command: str = ENVFS, grown: Grown | None = None, uid: int = -1
    ) -> None:
        """Make the vault, by the `envfs` at `command`. With `grown`, it has that history or those levels."""
        self.command = (*as_user(uid), command) if uid >= 0 else (command,)
        source = cached_home(grown) if grown else None
        self.path = Path(tempfile.mkdtemp(prefix="envfs-bench-", dir=source and source.parent.parent))
        if uid >= 0:
            os.chown(self.path, uid, uid)
        self.environ = {**os.environ, "ENVFS_HOME": str(self.path)}
        self.identity = (source or self.path) / "identity.txt"
        try:
            if source:
                copy_home(source, self.path)
            else:
                words = ("init", "--json", "--identity-file", str(self.identity))
                self.recipient = str(json.loads(self.envfs(*words))["recipient"])
            if mounted:
                self.mount()
        except BaseException:
            self.close(interrupted=True)
            raise

    def __enter__(self) -> Self:
        """Nothing is left to do."""
        return self

    def __exit__(self, kind: type[BaseException] | None, _error: BaseException | None, _: TracebackType | None) -> None:
        """End all of it."""
        self.close(interrupted=kind is not None)

    def envfs(self, *words: str, text: str = "") -> str:
        """Run a command. Returns what it prints.

        Raises:
            RuntimeError: it failed
        """
        done = subprocess.run(
            [*self.command, *words], env=self.environ, input=text, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(f"envfs {words[0]} ended with status {done.returncode}: {done.stderr.strip()}")
        return done.stdout

    def fill(self, texts: dict[str, str]) -> None:
        """Write one text a level."""
        for level, text in texts.items():
            self.envfs("import", "-", level, "--replace", text=text)

    def mount(self) -> float:
        """Start the daemon, and wait until it serves. Returns how long that took."""
        before = time.perf_counter()
        self.envfs("mount")
        return time.perf_counter() - before

    def unmount(self) -> None:
        """End the daemon."""
        self.envfs("unmount")

    def view(self, level: str) -> str:
        """Return the path of a level's view in the mount."""
        return f"{self.path}/mnt{level.rstrip('/')}/.env"

    def close(self, *, interrupted: bool) -> None:
        """End whatever daemon is there, in whatever state, and remove the folder."""
        if interrupted:
            time.sleep(0.5)  # one may be on its way up
        until = time.monotonic() + _ENDING_SECONDS
        while self._busy() and time.monotonic() < until:
            # until it serves it cannot be asked to stop. One for a single command ends by itself, after its command
            subprocess.run([*self.command, "unmount"], env=self.environ, capture_output=True, check=False)
            time.sleep(0.05)
        if os.path.ismount(self.path / "mnt"):
            subprocess.run(["fusermount3", "-u", "-z", str(self.path / "mnt")], check=False)
        shutil.rmtree(self.path, ignore_errors=True)

    def _busy(self) -> bool:
        try:
            with (self.path / "state/daemon.lock").open("rb") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except BlockingIOError:
            return True
        return False

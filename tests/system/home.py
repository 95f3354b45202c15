"""One ENVFS_HOME under test, used as a person would: by the `envfs` command, by the files of the mount, by signals."""

import json
import os
import pwd
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from envfs.host.witnesses import Witness

SECONDS = 60.0  # for what comes in a moment, on a machine that does other things as well
LOOK = 0.01  # longer than the millisecond for which the daemon trusts a look at its settings
FILES = (".env", ".env.example", ".env.json", ".environ", ".vars")  # of every level, now and of each version
OWNER = pwd.getpwnam("games").pw_uid  # on every machine; fusermount3 mounts for nobody without a name
ENVFS = str(Path(sys.executable).with_name("envfs"))
Row = dict[str, object]
PASSPHRASE = "correct horse battery staple"
_BY_PROGRAM = (  # clients that are never forked: they start something, or need no interpreter
    *("mount", "exec", "run", "ui", "shell", "mcp", "web", "service", "agent", "store-serve"),
    *("get", "__complete"),
)


class Said(NamedTuple):
    """How a command ended and what it printed."""

    status: int
    out: bytes
    err: bytes

    @property
    def text(self) -> str:
        return self.out.decode()

    @property
    def complaint(self) -> str:
        return self.err.decode()


class Daemon(NamedTuple):
    """A running daemon, by its process ids."""

    pid: int
    keyholder: int


def eventually(question: Callable[[], object], what: str, seconds: float = SECONDS, pause: float = 0.02) -> None:
    """Wait until the answer is yes."""
    until = time.monotonic() + seconds
    while not question():
        assert time.monotonic() < until, f"waited {seconds} s in vain: {what}"
        time.sleep(pause)


def alive(pid: int) -> bool:
    """Tell whether a process runs; one that waits to be reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(") ")[2][0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def mount_lines(pid: int | str = "self") -> list[str]:
    """List what a process sees of mounts (proc(5), mountinfo), whatever bytes their paths have."""
    return os.fsdecode(Path(f"/proc/{pid}/mountinfo").read_bytes()).splitlines()


def mounts_below(folder: Path) -> list[str]:
    """List the mount points at and below a folder."""
    points = (line.split(" ")[4] for line in mount_lines())
    return [point for point in points if point == str(folder) or point.startswith(f"{folder}/")]


def processes_of(folder: Path) -> list[int]:
    """List the processes whose environment or command line names a folder: that is how ours are told from others'."""
    is_named, pids = re.compile(re.escape(os.fsencode(folder)) + rb"(?![\w.-])").search, []  # home-1 is not home-12
    for pid in map(int, filter(str.isdigit, os.listdir("/proc"))):
        try:
            # asked for often, of every process of the machine, so the bare files are read
            with (
                open(f"/proc/{pid}/environ", "rb", buffering=0) as environ,
                open(f"/proc/{pid}/cmdline", "rb", buffering=0) as words,
            ):
                text = environ.read() + words.read()
        except OSError:
            continue
        if is_named(text) and pid != os.getpid():
            pids.append(pid)
    return pids


def open_in(pid: int) -> int:
    """Count what a daemon has open, but for the /proc folders of its last callers, of which it keeps some."""
    found = []
    for path in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):
            found.append(str(path.readlink()))
    return sum(not target.startswith("/proc/") for target in found)


def as_user(uid: int) -> tuple[str, ...]:
    """Return the words that run a command as another user."""
    return ("setpriv", "--reuid", str(uid), "--regid", str(uid), "--clear-groups", "--") if uid else ()


def said_by(words: Sequence[str], data: bytes | None, environ: Mapping[str, str], folder: Path | str) -> Said:
    """Run a program in a folder."""
    done = subprocess.run(
        words,
        input=data,
        stdin=None if data is not None else subprocess.DEVNULL,
        capture_output=True,
        check=False,
        timeout=3 * SECONDS,
        env=environ,
        cwd=folder,
    )
    return Said(done.returncode, done.stdout, done.stderr)


class Home:
    """A home at `path` that `uid` owns; its identity lies outside of it."""

    # unless Python is to carry out each line, or the module says otherwise (`clients_by_program` of conftest.py)
    clients_are_forked = "ENVFS_CLIENT" not in os.environ

    def __init__(self, path: Path, uid: int = 0) -> None:
        self.path = path
        self.uid = uid
        self.mnt = path / "mnt"
        self.vault = path / "vault"
        self.state = path / "state"
        self.settings = path / "envfs.toml"
        self.log_file = self.state / "access.jsonl"
        self.socket = path / "run" / "control.sock"
        self._served_by: Daemon | None = None

    # -- the command ---------------------------------------------------------------------------------------------------

    def environ(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        """Return what every command of these tests has for an environment."""
        # `ENVFS_CLIENT=python make test` has Python carry out each line (docs/contributing.md)
        kept = {name: os.environ[name] for name in ("PATH", "LANG", "ENVFS_CLIENT") if name in os.environ}
        return {**kept, "LC_ALL": "C.UTF-8", "ENVFS_HOME": str(self.path), **(extra or {})}

    def envfs(
        self,
        *words: str,
        given: bytes | str | None = None,
        uid: int | None = None,
        status: int | None = 0,
        environ: Mapping[str, str] | None = None,
        cwd: Path | str = "/",
    ) -> Said:
        """Run `envfs` in `cwd` with `given` on standard input, as `uid`; it must end with `status` (None: any)."""
        data = given.encode() if isinstance(given, str) else given
        said = self.carry_out(words, self.uid if uid is None else uid, data, self.environ(environ), cwd)
        assert status is None or said.status == status, (words, said)
        return said

    def can_fork(self, words: Sequence[str], uid: int, environ: Mapping[str, str]) -> bool:
        """Tell whether a client that is forked can carry out a line."""
        if not self.clients_are_forked or uid or not words or words[0] in _BY_PROGRAM:
            return False
        # what the interpreter looks at when it starts has to be as it was for the process that is forked
        return environ.get("LC_ALL") == "C.UTF-8" and not any(name.startswith(("PYTHON", "LD_")) for name in environ)

    def carry_out(
        self, words: Sequence[str], uid: int, data: bytes | None, environ: Mapping[str, str], folder: Path | str
    ) -> Said:
        """Have a line carried out in a folder: by the program, or by a client that is forked."""
        if self.can_fork(words, uid, environ):
            from tests.system import forked  # as in `_fork`

            return Said(*forked.nursery().run(words, environ, data, str(folder)))
        return said_by([*as_user(uid), ENVFS, *words], data, environ, folder)

    def knowing(self, passphrase: str = PASSPHRASE) -> dict[str, str]:
        """Return the environment of somebody who has a passphrase in a file beside the home."""
        path = self.path.with_name(f"{self.path.name}.txt")
        path.write_text(f"{passphrase}\n", encoding="utf-8")
        path.chmod(0o600)
        return {"ENVFS_PASSPHRASE_FILE": str(path)}

    def rows(self, *words: str) -> list[Row]:
        """Run a listing command with --json."""
        found: list[Row] = json.loads(self.envfs(*words, "--json").out)
        return found

    def status(self) -> Row:
        """Return what `envfs status --json` says, whatever its exit status."""
        found: Row = json.loads(self.envfs("status", "--json", status=None).out)
        return found

    def problems(self) -> str:
        """Return what `envfs status` says is wrong, as one text."""
        listed = self.status()["problems"]
        assert isinstance(listed, list)
        return "; ".join(listed)

    # -- the daemon ----------------------------------------------------------------------------------------------------

    def mount(self, *words: str, environ: Mapping[str, str] | None = None) -> Daemon:
        """Start a daemon in the background."""
        self.envfs("mount", *words, environ=environ)
        return self.daemon()

    def daemon(self) -> Daemon:
        """Return the running daemon."""
        report = self._asked({"type": "status"}) if self.uid == 0 else self.status()
        assert report.get("running", True), report
        return Daemon(int(str(report["pid"])), int(str(report["keyholder_pid"])))

    def end(self, daemon: Daemon) -> None:
        """End a daemon: kindly, else by its own process id; leave no mount behind."""
        if alive(daemon.pid) and not self._is_told_to_end():
            with suppress(ProcessLookupError):  # a test has killed it, and it ends just now
                os.kill(daemon.pid, signal.SIGKILL)
        eventually(lambda: not alive(daemon.pid) and not alive(daemon.keyholder), "the daemon ends")
        self.clear_mounts()

    def _is_told_to_end(self) -> bool:
        if self.uid:  # a user's own daemon obeys no other, root included
            return self.envfs("unmount", status=None).status == 0
        try:
            return self._asked({"type": "unmount"})["type"] == "done"
        except (OSError, EOFError):
            return False

    def _asked(self, body: Row) -> Row:
        from tests.system.peer import Peer  # which says how long it waits with this module's word

        with Peer(self.socket) as peer:
            return peer.ask(body)

    def clear_mounts(self) -> None:
        """Unmount whatever is mounted at or below this home."""
        for point in reversed(mounts_below(self.path)):
            subprocess.run(["umount", "-l", point], check=True, capture_output=True)

    @contextmanager
    def mounted(self, *words: str) -> Iterator[Daemon]:
        """Serve for as long as the block lasts. A block inside of another takes the daemon of that one."""
        with self._serving(lambda: self.mount(*words), again=bool(words)) as daemon:
            yield daemon

    @contextmanager
    def served(self) -> Iterator[Daemon]:
        """As `mounted`, for a quarter of the work: root's daemon is forked from a process that has loaded it."""
        with self._serving(self.mount if self.uid else self._fork) as daemon:
            yield daemon

    @contextmanager
    def _serving(self, start: Callable[[], Daemon], *, again: bool = False) -> Iterator[Daemon]:
        if self._served_by is not None and not again:
            yield self._served_by
            return
        daemon = self._served_by = start()
        try:
            yield daemon
        finally:
            self._served_by = None
            self.end(daemon)

    def _fork(self) -> Daemon:
        from tests.system import forked  # which knows of homes no more than that they have an environment

        forked.nursery().start(self.environ(), self.state / "daemon.log")
        return self.daemon()

    def settle(self) -> None:
        """Wait until a daemon that served one command has ended: it signs the log after the command is done."""
        eventually(lambda: not processes_of(self.path), "no process works here", pause=0.05)

    def forget(self) -> None:
        """Make this a home on a machine that sees its vault for the first time."""
        shutil.rmtree(self.state)
        shutil.rmtree(self.vault / "log")
        self.forget_witness()

    def forget_witness(self) -> None:
        """Make what is remembered apart from log and vault, in the runtime folder and in the kernel, say nothing."""
        text = (self.vault / "vault.toml").read_text(encoding="utf-8")
        vault = text.partition('id = "')[2][:36]
        Witness(self.path / "run" / "witness", f"{vault} {self.log_file}").put("-")

    def fill_large_level(self, *uids: int) -> None:
        """Write `/big`, a megabyte with a history, and let users read it and `/shop`."""
        text = "".join(f"K{number}={'x' * 4000}\n" for number in range(240))
        self.envfs("import", "-", "/big", given=text)
        for number in range(12):
            self.envfs("set", "/big", "K0", given=str(number))
        for uid in uids:
            for level in ("/big", "/shop"):
                self.envfs("grant", level, "--uid", str(uid))

    def edit_settings(self, text: str) -> None:
        """Let the settings be `text`, as a person does by hand; a look of the daemon's of before is too old then."""
        self.settings.write_text(text, encoding="utf-8")
        time.sleep(LOOK)

    # -- the files -----------------------------------------------------------------------------------------------------

    def view(self, level: str) -> Path:
        """Return the path of a level's `.env` in the mount."""
        return self.mnt / level.strip("/") / ".env"

    def history_view(self, level: str, version: int) -> Path:
        """Return the path of a level's `.env` as it was at a version."""
        return self.mnt / level.strip("/") / ".history" / str(version) / ".env"

    def log(self) -> list[Row]:
        """Return the entries of the access log as they stand in the file."""
        return [json.loads(line) for line in self.log_file.read_bytes().splitlines()]

    def refusals(self, uid: int) -> list[Row]:
        """Return the log's refusals of one user."""
        return [entry for entry in self.log() if entry["event"] == "refuse" and entry["uid"] == uid]

    def records(self) -> list[Path]:
        """Return every record file of the vault."""
        return sorted(path for path in self.vault.rglob("@0*") if path.is_file())

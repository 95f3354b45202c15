"""No key and no value in the memory of the daemon or the keyholder, looked for as root in every mapping."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyrage
import pytest

from tests.system import forger
from tests.system.crashing import Served, put_under_passphrase
from tests.system.home import OWNER, SECONDS, Daemon, Home, alive, as_user, eventually
from tests.system.peer import Body, frame, memory

VALUES = {f"SCANNED_{n}": f"scanned-value-{n}-{n * 7919:08x}" for n in range(6)}
TEXT = "".join(f"{name}={value}\n" for name, value in VALUES.items())
LATER = "set-afterwards-5b7c1e"
_PIECE = 1 << 16
_ZEROS = bytes(_PIECE)
PASSPHRASES = (
    "granite lantern fifty walrus",
    "copper meadow ninety sparrow",
    "violet anchor twelve thunder",
    "a wrong try of somebody",
)


def found_in(pid: int, needles: Iterable[str | bytes]) -> list[str | bytes]:
    """Return the needles that stand anywhere in the memory of a process that can be read at all."""
    return list(counted_in(pid, needles))


def counted_in(pid: int, needles: Iterable[str | bytes]) -> dict[str | bytes, int]:
    """Return how often each needle stands there, for those that do."""
    data = b"\n".join(_mappings(pid))
    counts = {needle: data.count(needle.encode() if isinstance(needle, str) else needle) for needle in needles}
    return {needle: count for needle, count in counts.items() if count}


def _mappings(pid: int) -> Iterator[bytes]:
    """Yield what is mapped, but for what is a file's own text: the libraries' code is most of a process."""
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        for line in Path(f"/proc/{pid}/maps").read_text(encoding="utf-8").splitlines():
            span, mode, _, _, inode, *_ = line.split()
            if inode != "0" and "w" not in mode:
                continue
            start, end = (int(part, 16) for part in span.split("-"))
            try:
                memory.seek(start)
                yield _less_zeros(memory.read(end - start))
            except (OSError, ValueError, OverflowError):
                continue  # vvar and secret memory: the kernel reads them for nobody


def _less_zeros(data: bytes) -> bytes:
    """Leave out most of what was never written to: three quarters of a process."""
    pieces = (data[at : at + _PIECE] for at in range(0, len(data), _PIECE))
    return b"".join(piece for piece in pieces if piece != _ZEROS)


@pytest.fixture
def scanned(home: Home) -> Iterator[tuple[Home, Daemon]]:
    home.envfs("import", "-", "/shop", given=TEXT)
    with home.mounted() as daemon:
        yield home, daemon


def _prove_on_a_naive_process(needles: Iterable[str | bytes]) -> None:
    """Show that the scanner finds each needle in a process that takes no care."""
    data = b"\n".join(needle.encode() if isinstance(needle, str) else needle for needle in needles)
    script = f"import sys; held = sys.stdin.buffer.read({len(data)}); print('ready', flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(data)
        child.stdin.flush()
        child.stdout.readline()
        assert set(found_in(child.pid, needles)) == set(needles)
        child.stdin.close()


@pytest.mark.parametrize("times", [100, pytest.param(1000, marks=pytest.mark.soak)])
def test_after_many_reads_neither_process_holds_a_value(scanned: tuple[Home, Daemon], times: int) -> None:
    home, daemon = scanned
    for _ in range(times):
        assert home.view("/shop").read_text().endswith("\n")
    for pid in daemon:  # the kernel tells the daemon of a file that was closed some time later
        eventually(lambda pid=pid: found_in(pid, [*VALUES.values(), *VALUES]) == [], "nothing is found")  # type: ignore[misc]


class Scanned:
    """A daemon under a passphrase, and all that must never be found in it or in its keyholder."""

    def __init__(self, home: Home, served: Served, every: int) -> None:
        self._home, self._served = home, served
        self._every, self._asked = every, 0
        text = (home.path.parent / "identity.txt").read_text(encoding="ascii")
        self._identity = next(line for line in text.splitlines() if line.startswith("AGE-SECRET-KEY-1"))
        seed = forger.owners_key(home.path.parent / "identity.txt").private_bytes_raw()
        self.secrets: set[str | bytes] = {*VALUES.values(), LATER, *PASSPHRASES, self._identity, seed}
        self.spelt_out = False

    def ask(self, body: Body, *secrets: str, fails: bool = False) -> None:
        """Ask for something, and scan after every so-manieth."""
        _, reply = self._served.peer.ask_all(body, secrets)
        assert (reply["type"] == "failed") == fails, reply
        self._asked += 1
        if self._asked % self._every == 0:
            self.scan(str(body))
        else:
            self._learn_keys()  # what is new now may be an old one at the next scan

    def scan(self, what: str) -> None:
        """Look for every secret and every name in both processes; names may stay where a request spelt them out."""
        self._learn_keys()
        for pid in (self._served.pid, self._served.keyholder):
            names = () if self.spelt_out and pid == self._served.pid else VALUES
            assert counted_in(pid, (*self.secrets, *names)) == {}, what

    def open_view(self) -> None:
        """Scan while a view is open: one copy of it, in the daemon's reply buffer, and none when it is closed."""
        with self._home.view("/shop").open("rb", buffering=0) as file:
            assert file.read(1 << 16)
            assert counted_in(self._served.pid, VALUES.values()) == dict.fromkeys(VALUES.values(), 1)
            assert counted_in(self._served.keyholder, (*self.secrets, *VALUES)) == {}
        # the kernel tells the daemon of a file that was closed some time later
        eventually(lambda: counted_in(self._served.pid, VALUES.values()) == {}, "the file is closed")
        self.scan("closed")

    def _learn_keys(self) -> None:
        for folder in ("key", "key/shop"):
            newest = sorted((self._home.vault / folder).glob("@*.age"))[-1:]
            for plain in (self._opened(file.read_bytes()) for file in newest):
                for key in (plain, *plain["earlier"]):
                    self.secrets |= {key["k"], forger.decoded(key["k"])}

    @lru_cache  # noqa: B019 - a test's own, and a passphrase takes its time
    def _opened(self, data: bytes) -> dict[str, Any]:
        if b"-> scrypt" in data[:40]:
            plain = pyrage.passphrase.decrypt(data, PASSPHRASES[2])
        else:
            plain = pyrage.decrypt(data, [pyrage.x25519.Identity.from_str(self._identity)])
        found: dict[str, Any] = json.loads(plain)
        return found


@pytest.mark.parametrize("every", [3, pytest.param(1, marks=pytest.mark.soak)])
def test_nothing_is_found_whatever_is_done(home: Home, every: int) -> None:
    home.envfs("import", "-", "/shop", given=TEXT)
    home.settle()
    put_under_passphrase(home, PASSPHRASES[0])
    old, new, own, wrong = PASSPHRASES
    shop: Body = {"project": "shop"}
    vault: Body = {"project": ""}
    with Served(home, old) as served:
        it = Scanned(home, served, every)
        for _ in range(300 // every):
            assert home.view("/shop").read_bytes() == TEXT.encode()
        it.scan("idle, after many reads")
        it.open_view()
        it.ask({"type": "lock", **vault})
        it.ask({"type": "unlock", "seconds": 0, **vault}, wrong, fails=True)
        it.ask({"type": "unlock", "seconds": 0, **vault}, old)
        it.ask({"type": "change-passphrase"}, old, new)
        it.ask({"type": "lock", **vault})
        it.ask({"type": "unlock", "seconds": 0, **vault}, new)
        it.ask({"type": "rotate-key", **shop})
        it.ask({"type": "change-custody", **shop, "custody": "zero-knowledge"}, own)
        it.ask({"type": "rotate-key", **shop}, own)
        it.open_view()
        it.ask({"type": "lock", **shop})
        it.ask({"type": "unlock", "seconds": 0, **shop}, own)
        it.ask({"type": "change-custody", **shop, "custody": "managed"}, own)
        it.secrets |= _recovery(served)
        it.scan("recovery")
        it.spelt_out = True
        it.ask({"type": "set-variable", "level": "/shop", "name": "SCANNED_LATER", "trim": False}, LATER)
        assert home.envfs("get", "/shop", "SCANNED_1").text.strip() == VALUES["SCANNED_1"]
        home.envfs("exec", "/shop", "--", "true")
        home.envfs("exec", "/shop", "--only", "SCANNED_2", "--", "true")
        it.scan("get and exec")
        it.open_view()
        assert len(it.secrets) > 6 + 5 + 8
        assert _in_swap(it.secrets) == set()
        _prove_on_a_naive_process(it.secrets)


def _recovery(served: Served) -> set[str | bytes]:
    sheet = memory(b"")
    served.peer.send(frame({"type": "add-recovery", "recipient": ""}), (sheet,))
    assert served.peer.receive()["type"] == "recovery-made"
    lines = os.pread(sheet, 4096, 0).decode().splitlines()
    os.close(sheet)
    return {line for line in lines if line.startswith("AGE-SECRET-KEY-1")}


def _in_swap(needles: Iterable[str | bytes]) -> set[str | bytes]:
    """Return what stands in the areas that the machine swaps to; there are none on most that run tests."""
    found: set[str | bytes] = set()
    for line in Path("/proc/swaps").read_text(encoding="utf-8").splitlines()[1:]:
        before = b""
        with Path(line.split()[0]).open("rb") as area:
            while piece := area.read(1 << 24):
                for needle in needles:
                    if (needle.encode() if isinstance(needle, str) else needle) in before + piece:
                        found.add(needle)
                before = piece[-256:]
    return found


def test_a_process_that_breaks_down_leaves_no_core(home: Home, tmp_path: Path) -> None:
    """The naive one shows that the machine makes cores, if it does so in files."""
    pattern = Path("/proc/sys/kernel/core_pattern").read_text(encoding="ascii").strip()
    raised = "import os, resource; resource.setrlimit(resource.RLIMIT_CORE, (-1, -1)); os.abort()"
    if "/" not in pattern and "|" not in pattern:
        with subprocess.Popen([sys.executable, "-c", raised], cwd=tmp_path) as naive:
            assert os.WCOREDUMP(os.waitpid(naive.pid, 0)[1])
        assert list(tmp_path.glob("core*")) != []
    before = set(Path("/").glob("core*"))
    for who in ("pid", "keyholder"):
        with Served(home) as served:
            os.kill(getattr(served, who), signal.SIGABRT)
            if who == "pid":
                status = os.waitpid(served.pid, 0)[1]
                assert (os.WTERMSIG(status), os.WCOREDUMP(status)) == (signal.SIGABRT, False)
            eventually(lambda: not alive(served.keyholder), "the keyholder ends")
    assert set(Path("/").glob("core*")) == before
    assert list(home.path.glob("core*")) == []


def test_get_exec_show_export_and_set_leave_nothing_behind(scanned: tuple[Home, Daemon]) -> None:
    home, daemon = scanned
    assert home.envfs("get", "/shop", "SCANNED_1").text.strip() == VALUES["SCANNED_1"]
    home.envfs("exec", "/shop", "--", "true")
    home.envfs("exec", "/shop", "--only", "SCANNED_2,SCANNED_3", "--", "true")
    home.envfs("show", "/shop", "--reveal")
    home.envfs("export", "/shop")
    home.envfs("set", "/shop", "SET_LATER", given=LATER)
    home.envfs("history", "/shop")
    for pid in daemon:
        assert found_in(pid, [*VALUES.values(), LATER]) == []


_PEEPING = Path(__file__).with_name("peeping.py").read_text(encoding="utf-8")
_YAMA = Path("/proc/sys/kernel/yama/ptrace_scope")


def _peeped(pid: int) -> dict[str, str]:
    words = [*as_user(OWNER), sys.executable, "-I", "-S", "-c", _PEEPING, str(pid)]
    done = subprocess.run(words, capture_output=True, check=True, timeout=SECONDS)
    found: dict[str, str] = json.loads(done.stdout)
    return found


def test_the_same_uid_can_look_into_an_ordinary_process_or_the_next_test_would_show_nothing() -> None:
    if _YAMA.exists() and _YAMA.read_text().strip() != "0":
        pytest.skip("on this machine nobody may trace but parents")
    words = [*as_user(OWNER), sys.executable, "-I", "-S", "-c", "print('ready', flush=True); input()"]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as victim:
        assert victim.stdout is not None
        victim.stdout.readline()
        found = _peeped(victim.pid)
        victim.kill()
    assert found == dict.fromkeys(found, "did it")


def test_the_same_uid_can_neither_read_nor_trace_them(user_home: Home) -> None:
    with user_home.mounted() as daemon:
        for pid in daemon:
            assert f"\nUid:\t{OWNER}\t" in Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
            found = _peeped(pid)
            assert {name: how for name, how in found.items() if how not in ("EACCES", "EPERM")} == {}


@pytest.mark.skipif(shutil.which("gcore") is None, reason="needs gdb's gcore")
def test_the_same_uid_gets_no_core_of_them(user_home: Home) -> None:
    with user_home.mounted() as daemon:
        for pid in daemon:
            words = [*as_user(OWNER), "gcore", "-o", str(user_home.path / "core"), str(pid)]
            done = subprocess.run(words, capture_output=True, check=False, timeout=60, cwd="/")
            assert done.returncode != 0
            assert b"Operation not permitted" in done.stderr + done.stdout
    assert list(user_home.path.glob("core*")) == []

"""A fault at any await of the daemon's own code ends one request at most: the daemon lives and answers the next one."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.component.requesting import PUBLIC_KEY
from tests.conftest import Homes
from tests.system import faulty
from tests.system.home import SECONDS, Home, alive, eventually
from tests.system.peer import HELLO, STATUS, Body, Peer, frame, memory

_RARE = (  # what the work below does not come to: starts, ends, crowds, and what asks a person or takes another machine
    "daemon.daemon:",
    "daemon.notifications:",
    "service.access.approvals:",
    "fuse.operations: asking.wait_for_person(",
    "fuse.guard: self.sharing.gathering",
    "gate.approvals.board: patience",
    "gate.approvals.board: waiter",
    "gate.approvals.board: self._look()",
    "gate.approvals.board: trio",
    "gate.approvals.asking: self.board.ask(",
    "gate.gate: self._approvals.ask(",
    "control.requests.approvals: call.send_row(",
    "control.requests.approvals: service.after_revoke()",
    "control.requests.views: call.send_row(WaitingRow",
    "fuse.asking: gate.ask(",
    "fuse.mount:",
    "fuse.touching: trio.to_thread.run_sync(os.stat",
    "control.server: supervised_nursery()",
    "control.server: trio.sleep(_PAUSE)",
    "control.requests.identity:",
    "service.keys.unlocking:",
    "service.keys.identity:",
    "service.keys.key_changes:",
    "service.project_keys:",
    "service.levels.forgetting: _forget_named(",
    "service.levels.forgetting: checked_tombstones(vault, service.keyholder, stream) (1)",
    "service.levels.forgetting: trio.to_thread.run_sync(vault.forget_versions, level, versions)",
    "control.connection: self._use_token(",
    "control.requests.rules: end_sessions(",
    "service.access.grants: end_rules(service, service.me, over)",
    "service.maintenance.setup:",
    "control.requests.vault:",
    "control.requests.log:",
    "control.requests.projects:",
    "service.keys.rekeying:",
    "service.keys.locking: lock_now(service, caller, f",
    "service.audit.log_verification: inquiry.service.keyholder.ask(VerifyCheckpoint",
    "fuse.guard: sharing.wait_turn",
    "fuse.operations: self.sharing.wait_turn_of",
    "fuse.sharing:",
    "control.connection: trio.lowlevel.wait_writable",
    "control.connection: self._send_piece(",
    "service.doctor.facts: trio.to_thread.run_sync(_load_pyfuse3",
    "service.maintenance.verification: inquiry.report(",
    "daemon.housekeeping: lock",
    "daemon.housekeeping: checkpoint",
    "daemon.housekeeping: service.ledger.sign(",
    "daemon.housekeeping: finish_forgetting(service) (1)",
    "daemon.housekeeping: supervised_nursery() (1) exit",
    "fuse.crowding: trio.to_thread.run_sync(_forget",
    "service.progress:",
    "control.requests.incidents: call.send_row(ProgressRow",
    "control.dispatch: log_verification.sign_log(",
    "service.maintenance.verification: _ask_about_members(",
    "service.maintenance.verification: inquiry.service.keyholder.ask(request, Faults, records)",
    "service.writer: self._keyholder.ask(request, Compared",
    "service.writer: self._keyholder.turn()",
    "service.changes.comparison: self.differing([change])",
    "daemon.keyholder_process: trio.lowlevel.wait_writable",
    "control.requests.scanning:",  # a session of a proxy, and what is to be scanned, come by descriptors
    "service.proxies.answering:",
    "service.proxy_processes.",
    "control.handed_over:",  # what other users hand over; the work is the owner's
    "daemon.late_approval:",
    "service.sharing.",  # an engine, and members beside the owner: tests/component has their faults
    "service.shared_logs.",
    "control.requests.shared_logs:",
    "control.requests.sharing:",
    "service.levels.rejoining:",
    "service.maintenance.machine_entry:",
    "service.levels.conflicts:",
    "control.requests.members:",
    "service.members.",
    "service.maintenance.joining:",
)
_STEP = 0.5  # seconds for an answer, of which some never come. A busy machine takes longer, so later rounds wait longer
_ROUNDS, _SOON = 40, 6  # a place is reached when those before it have failed; a task that failed is started again later


class Orders:
    """Says to the daemon what is to fail."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(SECONDS)
        self._socket.connect(str(path))
        self._lines = self._socket.makefile("rw")

    def give(self, order: str) -> dict[str, set[str]]:
        self._lines.write(order + "\n")
        self._lines.flush()
        told = json.loads(self._lines.readline())
        self.places = set(told["places"])
        return {kind: set(places) for kind, places in told["failed"].items()}

    def close(self) -> None:
        self._lines.close()
        self._socket.close()


@pytest.fixture(scope="module")
def victim(new_home: Homes, stocked: Home) -> Iterator[tuple[Home, Orders]]:
    """Give a mounted home whose daemon fails where it is told to."""
    home = new_home(stocked)
    path = home.path / "orders.sock"
    command = [sys.executable, str(Path(faulty.__file__)), str(path), "serve"]
    environ = {**home.environ(), "PYTHONPATH": str(Path(__file__).parents[2])}
    log = (home.path / "faulty.log").open("wb")
    with log, subprocess.Popen(command, env=environ, stderr=log, stdout=log, cwd="/") as process:
        try:
            eventually(lambda: home.socket.exists() and "COMPANY_NAME" in _read(home), "the daemon serves")
            orders = Orders(path)
            yield home, orders
            orders.close()
            process.send_signal(signal.SIGTERM)
            process.wait(SECONDS)
        finally:
            home.clear_mounts()
    text = (home.path / "faulty.log").read_text()
    assert "hunter2" not in text


def _read(home: Home) -> str:
    with suppress(OSError):
        return home.view("/shop/prod").read_text()
    return ""


_VIEW: Body = {"type": "read-view", "level": "/shop", "format": "dotenv", "channel": "show"}
_REQUESTS: list[tuple[Body, tuple[bytes, ...]]] = [
    (HELLO, ()),
    (STATUS, ()),
    (_VIEW, ()),
    ({**_VIEW, "version": 1}, ()),
    ({**_VIEW, "format": "value", "only": ["NOT_THERE"]}, ()),
    ({"type": "list-variables", "level": "/shop"}, ()),
    ({"type": "describe-view", "level": "/shop"}, ()),
    ({"type": "list-levels"}, ()),
    ({"type": "list-history", "level": "/shop"}, ()),
    ({"type": "list-history", "level": "/shop", "version": -1}, ()),
    ({"type": "compare-levels", "level": "/shop", "other": "/"}, ()),
    ({"type": "compare-levels", "level": "/shop", "version": -1}, ()),
    ({"type": "list-grants"}, ()),
    ({"type": "list-approvals"}, ()),
    ({"type": "show-approval", "question": "q1"}, ()),
    ({"type": "respond-approval", "question": "q1"}, ()),
    ({"type": "watch-approvals"}, ()),
    ({"type": "watch-status"}, ()),
    ({"type": "list-readers", "level": "/shop"}, ()),
    ({"type": "list-proxies"}, ()),
    ({"type": "list-proxy-rules", "level": "/shop"}, ()),
    ({"type": "stop-proxy", "session": "p1"}, ()),
    ({"type": "open-proxy", "level": "/shop"}, ()),
    ({"type": "find-variables", "pattern": "A", "by_value": True}, (b"a value",)),
    ({"type": "list-projects"}, ()),
    ({"type": "list-keys", "project": "shop"}, ()),
    ({"type": "read-log", "newest": 3}, ()),
    ({"type": "read-log", "newest": 3, "level": "/shop"}, ()),
    ({"type": "read-log", "newest": 20_000, "level": "/shop"}, ()),
    ({"type": "count-log"}, ()),
    ({"type": "list-levels", "removed": True}, ()),
    ({"type": "explain-access", "level": "/shop", "uid": 4713}, ()),
    ({"type": "find-variables", "pattern": "APP*"}, ()),
    *[({"type": "report-incident", "level": "/shop", "name": "PORT"}, ())] * 4,
    *[({"type": "list-holders", "level": "/shop", "name": "PORT"}, ())] * 2,
    *[({"type": "verify-log"}, ())] * 3,  # each of these ends at its first fault, and has many places
    *[({"type": "verify-vault"}, ())] * 6,
    ({"type": "diagnose"}, ()),
    ({"type": "read-metrics", "levels": True}, ()),
    ({"type": "seal-view", "level": "/shop", "key": PUBLIC_KEY, "label": ""}, ()),
    *[({"type": kind}, ()) for kind in ("list-authors", "describe-vault", "describe-sharing", "list-members")],
    ({"type": "backup"}, (b"",)),
    ({"type": "set-variable", "level": "/shop/faults", "name": "A"}, (b"1",)),
    ({"type": "set-variable", "level": "/shop/faults", "name": "A"}, (b"2",)),
    ({"type": "check-write", "level": "/shop/faults", "name": "A"}, ()),
    ({"type": "set-variables", "level": "/shop/faults", "names": ["A", "C"]}, (b"3\0" + b"4\0",)),
    ({"type": "copy-variables", "level": "/shop", "source": "/shop/faults", "names": ["C"], "move": True}, ()),
    ({"type": "list-rotations", "every": True}, ()),
    ({"type": "ask-person", "level": "/shop/faults", "kind": "set", "names": ["A"]}, ()),
    ({"type": "list-presence", "level": "/shop/faults", "ages": True}, ()),
    ({"type": "rotate-variable", "level": "/shop/faults", "name": "A", "phase": "direct"}, (b"a newer value",)),
    ({"type": "rename-variable", "level": "/shop/faults", "name": "A", "new_name": "B"}, ()),
    ({"type": "unset-variable", "level": "/shop/faults", "name": "B"}, ()),
    ({"type": "import-text", "level": "/shop/faults", "replace": True}, (b"C=${NOBODY}\n",)),
    ({"type": "rollback", "level": "/shop/faults", "version": 1}, ()),
    ({"type": "copy-variables", "level": "/shop/faults", "source": "/shop", "names": []}, ()),
    ({"type": "move-level", "level": "/shop/faults", "target": "/shop/faulty"}, ()),
    ({"type": "move-level", "level": "/shop/faulty", "target": "/shop/faults"}, ()),
    ({"type": "remove-level", "level": "/shop/faults"}, ()),
    ({"type": "forget-versions", "level": "/shop"}, ()),
    ({"type": "set-variable", "level": "/shop/faults", "name": "A"}, (b"5",)),
    ({"type": "accept", "level": "/shop/faults"}, ()),
    ({"type": "grant-access", "level": "/shop", "uid": 4713}, ()),
    ({"type": "revoke", "level": "/shop", "uid": 4713}, ()),
    ({"type": "rotate-key", "project": "shop"}, ()),
    ({"type": "change-recipients", "project": "shop"}, ()),
    ({"type": "new-project", "project": f"p{time.time_ns()}", "custody": "managed"}, ()),
    ({"type": "lock", "project": "shop"}, ()),
    ({"type": "unlock", "project": "shop"}, ()),
    ({"type": "lock"}, ()),
    ({"type": "unlock"}, ()),
    ({"type": "restart-log"}, ()),
    ({"type": "init"}, ()),
    ({"type": "no such thing"}, ()),
]


_ENDLESS: tuple[Body, ...] = ({"type": "watch-approvals"}, {"type": "watch-status"})


def _ask_everything(home: Home, seconds: float) -> None:
    for body, secrets in _REQUESTS:
        held = tuple(memory(secret) for secret in secrets)
        with suppress(OSError, EOFError), Peer(home.socket) as peer:
            peer.socket.settimeout(seconds / 10 if body in _ENDLESS else seconds)
            peer.send(frame(body), held)
            while str(peer.receive()["type"]).endswith("-row"):
                pass
        for handle in held:
            os.close(handle)


def _read_everything(home: Home, _seconds: float) -> None:
    for path in (home.mnt, home.mnt / "shop", home.mnt / "shop" / ".vars", home.mnt / "shop" / ".history"):
        with suppress(OSError):
            for name in os.listdir(path):
                _use(path / name)
    _use(home.history_view("/shop", 1))
    with suppress(OSError):
        os.statvfs(home.mnt)


def _use(path: Path) -> None:
    for act in (path.read_bytes, path.stat, path.unlink, path.readlink, lambda: os.access(path, os.R_OK)):
        with suppress(OSError):
            act()


def _watch(home: Home, seconds: float) -> None:
    for body in ({"type": "watch-view", "level": "/shop"}, {"type": "read-log", "newest": 1, "follow": True}):
        with suppress(OSError, EOFError), Peer(home.socket) as peer:
            peer.socket.settimeout(seconds)
            peer.send(frame(body))
            peer.receive()
            _set_port(home, seconds)
            peer.receive()


def _set_port(home: Home, seconds: float) -> None:
    with suppress(OSError, EOFError), Peer(home.socket) as peer:
        peer.socket.settimeout(seconds)
        peer.ask_all({"type": "set-variable", "level": "/shop", "name": "PORT"}, (str(time.time_ns()),))


def _be_a_nuisance(home: Home, _seconds: float) -> None:
    for data in (b"\0\0\0\0", b"\0\0\0\x05hello", frame({"type": "unmount", "also": 1}), b"\0\0"):
        with suppress(OSError), Peer(home.socket) as peer:
            peer.send(data, (0,) if len(data) > 4 else ())
            peer.socket.shutdown(socket.SHUT_RD)


def _end_keyholder(home: Home, _seconds: float) -> None:
    killed = _keyholder(home)
    if killed:
        with suppress(ProcessLookupError):
            os.kill(killed, signal.SIGKILL)
        eventually(lambda: _keyholder(home) not in (0, killed), "there is another keyholder")


def _keyholder(home: Home) -> int:
    with suppress(OSError, EOFError), Peer(home.socket) as peer:
        peer.socket.settimeout(_STEP)
        return int(str(peer.ask(STATUS).get("keyholder_pid", 0)))
    return 0


_WORK: tuple[Callable[[Home, float], None], ...] = (
    _ask_everything,
    _read_everything,
    _watch,
    _be_a_nuisance,
    _end_keyholder,
)


_KINDS = [pytest.param(kind, marks=() if kind == "a bug" else pytest.mark.soak) for kind in faulty.FAULTS]


@pytest.mark.parametrize("kind", _KINDS)
def test_a_fault_at_any_await_ends_one_request_at_most(victim: tuple[Home, Orders], kind: str) -> None:
    home, orders = victim
    before = home.daemon().pid
    orders.give(f"arm {kind}")
    missed = orders.places
    for number in range(_ROUNDS):
        for work in _WORK:
            work(home, _STEP * (1 + number // _SOON))
        assert alive(before)
        missed = {each for each in orders.places - orders.give("tell").get(kind, set()) if not each.startswith(_RARE)}
        if len(missed) * 10 < len(orders.places):
            break
    orders.give("disarm")
    eventually(lambda: home.envfs("get", "/shop", "APP_NAME", status=None).text == "shop\n", "it answers")
    eventually(lambda: "COMPANY_NAME" in _read(home), "the mount answers")
    assert home.daemon().pid == before
    assert len(missed) * 10 < len(orders.places), sorted(missed)  # the last ones take many rounds

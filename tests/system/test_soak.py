"""Ten minutes of everything at once: no wrong content, no leak, no drift; what was written is there at the end."""

import os
import random
import signal
import threading
import time
from pathlib import Path

import pytest

from tests.system.home import Daemon, Home, alive, eventually, open_in
from tests.system.probing import attempt

pytestmark = pytest.mark.soak

_SECONDS = float(os.environ.get("ENVFS_SOAK_SECONDS", "600"))
_LEVELS = ("/", "/a", "/a/b", "/a/b/c", "/d", "/d/e")
_UIDS = (1001, 1002)


class Model:
    """What the vault must hold: each level's own variables, changed under a lock that readers respect."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.own: dict[str, dict[str, str]] = {level: {} for level in _LEVELS}
        self.versions = dict.fromkeys(_LEVELS, 0)

    def view(self, level: str) -> dict[str, str]:
        """Return a level's view."""
        found: dict[str, str] = {}
        for above in sorted(_LEVELS, key=len):
            if above in ("/", level) or level.startswith(f"{above}/"):
                found.update(self.own[above])
        return found


def _values(text: str) -> dict[str, str]:
    return {name: value.strip("'") for name, _, value in (line.partition("=") for line in text.splitlines())}


def _write(home: Home, model: Model) -> None:
    level = model.random.choice(_LEVELS)
    own = model.own[level]
    if own and model.random.random() < 0.25:
        name = model.random.choice(sorted(own))
        home.envfs("unset", level, name)
        del own[name]
    else:
        name, value = f"N{model.random.randrange(12)}", f"v{model.random.randrange(10**9)}"
        if own.get(name) == value:
            return
        home.envfs("set", level, name, given=value)
        own[name] = value
    model.versions[level] += 1


def _check(home: Home, model: Model) -> None:
    for level in _LEVELS:
        if model.versions[level]:
            assert _values(home.view(level).read_text(encoding="utf-8")) == model.view(level), level


def _regrant(home: Home, model: Model) -> None:
    uid, level = model.random.choice(_UIDS), model.random.choice(_LEVELS)
    home.envfs("grant", level, "--uid", str(uid), *model.random.choice([(), ("--ttl", "1h")]))
    if model.versions[level]:
        assert attempt(uid, "read", home.view(level)).how == "ok"
    home.envfs("revoke", level, "--uid", str(uid))
    assert attempt(uid, "read", home.view(level)).how in ("EACCES", "ENOENT")


def _go_back(home: Home, model: Model) -> None:
    level = model.random.choice(_LEVELS)
    if model.versions[level] < 2:
        return
    version = model.random.randint(1, model.versions[level])
    old = _values(home.envfs("export", level, "--version", str(version)).text)
    now = model.view(level)
    said = home.envfs("rollback", level, str(version), "-y", "--json")
    model.versions[level] = int(said.text.split('"version": ')[1].split(",")[0])
    after = home.rows("show", level, "--reveal")
    model.own[level] = {str(row["name"]): str(row["value"]) for row in after if row["level"] == level}
    assert set(model.own[level]) <= set(old) | set(now)


def _restart(home: Home, model: Model) -> None:
    daemon = home.daemon()
    if model.random.random() < 0.5:
        home.envfs("unmount")
    else:
        os.kill(daemon.pid, signal.SIGKILL)
    eventually(lambda: not alive(daemon.pid) and not alive(daemon.keyholder), "the daemon ends")
    home.mount()


def _lose_keyholder(home: Home, model: Model) -> None:
    daemon = home.daemon()
    os.kill(daemon.keyholder, signal.SIGKILL)
    eventually(lambda: home.daemon().keyholder != daemon.keyholder, "it is replaced")
    eventually(lambda: home.status()["unlocked"] is True, "it is unlocked")


_DEEDS = [_write] * 40 + [_check] * 20 + [_regrant] * 10 + [_go_back] * 5 + [_restart, _lose_keyholder]


def _read_for_ever(home: Home, ended: threading.Event, faults: list[str]) -> None:
    """Read whatever is there; a view is whole or the read is an error that has a name."""
    while not ended.is_set():
        for level in _LEVELS:
            try:
                text = home.view(level).read_text(encoding="utf-8")
            except OSError:
                time.sleep(0.01)
                continue
            if text and (not text.endswith("\n") or not all("=" in line for line in text.splitlines())):
                faults.append(text)


def _weight(daemon: Daemon) -> tuple[int, int]:
    """Return the daemon's descriptors and resident KiB."""
    lines = Path(f"/proc/{daemon.pid}/status").read_text(encoding="utf-8").splitlines()
    resident = next(line for line in lines if line.startswith("VmRSS"))
    return open_in(daemon.pid), int(resident.split()[1])


@pytest.mark.parametrize("seed", [1])
def test_ten_minutes_of_everything_at_once(home: Home, seed: int) -> None:
    model, ended = Model(seed), threading.Event()
    faults: list[str] = []
    home.mount()
    readers = [threading.Thread(target=_read_for_ever, args=(home, ended, faults)) for _ in range(2)]
    for reader in readers:
        reader.start()
    until = time.monotonic() + _SECONDS
    try:
        while time.monotonic() < until:
            model.random.choice(_DEEDS)(home, model)
            assert faults == []
    finally:
        ended.set()
        for reader in readers:
            reader.join()
    _check(home, model)
    assert home.envfs("verify").text.endswith(" 0 failed\n")
    assert home.envfs("log", "verify").status == 0
    assert home.problems() == ""


def test_a_daemon_that_is_read_from_for_minutes_grows_no_further(served: tuple[Home, Daemon]) -> None:
    home, daemon = served
    reached: list[tuple[int, int]] = []
    until = time.monotonic() + _SECONDS / 4
    while time.monotonic() < until:
        for number in range(200):
            home.view("/shop/prod").read_bytes()
            assert attempt(4711, "stat", home.view("/shop")).how == "EACCES" if number % 50 == 0 else True
        home.envfs("set", "/shop/prod", "N", given=str(len(reached)))
        reached.append(_weight(daemon))
    settled = reached[len(reached) // 3]
    assert reached[-1][0] <= settled[0] + 8
    assert reached[-1][1] <= settled[1] * 1.2

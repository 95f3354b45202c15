"""kill -9 at any moment of a change: nothing acknowledged is lost, nothing half done, and the next start finishes."""

import contextlib
import os
import random
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Self

import pyrage
import pytest

from envfs.service.audit.log_verification import LIMITS
from tests.conftest import copied
from tests.system import forger
from tests.system.crashing import (
    AT_WORK,
    STRACE,
    Moment,
    Served,
    put_under_passphrase,
    struck,
    struck_at_work,
    traced,
)
from tests.system.home import Home, eventually
from tests.system.peer import Body, Peer, frame

OLD, NEW = "granite lantern fifty walrus", "copper meadow ninety sparrow"
STRANGER = "age17cyz8uddawjyrgxfl2pma468ptvmtal758qzdvqcqs9afjr5jqzql6x2nf"
TEXTS = {
    "/": {"REGION": "eu"},
    "/other": {"TITLE": "other"},
    "/safe": {"PIN": "2718"},
    "/safe/deep": {"DEEP": "yes"},
    "/shop": {"NAME": "shop"},
    "/shop/prod": {"NAME": "prod"},
    "/shop/prod/eu": {"ZONE": "b"},
}
PROJECTS = ("/", "/other", "/safe", "/shop")
WHO = ("daemon", "keyholder", "both", "client", "alone")
_FEW = 3
_FIRST = "the vault has no checkpoint yet, so an older vault can look like the newest"  # a kill before the first
Asked = tuple[Body, tuple[str, ...]]


@dataclass
class State:
    """What a home must hold: each level's own variables, what may open each lock, and what is not yet certain."""

    home: Home
    own: dict[str, dict[str, str]] = field(default_factory=lambda: {level: dict(own) for level, own in TEXTS.items()})
    under: dict[str, str] = field(default_factory=lambda: {"/safe": OLD})
    keys: dict[str, int] = field(default_factory=lambda: dict.fromkeys(PROJECTS, 1))
    pending: tuple[str, str] = ("", "")
    number: int = 0


class Deed(NamedTuple):
    """One kind of change: what is asked, how often a home can bear it, and what is so once it was acknowledged."""

    ask: Callable[[State], Iterator[Asked]]
    done: Callable[["Found", Body], bool]
    bears: int = 1
    identity: bool = False
    new_key: str = ""


class Blow(NamedTuple):
    """When, and who."""

    moment: Moment
    who: str


class Found(NamedTuple):
    """What a fresh daemon says of a home: the projects by name, and with which passphrase each lock was opened."""

    projects: dict[str, Body]
    opened: dict[str, str]


def _sets(state: State) -> Iterator[Asked]:
    """Ask for one variable after the other, five of them in a measured turn; each is certain once it was told so."""
    for number in range(state.number, state.number + 5):
        name, value = f"S{number % 25}", f"value-{number}"
        state.pending, state.number = (name, value), number + 1
        yield {"type": "set-variable", "level": "/shop/prod", "name": name, "trim": False}, (value,)
        state.own["/shop/prod"][name] = value


def _once(body: Body, *secrets: str) -> Callable[[State], Iterator[Asked]]:
    return lambda _state: iter([(body, secrets)])


_PASSWD, _SAFE = {"type": "change-passphrase"}, {"project": "safe"}
DEEDS = {
    "set": Deed(_sets, lambda _found, _reply: True, bears=1000),
    "rotate": Deed(
        _once({"type": "rotate-key", "project": "shop"}), lambda _found, _reply: True, bears=40, new_key="/shop"
    ),
    "recipients": Deed(
        _once({"type": "change-recipients", "project": "shop", "add": [], "remove": [STRANGER]}),
        lambda found, _reply: STRANGER not in str(found.projects["/shop"]["recipients"]),
        new_key="/shop",
    ),
    "recovery": Deed(
        _once({"type": "add-recovery", "recipient": ""}, ""),
        lambda found, reply: all(
            str(reply["recipient"]) in str(row["recipients"]) for name, row in found.projects.items() if name != "/safe"
        ),
        bears=25,
    ),
    "passwd": Deed(_once(_PASSWD, OLD, NEW), lambda found, _reply: found.opened[""] == NEW, identity=True),
    "passwd-project": Deed(
        _once({"type": "change-project-passphrase", **_SAFE}, OLD, NEW),
        lambda found, _reply: found.opened["/safe"] == NEW,
    ),
    "custody-to-passphrase": Deed(
        _once({"type": "change-custody", "project": "shop", "custody": "zero-knowledge"}, NEW),
        lambda found, _reply: found.projects["/shop"]["custody"] == "zero-knowledge",
        new_key="/shop",
    ),
    "custody-to-managed": Deed(
        _once({"type": "change-custody", **_SAFE, "custody": "managed"}, OLD),
        lambda found, _reply: found.projects["/safe"]["custody"] == "managed",
        new_key="/safe",
    ),
}


# -- homes -------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def built(bare: Home, own_ground: Path) -> Home:
    """Give a home with three managed projects and one under a passphrase that is quickly tried. To be copied."""
    home = copied(bare, own_ground / "built")
    with home.mounted():
        _fill(home)
    file = home.vault / "key" / "safe" / "@00000001.age"
    file.write_bytes(forger.under_passphrase(pyrage.passphrase.decrypt(file.read_bytes(), OLD), OLD))
    home.forget()  # another key file in the place of the one that this machine has seen
    return home


def _fill(home: Home) -> None:
    secret = home.path.with_name("old-passphrase")
    secret.write_text(OLD, encoding="utf-8")
    home.envfs("project", "new", "safe", "--zero-knowledge", "-y", "--passphrase-file", str(secret))
    for level, own in TEXTS.items():
        home.envfs("import", "-", level, given="".join(f"{name}={value}\n" for name, value in own.items()))
    home.envfs("project", "recipients", "shop", "--add", STRANGER)


class Homes:
    """Copies of the built home, each used for as many changes as it bears."""

    def __init__(self, built: Home, ground: Path, deed: Deed) -> None:
        self._built, self._ground, self._deed = built, ground, deed
        self._state: State | None = None
        self._left = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()

    def next(self) -> State:
        """Return the home for the next change."""
        if self._state is None or not self._left:
            self.remove()
            self._left = self._deed.bears
            home = copied(self._built, self._ground / f"crash-{time.monotonic_ns()}")
            self._state = State(home)
            if self._deed.identity:
                put_under_passphrase(home, OLD)
                self._state.under[""] = OLD
        self._left -= 1
        return self._state

    def remove(self) -> None:
        """Remove the home that was used."""
        if self._state is not None:
            self._state.home.clear_mounts()
            shutil.rmtree(self._state.home.path)
            self._state = None


# -- one change, broken off --------------------------------------------------------------------------------------------


def _break_off(deed: Deed, state: State, blow: Blow) -> list[Body]:
    """Ask for a change and kill at that moment; returns what was acknowledged."""
    told: list[Body] = []
    who, alone = blow.who, blow.who == "alone"
    with Served(state.home, state.under.get("", ""), alone=alone) as served:
        with struck(served, blow.moment, "daemon" if alone else who):
            for body, secrets in deed.ask(state):
                try:
                    _, reply = served.peer.ask_all(body, secrets)
                except (EOFError, OSError):
                    break
                if reply["type"] == "failed":
                    assert who in ("keyholder", "both"), reply
                    assert reply["code"] in ("keyholder-gone", "locked"), reply
                    break
                told.append(reply)
                state.pending = ("", "")
        if who in ("client", "keyholder") and not deed.identity:
            with Peer(state.home.socket) as peer:  # a daemon that lives on finishes by itself
                eventually(lambda: _unfinished(peer) == [], "the living daemon finishes")
    return told


def _unfinished(peer: Peer) -> list[object]:
    rows, reply = peer.ask_all({"type": "list-projects"})
    return [row["project"] for row in rows if row["unfinished"] and row["unlocked"]] if reply["type"] == "done" else [0]


# -- what is left ------------------------------------------------------------------------------------------------------


def _check(deed: Deed, state: State, told: list[Body]) -> None:
    """Look at a home with a fresh daemon: all is whole, what was acknowledged is so, what broke off is finished."""
    opened = {"": _opens_identity(state.home)} if deed.identity else {}
    with Served(state.home, opened.get("", "")) as fresh:
        peer = fresh.peer
        assert peer.ask({"type": "status"})["problems"] == []
        for row in peer.ask_all({"type": "list-projects"})[0]:
            if row["custody"] == "zero-knowledge":
                opened[str(row["project"])] = _unlock(peer, state.home, str(row["project"]))
        eventually(lambda: _unfinished(peer) == [], "what broke off is finished")
        assert _old_keys(state.home) == []
        rows, _ = peer.ask_all({"type": "list-projects"})
        found = Found({str(row["project"]): row for row in rows}, opened)
        assert all(row["unlocked"] and not row["unfinished"] for row in rows)
        assert all(deed.done(found, reply) for reply in told)
        _check_keys(deed, state, peer, found, bool(told))
        faults, checked = peer.ask_all({"type": "verify-vault"})
        assert (checked["type"], checked["failed"], faults) == ("checked", 0, [])
        assert _notes(checked) in ([LIMITS], [_FIRST, LIMITS])
        _check_values(state, peer)
        assert peer.ask_all({"type": "list-grants"})[0] != []
        assert peer.ask({"type": "verify-log"})["type"] == "checked"
        eventually(lambda: _strays(state.home) == [], "no file is half written")
        assert _printed(state.home) == ""
    state.under = opened


def _notes(checked: Body) -> list[str]:
    """Return the notes but for the one change that the kill broke off."""
    listed = checked["notes"]
    assert isinstance(listed, list)
    broken_off = [note for note in listed if note.endswith(": the change was interrupted before it took effect")]
    assert len(broken_off) <= 1, broken_off
    return [note for note in listed if note not in broken_off]


def _check_keys(deed: Deed, state: State, peer: Peer, found: Found, acknowledged: bool) -> None:
    keys, _ = peer.ask_all({"type": "list-keys", "project": ""})
    for project, row in found.projects.items():
        mine = [key for key in keys if key["project"] == project]
        assert [key["levels"] for key in mine if key["newest"]] == [row["levels"]], (project, mine)
        more = len(mine) - state.keys[project]
        assert more in ((1,) if acknowledged else (0, 1)) if deed.new_key == project else more == 0, (project, more)
        state.keys[project] = len(mine)


def _check_values(state: State, peer: Peer) -> None:
    name, value = state.pending
    for level in TEXTS:
        wanted: dict[str, str] = {}
        for above in TEXTS:
            if above in ("/", level) or level.startswith(f"{above}/"):
                wanted |= state.own[above]
        wish: Body = {
            "type": "read-view",
            "level": level,
            "format": "dotenv",
            "channel": "export",
            "version": 0,
            "only": [],
        }
        sent = peer.ask(wish)
        assert sent["type"] == "view-sent", (level, sent)
        got = dict(line.split("=", 1) for line in peer.blob.decode().removesuffix(".").splitlines())
        if level == "/shop/prod" and name and got.get(name) == value:
            state.own[level][name] = wanted[name] = value  # it was not told any more, but done
        assert got == wanted, level
    state.pending = ("", "")


def _opens_identity(home: Home) -> str:
    return _the_one_that_opens((home.path / "identity.age").read_bytes())


def _unlock(peer: Peer, home: Home, project: str) -> str:
    passphrase = _the_one_that_opens(_files(home, project.strip("/"))[-1].read_bytes())
    _, reply = peer.ask_all({"type": "unlock", "seconds": 0, "project": project}, (passphrase,))
    assert reply["type"] == "done", reply
    return passphrase


def _the_one_that_opens(data: bytes) -> str:
    """Return the one passphrase that opens a file."""
    found = []
    for passphrase in (OLD, NEW):
        try:
            pyrage.passphrase.decrypt(data, passphrase)
            found.append(passphrase)
        except pyrage.DecryptError:
            continue
    assert len(found) == 1, found
    return found[0]


def _old_keys(home: Home) -> list[str]:
    """List the key files before each project's newest that still have bytes."""
    left = []
    for project in PROJECTS:
        *before, newest = _files(home, project.strip("/"))
        assert newest.stat().st_size > 0
        left += [str(file) for file in before if file.stat().st_size]
    return left


def _files(home: Home, project: str) -> list[Path]:
    """List a project's key files, the newest last."""
    return sorted((home.vault / "key" / project).glob("@*.age"))


def _printed(home: Home) -> str:
    """Return what the daemons of a home have complained of."""
    return (home.path / "printed").read_text(encoding="utf-8")


def _strays(home: Home) -> list[str]:
    """List what is there that no finished write leaves: temporary files of the vault, the settings, the state."""
    paths = (path for path in home.path.rglob("*") if home.mnt not in (path, *path.parents))
    return [str(path) for path in paths if path.name.startswith(".") or ".new" in path.name]


# -- the tests ---------------------------------------------------------------------------------------------------------


def _unbroken(deed: Deed, state: State, *, trace: bool) -> tuple[float, list[Moment]]:
    """Carry a change out to its end: how long it takes, and each lasting system call of the daemon on the way."""
    with (
        Served(state.home, state.under.get("", "")) as served,
        traced(served.pid) if trace else contextlib.nullcontext([""]) as calls,
    ):
        begun = time.monotonic()
        for body, secrets in deed.ask(state):
            assert served.peer.ask_all(body, secrets)[1]["type"] != "failed"
        taken = time.monotonic() - begun
    return taken, [Moment(0, call, calls[: at + 1].count(call)) for at, call in enumerate(calls) if call]


def _blows(deed: Deed, homes: Homes, count: int, chance: random.Random) -> list[Blow]:
    """Choose moments: each lasting system call, in any order, and over the whole duration, whoever is killed."""
    taken, calls = _unbroken(deed, homes.next(), trace=bool(STRACE))
    homes.remove()
    if count > _FEW:  # tracing takes its time, too
        taken, _ = _unbroken(deed, homes.next(), trace=False)
        homes.remove()
    chance.shuffle(calls)
    at_calls = [Blow(moment, ("daemon", "alone")[at % 2]) for at, moment in enumerate(calls[: count // 2])]
    rest = count - len(at_calls)
    return at_calls + [Blow(Moment(chance.uniform(0, 1.05 * taken)), WHO[at % len(WHO)]) for at in range(rest)]


def _strike(name: str, homes: Homes, blows: list[Blow], seed: int) -> int:
    """Deal every blow to a change of that name, and look at what is left; returns how many were acknowledged."""
    acknowledged = 0
    for number, blow in enumerate(blows):
        state = homes.next()
        try:
            told = _break_off(DEEDS[name], state, blow)
            _check(DEEDS[name], state, told)
        except Exception as error:
            error.add_note(f"{name}, blow {number}: {blow}; again with ENVFS_CRASH_SEED={seed}")
            raise
        acknowledged += bool(told)
    return acknowledged


def test_variables_that_are_set_one_after_the_other_survive_any_kill(built: Home, ground: Path) -> None:
    seed = int(os.environ.get("ENVFS_CRASH_SEED", "1"))
    with Homes(built, ground, DEEDS["set"]) as homes:
        _strike("set", homes, _blows(DEEDS["set"], homes, _FEW, random.Random(seed)), seed)


@pytest.mark.parametrize(
    ("name", "blow"),
    [
        ("set", Blow(AT_WORK, "client")),
        ("rotate", Blow(Moment(0, "linkat", 2), "daemon")),
        ("recipients", Blow(Moment(0, "linkat", 1), "alone")),
        ("recovery", Blow(AT_WORK, "keyholder")),
        ("passwd", Blow(Moment(0, "rename", 1), "daemon")),
        ("passwd-project", Blow(Moment(0, "linkat", 1), "daemon")),
        ("custody-to-passphrase", Blow(Moment(0, "linkat", 3), "daemon")),
        ("custody-to-managed", Blow(AT_WORK, "both")),
    ],
)
def test_each_change_that_is_killed_on_its_way_leaves_the_old_or_the_new(
    name: str, blow: Blow, built: Home, ground: Path
) -> None:
    blow = blow if STRACE or not blow.moment.call else blow._replace(moment=AT_WORK)
    with Homes(built, ground, DEEDS[name]) as homes:
        _strike(name, homes, [blow], 0)


def test_a_client_that_leaves_ends_no_change(built: Home, ground: Path) -> None:
    with Homes(built, ground, DEEDS["rotate"]) as homes:
        state = homes.next()
        before = len(_files(state.home, "shop"))
        with Served(state.home) as served:
            served.peer.send(frame({"type": "rotate-key", "project": "shop"}))
            served.peer.socket.close()
            with Peer(state.home.socket) as peer:
                eventually(lambda: len(_files(state.home, "shop")) > before and not _old_keys(state.home), "it is done")
                assert _unfinished(peer) == []
        assert _printed(state.home) == ""


def test_a_recovery_finishes_what_a_rotation_left(built: Home, ground: Path) -> None:
    with Homes(built, ground, DEEDS["recovery"]) as homes:
        state = homes.next()
        moment = Moment(0, "linkat", 2) if STRACE else AT_WORK
        with (
            Served(state.home, alone=True) as served,
            struck(served, moment, "daemon"),
            contextlib.suppress(EOFError, OSError),
        ):
            served.peer.ask_all({"type": "rotate-key", "project": "shop"})
        if STRACE:
            assert _old_keys(state.home) != []
        with Served(state.home, alone=True) as served:
            assert served.peer.ask_all({"type": "add-recovery", "recipient": ""}, ("",))[1]["type"] == "recovery-made"
            keys, _ = served.peer.ask_all({"type": "list-keys", "project": "shop"})
            assert [key["levels"] for key in keys] == [3, 0]


def test_what_a_dead_keyholder_was_at_dies_with_it(built: Home, ground: Path) -> None:
    """Otherwise it would answer after its successor has come, and the daemon would take that for unlocked."""
    with Homes(built, ground, DEEDS["passwd"]) as homes:
        state = homes.next()
        before = (state.home.path / "identity.age").read_bytes()
        with Served(state.home, OLD) as served:
            with struck_at_work(served, "keyholder"):
                _, reply = served.peer.ask_all({"type": "change-passphrase"}, (OLD, NEW))
            assert reply["code"] == "keyholder-gone"
            assert (state.home.path / "identity.age").read_bytes() == before


@pytest.mark.soak
@pytest.mark.parametrize("name", DEEDS)
def test_a_change_is_killed_at_two_hundred_moments(name: str, built: Home, ground: Path) -> None:
    count = int(os.environ.get("ENVFS_CRASH_COUNT", "200"))
    seed = int(os.environ.get("ENVFS_CRASH_SEED", "0")) or random.SystemRandom().randrange(1, 10**6)
    with Homes(built, ground, DEEDS[name]) as homes:
        blows = _blows(DEEDS[name], homes, count, random.Random(seed))
        begun = time.monotonic()
        acknowledged = _strike(name, homes, blows, seed)
    at_calls = sum(bool(blow.moment.call) for blow in blows)
    print(
        f"{name}: {count} killed, {at_calls} at system calls, {acknowledged} acknowledged before, seed {seed},", end=" "
    )
    print(f"{time.monotonic() - begun:.0f} s")
    assert 0 < acknowledged < count, "the moments are not spread over the change"

"""What the tests of the whole program share: a folder that other users can pass, homes in it, and a count at the end.

Law: descriptors, mounts and processes are as many after the tests as before them.

Each law of hypothesis is tried with some examples by `make test`, and with many times as many by `make soak`. There is
no deadline, and nothing fails for how slowly examples are drawn: that says something of the machine and of luck alone.

`make test` tries a test of processes once more, a second after it failed, and names it at the end (RERUN). One that
fails twice has failed. `make soak` and `make engines` try nothing again.
"""

import functools
import gc
import os
import shutil
import signal
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.component.proxying import Upstream
from tests.patience import end_children_of_failed_tests
from tests.selection import TIMES, dealt_out
from tests.system import forked
from tests.system.crashing import put_under_passphrase
from tests.system.home import OWNER, PASSPHRASE, Daemon, Home, eventually, mounts_below, processes_of
from tests.system.samples import LEVELS
from tests.system.terminal import leave_terminal

_WHOLE_PROGRAM = ("system", "transcripts", "compatibility", "recipes", "documents")
_OF_PROCESSES = (*_WHOLE_PROGRAM, "component", "engines")
_LAWS = ("property", "fuzz")
_MODE = pytest.StashKey[int]()
_OF_LUCK = (HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large)
Homes = Callable[..., Home]

settings.register_profile("envfs", deadline=None, max_examples=25 * TIMES, suppress_health_check=_OF_LUCK)
settings.load_profile("envfs")


def pytest_sessionstart(session: pytest.Session) -> None:
    """Let every user open /dev/fuse, as udev does on an ordinary machine and nobody does in a bare one.

    The process that the others belong to does it, if there are several: it is the last to end. Each takes every signal
    that `nohup` or a shell's background job ignores: commands that ignore Ctrl-C from their start are not what is
    tested. Each lets go of its terminal as well: who asks and who answers here have one parent, which must not be a
    program in a terminal.
    """
    leave_terminal()
    end_children_of_failed_tests()
    for number in signal.valid_signals() - {signal.SIGPIPE, signal.SIGXFSZ}:  # Python itself ignores these two
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    if _is_able() and not hasattr(session.config, "workerinput"):
        session.config.stash[_MODE] = stat.S_IMODE(os.stat("/dev/fuse").st_mode)
        os.chmod("/dev/fuse", 0o666)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Take it back."""
    if _MODE in session.config.stash:
        os.chmod("/dev/fuse", session.config.stash[_MODE])


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> Iterator[None]:
    """Mark the tests that need root and /dev/fuse, and skip them where either is missing.

    Once it is known which are tried, each of several processes is to begin with a share of them, as they take longest.
    """
    able, again = _is_able(), config.getoption("markexpr") == "not soak"
    for item in items:
        folder = _folder(item.path)
        if again and folder in _OF_PROCESSES:
            item.add_marker(pytest.mark.flaky(reruns=1, reruns_delay=1))
        if folder in _LAWS:
            item.add_marker(pytest.mark.law)
        if folder in _WHOLE_PROGRAM:
            item.add_marker(pytest.mark.system)
            if not able:
                item.add_marker(pytest.mark.skip(reason="needs root and /dev/fuse"))
    yield
    items[:] = _ordered(items, int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")))


def _ordered(items: list[pytest.Item], processes: int) -> list[pytest.Item]:
    modules = dict[Path, list[pytest.Item]]()
    for item in sorted(items, key=lambda item: _folder(item.path) != "transcripts"):  # of which each takes longest
        modules.setdefault(item.path, []).append(item)
    tests = list(modules.values())
    order = dealt_out([(len(tests), _folder(path) in _WHOLE_PROGRAM) for path, tests in modules.items()], processes)
    return [item for at in order for item in tests[at]]


@functools.cache
def _folder(path: Path) -> str:
    return path.relative_to(Path(__file__).parent).parts[0]


def _is_able() -> bool:
    return os.geteuid() == 0 and os.access("/dev/fuse", os.R_OK | os.W_OK)


@pytest.fixture(scope="session")
def ground(request: pytest.FixtureRequest) -> Iterator[Path]:
    """Give a folder under /tmp that every user may pass; at the end nothing runs there, is mounted or is open.

    The traceback of a test that failed keeps open what the test had open; that is no second fault.
    """
    folder = Path(tempfile.mkdtemp(prefix="envfs-sys-", dir="/tmp"))
    folder.chmod(0o711)
    yield folder
    forked.end_nursery()
    eventually(lambda: not processes_of(folder), f"the processes of {folder} end")
    assert mounts_below(folder) == []
    eventually(lambda: request.session.testsfailed or not _open_below(folder), "what was opened there is closed")
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def own_ground(ground: Path) -> Path:
    """Give a module a folder there of its own. One worker can have a module twice, when it takes work over."""
    folder = Path(tempfile.mkdtemp(dir=ground))
    folder.chmod(0o711)
    return folder


def _open_below(folder: Path) -> list[str]:
    gc.collect()  # a daemon in a thread of ours that was refused something leaves a circle, with an open file in it
    links = []
    for handle in os.listdir("/proc/self/fd"):
        with suppress(FileNotFoundError):
            links.append(os.readlink(f"/proc/self/fd/{handle}"))
    return [link for link in links if link.startswith(f"{folder}/")]


@pytest.fixture(scope="module")
def upstream(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Upstream]:
    """Give a module a host that proxies send requests to."""
    host = Upstream(tmp_path_factory.mktemp("upstream"))
    yield host
    host.close()


@pytest.fixture(scope="module")
def clients_by_program() -> Iterator[None]:
    """Have a module's commands started as a person starts them, where the start or the process is what is tested."""
    before = Home.clients_are_forked
    Home.clients_are_forked = False
    yield
    Home.clients_are_forked = before


@pytest.fixture(scope="session")
def bare(ground: Path) -> Home:
    """Give a home with an identity and an empty vault. Not to be changed: `new_home` copies it."""
    home = Home(ground / "bare")
    home.envfs("init", "--identity-file", str(ground / "identity.txt"))
    home.settle()
    return home


@pytest.fixture(scope="session")
def stocked(bare: Home, ground: Path) -> Home:
    """Give a home with the realistic files at /, /shop and /shop/prod. Not to be changed: `shop` copies it."""
    home = copied(bare, ground / "stocked")
    with home.served():
        for level, (text, _) in LEVELS.items():
            home.envfs("import", "-", level, given=text)
    return home


@pytest.fixture(scope="session")
def typed(bare: Home, ground: Path) -> Home:
    """Give a home whose identity is under a passphrase, with one variable. Not to be changed: `own` copies it.

    The passphrase is tried in a thousandth of the second that one costs which `envfs init` asked for.
    """
    home = copied(bare, ground / "typed")
    home.envfs("set", "/app", "TOKEN", given="tok-71-sentinel")
    home.settle()
    put_under_passphrase(home, PASSPHRASE)
    return home


@pytest.fixture
def own(new_home: Homes, typed: Home) -> Home:
    """Give one test a home whose identity is under a passphrase."""
    return new_home(typed)


def copied(home: Home, path: Path) -> Home:
    """Copy a home that nothing serves."""
    shutil.copytree(home.path, path, symlinks=True)
    return Home(path, home.uid)


@pytest.fixture(scope="session")
def new_home(ground: Path, bare: Home) -> Iterator[Homes]:
    """Make homes: copies of `bare`, or of the home given. What still runs there at the end is ended."""
    made: list[Home] = []

    def make(source: Home = bare) -> Home:
        made.append(copied(source, ground / f"home-{len(made)}"))
        return made[-1]

    yield make
    for home in made:
        if home.socket.exists():
            home.envfs("unmount", status=None)
        home.clear_mounts()


@pytest.fixture
def home(new_home: Homes) -> Home:
    """Give one test a home with an empty vault."""
    return new_home()


@pytest.fixture
def shop(new_home: Homes, stocked: Home) -> Home:
    """Give one test a home with the realistic files, not mounted."""
    return new_home(stocked)


@pytest.fixture
def served(shop: Home) -> Iterator[tuple[Home, Daemon]]:
    """Give one test the realistic files on a mount of its own."""
    with shop.served() as daemon:
        yield shop, daemon


@pytest.fixture(scope="module")
def shared(new_home: Homes, stocked: Home) -> Iterator[Home]:
    """Give a module the realistic files on a mount; its tests leave them as they are."""
    home = new_home(stocked)
    with home.served():
        yield home


@pytest.fixture(scope="module")
def user_home(ground: Path) -> Iterator[Home]:
    """Give an ordinary user a home of its own, made by its own `envfs init`."""
    folder = Path(tempfile.mkdtemp(prefix="user-", dir=ground))
    os.chown(folder, OWNER, OWNER)
    folder.chmod(0o711)
    home = Home(folder / "home", uid=OWNER)
    home.envfs("init", "--identity-file", str(folder / "identity.txt"))
    yield home
    if home.socket.exists():
        home.envfs("unmount", status=None)
    home.clear_mounts()

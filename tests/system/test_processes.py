"""The border between the two processes: the daemon has no means to decrypt, the keyholder none to reach anything."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.conftest import Homes
from tests.system.home import OWNER, Daemon, Home, eventually, mounts_below


@pytest.fixture(scope="module")
def served(new_home: Homes, stocked: Home) -> Iterator[tuple[Home, Daemon]]:
    """Give the module the realistic files on one mount, as `envfs mount` makes it: its tests look at the processes."""
    home = new_home(stocked)
    with home.mounted() as daemon:
        yield home, daemon


def _libraries(pid: int) -> str:
    return Path(f"/proc/{pid}/maps").read_text(encoding="utf-8")


def _open(pid: int) -> list[str]:
    targets = []
    for path in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # it is closed by now
            targets.append(str(path.readlink()))
    return targets


def test_the_daemon_has_loaded_nothing_that_decrypts(served: tuple[Home, Daemon]) -> None:
    home, daemon = served
    assert home.view("/shop/prod").read_bytes()
    assert "pyfuse3" in _libraries(daemon.pid)
    for library in ("cryptography", "pyrage"):  # hashlib's libcrypto is there: the log and the records are hashed
        assert library not in _libraries(daemon.pid)


def test_the_keyholder_has_loaded_nothing_that_serves(served: tuple[Home, Daemon]) -> None:
    home, daemon = served
    assert home.view("/shop/prod").read_bytes()
    assert "pyrage" in _libraries(daemon.keyholder)
    assert "pyfuse3" not in _libraries(daemon.keyholder)


def test_the_keyholder_has_no_file_of_the_vault_open_and_nothing_to_listen_on(served: tuple[Home, Daemon]) -> None:
    home, daemon = served
    assert home.view("/shop/prod").read_bytes()
    found = _open(daemon.keyholder)
    log = str(home.state / "daemon.log")
    assert [name for name in found if str(home.path) in name and name != log] == []
    assert "identity" not in " ".join(found)
    eventually(lambda: sum(name.startswith("socket:") for name in _open(daemon.keyholder)) == 1, "the daemon's alone")


def test_the_daemon_has_neither_identity_nor_record_open(served: tuple[Home, Daemon]) -> None:
    home, daemon = served
    assert home.view("/shop/prod").read_bytes()
    eventually(lambda: not [name for name in _open(daemon.pid) if str(home.vault) in name], "the vault is closed")
    assert not [name for name in _open(daemon.pid) if "identity" in name]


def test_the_keyholder_is_the_daemons_child_and_ends_its_own_children(served: tuple[Home, Daemon]) -> None:
    home, daemon = served
    for _ in range(3):
        home.envfs("history", "/shop")
    assert f"\nPPid:\t{daemon.pid}\n" in Path(f"/proc/{daemon.keyholder}/status").read_text(encoding="utf-8")
    children = Path(f"/proc/{daemon.keyholder}/task/{daemon.keyholder}/children")
    eventually(lambda: len(children.read_text(encoding="ascii").split()) == 3, "three wait for the next requests")


@pytest.mark.parametrize("which", ["pid", "keyholder"])
def test_neither_process_can_dump_its_memory(served: tuple[Home, Daemon], which: str) -> None:
    _, daemon = served
    pid = getattr(daemon, which)
    limits = Path(f"/proc/{pid}/limits").read_text(encoding="utf-8")
    assert next(line for line in limits.splitlines() if line.startswith("Max core file size")).split()[4] == "0"


def test_the_keyholder_has_given_up_all_system_calls_but_those_of_its_work(served: tuple[Home, Daemon]) -> None:
    home, daemon = served
    assert home.view("/shop/prod").read_bytes()
    status = Path(f"/proc/{daemon.keyholder}/status").read_text(encoding="utf-8")
    assert "\nSeccomp:\t2\n" in status


@pytest.mark.parametrize("which", ["pid", "keyholder"])
def test_neither_process_of_roots_can_gain_privileges(served: tuple[Home, Daemon], which: str) -> None:
    home, daemon = served
    assert home.view("/shop/prod").read_bytes()
    status = Path(f"/proc/{getattr(daemon, which)}/status").read_text(encoding="utf-8")
    assert "\nNoNewPrivs:\t1\n" in status


def test_a_users_own_daemon_still_mounts_and_unmounts_by_a_setuid_program(user_home: Home) -> None:
    with user_home.mounted() as daemon:
        assert f"\nUid:\t{OWNER}\t" in Path(f"/proc/{daemon.pid}/status").read_text(encoding="utf-8")
        assert "\nNoNewPrivs:\t1\n" in Path(f"/proc/{daemon.keyholder}/status").read_text(encoding="utf-8")
        assert mounts_below(user_home.path) == [str(user_home.mnt)]
        user_home.envfs("unmount")
        assert mounts_below(user_home.path) == []


def test_there_is_no_socket_of_the_network(served: tuple[Home, Daemon]) -> None:
    home, daemon = served
    assert home.view("/shop/prod").read_bytes()
    inodes = {name[8:-1] for pid in daemon for name in _open(pid) if name.startswith("socket:")}
    for table in ("tcp", "tcp6", "udp", "udp6", "raw"):
        lines = Path(f"/proc/net/{table}").read_text(encoding="ascii").splitlines()[1:]
        assert inodes.isdisjoint(line.split()[9] for line in lines)


def test_an_identity_comes_from_systemds_credentials_first(new_home: Homes, stocked: Home, ground: Path) -> None:
    home = new_home(stocked)
    credentials = home.path / "credentials"
    credentials.mkdir(mode=0o700)
    (credentials / "envfs-identity").write_bytes((ground / "identity.txt").read_bytes())
    text = home.settings.read_text(encoding="utf-8")
    home.settings.write_text(text.replace(str(ground / "identity.txt"), "/nowhere/identity.txt"), encoding="utf-8")
    home.envfs("mount", status=119)
    daemon = home.mount(environ={"CREDENTIALS_DIRECTORY": str(credentials)})
    assert home.view("/shop").read_bytes()
    home.end(daemon)


def test_the_socket_is_the_daemons_own_and_open_to_all(served: tuple[Home, Daemon]) -> None:
    home, _ = served
    assert home.socket.stat().st_mode & 0o777 == 0o666
    assert home.socket.parent.stat().st_mode & 0o022 == 0
    with socket.socket(socket.AF_UNIX) as peer:
        peer.connect(str(home.socket))
        assert peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)[4:8] == os.geteuid().to_bytes(4, "little")


def test_the_client_sends_nothing_to_a_server_of_another_user(ground: Path) -> None:
    """A socket in a folder of ours that somebody else serves would be sent our secrets."""
    folder = ground / "squatted"
    (folder / "run").mkdir(parents=True)
    home = Home(folder)
    words = [sys.executable, "-I", "-S", "-c", _SQUATS, str(home.socket)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as squatter:
        assert squatter.stdout is not None
        assert squatter.stdout.readline() == "ready\n"
        said = home.envfs("set", "/app", "A", given="never to be seen", status=102)
        assert "runs as uid 1001" in said.complaint
        assert squatter.stdout.readline() == "0\n"


# who listens is who the peer is told of
_SQUATS = """
import os, socket, sys
s = socket.socket(socket.AF_UNIX)
s.bind(sys.argv[1])
os.chmod(sys.argv[1], 0o666)
os.setuid(1001)
s.listen()
print("ready", flush=True)
c, _ = s.accept()
print(len(c.recv(10000)), flush=True)
"""

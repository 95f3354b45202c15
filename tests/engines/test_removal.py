"""The command that `envfs sync status` shows for a record that no machine takes, run by the engine's administrator."""

import contextlib
import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from envfs.courier.address import parse_address
from envfs.courier.engine import Engine
from envfs.courier.removal import removal_command
from tests.engines.places import Place
from tests.engines.servers.etcd import etcd_server
from tests.engines.servers.postgresql import postgres_server
from tests.engines.servers.processes import running
from tests.engines.servers.sshd import Sshd
from tests.engines.using import use_one

_KEY, _NEXT = "level/shop/prod/@00000002.json", "level/shop/prod/@00000003.json"
Administered = tuple[Place, dict[str, str]]


@contextlib.contextmanager
def _folder(ground: Path) -> Iterator[Administered]:
    folder = ground / "with a space"
    folder.mkdir()
    yield Place(f"folder:{folder}"), {}


@contextlib.contextmanager
def _postgres(ground: Path) -> Iterator[Administered]:
    with postgres_server(ground) as server:
        ca = f"{ground}/members"
        files = {"PGSSLROOTCERT": f"{ca}/ca.crt", "PGSSLCERT": f"{ca}/admin.crt", "PGSSLKEY": f"{ca}/admin.key"}
        place = Place(server.address("alice", server.new_schema()))
        yield place, {"PGUSER": "admin", "PGSSLMODE": "verify-full", **files}


@contextlib.contextmanager
def _etcd(ground: Path) -> Iterator[Administered]:
    with etcd_server(ground) as server:
        ca = f"{ground}/members"
        files = {"ETCDCTL_CACERT": f"{ca}/ca.crt", "ETCDCTL_CERT": f"{ca}/alice.crt", "ETCDCTL_KEY": f"{ca}/alice.key"}
        yield Place(server.address("alice", server.new_prefix())), files


@contextlib.contextmanager
def _sshd(ground: Path, address: Callable[[Sshd], str]) -> Iterator[Administered]:
    server = Sshd(ground)
    server.make()
    with running(server):
        settings, programs = ground / "administrator", ground / "programs"
        key, hosts = server.new_member(""), ground / "known_hosts"
        settings.write_text(f"IdentityFile {key}\nUserKnownHostsFile {hosts}\n")
        programs.mkdir()
        for name in ("ssh", "sftp"):
            (programs / name).write_text(f'#!/bin/sh\nexec /usr/bin/{name} -F {settings} "$@"\n')
            (programs / name).chmod(0o755)
        yield Place(address(server)), {"PATH": f"{programs}:{os.environ['PATH']}"}


_KINDS: dict[str, Callable[[Path], contextlib.AbstractContextManager[Administered]]] = {
    "folder": _folder,
    "ssh": lambda ground: _sshd(ground, lambda server: server.new_address(server.new_vault(), "--append-only")),
    "sftp": lambda ground: _sshd(ground, lambda server: server.sftp_address(server.new_vault())),
    "postgres": _postgres,
    "etcd": _etcd,
}


@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=[] if kind == "folder" else [pytest.mark.soak]) for kind in _KINDS]
)
def test_the_administrators_command_removes_that_record_and_no_other(kind: str, ground: Path) -> None:
    async def put(engine: Engine) -> None:
        assert await engine.put_new(_KEY, b"rubbish")
        assert await engine.put_new(_NEXT, b"next")

    async def look(engine: Engine) -> None:
        assert await engine.list("") == [_NEXT]
        assert await engine.put_new(_KEY, b"good")
        assert await engine.get([_KEY, _NEXT]) == {_KEY: b"good", _NEXT: b"next"}

    with _KINDS[kind](Path(tempfile.mkdtemp(dir=ground, prefix=f"removal-{kind}-"))) as (place, environment):
        use_one(place, put)
        command = removal_command(parse_address(place.address), _KEY)
        subprocess.run(command, shell=True, check=True, env=os.environ | environment, timeout=60)  # noqa: S602
        use_one(place, look)
        if kind == "postgres":  # the triggers that hold everybody else off are there again
            refused = command.replace("DISABLE TRIGGER stays", "ENABLE TRIGGER stays")
            with pytest.raises(subprocess.CalledProcessError):
                subprocess.run(refused, shell=True, check=True, env=os.environ | environment, timeout=60)  # noqa: S602

"""etcd for the tests: one server, TLS with client certificates."""

import contextlib
import itertools
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import trio

from envfs.courier.address import parse_address
from envfs.courier.engines.etcd.setting_up import set_up
from envfs_cli import deployment_ca
from tests.engines.servers.processes import HERE, Server, free_port, give_away, running


class EtcdServer(Server):
    """A server below `folder`, which is empty at first."""

    def __init__(self, folder: Path, *options: str, host: str = HERE) -> None:
        program = shutil.which("etcd")
        if program is None:
            pytest.skip("there is no etcd")
        port, ca = free_port(), folder / "ca"
        peers = f"http://127.0.0.1:{free_port()}"
        tls = [
            f"--cert-file={ca}/localhost.crt",
            f"--key-file={ca}/localhost.key",
            f"--trusted-ca-file={ca}/ca.crt",
            "--client-cert-auth",
        ]
        urls = [
            f"--listen-client-urls=https://{host}:{port}",
            f"--advertise-client-urls=https://localhost:{port}",
            f"--listen-peer-urls={peers}",
            f"--initial-advertise-peer-urls={peers}",
            f"--initial-cluster=default={peers}",
        ]
        command = [program, f"--data-dir={folder}/data", "--log-level=error", *urls, *tls, *options]
        super().__init__(folder, port, command, host)
        self.data = folder / "data"
        self._prefixes = itertools.count()

    def make(self) -> None:
        folder = self.folder
        folder.chmod(0o755)
        deployment_ca.make_authority(f"{folder}/ca")
        deployment_ca.issue_server(f"{folder}/ca", ["localhost", HERE, self.host], 30)
        for name in ("alice", "bob"):
            deployment_ca.issue_member(f"{folder}/ca", name, 30)
        (folder / "ca").chmod(0o755)
        shutil.copytree(folder / "ca", folder / "members")
        give_away(folder)

    def address(self, user: str, prefix: str, port: int = 0, host: str = "") -> str:
        ca = self.folder / "members"
        own = f"ca={ca}/ca.crt&cert={ca}/{user}.crt&key={ca}/{user}.key"
        return f"etcd://{host or self.named_host}:{port or self.port}/{prefix}?{own}"

    def new_prefix(self) -> str:
        prefix = f"place-{next(self._prefixes)}"
        trio.run(set_up, parse_address(self.address("alice", prefix)))
        return prefix


@contextlib.contextmanager
def etcd_server(folder: Path, *options: str, host: str = HERE) -> Iterator[EtcdServer]:
    server = EtcdServer(folder, *options, host=host)
    server.make()
    with running(server):
        yield server

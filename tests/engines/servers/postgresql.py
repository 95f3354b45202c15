"""PostgreSQL for the tests: a cluster of its own, TLS with client certificates, and an administrator."""

import contextlib
import glob
import itertools
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import trio

from envfs.courier.address import parse_address
from envfs.courier.engines.postgres.setting_up import set_up
from envfs_cli import deployment_ca
from tests.engines.servers.processes import HERE, Server, as_nobody, free_port, give_away, running

_RULES = "local all all trust\nhostssl all all {host}/24 cert\n"
_SETTINGS = """
listen_addresses = '{host}'
port = {port}
unix_socket_directories = '{folder}'
ssl = on
ssl_cert_file = '{folder}/ca/localhost.crt'
ssl_key_file = '{folder}/ca/localhost.key'
ssl_ca_file = '{folder}/ca/ca.crt'
shared_buffers = 16MB
max_connections = 60
autovacuum = off
log_min_messages = error
"""


def programs() -> Path:
    """Return the folder with PostgreSQL's programs, or skip."""
    folders = sorted(Path(path).parent for path in glob.glob("/usr/lib/postgresql/*/bin/postgres"))
    if not folders:
        pytest.skip("there is no PostgreSQL server")
    return folders[-1]


class PostgresServer(Server):
    """A cluster below `folder`, which is empty at first."""

    def __init__(self, folder: Path, host: str = HERE) -> None:
        data = folder / "data"
        super().__init__(folder, free_port(), [str(programs() / "postgres"), "-D", str(data)], host)
        self.data = data
        self._schemas = itertools.count()

    def make(self) -> None:
        folder = self.folder
        folder.chmod(0o755)
        deployment_ca.make_authority(f"{folder}/ca")
        deployment_ca.issue_server(f"{folder}/ca", ["localhost", HERE, self.host], 30)
        for name in ("admin", "alice", "bob"):
            deployment_ca.issue_member(f"{folder}/ca", name, 30)
        (folder / "ca").chmod(0o755)
        shutil.copytree(folder / "ca", folder / "members")
        give_away(folder)
        words = ["-A", "trust", "-U", "admin", "--no-locale", "-E", "UTF8", "--no-sync", "--no-instructions"]
        subprocess.run(
            as_nobody(str(programs() / "initdb"), "-D", str(self.data), *words), check=True, capture_output=True
        )
        (self.data / "pg_hba.conf").write_text(_RULES.format(host=self.host), encoding="ascii")
        with (self.data / "postgresql.conf").open("a", encoding="ascii") as settings:
            settings.write(_SETTINGS.format(host=self.host, port=self.port, folder=folder))

    def answers(self) -> bool:
        ready = [str(programs() / "pg_isready"), "-q", "-h", str(self.folder), "-p", str(self.port)]
        return subprocess.run(ready, check=False).returncode == 0

    def address(self, user: str, schema: str, port: int = 0, host: str = "") -> str:
        ca = self.folder / "members"
        own = f"ca={ca}/ca.crt&cert={ca}/{user}.crt&key={ca}/{user}.key"
        return f"postgres://{user}@{host or self.named_host}:{port or self.port}/postgres/{schema}?{own}"

    def new_schema(self) -> str:
        schema = f"place_{next(self._schemas)}"
        trio.run(set_up, parse_address(self.address("admin", schema)), ("alice", "bob"))
        return schema

    def run_sql(self, text: str, user: str = "admin") -> str:
        """Run SQL as the administrator, over the unix socket."""
        command = ["psql", "-h", str(self.folder), "-p", str(self.port), "-U", user, "-d", "postgres", "-XAtqc", text]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@contextlib.contextmanager
def postgres_server(folder: Path, host: str = HERE) -> Iterator[PostgresServer]:
    server = PostgresServer(folder, host)
    server.make()
    with running(server):
        yield server

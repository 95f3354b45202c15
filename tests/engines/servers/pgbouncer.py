"""PgBouncer before the PostgreSQL of the tests: TLS on both sides, in transaction or in session mode."""

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engines.servers.postgresql import PostgresServer
from tests.engines.servers.processes import Server, free_port, give_away, running

_SETTINGS = """
[databases]
postgres = host=localhost port={to} dbname=postgres user=alice
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = cert
auth_file = {folder}/users
pool_mode = {mode}
client_tls_sslmode = verify-full
client_tls_ca_file = {ca}/ca.crt
client_tls_cert_file = {ca}/localhost.crt
client_tls_key_file = {ca}/localhost.key
server_tls_sslmode = verify-full
server_tls_ca_file = {ca}/ca.crt
server_tls_cert_file = {ca}/alice.crt
server_tls_key_file = {ca}/alice.key
ignore_startup_parameters = extra_float_digits
logfile =
"""


@contextlib.contextmanager
def pgbouncer(folder: Path, server: PostgresServer, mode: str) -> Iterator[Server]:
    program = shutil.which("pgbouncer", path="/usr/sbin:/usr/bin")
    if program is None:
        pytest.skip("there is no PgBouncer")
    port = free_port()
    settings = _SETTINGS.format(to=server.port, port=port, folder=folder, mode=mode, ca=f"{server.folder}/ca")
    (folder / "settings").write_text(settings, encoding="ascii")
    (folder / "users").write_text('"alice" ""\n', encoding="ascii")
    folder.chmod(0o755)
    give_away(folder)
    with running(Server(folder, port, [program, str(folder / "settings")])) as bouncer:
        yield bouncer

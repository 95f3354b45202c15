"""A machine of CI: nothing but a join secret, in a container, on real servers."""

import json
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from envfs_cli.daemon.join_secret import parse_join_secret
from tests.conftest import Homes
from tests.engines.containers import container, files_with, run_in_container
from tests.engines.servers.etcd import etcd_server
from tests.engines.servers.postgresql import postgres_server
from tests.engines.servers.processes import running
from tests.engines.servers.sshd import ENVFS, Sshd
from tests.system.home import SECONDS, Home

NOBODY = 54_321  # is in no list of users


@pytest.fixture
def sshd(ground: Path) -> Iterator[Sshd]:
    server = Sshd(Path(tempfile.mkdtemp(prefix="machines-sshd-", dir=ground)))
    server.make()
    with running(server):
        yield server


def _invited(home: Home, *words: str) -> dict[str, str]:
    said = home.envfs("member", "invite", "ci", "--machine", "--ttl", "90d", "--level", "/shop/prod", *words, "--json")
    return dict(json.loads(said.text))


def _admit(sshd: Sshd, key: str, vault: Path) -> None:
    said = subprocess.run(
        [ENVFS, "store", "invite", "-", vault], input=key.encode(), capture_output=True, check=True, timeout=60
    )
    with (sshd.folder / "authorized_keys").open("ab") as file:
        file.write(said.stdout)


def test_jobs_run_with_nothing_but_the_join_secret_over_ssh(new_home: Homes, sshd: Sshd) -> None:
    ana, vault = new_home(), sshd.folder / "vault"
    command = f'PATH={Path(ENVFS).parent}:$PATH sh -c \\"$SSH_ORIGINAL_COMMAND\\"'
    with ana.served():
        ana.envfs("set", "/shop/prod", "DB", given="hunter2")
        ana.envfs("sync", "start", sshd.address("ssh", vault, sshd.new_member(command)))
        machine = _invited(ana)
        join = {"ENVFS_JOIN": machine["join"]}
        job = ENVFS, "exec", "/shop/prod", "--", "/usr/bin/env"
        assert "does not admit this key" in run_in_container(*job, environ=join, status=102).complaint
        _admit(sshd, machine["public_key"], vault)
        at_once = [
            subprocess.Popen(
                container(*job), env={"PATH": "/usr/bin:/bin", **join}, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL
            )
            for _ in range(2)
        ]
        for process in at_once:
            said, _ = process.communicate(timeout=3 * SECONDS)
            assert process.returncode == 0
            lines = {line for line in said.decode().splitlines() if not line.startswith(("PWD=", "OLDPWD=", "SHLVL="))}
            assert lines - {"_=/usr/bin/env"} == {"PATH=/usr/bin:/bin", "DB=hunter2"}
        identity = parse_join_secret(machine["join"]).identity
        assert files_with(ana.path, identity.encode()) == files_with(vault, identity.encode()) == []
        ana.envfs("member", "revoke", "ci", "-y")
        assert "no member's name" in run_in_container(*job, environ=join, status=102).complaint


@pytest.mark.soak
def test_a_machine_has_its_own_certificate_at_a_database(new_home: Homes, ground: Path) -> None:
    with postgres_server(Path(tempfile.mkdtemp(prefix="machines-postgres-", dir=ground))) as server:
        schema = server.new_schema()
        _runs_by_certificate(new_home(), server.address("alice", schema), server.address("bob", schema))


@pytest.mark.soak
def test_a_machine_has_its_own_certificate_at_a_cluster(new_home: Homes, ground: Path) -> None:
    with etcd_server(Path(tempfile.mkdtemp(prefix="machines-etcd-", dir=ground))) as server:
        prefix = server.new_prefix()
        _runs_by_certificate(new_home(), server.address("alice", prefix), server.address("bob", prefix))


def _runs_by_certificate(ana: Home, own: str, machines: str) -> None:
    job = ENVFS, "exec", "/shop/prod", "--", "/usr/bin/env"
    with ana.served():
        ana.envfs("set", "/shop/prod", "DB", given="hunter2")
        ana.envfs("sync", "start", own)
        words = "member", "invite", "ci", "--machine", "--level", "/shop/prod"
        assert "--engine '" in ana.envfs(*words, status=101).complaint
        assert ana.rows("member", "ls") == []  # and nothing was done
        secret = parse_join_secret(machine := _invited(ana, "--engine", machines)["join"])
        assert {*secret.files} == {"ca", "cert", "key"}
        for uid in (0, NOBODY):
            said = run_in_container(*job, environ={"ENVFS_JOIN": machine}, uid=uid)
            assert "DB=hunter2\n" in said.text

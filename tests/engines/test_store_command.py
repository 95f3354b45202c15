"""`envfs store init` and `envfs store ca`, as an administrator types them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.engines.places import Place
from tests.engines.servers.etcd import etcd_server
from tests.engines.servers.postgresql import postgres_server
from tests.engines.using import use_one

ENVFS = str(Path(sys.executable).parent / "envfs")
KEY = "level/shop/@00000001.json"


def envfs(*words: str, text: str = "", folder: Path | None = None) -> tuple[int, str, str]:
    environ = {"PATH": os.environ["PATH"], "ENVFS_CLIENT": os.environ.get("ENVFS_CLIENT", "")}
    done = subprocess.run(
        [ENVFS, *words], input=text, capture_output=True, text=True, check=False, env=environ, cwd=folder, timeout=120
    )
    return done.returncode, done.stdout, done.stderr


def put(address: str) -> bool:
    return use_one(Place(address), lambda engine: engine.put_new(KEY, b"x"))


def test_an_authority_and_certificates_are_made_and_never_made_again(tmp_path: Path) -> None:
    status, out, err = envfs(
        "store", "ca", "ca", "--member", "alice,bob", "--server", "db.example.com", folder=tmp_path
    )
    assert status == 0, err
    assert len(out.split()) == 3
    names = {"ca", "alice", "bob", "db.example.com"}
    assert {path.name for path in (tmp_path / "ca").iterdir()} == {
        f"{n}.{end}" for n in names for end in ("crt", "key")
    }
    assert envfs("store", "ca", "ca", "--member", "alice", folder=tmp_path)[0] == 118
    assert envfs("store", "ca", "ca", "--days", "0", "--member", "x", folder=tmp_path)[0] == 2


@pytest.mark.parametrize("scheme", ["postgres", "etcd"])
def test_a_password_in_an_argument_is_refused_and_one_on_standard_input_is_in_no_text(scheme: str) -> None:
    address = f"{scheme}://alice:correct-horse@localhost:1/vault"
    status, out, err = envfs("store", "init", address)
    assert status == 101
    assert "standard input" in err
    assert "horse" not in out + err
    status, out, err = envfs("store", "init", "-", text=f"{address}\n")
    assert status == 113
    assert "horse" not in out + err


@pytest.mark.soak
def test_a_postgresql_server_is_prepared_and_its_members_are_admitted(ground: Path) -> None:
    folder = ground / f"store-postgres-{os.getpid()}"
    folder.mkdir()
    with postgres_server(folder) as server:
        status, out, err = envfs("store", "init", server.address("admin", "prepared"), "--member", "alice")
        assert (status, err) == (0, "")
        assert "pg_hba.conf" in out
        assert put(server.address("alice", "prepared"))
        assert envfs("store", "init", server.address("alice", "another"))[0] == 102


@pytest.mark.soak
def test_an_etcd_server_is_prepared_and_its_limits_are_told(ground: Path) -> None:
    folder = ground / f"store-etcd-{os.getpid()}"
    folder.mkdir()
    with etcd_server(folder) as server:
        status, out, err = envfs("store", "init", server.address("alice", "prepared"))
        assert (status, err) == (0, "")
        assert "replace and delete every record" in out
        assert put(server.address("bob", "prepared"))
        assert envfs("store", "init", server.address("alice", "x"), "--member", "alice")[0] == 101

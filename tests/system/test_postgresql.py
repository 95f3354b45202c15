"""A real server's password is rotated while a pool of clients reads it through the mount, and no connection fails."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from envfs.dotenv.document import parse_document
from tests.conftest import Homes
from tests.system import postgresql
from tests.system.home import Home, Row
from tests.system.postgresql import Library, Pool, Server

EXAMPLES = Path(__file__).parents[2] / "contrib" / "examples" / "postgresql"
NAMES = ("DB_PASSWORD", "DB_PASSWORD_NEXT", "DB_PASSWORD_PREVIOUS")
TRIES = 3
pytestmark = pytest.mark.skipif(not postgresql.program("postgres"), reason="apt has no package postgresql")


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with postgresql.served() as server:
        server.do("CREATE ROLE shop LOGIN PASSWORD 'old1'; CREATE ROLE shop_a LOGIN PASSWORD 'old2'")
        server.do("CREATE ROLE shop_b LOGIN")
        yield server


@pytest.fixture(scope="module")
def home(new_home: Homes, server: Server) -> Iterator[Home]:
    home = new_home()
    hook = EXAMPLES / "set_role_password.py"
    text = (
        f"# @rotate 90d\n# @rotate-with {hook} shop\nDB_PASSWORD=old1\nDB_USER=shop\n"
        f"DATABASE_URL='postgresql://shop_a:old2@/postgres?host={server.folder}'\n"
    )
    home.envfs("import", "-", "/shop", given=text)
    with home.served():
        yield home


def variables(home: Home) -> dict[str, str]:
    return parse_document(home.view("/shop").read_text(encoding="utf-8")).variables()


def rotations(number: int) -> object:
    return pytest.param(number, marks=pytest.mark.soak) if number > 1 else number


@contextmanager
def reader(home: Home) -> Iterator[int]:
    """Give the pid of a process that has read the level's view once, and lives on."""
    script = "import sys; open(sys.argv[1]).read(); print(flush=True); sys.stdin.read()"
    words = [sys.executable, "-c", script, str(home.view("/shop"))]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process.pid
        process.kill()


def rotate(home: Home, server: Server, name: str, *words: str) -> dict[int, Row]:
    """Rotate, and return by pid which processes are said to have the value before."""
    said = home.envfs("rotate", "/shop", name, *words, "--json", environ=server.environ)
    return {row["pid"]: row for row in json.loads(said.out)["holders"]}


@pytest.mark.parametrize("times", [rotations(1), rotations(20)])
def test_one_role_is_rotated_by_steps_and_no_client_is_refused(home: Home, server: Server, times: int) -> None:
    library = Library()

    def connect() -> bool:
        for _ in range(TRIES):
            values = variables(home)
            for password in (values[name] for name in NAMES if name in values):
                if library.connects(f"host={server.folder} dbname=postgres user=shop password={password}"):
                    return True
        return False

    seen = set()
    with Pool(connect) as pool:
        for _ in range(times):
            with reader(home) as pid:
                holders = rotate(home, server, "DB_PASSWORD", "--yes", "--overlap", "1h")
            assert (holders[pid]["is_current"], holders[pid]["is_renewed"]) == (False, False)
            certain = {number for number, row in holders.items() if row["kind"] != "descends"}
            assert certain <= {pid, os.getpid()}  # the pool may have read the new one by then
            values = variables(home)
            assert set(values) & set(NAMES) == {"DB_PASSWORD", "DB_PASSWORD_PREVIOUS"}
            assert values["DB_PASSWORD"] != values["DB_PASSWORD_PREVIOUS"]
            seen.add(values["DB_PASSWORD"])
            pool.wait_for_each()
            home.envfs("rotate", "/shop", "DB_PASSWORD", "--finish")
            pool.wait_for_each()
    assert pool.failures == []
    assert pool.connections >= 4 * times
    assert len(seen) == times
    assert not [password for password in seen if password in server.log()]


@pytest.mark.parametrize("times", [rotations(1), rotations(20)])
def test_two_roles_take_turns_and_no_attempt_ever_fails(home: Home, server: Server, times: int) -> None:
    library, command = Library(), f"{EXAMPLES / 'new_role_url.py'} shop_a shop_b"
    refused = server.log().count("password authentication failed")
    with Pool(lambda: library.connects(variables(home)["DATABASE_URL"])) as pool:
        for _ in range(times):
            before = variables(home)["DATABASE_URL"]
            with reader(home) as pid:
                assert pid in rotate(home, server, "DATABASE_URL", "--command", command, "--give-old")
            after = variables(home)["DATABASE_URL"]
            assert ("shop_a" in before) is ("shop_b" in after)
            assert library.connects(before)
            pool.wait_for_each()
    assert pool.failures == []
    assert server.log().count("password authentication failed") == refused


def test_a_server_that_refuses_costs_no_client_anything(home: Home, server: Server) -> None:
    library, before = Library(), variables(home)["DB_PASSWORD"]
    nowhere = {**server.environ, "PGHOST": str(server.folder / "nowhere")}
    home.envfs("rotate", "/shop", "DB_PASSWORD", "--yes", environ=nowhere, status=100)
    values = variables(home)
    assert values["DB_PASSWORD"] == before
    assert library.connects(f"host={server.folder} dbname=postgres user=shop password={before}")
    home.envfs("rotate", "/shop", "DB_PASSWORD", "--yes", "--resume", environ=server.environ)
    after = variables(home)["DB_PASSWORD"]
    assert after == values["DB_PASSWORD_NEXT"] != before
    assert library.connects(f"host={server.folder} dbname=postgres user=shop password={after}")

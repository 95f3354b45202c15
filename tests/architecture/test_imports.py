"""Arrows point one way, and each process loads what it needs and nothing that it must not have."""

import ast
import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import trio

from envfs.control.server import Server, bind_socket
from envfs.daemon.keyholder_process import KeyholderLink
from envfs_cli.folder_links import state, state_writer
from envfs_cli.folder_links.state import Linked
from tests.architecture import sources
from tests.component.world import World, run
from tests.system.home import eventually

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent


def test_the_contracts_of_import_linter_hold() -> None:
    done = subprocess.run(
        [BIN / "lint-imports", "--no-logo"], cwd=ROOT, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr


def layers() -> list[list[str]]:
    """Return the layers of EnvFS, the top one first."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    contract = next(contract for contract in contracts if contract["type"] == "layers")
    assert contract["exhaustive"]
    return [layer.replace("|", " ").split() for layer in contract["layers"]]


def test_every_part_of_envfs_has_its_place_in_the_layers() -> None:
    parts = {path.stem for path in (ROOT / "envfs").iterdir() if not path.name.startswith("__")}
    assert {name for layer in layers() for name in layer} == parts


def imported_parts(package: Path) -> set[str]:
    """Return the parts of EnvFS that the modules of a part import."""
    named = [node for path in sources.FILES if package in path.parents for node in sources.nodes(path)]
    froms = [node for node in named if isinstance(node, ast.ImportFrom)]
    modules = [f"{node.module}.{alias.name}" for node in froms for alias in node.names]
    modules += [alias.name for node in named if isinstance(node, ast.Import) for alias in node.names]
    parts = {path.stem for path in package.parent.iterdir() if path.stem != package.name}
    return {module.split(".")[1] for module in modules if module.startswith("envfs.")} & parts


@pytest.mark.parametrize("part", sorted(path.parent.name for path in (ROOT / "envfs").glob("*/__init__.py")))
def test_a_part_says_what_it_may_import_and_imports_no_more(part: str) -> None:
    rank = {name: at for at, layer in enumerate(layers()) for name in layer}
    docstring = ast.get_docstring(ast.parse(sources.text(ROOT / "envfs" / part / "__init__.py"))) or ""
    line = docstring.partition("\nMay import: ")[2].partition(".")[0]
    listed = set(line.removesuffix(" and below").split(", "))
    assert {name for name in listed if rank[name] <= rank[part]} == set()
    lowest = max(map(rank.__getitem__, listed))
    below = {name for name in rank if rank[name] > lowest} if line.endswith(" and below") else set()
    assert imported_parts(ROOT / "envfs" / part) <= listed | below


# -- what a process has loaded -----------------------------------------------------------------------------------------


def loaded(code: str, *arguments: str) -> set[str]:
    """Run code in a fresh interpreter; return the modules that it loaded beyond those of the start."""
    script = (
        "import sys\nbefore = set(sys.modules)\n"
        f"sys.argv = ['envfs', *sys.argv[1:]]\n{code}\n"
        "import os\nos.write(1, '\\n'.join(set(sys.modules) - before).encode())\n"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", script, *arguments], capture_output=True, text=True, check=True, timeout=60
    )
    return set(done.stdout.split())


def heads(modules: set[str]) -> set[str]:
    return {module.partition(".")[0] for module in modules}


def test_the_keyholder_loads_no_loop_no_fuse_and_no_store() -> None:
    modules = loaded("import envfs.keyholder.__main__")
    assert {"cryptography", "pyrage"} <= heads(modules)
    assert not heads(modules) & {"trio", "pyfuse3", "tomlkit", "prompt_toolkit", "asyncio", "subprocess", "http", "ssl"}
    parts = {module.split(".")[1] for module in modules if module.startswith("envfs.")}
    assert not parts & {"store", "vault", "gate", "control", "fuse", "daemon", "settings", "locations"}
    assert not heads(modules) & {"dataclasses", "inspect", "ast", "tokenize"}


def test_a_keyholder_whose_library_does_not_load_in_part_loads_it_whole() -> None:
    broken = "left_out._LeftOut.__getattr__ = lambda *_: 1 / 0"
    modules = loaded(f"from envfs.host import left_out\n{broken}\nimport envfs.keyholder.__main__")
    assert {"cryptography.hazmat.primitives.serialization.ssh", "envfs.keyholder.requests.proxies"} <= modules


@pytest.mark.parametrize(
    "module", ["envfs.daemon.__main__", "envfs.daemon.daemon", "envfs.fuse.mount", "envfs.control.server"]
)
def test_the_daemon_loads_no_crypto_library(module: str) -> None:
    modules = loaded(f"import {module}")
    assert "trio" in modules or module in ("envfs.daemon.__main__", "envfs.fuse.mount")
    assert not heads(modules) & {"cryptography", "pyrage", "prompt_toolkit"}
    assert not [name for name in modules if name.startswith("envfs.keyholder")]


_DAEMON = "from envfs.daemon import __main__, trio_start; trio_start.load_trio(); import envfs.daemon.daemon"


def test_a_daemon_starts_without_what_few_of_its_requests_need() -> None:
    modules = loaded(_DAEMON)
    assert not heads(modules) & {"argparse", "h11", "html", "pyfuse3", "runpy", "idna", "ssl", "tarfile", "tomlkit"}
    assert not modules & {"ipaddress", "urllib.parse", "platform"}
    assert not [name for name in modules if name.startswith(("envfs.control.requests.", "envfs.proxy."))]
    assert not modules & {"envfs.service.sharing.parts", "envfs.service.sharing.courier_link", "gzip", "shutil"}


def test_a_daemon_that_lasts_has_all_of_envfs_and_little_else() -> None:
    modules = loaded(f"{_DAEMON}\nfrom envfs.control import dispatch; dispatch.load_handlers()")
    assert {"envfs.control.requests.vault", "envfs.proxy.rules", "envfs.service.sharing.parts"} <= modules
    assert not modules & {"gzip", "ipaddress", "shutil", "tarfile", "urllib.parse"}


def test_a_path_of_the_daemon_is_still_written_as_a_url() -> None:
    assert "urllib.parse" in loaded(
        f"{_DAEMON}\nimport pathlib\nassert pathlib.Path('/a b').as_uri() == 'file:///a%20b'"
    )


def test_a_time_is_read_without_the_names_of_months() -> None:
    modules = loaded("from envfs.host import clocks; assert clocks.parse_nanoseconds(clocks.wall_time()) > 0")
    assert not modules & {"_strptime", "calendar", "locale"}


def test_a_daemon_loads_little_before_it_starts_its_keyholder() -> None:
    modules = loaded("import envfs.daemon.__main__")
    assert not heads(modules) & {"argparse", "trio", "pathlib"}
    assert len([name for name in modules if name.startswith("envfs.")]) < 30


def test_what_is_left_out_of_trio_is_there_by_name_alone() -> None:
    names = "from_thread, lowlevel, socket, to_thread, SocketStream, SSLStream, DTLSEndpoint"
    use = "try:\n SSLStream(None)\nexcept NotImplementedError:\n import colorsys"  # a sign that nothing else loads
    assert {"trio._channel", "colorsys"} <= loaded(f"{_DAEMON}\nfrom trio import {names}\n{use}")
    assert "idna.core" in loaded(f"{_DAEMON}\nimport ctypes.util, idna\nctypes.util.find_library, idna.encode")


def test_the_load_of_trio_starts_no_program_and_threads_have_their_names() -> None:
    thread = "async def name(): return await trio.to_thread.run_sync(lambda: open('/proc/thread-self/comm').read())"
    named = f"{thread}\nassert trio.run(name).startswith('<lambda>')"
    program = "def refuse(event, _):\n assert event not in ('subprocess.Popen', 'os.posix_spawn', 'os.exec')"
    loaded(f"{program}\nsys.addaudithook(refuse)\n{_DAEMON}\nimport trio\n{named}")


_FUSE = "from envfs.fuse import binding_start; binding_start.load_pyfuse3(); import envfs.fuse.mount"


def test_a_daemon_that_mounts_does_without_what_looks_for_versions() -> None:
    modules = loaded(f"{_DAEMON}\n{_FUSE}")
    assert "pyfuse3" in modules
    assert not modules & {"importlib.metadata", "email", "zipfile", "csv"}
    look = "import importlib.metadata\nimportlib.metadata.version('pyfuse3')"
    assert "importlib.metadata" in loaded(f"{_DAEMON}\n{_FUSE}\n{look}")


def test_a_trio_that_does_not_load_in_part_is_loaded_whole() -> None:
    broken = "trio_start._LEFT_OUT = (*trio_start._LEFT_OUT, 'trio._core', 'trio._util')"
    modules = loaded(_DAEMON.replace("; trio_start.load", f"; {broken}; trio_start.load"))
    assert {"trio._core._run", "trio._ssl", "ssl", "envfs.daemon.daemon"} <= modules


HEAVY = {
    *("trio", "cryptography", "pyrage", "pyfuse3", "prompt_toolkit", "tomlkit"),
    *(
        "argparse",
        "logging",
        "pathlib",
        "subprocess",
        "asyncio",
        "dataclasses",
        "inspect",
        "typing",
        "socket",
        "tempfile",
    ),
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Give a home with texts."""
    link = KeyholderLink()
    world = World(tmp_path_factory.mktemp("startup"), link)
    run(world.fill)
    yield world
    world.close()
    link.close()


# `exec` becomes its command, so what it loaded is told in that moment
_BECOMING = """
import os, sys
def told(*_):
    os.write(1, "\\n".join(set(sys.modules) - before).encode())
    os._exit(0)
os.execvpe = os.execve = os.execv = os.execvp = told
"""


def client(world: World, *words: str) -> set[str]:
    """Run the client against a daemon; return the modules that it loaded."""

    async def main() -> set[str]:
        with bind_socket(world.places.socket) as listener:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(Server(world.service).run, listener)
                script = f"import sys\nbefore = set(sys.modules)\n{_BECOMING}\nsys.argv = ['envfs', *sys.argv[1:]]\n"
                script += "from envfs_cli import main\nstatus = main.main()\nassert status == 0, status\ntold()\n"
                done = await trio.run_process(
                    [sys.executable, "-I", "-c", script, *words],
                    env={**os.environ, "ENVFS_HOME": world.places.home},
                    capture_stdout=True,
                )
                nursery.cancel_scope.cancel()
        return set(done.stdout.decode().split("\n"))

    return run(main)


@pytest.mark.parametrize(
    "words",
    [
        ("exec", "/shop", "--", "true"),
        ("exec", "/shop", "--only", "LOG", "--", "true"),
        ("get", "/shop", "LOG"),
        ("exec", "--", "true"),
        ("get", "LOG"),
    ],
    ids=" ".join,
)
def test_the_client_starts_without_what_is_slow(
    home: World, words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENVFS_HOME", home.places.home)
    monkeypatch.chdir(tmp_path)
    state_writer.write_toml(str(tmp_path), "/shop")
    state_writer.remember_folder(str(tmp_path), Linked(state.folder_number(str(tmp_path)), "/shop", ""))
    modules = client(home, *words)
    assert "envfs_cli.main" in modules
    assert heads(modules) & (HEAVY | {"tomllib", "yaml"}) == set()
    assert ("envfs_cli.folder_links.state" in modules) == ("/shop" not in words)
    parts = {module.split(".")[1] for module in modules if module.startswith("envfs.")}
    assert parts <= {"core", "errors", "locations", "protocol", "safe_open", "tuples"}
    assert not [module for module in modules if module.startswith("envfs_cli.shell")]
    assert not modules & {
        "envfs_cli.watch.watcher",
        "envfs_cli.watch.child",
        "envfs_cli.watch.news",
        "signal",
        "ctypes",
    }
    assert not modules & {"re", "enum", "types", "envfs.protocol.control.vocabulary"}


@pytest.mark.parametrize(
    "words", [("ls",), ("show", "/shop"), ("history", "/shop"), ("status",), ("log",), ("export", "/")]
)
def test_no_command_loads_what_belongs_to_the_daemon(home: World, words: tuple[str, ...]) -> None:
    modules = client(home, *words)
    assert not heads(modules) & {"trio", "cryptography", "pyrage", "pyfuse3", "prompt_toolkit", "tomlkit", "argparse"}


def test_what_the_client_speaks_by_needs_no_enum() -> None:
    assert "enum" not in loaded("import envfs.errors, envfs.locations, envfs.protocol.control, envfs.protocol.framing")


def test_yaml_is_loaded_for_yaml_alone(home: World, tmp_path: Path) -> None:
    for name, text in (("a.env", "A=1\n"), ("a.json", "{}"), ("a.yaml", "{}")):
        (tmp_path / name).write_text(text)
        modules = client(home, "import", str(tmp_path / name), "/imported")
        assert ("yaml" in heads(modules)) == (name == "a.yaml")
        assert ("envfs.dotenv.document" in modules) == (name != "a.env")  # which goes past the client unread
        assert not heads(modules) & {"trio", "cryptography", "pyrage", "pyfuse3", "tomlkit", "argparse", "asyncio"}


def test_the_doctor_costs_no_other_command_anything_and_has_no_hands_of_its_own() -> None:
    assert "envfs_cli.commands.doctor" not in loaded("import envfs_cli.main")
    modules = loaded("import envfs_cli.commands.doctor")
    assert heads(modules) & HEAVY == set()
    assert not [module for module in modules if module.startswith(("envfs.host", "envfs.control"))]


# -- what a running daemon has mapped ----------------------------------------------------------------------------------


def mapped(pid: int) -> str:
    return Path(f"/proc/{pid}/maps").read_text(errors="replace")


def envfs(home: Path, *words: str) -> str:
    done = subprocess.run(
        [BIN / "envfs", *words],
        env={**os.environ, "ENVFS_HOME": str(home)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return done.stdout


@pytest.mark.skipif(os.geteuid() != 0 or not os.access("/dev/fuse", os.W_OK), reason="needs root and /dev/fuse")
def test_a_running_daemon_has_no_crypto_library_and_its_keyholder_no_fuse(tmp_path: Path) -> None:
    home = tmp_path / "home"
    envfs(home, "init", "--identity-file", str(tmp_path / "id.txt"))
    envfs(home, "mount")
    try:
        (tmp_path / "value").write_text("1")
        envfs(home, "set", "/shop", "A", "--from-file", str(tmp_path / "value"))
        assert (home / "mnt/shop/.env").read_text() == "A=1\n"
        report = json.loads(envfs(home, "status", "--json"))
        daemon, keyholder = mapped(report["pid"]), mapped(report["keyholder_pid"])
        assert "pyfuse3" in daemon
        assert not [name for name in ("cryptography", "pyrage") if name in daemon]
        assert "pyrage" in keyholder
        assert not [name for name in ("pyfuse3", "libfuse") if name in keyholder]
    finally:
        envfs(home, "unmount")
    paths = [Path(f"/proc/{report[name]}") for name in ("pid", "keyholder_pid")]
    eventually(lambda: not any(path.exists() for path in paths), "both end")

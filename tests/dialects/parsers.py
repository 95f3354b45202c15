"""The readers of `.env` text that are asked, how each is started, and which of them are here.

A driver reads paths from its stdin and answers each with a JSON line: {"vars": {…}} or {"error": "…"}.
"""

import functools
import glob
import itertools
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
HOME = ROOT / ".dialects"
DRIVERS = Path(__file__).parent / "drivers"
MODULES = HOME / "npm" / "node_modules"
NEWER = HOME / "debian" / "root"
SYSTEM_PYTHON = "/usr/bin/python3"
PODMAN = ("--storage-driver", "vfs", "--root", f"{HOME}/podman/root", "--runroot", f"{HOME}/podman/run")


class Parser(NamedTuple):
    """How one reader is started.

    `needs` are paths (with wildcards) or commands. `executes` tells that it runs `$( )` that is not in quotes which
    stop it, so that it is started in a sandbox or not at all; the others are too, where there is one, but for podman,
    which makes mounts. `most` bounds how many values of one form it is given: each costs a process or three.
    """

    name: str
    words: Sequence[str]
    needs: Sequence[str]
    environ: Sequence[tuple[str, str]] = ()
    executes: bool = False
    boxed: bool = True
    most: int = sys.maxsize

    @property
    def is_here(self) -> bool:
        """Tell whether all that it needs is installed."""
        return all(_found(need) for need in self.needs)

    @property
    def may_run(self) -> bool:
        """Tell whether hostile values may be given to it here."""
        return has_sandbox() or not self.executes


def _found(need: str) -> bool:
    return bool(first(need)) if "/" in need else shutil.which(need) is not None


def first(pattern: str) -> str:
    """Return the first path that matches, or nothing."""
    return next(iter(sorted(glob.glob(pattern))), "")


def _python(name: str, needs: str, folder: str = "python", parser: str = "") -> Parser:
    words = (sys.executable, "-P", f"{DRIVERS}/libraries.py", parser or name)
    return Parser(name, words, (f"{HOME}/{folder}/{needs}",), (("PYTHONPATH", f"{HOME}/{folder}"),))


def _node(name: str, needs: str, *, executes: bool = False) -> Parser:
    node = first(f"{MODULES}/node-20-*/bin/node")
    words = (node, "--no-warnings", f"{DRIVERS}/libraries.cjs", name, str(MODULES))
    return Parser(name, words, (f"{MODULES}/node-20-*/bin/node", f"{MODULES}/{needs}"), executes=executes)


def _ruby(name: str, *needs: str, folder: Sequence[str] = ()) -> Parser:
    return Parser(name, ("ruby", f"{DRIVERS}/libraries.rb", name, *folder), ("ruby", *needs), executes=True)


def _php(name: str, needs: str, folder: Sequence[str] = ()) -> Parser:
    words = ("php", f"{DRIVERS}/libraries.php", name, *folder)
    return Parser(name, words, ("php", needs), executes=name.startswith("symfony"))


def _program(
    name: str, reader: str, words: Sequence[str], *, executes: bool = False, most: int = sys.maxsize
) -> Parser:
    driver = (sys.executable, f"{DRIVERS}/programs.py", reader, *words)
    return Parser(name, driver, (words[0],), executes=executes, boxed=name != "podman", most=most)


def _shell(name: str, *words: str) -> Parser:
    return _program(name, "shell", words or (name,), executes=True)


def _javascript(name: str, program: str, *words: str) -> Parser:
    parser = _program(name, "javascript", (first(program), *words, "--env-file=FILE"), most=5000)
    return parser._replace(needs=(program,))


_NEWER_PHP = f"{NEWER}/usr/share/php"
_UV = str(Path(sys.executable).with_name("uv"))
_UV_RUN = ("--offline", "--no-cache", "--no-config", "run", "--no-project", "--python", SYSTEM_PYTHON)

ALL: Sequence[Parser] = (
    # the slow ones first, so that none is left alone at the end
    _program("podman", "podman", ("podman", *PODMAN), most=1000),
    _program("docker", "docker", (f"{NEWER}/usr/bin/docker",), most=2000),
    _program("uv", "env", (_UV, *_UV_RUN, "--env-file", "FILE", "--", "/usr/bin/env", "-0"), most=2000),
    _program("compose-2", "compose-2", (f"{NEWER}/usr/libexec/docker/cli-plugins/docker-compose",), most=5000),
    _javascript("node-20", f"{MODULES}/node-20-*/bin/node"),
    _javascript("node-24", f"{MODULES}/node-24-*/bin/node"),
    _javascript("deno", f"{MODULES}/@deno/linux-*/deno", "run", "--no-config", "--no-lock", "--allow-env"),
    _javascript("bun", f"{MODULES}/@oven/bun-linux-*/bin/bun"),
    _program("rust-dotenv", "env", ("dotenv-rust", "-f", "FILE", "/usr/bin/env", "-0")),
    _program("direnv", "direnv", ("direnv",)),
    *(_shell(name) for name in ("bash", "dash", "mksh")),
    _shell("zsh", "zsh", "-f"),
    _shell("busybox", "busybox", "sh"),
    _python("python-dotenv", "dotenv"),
    _python("python-dotenv-raw", "dotenv"),
    _python("python-dotenv-1.2.2", "dotenv", "python-old", "python-dotenv"),
    _python("django-environ", "environ"),
    _python("decouple", "decouple.py"),
    _python("honcho", "honcho"),
    _python("starlette", "starlette"),
    Parser(
        "systemd",
        (sys.executable, f"{DRIVERS}/libraries.py", "systemd"),
        ("/usr/lib/*/systemd/libsystemd-shared-*.so",),
    ),
    Parser(
        "compose-1",
        (SYSTEM_PYTHON, f"{DRIVERS}/libraries.py", "compose-1"),
        (SYSTEM_PYTHON, "/usr/lib/python3/dist-packages/compose"),
    ),
    _node("dotenv-18", "dotenv"),
    _node("dotenv-18-fast", "dotenv"),
    _node("dotenv-16", "dotenv-16"),
    _node("dotenv-expand-1000", "dotenv-expand", executes=True),
    _node("dotenv-expand-11", "dotenv-expand-11"),
    _node("dotenvx", "@dotenvx/dotenvx", executes=True),
    _node("dotenv-flow", "dotenv-flow"),
    _node("next", "@next/env"),
    _node("vite", "vite"),
    _node("env-cmd", "env-cmd"),
    _node("c12", "c12"),
    _ruby("ruby-dotenv", "/usr/share/rubygems-integration/*/gems/dotenv-*"),
    _ruby("ruby-dotenv-3", f"{HOME}/ruby-dotenv-3/*/lib", folder=(first(f"{HOME}/ruby-dotenv-3/*/lib"),)),
    _ruby("foreman", "foreman"),
    _php("symfony-5", "/usr/share/php/Symfony/Component/Dotenv"),
    _php("symfony-6", f"{_NEWER_PHP}/Symfony/Component/Dotenv", (_NEWER_PHP,)),
    _php("vlucas-5.4", "/usr/share/php/Dotenv"),
    _php("vlucas-5.6", f"{_NEWER_PHP}/Dotenv", (_NEWER_PHP,)),
    *(
        Parser(name, (f"{HOME}/bin/go-libraries", name), (f"{HOME}/bin/go-libraries",))
        for name in ("compose-go", "godotenv")
    ),
    Parser("dotenvy", (f"{HOME}/bin/dotenvy",), (f"{HOME}/bin/dotenvy",)),
)
NAMES = tuple(parser.name for parser in ALL)

_PYTHON = ("python-dotenv", "python-dotenv-1.2.2", "compose-1")
_NODE = ("dotenv-18", "dotenv-18-fast", "dotenv-16", "dotenv-flow", "dotenvx", "node-20", "node-24", "deno")
READERS_OF: dict[str, Sequence[str]] = {
    "portable": NAMES,
    "shell": ("bash", "dash", "zsh", "mksh", "busybox"),
    "docker": ("docker", "podman"),
    "systemd": ("systemd",),
    "python": ("python-dotenv-raw",),
    "python-interpolating": _PYTHON,
    "node": _NODE,
    "expand": ("dotenv-expand-1000", "dotenv-expand-11", "next", "vite", "bun", "c12"),
    "compose": ("compose-2", "compose-go"),
}


def chosen(names: Iterable[str]) -> Sequence[Parser]:
    """Return parsers by name, in the order of `ALL`."""
    wanted = set(names)
    return [parser for parser in ALL if parser.name in wanted]


def environ(parser: Parser, folder: Path) -> dict[str, str]:
    """Return all that a parser finds in its environment: some names that values refer to, nothing else of ours."""
    fixed = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8", "DEFINED": "elsewhere"}
    quiet = {"DENO_NO_UPDATE_CHECK": "1", "NO_COLOR": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    places = {"HOME": str(folder), "TMPDIR": str(folder)}
    return dict(itertools.chain(fixed.items(), quiet.items(), places.items(), parser.environ))


def sandbox(folder: Path) -> Sequence[str]:
    """Return the words that start a program with nothing to write to but a folder, and without a network."""
    words = ("--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--bind", str(folder), str(folder))
    return ("bwrap", *words, "--unshare-net", "--unshare-pid", "--die-with-parent", "--chdir", str(folder))


@functools.cache
def has_sandbox() -> bool:
    """Tell whether a sandbox can be made here: some containers allow none."""
    if not shutil.which("bwrap"):
        return False
    with tempfile.TemporaryDirectory(prefix="envfs-dialects-") as folder:
        return subprocess.run([*sandbox(Path(folder)), "true"], capture_output=True, check=False).returncode == 0

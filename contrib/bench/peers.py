"""Other file systems with the same file at the same depth: the least that C and Python can do, and those that encrypt.

Laws: each is started by its own documented command, with what it does by default, in a session of its own as EnvFS is:
a busy machine shares its processors by sessions. One that is not installed, or does not start, is left out and named.
All are unmounted on the way out.
"""

import contextlib
import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from samples import LEVELS

HERE = Path(__file__).parent
DRIVEN = "pyfuse3 by hand"
C_FLOOR = "C libfuse"
_VIEW = LEVELS[-1].lstrip("/") + "/.env"
_SECONDS = 60.0  # to derive a key takes its time
_PASSPHRASE = "bench"
# by name: what makes the store, and what serves it in the foreground. {s} store, {m} mount, {p} a passphrase file
_ENCRYPTING: Mapping[str, tuple[str, str]] = {
    "gocryptfs": ("gocryptfs -init -q -passfile {p} {s}", "gocryptfs -fg -q -passfile {p} {s} {m}"),
    "encfs": ("", "encfs -f --stdinpass --standard {s} {m}"),
    "cryfs": ("", "cryfs -f {s} {m}"),
    "securefs": (f"securefs create --pass {_PASSPHRASE} {{s}}", f"securefs mount --pass {_PASSPHRASE} {{s}} {{m}}"),
}
_ENVIRON = {**os.environ, "CRYFS_FRONTEND": "noninteractive", "CRYFS_NO_UPDATE_CHECK": "true"}


def as_user(uid: int) -> tuple[str, ...]:
    """Return the words that run a command as another user. None for the one who asks."""
    if uid == os.geteuid():
        return ()
    return ("setpriv", "--reuid", str(uid), "--regid", str(uid), "--clear-groups", "--")


@contextlib.contextmanager
def mounted(folder: Path, command: Sequence[str], content: bytes | None = None) -> Iterator[Path]:
    """Let a command serve at `folder`, and give the view's path. With `content`, the view is written first.

    Raises:
        RuntimeError: it does not start
    """
    view = folder / _VIEW
    secret = subprocess.PIPE if content is not None else subprocess.DEVNULL
    process = subprocess.Popen(
        command,
        env=_ENVIRON,
        stdin=secret,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        if process.stdin is not None:
            process.stdin.write(f"{_PASSPHRASE}\n".encode())
            process.stdin.close()
        _wait(folder, process)
        if content is not None:
            view.parent.mkdir(parents=True)
            view.write_bytes(content)
        yield view
    finally:
        subprocess.run(["fusermount3", "-u", "-z", str(folder)], check=False, stderr=subprocess.DEVNULL)
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_SECONDS)
        process.kill()
        process.wait()


def _wait(folder: Path, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + _SECONDS
    while str(folder) not in Path("/proc/self/mounts").read_text(encoding="utf-8"):
        if process.poll() is not None or time.monotonic() > until:
            raise RuntimeError("it did not start")
        time.sleep(0.05)


def compiled_floor(folder: Path) -> str:
    """Compile the file system in C. The empty string where there is no compiler, or no libfuse to build with."""
    program = str(folder / "bare_libfuse")
    compiler = shutil.which("cc") or shutil.which("gcc")
    with contextlib.suppress(OSError, subprocess.CalledProcessError):
        flags = subprocess.check_output(
            ["pkg-config", "--cflags", "--libs", "fuse3"], text=True, stderr=subprocess.DEVNULL
        )
        if compiler and subprocess.call([compiler, "-O2", "-o", program, HERE / "bare_libfuse.c", *flags.split()]) == 0:
            return program
    return ""


@contextlib.contextmanager
def floors(folder: Path, plain: Path) -> Iterator[dict[str, Path]]:
    """Serve a file by C and by pyfuse3 driven by hand. Gives the view of each, by name."""
    views = {}
    with contextlib.ExitStack() as stack:
        program = compiled_floor(folder)
        commands = {C_FLOOR: [program, "{m}", str(plain), "0"]} if program else {}
        commands[DRIVEN] = [sys.executable, "-s", "-E", str(HERE / "driven_pyfuse3.py"), "{m}", str(plain)]
        for number, (name, command) in enumerate(commands.items()):
            place = folder / f"floor{number}"
            place.mkdir()
            words = [str(place) if word == "{m}" else word for word in command]
            views[name] = stack.enter_context(mounted(place, words))
        yield views


@contextlib.contextmanager
def encrypting(folder: Path, content: bytes) -> Iterator[tuple[dict[str, Path], list[str]]]:
    """Serve these bytes by each encrypting file system that is installed. Gives the views, and the names left out."""
    views, absent = {}, []
    passphrase = folder / "passphrase"
    passphrase.write_text(f"{_PASSPHRASE}\n", encoding="ascii")
    with contextlib.ExitStack() as stack:
        for name, commands in _ENCRYPTING.items():
            store, place = folder / f"{name}-store", folder / name
            store.mkdir()
            place.mkdir()
            making, serving = (shlex.split(text.format(s=store, m=place, p=passphrase)) for text in commands)
            try:
                if shutil.which(name) is None or (making and _call(making) != 0):
                    raise RuntimeError("it is not installed")
                views[name] = stack.enter_context(mounted(place, serving, content))
            except (RuntimeError, OSError):
                absent.append(name)
        yield views, absent


def _call(command: Sequence[str]) -> int:
    return subprocess.run(command, env=_ENVIRON, capture_output=True, check=False).returncode

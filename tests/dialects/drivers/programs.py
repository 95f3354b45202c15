"""programs.py READER PROGRAM...: programs, one process a file. Paths come in, a JSON line each goes out."""

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import engine

SECONDS = 20.0
HERE = Path(__file__).parent
# what a shell or a program sets by itself
OWN = {"_", "LOGNAME", "OLDPWD", "PATH", "PWD", "SHLVL", "UV", "UV_RUN_RECURSION_DEPTH", "VIRTUAL_ENV"}
PODMAN_OWN = {"container", "HOME", "PATH", "TERM"}
Variables = dict[str, str | None]


class Refused(Exception):
    pass


def run(words: Iterable[str], cwd: str | None = None) -> bytes:
    done = subprocess.run(
        [*words], cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, timeout=SECONDS, check=False
    )
    if done.returncode:
        raise Refused
    return done.stdout


def pairs(entries: Iterable[str]) -> Iterator[tuple[str, str | None]]:
    for entry in entries:
        name, equals, value = entry.partition("=")
        yield name, value if equals else None


def without_own(environ: Variables) -> Variables:
    return {name: value for name, value in environ.items() if name not in OWN and os.environ.get(name) != value}


def env(words: list[str], path: str, *, silent: bool = False) -> Variables:
    """Read what `env -0` prints."""
    words = [word.replace("FILE", path) for word in words]
    done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, timeout=SECONDS, check=False)
    if done.returncode or (silent and done.stderr):
        raise Refused
    return without_own(dict(pairs(done.stdout.decode().split("\0")[:-1])))


def shell(words: list[str], path: str) -> Variables:
    # nothing of ours may make a shell complain: it may have tried to run something
    return env([*words, str(HERE / "shell.sh"), path], path, silent=True)


def javascript(words: list[str], path: str) -> Variables:
    said = run([word.replace("FILE", path) for word in words] + [str(HERE / "dump.js")])
    return without_own(json.loads(said))


def direnv(words: list[str], path: str) -> Variables:
    return dict(json.loads(run([*words, "dotenv", "json", path])))


def compose2(words: list[str], path: str) -> Variables:
    """Ask `docker compose config`, which doubles each $ so that its output is a compose file again."""
    with tempfile.TemporaryDirectory(dir=".") as folder:
        service = {"image": "x", "env_file": path}
        Path(folder, "compose.yaml").write_text(json.dumps({"services": {"s": service}}), encoding="utf-8")
        said = json.loads(run([*words, "-f", f"{folder}/compose.yaml", "config", "--format", "json"]))
    found = said["services"]["s"].get("environment") or {}
    return {name: None if value is None else value.replace("$$", "$") for name, value in found.items()}


def docker(words: list[str], path: str) -> Variables:
    with tempfile.TemporaryDirectory(dir=".") as folder, engine.listening(os.path.join(folder, "s")) as asked:
        run([*words, "-H", f"unix://{os.path.abspath(folder)}/s", "create", "--env-file", path, "image"])
    return dict(pairs(asked[0]["Env"] or ()))


def podman(words: list[str], path: str) -> Variables:
    made = run([*words, "create", "--env-file", path, "scratch", "/x"]).decode().strip()
    said = json.loads(run([*words, "inspect", made, "--format", "{{json .Config.Env}}"]))
    run([*words, "rm", made])
    return {name: value for name, value in pairs(said) if name not in PODMAN_OWN}


READERS: dict[str, Callable[[list[str], str], Variables]] = {
    "shell": shell,
    "env": env,
    "javascript": javascript,
    "direnv": direnv,
    "compose-2": compose2,
    "docker": docker,
    "podman": podman,
}


def answer(read: Callable[[list[str], str], Variables], words: list[str], path: str) -> dict[str, object]:
    try:
        return {"vars": read(words, path)}
    except Refused:
        return {"error": "refused"}
    except subprocess.TimeoutExpired:
        return {"error": "timeout"}
    except (ValueError, LookupError, OSError) as error:  # it answered with something else than it should
        return {"error": re.sub(r"\W", " ", type(error).__name__)}


def main() -> None:
    reader, *words = sys.argv[1:]
    for line in sys.stdin:
        print(json.dumps(answer(READERS[reader], words, line.rstrip("\n"))), flush=True)


main()

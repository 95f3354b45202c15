"""libraries.py PARSER: Python modules, and systemd's library. Paths come in, a JSON line each goes out."""

import ctypes
import functools
import glob
import json
import logging
import os
import sys
from collections.abc import Callable, Mapping

Variables = Mapping[str, str | None]


def python_dotenv(path: str, *, interpolate: bool = True) -> Variables:
    from dotenv import dotenv_values

    return dotenv_values(path, interpolate=interpolate)


def decouple(path: str) -> Variables:
    from decouple import RepositoryEnv

    return RepositoryEnv(path).data


def django_environ(path: str) -> Variables:
    import environ

    class Env(environ.Env):
        ENVIRON: dict[str, str] = {}  # noqa: RUF012 - where that class keeps what it has read

    Env.read_env(path)
    return Env.ENVIRON


def honcho(path: str) -> Variables:
    from honcho import environ

    with open(path, encoding="utf-8") as file:
        return environ.parse(file.read())


def starlette(path: str) -> Variables:
    from starlette.config import Config

    return Config(path, environ={}).file_values


def compose1(path: str) -> Variables:
    # what `docker-compose config` calls for env_file; its own output would fold some characters
    from compose.config.environment import env_vars_from_file

    return env_vars_from_file(path)


def systemd(path: str) -> Variables:
    # what the service manager does for EnvironmentFile=
    library = ctypes.CDLL(max(glob.glob(SYSTEMD)))
    entries = ctypes.POINTER(ctypes.c_char_p)()
    library.load_env_file.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
    status = library.load_env_file(None, os.fsencode(path), ctypes.byref(entries))
    if status < 0:
        raise OSError(-status, os.strerror(-status))
    library.env_assignment_is_valid.restype = ctypes.c_bool
    found, index = {}, 0
    while entries and (entry := entries[index]) is not None:
        if library.env_assignment_is_valid(entry):
            name, _, value = entry.decode().partition("=")
            found[name] = value
        index += 1
    return found


SYSTEMD = "/usr/lib/*/systemd/libsystemd-shared-*.so"
PARSERS: Mapping[str, Callable[[str], Variables]] = {
    "python-dotenv": python_dotenv,
    "python-dotenv-raw": functools.partial(python_dotenv, interpolate=False),
    "decouple": decouple,
    "django-environ": django_environ,
    "honcho": honcho,
    "starlette": starlette,
    "compose-1": compose1,
    "systemd": systemd,
}


def main() -> None:
    logging.disable(logging.CRITICAL)
    parse, environ = PARSERS[sys.argv[1]], dict(os.environ)
    for line in sys.stdin:
        os.environ.clear()
        os.environ.update(environ)
        try:
            answer = {"vars": dict(parse(line.rstrip("\n")))}
        except Exception as error:  # noqa: BLE001 - whatever a parser says of a file is its answer
            answer = {"error": type(error).__name__}
        print(json.dumps(answer), flush=True)


main()

"""The start of trio without the parts for networks, as EnvFS speaks to none, and without a program that it runs.

Left out are TLS, DTLS and the names of hosts in other alphabets. The library that names threads is the usual one:
trio would run `ldconfig` to find it. Together they are a fifth of the load of trio. Paths are written as URLs by nobody
here, so what `pathlib` loads for that comes at its first use, and attrs is told which interpreter runs it.
"""

import sys

from envfs.host import left_out

_LEFT_OUT = ("trio._ssl", "trio._dtls", "trio._highlevel_ssl_helpers")


def load_trio() -> None:
    """Load trio, as every other module of the daemon finds it."""
    left_out.load_without("pathlib", (), {"urllib.parse": {"quote_from_bytes": _quote}})
    stand_ins: dict[str, dict[str, object]] = {
        "idna": {},
        "ctypes.util": {"find_library": "lib{}.so.0".format},
        "platform": {"python_implementation": lambda: "PyPy" if sys.implementation.name == "pypy" else "CPython"},
    }
    left_out.load_without("trio", _LEFT_OUT, stand_ins)


def _quote(path: bytes) -> str:
    from urllib.parse import quote_from_bytes  # noqa: PLC0415 - 0.4 MB that nobody needs

    return quote_from_bytes(path)

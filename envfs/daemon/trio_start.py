"""The start of trio without the parts for networks, as EnvFS speaks to none, and without a program that it runs.

Left out are TLS, DTLS and the names of hosts in other alphabets. The library that names threads is the usual one:
trio would run `ldconfig` to find it. Together they are a fifth of the load of trio.
"""

from envfs.host import left_out

_LEFT_OUT = ("trio._ssl", "trio._dtls", "trio._highlevel_ssl_helpers")


def load_trio() -> None:
    """Load trio, as every other module of the daemon finds it."""
    left_out.load_without("trio", _LEFT_OUT, {"idna": {}, "ctypes.util": {"find_library": "lib{}.so.0".format}})

"""The start of trio without the parts for networks, as EnvFS speaks to none, and without a program that it runs.

Left out are TLS, DTLS and the names of hosts in other alphabets. The library that names threads is the usual one:
trio would run `ldconfig` to find it. Together they are a fifth of the load of trio.

Laws: a name that was left out is there and can be asked for, but nothing can be made of it. Where a release of trio
does not load so, it is loaded whole. No module but trio's own is other than it would be.
"""

import ctypes
import sys
from types import ModuleType
from typing import NoReturn

_LEFT_OUT = ("trio._ssl", "trio._dtls", "trio._highlevel_ssl_helpers")
_OTHERS = ("idna", "ctypes.util")  # which are put in the place of modules that others may load later


def load_trio() -> None:
    """Load trio, as every other module of the daemon finds it."""
    if "trio" in sys.modules:
        return
    others = {name: _LeftOut(name) for name in _OTHERS if name not in sys.modules}
    sys.modules.update({name: _LeftOut(name) for name in _LEFT_OUT} | others)
    if (util := others.get("ctypes.util")) is not None:
        vars(util)["find_library"] = "lib{}.so.0".format
        vars(ctypes)["util"] = util
    try:
        import trio  # noqa: PLC0415 - the first import is what this is about
    except Exception:  # noqa: BLE001 - such a release may miss anything
        _forget(others)
        for name in [name for name in sys.modules if name.partition(".")[0] == "trio"]:
            del sys.modules[name]
        import trio  # noqa: F401, PLC0415 - whole
    else:
        _forget(others)


class _LeftOut(ModuleType):
    def __getattr__(self, name: str) -> type:
        if name.startswith("__"):
            raise AttributeError(name)
        absent = type(name, (Exception,), {"__init__": _refuse, "__module__": self.__name__})
        setattr(self, name, absent)
        return absent


def _forget(others: dict[str, _LeftOut]) -> None:
    for name in others:
        del sys.modules[name]
    if "ctypes.util" in others:
        del vars(ctypes)["util"]


def _refuse(self: object, *_: object, **_named: object) -> NoReturn:
    raise NotImplementedError(f"{type(self).__name__} was left out when trio was loaded")

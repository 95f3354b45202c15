"""The load of a library without modules of which EnvFS has no use, or which cost more than they give.

Laws: a name of such a module is there and can be asked for, but nothing can be made of it. Where a release of the
library does not load so, it is loaded whole. Modules that others may load later are whole for them.
"""

import importlib
import sys
from collections.abc import Collection, Mapping
from types import ModuleType
from typing import NoReturn


def load_without(library: str, own: Collection[str], others: Mapping[str, Mapping[str, object]]) -> None:
    """Load a library.

    `own` are modules of it, which stay left out. `others` stand for other modules while it loads, each with the names
    that it uses of them by then.
    """
    if library in sys.modules:
        return
    absent = {name: _LeftOut(name) for name in others if name not in sys.modules}
    for name, module in absent.items():
        vars(module).update(others[name])
        parent, _, last = name.rpartition(".")
        if parent:
            vars(importlib.import_module(parent))[last] = module
    sys.modules.update({name: _LeftOut(name) for name in own} | absent)
    try:
        importlib.import_module(library)
    except Exception:  # noqa: BLE001 - such a release may miss anything
        _put_back(absent)
        for name in [name for name in sys.modules if f"{name}.".startswith(f"{library}.")]:
            del sys.modules[name]
        importlib.import_module(library)
    else:
        _put_back(absent)


class _LeftOut(ModuleType):
    def __getattr__(self, name: str) -> type:
        if name.startswith("__"):
            raise AttributeError(name)
        absent = type(name, (Exception,), {"__init__": _refuse, "__module__": self.__name__})
        setattr(self, name, absent)
        return absent


def _put_back(absent: Collection[str]) -> None:
    for name in absent:
        del sys.modules[name]
        parent, _, last = name.rpartition(".")
        if parent:
            del vars(sys.modules[parent])[last]


def _refuse(self: object, *_: object, **_named: object) -> NoReturn:
    raise NotImplementedError(f"{type(self).__name__} was left out")

"""The daemon, with a fault at every await of its own code: `python faulty.py CONTROL ARGUMENTS OF THE DAEMON …`.

The modules of `control/`, `fuse/`, `daemon/` and `service/` are loaded with each `await X` and `async with X` made a
place that can fail. A thread takes orders on the socket CONTROL: `arm KIND` makes each place fail once, when it is
next reached; `tell` answers with all places, and those that have failed.
"""

import ast
import builtins
import errno
import json
import random
import runpy
import socket
import sys
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import CodeType

import trio

from envfs.errors import Conflict
from envfs.host import supervision
from envfs.host.process import inheritance

_PARTS = ("envfs.control", "envfs.daemon", "envfs.fuse", "envfs.service")
FAULTS: dict[str, Callable[[], Exception]] = {
    "gone": lambda: random.choice((BrokenPipeError, ConnectionResetError))("gone"),
    "no room": lambda: OSError(random.choice((errno.ENOMEM, errno.EMFILE)), "no room"),
    "a bug": lambda: random.choice((RuntimeError("hunter2"), ExceptionGroup("group", [ValueError("hunter2")]))),
    "refused": lambda: random.choice((Conflict("a refusal"), trio.BrokenResourceError("broken"), trio.TooSlowError())),
}
_places: set[str] = set()
_armed: dict[str, str] = {}
_failed: dict[str, set[str]] = {}


def _fail(place: str) -> None:
    kind = _armed.pop(place, None)
    if kind is not None:
        _failed.setdefault(kind, set()).add(place)
        fault = FAULTS[kind]()
        raise fault


async def _awaited(place: str, what: Awaitable[object]) -> object:
    try:
        _fail(place)
    except BaseException:
        if hasattr(what, "close"):
            what.close()
        raise
    return await what


class _Entered:
    """A context manager whose beginning can fail, and whose end can after it has ended."""

    def __init__(self, place: str, manager: object) -> None:
        self._place, self._manager = place, manager

    async def __aenter__(self) -> object:
        _fail(f"{self._place} enter")
        return await self._manager.__aenter__()  # type: ignore[attr-defined]

    async def __aexit__(self, *error: object) -> object:
        handled = await self._manager.__aexit__(*error)  # type: ignore[attr-defined]
        if error == (None, None, None):
            _fail(f"{self._place} exit")
        return handled


class _Faulty(ast.NodeTransformer):
    def __init__(self, module: str) -> None:
        self._module = module
        self._count: Counter[str] = Counter()

    def _call(self, function: str, node: ast.AST, value: ast.expr, *ends: str) -> ast.Call:
        place = f"{self._module.removeprefix('envfs.')}: {ast.unparse(value)}"
        self._count[place] += 1
        place += f" ({self._count[place]})"
        _places.update(f"{place}{end}" for end in ends or ("",))
        return ast.copy_location(ast.Call(ast.Name(function, ast.Load()), [ast.Constant(place), value], []), node)

    def visit_Await(self, node: ast.Await) -> ast.AST:
        self.generic_visit(node)
        node.value = self._call("__awaited__", node, node.value)
        return node

    def visit_AsyncWith(self, node: ast.AsyncWith) -> ast.AST:
        self.generic_visit(node)
        for item in node.items:
            item.context_expr = self._call("__entered__", node, item.context_expr, " enter", " exit")
        return node


class _Loader(SourceFileLoader):
    def get_code(self, fullname: str) -> CodeType:
        tree = _Faulty(fullname).visit(ast.parse(self.get_data(self.path)))
        return compile(ast.fix_missing_locations(tree), self.path, "exec")


class _Finder(MetaPathFinder):
    def find_spec(self, fullname: str, path: object = None, target: object = None) -> ModuleSpec | None:
        if not fullname.startswith(_PARTS):
            return None
        spec = PathFinder.find_spec(fullname, path)  # type: ignore[arg-type]
        if spec is not None and spec.origin is not None and not spec.origin.endswith("__init__.py"):
            spec.loader = _Loader(fullname, spec.origin)
        return spec


def _obey(listener: socket.socket) -> None:
    while True:
        with listener.accept()[0] as peer, peer.makefile("rw") as lines:
            for line in lines:
                order, _, kind = line.strip().partition(" ")
                if order == "arm":
                    _armed.update(dict.fromkeys(_places, kind))
                elif order == "disarm":
                    _armed.clear()
                told = {kind: sorted(places) for kind, places in _failed.items()}
                lines.write(json.dumps({"places": sorted(_places), "failed": told}) + "\n")
                lines.flush()


def main() -> None:
    """Load the daemon with its faults and run it."""
    vars(builtins).update(__awaited__=_awaited, __entered__=_Entered)
    sys.meta_path.insert(0, _Finder())
    supervision._PAUSE = supervision._LONGEST_PAUSE = 0.01  # what failed is to be reached again soon
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(sys.argv[1])
    listener.listen()
    drop_inherited = inheritance.drop_inherited

    def drop_others(keep: Iterable[int], *, own_session: bool) -> None:
        drop_inherited((*keep, listener.fileno()), own_session=own_session)

    inheritance.drop_inherited = drop_others
    threading.Thread(target=_obey, args=(listener,), daemon=True).start()
    del sys.argv[1]
    runpy.run_module("envfs.daemon", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()

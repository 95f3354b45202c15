"""The daemon, with a clock at the border of each layer that a read goes through: what `open_map.py` starts and asks.

layered_daemon.py FILE serve …     as `python -m envfs.daemon serve …`; at its end it writes the figures into FILE

SIGUSR2 forgets what was counted until then. A layer's time is without that of the layers below it. The clocks cost
time themselves: what an empty function costs when it is wrapped is measured at the start, and taken off.
"""

import functools
import json
import signal
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from envfs.daemon import __main__ as daemon
from envfs.fuse import handles, inodes, listings, loop, warm_answers
from envfs.fuse.handles import Handles
from envfs.fuse.inodes import Inodes
from envfs.fuse.kernel_table import KernelTable
from envfs.fuse.operations import Operations
from envfs.gate.audit_log.log_writer import LogWriter
from envfs.gate.audit_log.written_file import WrittenFile
from envfs.gate.judge import Judge
from envfs.gate.rule_book import RuleBook
from envfs.gate.views.view import View
from envfs.host.callers.callers import Callers
from envfs.host.callers.origins import Origins
from envfs.vault.vault import Vault

REQUESTS = ("lookup", "open", "read", "release")
_TRIES, _TURNS = 2000, 20
_clock = time.perf_counter_ns


class Layers:
    """The time that is spent in each layer, request by request."""

    def __init__(self) -> None:
        self.requests: dict[str, list[dict[str, int]]] = defaultdict(list)
        self._kind = ""
        self._spent: dict[str, int] = defaultdict(int)
        self._stack = ["binding"]
        self._since = _clock()
        self.outside, self.inside = 0.0, 0.0  # what a wrapper adds to the layer around it, and to its own

    def enter(self, layer: str) -> None:
        """Go into a layer."""
        now = _clock()
        self._spent[self._stack[-1]] += now - self._since
        self._spent[f"#{layer}"] += 1
        self._spent[f"##{self._stack[-1]}"] += 1
        self._stack.append(layer)
        self._since = _clock()

    def leave(self) -> None:
        """Go back to the layer around it."""
        now = _clock()
        self._spent[self._stack.pop()] += now - self._since
        self._since = _clock()

    def begin(self, kind: str) -> None:
        """Note of which kind the request under way is."""
        self._kind = kind

    def end(self) -> None:
        """Note that the request under way is answered."""
        self.enter("loop")
        self.leave()
        if self._kind:
            self.requests[self._kind].append(dict(self._spent))
        self._kind = ""
        self._spent.clear()

    def forget(self) -> None:
        """Begin again."""
        self.requests.clear()

    def calibrate(self) -> None:
        """Measure what a wrapper costs."""
        bare, wrapped = (lambda: None), wrapped_function(self, lambda: None, "empty")
        _repeat(wrapped)  # warm
        alone = min(_repeat(bare) for _ in range(_TURNS))
        insides, outsides = [], []
        for _ in range(_TURNS):
            self._spent.clear()
            self._since = _clock()
            _repeat(wrapped)
            insides.append(self._spent["empty"] / _TRIES)
            outsides.append(self._spent["binding"] / _TRIES - alone)
        self.inside, self.outside = min(insides), max(0.0, min(outsides))
        self._spent.clear()

    def figures(self) -> dict[str, dict[str, float]]:
        """Return the median time of each layer in each kind of request, in µs."""
        return {kind: self._of(rows) for kind, rows in self.requests.items() if kind in REQUESTS and rows}

    def _of(self, rows: list[dict[str, int]]) -> dict[str, float]:
        layers = sorted({name for row in rows for name in row if not name.startswith("#")})
        return {layer: statistics.median(self._corrected(row, layer) for row in rows) / 1000 for layer in layers}

    def _corrected(self, row: dict[str, int], layer: str) -> float:
        own = row.get(layer, 0) - self.inside * row.get(f"#{layer}", 0)
        return max(0.0, own - self.outside * row.get(f"##{layer}", 0))


def _repeat(function: Callable[[], None]) -> float:
    before = _clock()
    for _ in range(_TRIES):
        function()
    return (_clock() - before) / _TRIES


def wrapped_function(layers: Layers, function: Callable[..., Any], layer: str) -> Callable[..., Any]:
    """Return a function whose time counts for a layer."""
    enter, leave = layers.enter, layers.leave

    @functools.wraps(function)
    def timed(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - whatever the function takes
        enter(layer)
        try:
            return function(*args, **kwargs)
        finally:
            leave()

    return timed


def _wrapped_handler(layers: Layers, handler: Callable[..., Any], kind: str) -> Callable[..., Any]:
    @functools.wraps(handler)
    async def timed(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - whatever the handler takes
        layers.begin(kind)
        layers.enter("handler")
        try:
            return await handler(*args, **kwargs)
        finally:
            layers.leave()

    return timed


def _wrapped_wait(layers: Layers, wait: Callable[[int], Any]) -> Callable[[int], Any]:
    async def timed(device: int) -> None:
        layers.enter("loop")
        try:
            await wait(device)
        finally:
            layers.leave()
            layers.end()

    return timed


PLACES: tuple[tuple[str, object, tuple[str, ...]], ...] = (
    ("caller", Callers, ("look", "glance")),
    ("caller", handles, ("kept_caller",)),
    ("caller", inodes, ("kept_caller",)),
    ("caller", warm_answers, ("kept_caller",)),
    ("origin", Origins, ("look",)),
    ("policy", Judge, ("judge_access", "judge_held", "sees", "is_by")),
    ("freshness of the rules", RuleBook, ("load",)),
    ("freshness of the vault", Vault, ("fingerprint", "versions", "children")),
    ("inode", Inodes, ("file", "known_folder")),
    ("inode", KernelTable, ("looked_up", "looked_up_again")),
    ("names", listings, ("child_node_of",)),
    ("record", LogWriter, ("append",)),
    ("look at the log", WrittenFile, ("check",)),
    ("write", WrittenFile, ("write",)),
    ("handle", Handles, ("add", "remove", "file", "admitted_file")),
    ("content", View, ("read_into",)),
)


def main() -> int:
    """Wrap, and be the daemon."""
    output = sys.argv.pop(1)
    layers = Layers()
    layers.calibrate()
    for layer, owner, names in PLACES:
        for name in names:
            setattr(owner, name, wrapped_function(layers, getattr(owner, name), layer))
    for kind in REQUESTS:
        setattr(Operations, kind, _wrapped_handler(layers, getattr(Operations, kind), kind))
    loop._wait_readable = _wrapped_wait(layers, loop._wait_readable)  # noqa: SLF001
    signal.signal(signal.SIGUSR2, lambda *_: layers.forget())
    try:
        return daemon.main()
    finally:
        Path(output).write_text(json.dumps(layers.figures()), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())

"""The scan: contents are put into memory while the daemon works on the memory before."""

from concurrent.futures import Future, ThreadPoolExecutor

from envfs.errors import BadRequest
from envfs.protocol import control
from envfs.tuples import NamedTuple
from envfs_cli.scanning import env_copies
from envfs_cli.scanning.batches import Batch, Segment, Spot, fill_batch
from envfs_cli.scanning.findings import SHAPE, Findings
from envfs_cli.terminal.prompts import Waiting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from envfs_cli.daemon.session import Session
    from envfs_cli.scanning.contents import ScannedFile
    from envfs_cli.scanning.shapes import Shapes

_COPIED = 1 << 16  # bytes of a file that are looked at, whether it is a copy of .env
_MEGABYTE = 1_000_000
_ENDED = "the daemon answered something else"


class ScanScope(NamedTuple):
    """The values that count: of a level and those below it, all that are long enough if it is `everything`."""

    level: str
    everything: bool
    shapes: "Shapes | None" = None


class Scanner:
    """One scan, with its `findings`. The `faults` are parts of the vault that do not open."""

    def __init__(self, asking: "Session", scope: ScanScope) -> None:
        """Ask the daemon about nothing, so that what can be refused is refused before anything is read.

        Raises:
            EnvFSError: what the daemon refuses with
        """
        self._asking = asking
        self._scope = scope
        self._free = [Batch(), Batch()]
        self._pending: Future[None] | None = None
        self._worker = ThreadPoolExecutor(1)
        self.findings = Findings()
        self.contents = self._size = 0
        self.faults: list[object] = []
        self.reply = self._asked(self._free[0], self.faults)

    def scan(self, contents: "Iterable[ScannedFile]") -> None:
        """Scan contents to the last one.

        Raises:
            EnvFSError: what the daemon refuses with
        """
        try:
            self._fill(contents)
            self._finish()
        finally:
            self._worker.shutdown(cancel_futures=True)

    def _fill(self, contents: "Iterable[ScannedFile]") -> None:
        batch = self._free.pop()
        for content in contents:
            self.contents += 1
            batch = fill_batch(batch, content, self._submit)
        self._submit(batch)

    def _submit(self, batch: Batch) -> Batch:
        self._finish()
        self._size += batch.size
        Waiting.tell(f"{self.contents} files, {self._size // _MEGABYTE} MB")
        self._pending = self._worker.submit(self._search, batch)
        return self._free.pop()

    def _finish(self) -> None:
        if self._pending is not None:
            self._pending.result()
            self._pending = None

    def _search(self, batch: Batch) -> None:
        self._look_for_values(batch)
        self._look_for_copies(batch)
        self._look_for_shapes(batch)
        batch.clear()
        self._free.append(batch)

    def _look_for_values(self, batch: Batch) -> None:
        rows: list[object] = []
        reply = self._asked(batch, rows)
        self.reply = reply._replace(more=reply.more or self.reply.more)
        for row in rows:
            if isinstance(row, control.LeakRow):
                self.findings.add(batch.spot(row.offset), row)

    def _asked(self, batch: Batch, rows: list[object]) -> control.ContentScanned:
        request = control.ScanContent(batch.size, self._scope.level, self._scope.everything)
        reply, _ = self._asking.ask(request, (batch.descriptor,), rows)
        if not isinstance(reply, control.ContentScanned):
            raise BadRequest(_ENDED)
        return reply

    def _look_for_copies(self, batch: Batch) -> None:
        for segment in batch.segments:
            if _is_copy(batch, segment):
                self.findings.add(Spot(segment.place, 0, 1, 1), control.LeakRow(0, "", "", env_copies.COPY))

    def _look_for_shapes(self, batch: Batch) -> None:
        if self._scope.shapes is not None:
            with memoryview(batch.map) as text, text[: batch.size] as filled:
                for offset, detector in self._scope.shapes.shapes_in(filled):
                    self.findings.add(batch.spot(offset), control.LeakRow(0, "", detector, SHAPE))


def _is_copy(batch: Batch, segment: Segment) -> bool:
    if segment.offset or not env_copies.has_name_of_copy(segment.place.name):
        return False
    text = batch.map[segment.start : min(batch.size, segment.start + _COPIED)]
    return env_copies.sets_variables(text.partition(b"\0")[0])

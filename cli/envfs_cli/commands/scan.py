"""`scan`: find values of the vault in files, in what is staged, in a history, in images and in agents' transcripts."""

from envfs.core import names
from envfs.errors import EnvFSError
from envfs.protocol import control
from envfs.tuples import NamedTuple
from envfs_cli import output
from envfs_cli.arguments import Mistake
from envfs_cli.daemon import session
from envfs_cli.replies.damage import intact_rows
from envfs_cli.scanning import repository
from envfs_cli.scanning.contents import ScannedFile
from envfs_cli.scanning.findings import ScanFinding
from envfs_cli.scanning.scanner import Scanner, ScanScope
from envfs_cli.terminal.prompts import Waiting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

_FOUND = 1
_MOST_UNREAD = 10  # that are named


class ScanArguments(NamedTuple):
    """The arguments of `scan`."""

    paths: tuple[str, ...] | None
    staged: bool
    history: bool
    image: str | None
    transcripts: bool
    level: str | None
    everything: bool
    shapes: bool
    install_hook: bool
    passphrase_file: str | None
    json: bool


class _Unread:
    """The files that could not be read, or not whole. `named` are the paths that a person named."""

    def __init__(self, named: "Collection[str]") -> None:
        self._named = named
        self._refused: dict[str, str] = {}
        self._reasons: dict[str, str] = {}

    def tell(self, path: str, reason: str) -> None:
        self._reasons.setdefault(path, reason)

    def tell_unread(self, path: str, reason: str) -> None:
        if path in self._named:
            self._refused.setdefault(path, reason)
        else:
            self.tell(path, reason)

    def report(self) -> int:
        """Say which there are. Return the exit status: of a file that a person named it is that of an error."""
        self._note_rest()
        for path, reason in self._refused.items():
            output.error(EnvFSError(f"cannot read {path}: {reason}"))
        return EnvFSError.status if self._refused else 0

    def _note_rest(self) -> None:
        for path, reason in list(self._reasons.items())[:_MOST_UNREAD]:
            output.note(f"{path}: {reason}")
        more = len(self._reasons) - _MOST_UNREAD
        if more > 0:
            output.note(f"and {more} more that could not be read whole")


def run_scan(arguments: ScanArguments) -> int:
    """Find values. The exit status is 1 if there are any.

    Raises:
        Mistake: several kinds of sources are named
    """
    if arguments.install_hook:
        from envfs_cli.git_hooks.installing import install_hook, own_program

        return install_hook("pre-commit", f"{own_program()} scan --staged", r"[^;|&\n]+ scan --staged")
    _check(arguments)
    scope = ScanScope(names.parse_level(arguments.level or "/"), arguments.everything, _shapes(arguments))
    scanner, unread = Scanner(session.start_session(arguments.passphrase_file), scope), _Unread(_named(arguments))
    with Waiting("searching"):
        scanner.scan(_sources(arguments, unread))
        rows = _with_origins(scanner.findings.rows) if arguments.history else scanner.findings.rows
    _print(rows, as_json=arguments.json)
    unread_status = unread.report()
    _report(scanner.reply, is_brief=arguments.staged)
    _, status = intact_rows(scanner.faults, control.FaultRow)
    output.done(f"{_number(scanner.contents, 'file')}, {_number(len(rows), 'place')}")
    return _FOUND if rows else status or unread_status


def _named(arguments: ScanArguments) -> tuple[str, ...]:
    return arguments.paths or ((arguments.image,) if arguments.image is not None else ())


def _check(arguments: ScanArguments) -> None:
    sources = (arguments.paths, arguments.staged, arguments.history, arguments.image, arguments.transcripts)
    if sum(map(bool, sources)) > 1:
        raise Mistake("paths, --staged, --history, --image and --transcripts are one each", "scan one after the other")


def _shapes(arguments: ScanArguments):  # type: ignore[no-untyped-def]  # noqa: ANN202 - loaded for this option alone
    if not arguments.shapes:
        return None
    from envfs_cli.scanning.shapes import Shapes

    return Shapes()


def _sources(arguments: ScanArguments, unread: _Unread) -> "Iterator[ScannedFile]":
    from envfs_cli.scanning.unpacking import Unpacker

    unpacker = Unpacker(unread.tell)
    for content in _contents(arguments, unread.tell_unread):
        yield from unpacker.unpack(content)


def _contents(arguments: ScanArguments, tell: "Callable[[str, str], None]") -> "Iterator[ScannedFile]":
    from envfs_cli.scanning import walking

    if arguments.staged:
        return repository.staged_contents(".")
    if arguments.history:
        return repository.history_contents(".")
    if arguments.image is not None:
        return walking.walk_files((arguments.image,), tell)
    if arguments.transcripts:
        from envfs_cli.scanning.transcripts import transcript_paths

        return walking.walk_files(transcript_paths(), tell)
    return walking.walk_files(_paths(arguments.paths or ()), tell)


def _paths(paths: tuple[str, ...]) -> "Iterator[str]":
    yield from paths or (".",)
    if not paths:
        from envfs_cli.scanning.env_copies import other_worktrees

        try:
            yield from other_worktrees(".")
        except EnvFSError:
            return  # it is no repository


def _with_origins(rows: list[ScanFinding]) -> list[ScanFinding]:
    origins = repository.object_origins(".", {row.path for row in rows}) if rows else {}
    return [row._replace(path=origins[row.path].path, commit=origins[row.path].commit) for row in rows]


def _print(rows: list[ScanFinding], *, as_json: bool) -> None:
    if as_json:
        output.rows_json(rows)
    else:
        output.print_table(
            ("PLACE", "LEVEL", "VARIABLE", "FORM"), [row.cells() for row in rows], none=""
        )  # `_report` says it


def _report(reply: control.ContentScanned, *, is_brief: bool) -> None:
    for note in reply.notes:
        output.note(note)
    if reply.more:
        output.note("there are more places than are listed")
    if reply.withheld:
        output.note(f"{_number(reply.withheld, 'level')} not compared: this program may not have the values")
    if reply.ordinary and not is_brief:
        output.note(f"{_number(reply.ordinary, 'value')} too ordinary to look for: --everything looks for them")


def _number(count: int, what: str) -> str:
    return f"{count} {what}{'s' * (count != 1)}"

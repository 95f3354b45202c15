"""The way in: find the command, read its arguments, run it, turn an error into words and an exit status.

Law: Ctrl-C ends this process with 130 and without a word, whenever it comes: so nothing is imported before `main` has
seen to that. A part that has something to tidy up, or that lives on, handles the signal by itself.
"""

import _signal  # type: ignore[import-not-found]  # the bare module: the one around it costs the client 4 ms
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NoReturn

_GARBAGE = 50_000  # objects until the interpreter looks for circles of them: a command that ends soon has none
_RESULTS = (0, 1)  # of commands that did what they were to do: 1 is that of `diff`, where something differs
_OF_A_NAME = (103, 104)  # no such level, no such variable
_SIGNALLED = 128  # as in `exit_status`, which may not be imported yet


def main() -> int:
    """Run the command line. Returns the exit status."""
    if _signal.getsignal(_signal.SIGINT) is _signal.default_int_handler:
        _signal.signal(_signal.SIGINT, _interrupted)
    import gc

    from envfs_cli.process import signals

    signals.expect_children()
    gc.set_threshold(_GARBAGE)
    if _are_unusual():
        from envfs_cli import standard_streams

        standard_streams.prepare_streams()
    return _leave(_status(sys.argv[1:]))


def _status(words: "Sequence[str]") -> int:
    try:
        return run_line(words)
    except (KeyboardInterrupt, BrokenPipeError) as end:
        from envfs_cli import exit_status

        return exit_status.INTERRUPTED if isinstance(end, KeyboardInterrupt) else exit_status.PIPE_CLOSED
    except SystemExit as end:  # argparse's, after help or a mistake
        return int(str(end.code or 0))


def _are_unusual() -> bool:
    # looked at here, so that an ordinary start does not load what deals with it
    if None in (sys.stdin, sys.stdout, sys.stderr) or "envfs-aside" in sys._xoptions:  # noqa: SLF001 - documented
        return True
    return os.isatty(1) or os.isatty(2) or not os.get_blocking(1)


def _leave(status: int) -> int:
    # what was printed is written here, as long as it can still be said that it was not
    from envfs.errors import EnvFSError

    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError as failure:
            from envfs import safe_open
            from envfs_cli import exit_status, output, standard_streams

            standard_streams.discard_stream(stream.fileno())
            if stream is sys.stderr:
                continue
            if isinstance(failure, BrokenPipeError):
                status = exit_status.PIPE_CLOSED
            else:
                output.error(EnvFSError(f"cannot write to standard output: {safe_open.error_words(failure)}"))
                status = EnvFSError.status if status in _RESULTS else status
    return status


def _interrupted(number: int, _frame: object) -> "NoReturn":
    os._exit(_SIGNALLED + number)


def run_line(words: "Sequence[str]") -> int:
    """Run one command line without the program's name. Returns the exit status."""
    from envfs.errors import EnvFSError

    try:
        return _run(words)
    except EnvFSError as error:
        from envfs_cli import output

        if error.status in _OF_A_NAME:
            from envfs_cli import near_words

            near_words.suggest_near(error, words)
        output.error(error)
        return error.status


def _run(words: "Sequence[str]") -> int:
    from envfs_cli import arguments, grammar
    from envfs_cli.run import run_command

    command = grammar.find_command(words[0]) if words else None
    if command is None:
        from envfs_cli import no_command

        return no_command.answer_without_command(words)
    values = arguments.read_values(command, words[1:])
    level = values["level"] if command.arguments and command.arguments[0].linked else ""
    if level is None or str(level).startswith("@"):  # `@7` alone is a version of the folder's level
        from envfs_cli.folder_links import state

        values["level"] = state.linked_level() + str(level or "")
    return run_command(command, values)

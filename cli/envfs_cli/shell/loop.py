"""Reads lines, from a terminal or a script, and has each run at the current level."""

import os
import signal
import sys
from contextlib import suppress

from envfs import safe_open
from envfs.core import limits, names
from envfs.errors import EnvFSError, TooLarge
from envfs_cli import level_paths, output
from envfs_cli.daemon import client
from envfs_cli.shell import private_daemon
from envfs_cli.shell.endings import Ended, end_by
from envfs_cli.shell.interpreter import Leave, Shell
from envfs_cli.shell.plain_prompt import PlainPrompt
from envfs_cli.shell.shell_news import ShellNews

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from envfs_cli.shell.editor import Editor

_DUMB = ("", "dumb", "unknown")


def run_script(shell: Shell) -> int:
    """Run the lines of standard input up to the first that fails. Return its status, or 0.

    Raises:
        EnvFSError: standard input cannot be read, or is not UTF-8 text
        TooLarge: a line is over what a level can hold
    """
    try:
        for count, line in enumerate(_lines(), 1):
            status = shell.run(line)
            if status:
                output.note(f"stopped at line {count} of the script")
                return status
    except UnicodeDecodeError:
        raise EnvFSError("the script is not UTF-8 text") from None
    except OSError as error:
        raise EnvFSError(f"cannot read standard input: {safe_open.error_words(error)}") from None
    except Leave:
        pass
    return 0


def _lines() -> "Iterator[str]":
    while line := sys.stdin.readline(limits.TEXT_BYTES + 1) if sys.stdin else "":
        if len(line) > limits.TEXT_BYTES:
            raise TooLarge("a line of the script is too long", f"at most {limits.TEXT_BYTES} letters")
        yield line


def run_terminal(shell: Shell) -> int:
    """Ask for lines until the person leaves, or a signal ends the shell."""
    news = ShellNews()
    prompt = _prompt(shell, news)
    completes = "" if isinstance(prompt, PlainPrompt) else "Tab completes, "
    output.done(f"`help` lists the commands, {completes}`exit` or ctrl-D leaves")
    if os.path.exists(client.user_locations().vault) and private_daemon.hold_daemon():
        output.done("no daemon runs, so this shell keeps the vault to itself; `mount` starts one for all")
    try:
        while True:
            with suppress(KeyboardInterrupt):
                shell.run(_line_of(prompt))
    except (EOFError, Leave):
        return 0
    except Ended as end:
        private_daemon.release_daemon()
        end_by(end.number)
    finally:
        news.close()


def _line_of(prompt: "Editor | PlainPrompt") -> str:
    try:
        return prompt.ask()
    except OSError:  # the terminal is gone
        raise Ended(signal.SIGHUP) from None


def _prompt(shell: Shell, news: ShellNews) -> "Editor | PlainPrompt":
    if os.environ.get("TERM", "dumb") in _DUMB:
        return PlainPrompt(lambda: shell.level, news)
    from envfs_cli.shell.editor import Editor

    return Editor(shell.history, shell.sources, lambda: shell.level, news)


def run_shell_loop(level: "str | None", passphrase_file: "str | None") -> int:
    """Run the shell until its end, from a level on. Return its exit status.

    Raises:
        NoSuchLevel: there is no such level
    """
    scripted = sys.stdin is None or not sys.stdin.isatty()
    if not scripted:
        signal.signal(signal.SIGINT, signal.default_int_handler)  # it ends what is running, and never the shell
    shell = Shell(passphrase_file, scripted=scripted)
    try:
        if level is not None:
            shell.go_to(level_paths.resolve_level(names.ROOT, level))
        return run_script(shell) if scripted else run_terminal(shell)
    finally:
        private_daemon.release_daemon()

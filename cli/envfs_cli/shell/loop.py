"""The shell itself: reads lines, from a terminal or a script, and runs each at the current level."""

import os
import signal
import sys

from envfs import safe_open
from envfs.core import limits, names
from envfs.errors import EnvFSError, TooLarge
from envfs.protocol import control
from envfs_cli import arguments, exit_status, level_paths, no_command, output
from envfs_cli.arguments import Mistake
from envfs_cli.completion.sources import Sources
from envfs_cli.daemon import client
from envfs_cli.daemon.session import shared_link
from envfs_cli.run import run_command
from envfs_cli.shell import builtins, children, lines, private_daemon
from envfs_cli.shell.history import History
from envfs_cli.shell.questions import Questions

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from envfs_cli.arguments import Values
    from envfs_cli.grammar import Command

_ALONE = ("init", "mount")  # these start a daemon in their own way, so the vault must be free for it
_CHANGING = {
    *(
        "accept",
        "cp",
        "import",
        "init",
        "link",
        "mount",
        "mv",
        "rename",
        "rm",
        "rollback",
        "set",
        "unlock",
        "unmount",
        "unset",
    )
}
_RELATIVE = "Levels are relative to the current one, and it is meant where you leave the level out."


class Leave(Exception):
    """The person wants to leave."""


class Shell:
    """Runs lines at a level. `scripted` is true if lines come from standard input."""

    def __init__(self, passphrase_file: "str | None", *, scripted: bool) -> None:
        """Start at the top."""
        self.level = names.ROOT
        self.sources = Sources(private_daemon.borrow_link, private_daemon.done_with)
        self.history = History("" if scripted else f"{client.user_locations().state}/shell_history")
        self._before = names.ROOT
        self._passphrase_file = passphrase_file
        self._scripted = scripted

    def run(self, text: str) -> int:
        """Run one line. Return its exit status. Raises Leave."""
        try:
            words = lines.split_line(text)
            return self._run(text, words) if words else 0
        except EnvFSError as error:
            output.error(error)
            return error.status
        except SystemExit as end:  # argparse has said why
            return end.code if isinstance(end.code, int) else Mistake.status

    def _run(self, text: str, words: list[str]) -> int:
        command = lines.named_command(words[0])
        values = lines.line_values(command, words[1:], self.level, self._exists)
        if lines.may_be_remembered(text, words):
            self.history.remember(text, on_disk=lines.is_fit_for_disk(command, values))
        if command.group == builtins.GROUP:
            return self._run_builtin(command, values)
        return self._start(command, values)

    def _exists(self, level: str) -> bool:
        return level in self.sources.levels()

    # -- commands of the grammar ---------------------------------------------------------------------------------------

    def _start(self, command: "Command", values: "Values") -> int:
        if command.name == "shell":
            raise Mistake("this is the shell already")
        if self._scripted:
            _refuse_input(command, values)
        if values.get("passphrase_file", "") is None and not values.get("project"):
            values["passphrase_file"] = self._passphrase_file
        if command.name in _ALONE:
            private_daemon.release_daemon()
        else:
            private_daemon.hold_daemon()
        status = children.in_child(lambda: run_command(command, values), with_input=not self._scripted)
        if (link := shared_link()) is not None:
            private_daemon.done_with(link)
        if command.name in _CHANGING:
            self.sources.forget()
        if not self._scripted:
            _say_end(command, status)
        return status

    # -- builtins ------------------------------------------------------------------------------------------------------

    def _run_builtin(self, command: "Command", values: "Values") -> int:
        match command.name, values:
            case "cd", {"place": str(place)} if place:
                self._go_to(self._before if place == "-" else level_paths.resolve_level(self.level, place))
            case "cd", _:
                self._go_to(names.ROOT)
            case "pwd", _:
                output.print_line(self.level)
            case "help", {"command": str(name)}:
                output.print_line(arguments.command_parser(lines.named_command(name)).format_help().rstrip())
            case "help", _:
                _print_help()
            case _:
                raise Leave
        return 0

    def _go_to(self, level: str) -> None:
        if level != names.ROOT:
            link = private_daemon.borrow_link()
            try:
                link.ask(control.ListLevels(level))
            finally:
                private_daemon.done_with(link)
        self._before, self.level = self.level, level


def _print_help() -> None:
    output.print_line(no_command.command_overview())
    output.print_line(f"\n{output.paint('Shell', 'head')}")
    for command in builtins.BUILTINS:
        output.print_line(f"  {command.name:<12}{command.summary}")
    output.print_line("")
    for line in output.lines_below("", _RELATIVE):
        output.print_line(line)


def _say_end(command: "Command", status: int) -> None:
    if status == exit_status.INTERRUPTED:
        output.done("")  # behind the ^C that the terminal shows
    if command.name == "exec" and status:
        output.note(f"exit status {status}")


def _refuse_input(command: "Command", values: "Values") -> None:
    # a command would take the rest of the script for its value
    if "-" in values.values() or (command.name == "set" and values["from_file"] is None):
        raise Mistake("standard input is the script, so no value can come from it", "use --from-file, or a file's path")


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
    """Ask for lines until the person leaves."""
    from envfs_cli.shell.editor import Editor

    asked = Questions()
    editor = Editor(shell.history, shell.sources, lambda: shell.level, questions=asked)
    output.done("`help` lists the commands, Tab completes, `exit` or ctrl-D leaves")
    if os.path.exists(client.user_locations().vault) and private_daemon.hold_daemon():
        output.done("no daemon runs, so this shell keeps the vault to itself; `mount` starts one for all")
    while True:
        try:
            shell.run(editor.ask())
        except KeyboardInterrupt:
            continue
        except (EOFError, Leave):
            asked.close()
            return 0


def run_shell_loop(passphrase_file: "str | None") -> int:
    """Run the shell until its end. Return its exit status."""
    scripted = sys.stdin is None or not sys.stdin.isatty()
    if not scripted:
        signal.signal(signal.SIGINT, signal.default_int_handler)  # it ends what is running, and never the shell
    shell = Shell(passphrase_file, scripted=scripted)
    try:
        return run_script(shell) if scripted else run_terminal(shell)
    finally:
        private_daemon.release_daemon()

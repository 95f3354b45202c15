"""Runs lines at a level: those of the grammar in children, and what the shell has of its own here.

Law: a line is remembered once it has ended, so that its end can say whether it named what is there.
"""

from contextlib import suppress
from functools import partial

from envfs.core import names
from envfs.errors import EnvFSError, NoSuchLevel
from envfs.protocol import control
from envfs_cli import arguments, exit_status, level_paths, output
from envfs_cli.arguments import Mistake
from envfs_cli.completion.sources import Sources
from envfs_cli.daemon import client
from envfs_cli.daemon.session import shared_link
from envfs_cli.run import run_command
from envfs_cli.shell import builtins, children, habits, help_page, lines, listing, private_daemon, remembering, undoing
from envfs_cli.shell.history import History

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from envfs_cli.arguments import Values
    from envfs_cli.grammar import Command

    Step = tuple[Command, Values]

_ALONE = ("init", "mount")  # these start a daemon in their own way, so the vault must be free for it
_FORGETTING = {*undoing.CHANGING, "accept", "init", "mount", "unlock", "unmount"}  # what completion knew
_OF_GRAMMAR = ("recursive", "names", "removed", "json")  # options with which `ls` is that of the grammar
_SUGGESTION = "`undo` takes that back"


class Leave(Exception):
    """The person wants to leave."""


class Shell:
    """Runs lines at a level. `scripted` is true if lines come from standard input."""

    def __init__(self, passphrase_file: "str | None", *, scripted: bool) -> None:
        """Start at the top."""
        self.level = names.ROOT
        self.sources = Sources(private_daemon.borrow_link, private_daemon.done_with)
        self.history = History("" if scripted else f"{client.user_locations().state}/shell_history")
        self.changes = undoing.Changes()
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
        steps = self._steps(command, words[1:])
        status = self._run_steps(steps)
        if not remembering.names_nothing(status) and remembering.may_be_recalled(text, words):
            self.history.remember(text, on_disk=self._is_fit_for_disk(steps))
        return status

    def _is_fit_for_disk(self, steps: "list[Step]") -> bool:
        paths = [str(values["path"] or ".") for _, values in steps if "path" in values]
        named = any(habits.find_place(path, self.level, self._exists).name for path in paths)
        return not named and remembering.is_fit_for_disk(steps)

    def _steps(self, command: "Command", words: list[str]) -> "list[Step]":
        values = lines.line_values(command, words, self.level, self._exists)
        if command.name in ("cat", "rm", "mv", "cp", "edit"):
            return [_step(line) for line in habits.lines_for(command, values, self.level, self._exists)]
        if command.name == "ls" and any(values[option] for option in _OF_GRAMMAR):
            level = level_paths.resolve_level(self.level, str(values["path"] or "."))
            command, own = builtins.grammar_command("ls"), ("path", "long", "all", "recursive")
            values = {"level": level, **{name: value for name, value in values.items() if name not in own}}
        return [(command, values)]

    def _run_steps(self, steps: "list[Step]") -> int:
        status = 0
        for command, values in steps:
            run = self._run_builtin if command.group == builtins.GROUP else self._start
            status = run(command, values)
            if status:
                break
        return status

    def _exists(self, level: str) -> bool:
        if (known := self.sources.levels()) or level == names.ROOT:
            return level in known or level == names.ROOT
        return self._versions(level) is not None

    # -- commands of the grammar ---------------------------------------------------------------------------------------

    def _start(self, command: "Command", values: "Values") -> int:
        if command.name == "shell":
            raise Mistake("this is the shell already")
        if self._scripted:
            _refuse_input(command, values)
        if values.get("passphrase_file", "") is None and not values.get("project"):
            values["passphrase_file"] = self._passphrase_file
        if command.name not in undoing.CHANGING:
            return self._in_child(command.name, lambda: run_command(command, values))
        tops = _levels_in(command, values)
        before = self._versions(*tops)
        status = self._in_child(command.name, lambda: run_command(command, values))
        self._note_change(command, values, before, self._versions(*tops))
        return status

    def _in_child(self, name: str, action: "Callable[[], int]") -> int:
        if name in _ALONE:
            private_daemon.release_daemon()
        else:
            private_daemon.hold_daemon()
        status = children.in_child(action, with_input=not self._scripted)
        if (link := shared_link()) is not None:
            private_daemon.done_with(link)
        if name in _FORGETTING:
            self.sources.forget()
        if not self._scripted:
            _say_end(name, status)
        return status

    def _note_change(
        self, command: "Command", values: "Values", before: "dict[str, int] | None", after: "dict[str, int] | None"
    ) -> None:
        if before is None or after is None:
            return
        moved = (str(values["source"]), str(values["target"])) if command.name == "mv" and not values["only"] else None
        change = undoing.LineChange(undoing.version_steps(before, after), moved)
        self.changes.note(change)
        if change.levels and not self._scripted:
            output.done(_SUGGESTION)

    def _versions(self, *tops: str) -> "dict[str, int] | None":
        # None: nobody can say
        versions: dict[str, int] = {}
        try:
            link = private_daemon.borrow_link()
            try:
                for top in tops:
                    rows: list[object] = []
                    with suppress(NoSuchLevel):
                        link.ask(control.ListLevels(top), (), rows.append)
                    versions |= undoing.versions_of(rows)
            finally:
                private_daemon.done_with(link)
        except EnvFSError:
            return None
        return versions

    # -- builtins ------------------------------------------------------------------------------------------------------

    def _run_builtin(self, command: "Command", values: "Values") -> int:
        match command.name, values:
            case "cd", {"place": str(place)} if place:
                self.go_to(self._before if place == "-" else level_paths.resolve_level(self.level, place))
            case "cd", _:
                self.go_to(names.ROOT)
            case "pwd", _:
                output.print_line(self.level)
            case "ls", _:
                return self._list(values)
            case "undo", _:
                return self._undo(values)
            case "clear", _:
                output.clear_screen()
            case "help", {"command": str(name)}:
                output.print_line(arguments.command_parser(lines.named_command(name)).format_help().rstrip())
            case "help", _:
                help_page.print_help()
            case _:
                raise Leave
        return 0

    def go_to(self, level: str) -> None:
        """Be at a level.

        Raises:
            NoSuchLevel: there is none, or this user may not know of it
        """
        if level != names.ROOT:
            link = private_daemon.borrow_link()
            try:
                link.ask(control.ListLevels(level))
            finally:
                private_daemon.done_with(link)
        self._before, self.level = self.level, level

    def _list(self, values: "Values") -> int:
        place = habits.find_place(str(values["path"] or "."), self.level, self._exists)
        what = listing.ListedPlace(place.level, place.name, is_long=bool(values["long"]))
        file = values["passphrase_file"] or self._passphrase_file
        return self._in_child("ls", lambda: listing.print_listing(what, str(file) if file else None))

    def _undo(self, values: "Values") -> int:
        now = self._versions(names.ROOT)
        if now is None:
            raise EnvFSError("it cannot be told which versions the levels have", "`status` may say why")
        for line in undoing.undo_lines(self.changes.newest(now), now):
            command, line_values = _step(line)
            line_values["passphrase_file"] = values["passphrase_file"] or self._passphrase_file
            status = self._in_child(command.name, partial(run_command, command, line_values))
            if status:
                return status
        self.changes.taken_back(self._versions(names.ROOT) or {})
        return 0


def _step(line: habits.Line) -> "Step":
    command = builtins.grammar_command(line.command)
    return command, arguments.read_values(command, line.words)


def _levels_in(command: "Command", values: "Values") -> "list[str]":
    # the levels that a command may change, with those below them. None of its line: any
    places = [argument.name for argument in command.arguments if argument.kind == "level"] + ["set"]
    levels = [str(values[place]).partition("@")[0] for place in places if values.get(place)]
    return levels or [names.ROOT]


def _say_end(name: str, status: int) -> None:
    if status == exit_status.INTERRUPTED:
        output.done("")  # behind the ^C that the terminal shows
    if name == "exec" and status:
        output.note(f"exit status {status}")


def _refuse_input(command: "Command", values: "Values") -> None:
    # a command would take the rest of the script for its value
    if "-" in values.values() or (command.name == "set" and values["from_file"] is None):
        raise Mistake("standard input is the script, so no value can come from it", "use --from-file, or a file's path")

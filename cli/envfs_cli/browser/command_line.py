"""Any command of the grammar, typed as in `envfs shell`: levels are relative to the selected one."""

from envfs_cli import arguments, level_paths
from envfs_cli.arguments import Mistake
from envfs_cli.browser.application import Browser
from envfs_cli.browser.state import ShownText
from envfs_cli.completion.sources import Sources
from envfs_cli.shell import builtins, lines, private_daemon
from envfs_cli.shell.editor import Completer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from envfs_cli.arguments import Values
    from envfs_cli.grammar import Command

_FULL_SCREENS = ("shell", "ui")


class CommandLine:
    """Runs lines for a browser, and offers what may stand in them."""

    def __init__(self, browser: Browser) -> None:
        """Know no line."""
        self._browser = browser
        sources = Sources(private_daemon.borrow_link, private_daemon.done_with)
        self.completer = Completer(sources, lambda: browser.state.level)

    def run_line(self, text: str) -> None:
        """Run a line.

        Raises:
            EnvFSError: it is no command
        """
        words = lines.split_line(text)
        if not words:
            return
        command = lines.named_command(words[0])
        if command.name in _FULL_SCREENS:
            raise Mistake("this is the browser already", "q leaves it")
        if command.group != builtins.GROUP:
            self._browser.use_terminal(lambda: self._run_command(command, words[1:]), command.name, pauses=True)
        else:
            self._run_builtin(command, words[1:])

    def _run_command(self, command: "Command", words: list[str]) -> int:
        # what argparse says of a mistake goes to the terminal, which is the command's by now
        state = self._browser.state
        try:
            values: Values = lines.line_values(command, words, state.level, lambda level: level in state.tree)
        except SystemExit as end:
            return end.code if isinstance(end.code, int) else Mistake.status
        return self._browser.runner.run_values(command, values)

    def _run_builtin(self, command: "Command", words: list[str]) -> None:
        browser, word = self._browser, words[0] if words else ""
        match command.name:
            case "cd":
                level = level_paths.resolve_level(browser.state.level, word or "/")
                if not browser.state.go_to_level(level):
                    raise Mistake(f"there is no level {level}", "the tree has those that there are")
                browser.loader.read_level(0)
            case "pwd":
                browser.state.say(browser.state.level)
            case "help":
                self._show_help(word)
            case _:
                browser.leave(0)

    def _show_help(self, word: str) -> None:
        if not word:
            self._browser.show_text(ShownText("commands", tuple(_overview())))
            return
        help_lines = arguments.command_parser(lines.named_command(word)).format_help().rstrip().split("\n")
        self._browser.show_text(ShownText(word, tuple([("", line)] for line in help_lines)))


def _overview() -> "list[list[tuple[str, str]]]":
    return [[("key", f"{command.name:<16}"), ("", command.summary)] for command in builtins.TABLE]

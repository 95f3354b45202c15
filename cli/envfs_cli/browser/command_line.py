"""Any line of `envfs shell`, typed in the browser: levels are relative to the selected one."""

from envfs_cli import arguments, level_paths
from envfs_cli.arguments import Mistake
from envfs_cli.browser.application import Browser
from envfs_cli.browser.state import ShownText
from envfs_cli.shell import builtins, lines, private_daemon
from envfs_cli.shell.editor import Completer, RecalledLines
from envfs_cli.shell.interpreter import Leave, Shell

_FULL_SCREENS = ("shell", "ui")
_IN_BROWSER = ("cd", "pwd", "clear", "help", "exit", "quit")  # they need no terminal


class CommandLine:
    """Runs lines for a browser, and offers what may stand in them. It is a shell whose level is the selected one."""

    def __init__(self, browser: Browser) -> None:
        """Know no line."""
        self._browser = browser
        self._shell = Shell(browser.runner.passphrase_file, scripted=False)
        self.completer = Completer(self._shell.sources, lambda: browser.state.level)
        self.history = RecalledLines(self._shell.history)

    def run_line(self, text: str) -> None:
        """Run a line.

        Raises:
            EnvFSError: it is no command
        """
        words = lines.split_line(text)
        if not words:
            return
        name = lines.named_command(words[0]).name
        if name in _FULL_SCREENS:
            raise Mistake("this is the browser already", "q leaves it")
        if name in _IN_BROWSER:
            self._run_here(name, words[1:])
        else:
            self._browser.use_terminal(lambda: self._run_in_shell(text), name, pauses=True)

    def _run_in_shell(self, text: str) -> int:
        self._shell.level = self._browser.state.level
        try:
            return self._shell.run(text)
        except Leave:
            return 0
        finally:
            if not self._browser.asker.keeps_vault:
                private_daemon.release_daemon()  # a daemon that has ended may be started by somebody else

    def _run_here(self, name: str, words: list[str]) -> None:
        browser, word = self._browser, words[0] if words else ""
        match name:
            case "cd":
                level = level_paths.resolve_level(browser.state.level, word or "/")
                if not browser.state.go_to_level(level):
                    raise Mistake(f"there is no level {level}", "the tree has those that there are")
                browser.loader.read_level(0)
            case "pwd":
                browser.state.say(browser.state.level)
            case "clear":
                browser.clear_screen()
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

"""Keys that change something, or show a value: each runs a command of the grammar in a child."""

from envfs.core import names
from envfs_cli import level_paths, output
from envfs_cli.browser.application import Browser
from envfs_cli.browser.approvals_pane import question_fact_lines
from envfs_cli.browser.asker import is_private
from envfs_cli.browser.command_line import CommandLine
from envfs_cli.browser.entry import EntryRequest, level_offers, name_offers, split_words
from envfs_cli.browser.state import BrowserState, KeyChoice, ShownText, level_of_project
from envfs_cli.replies import questions, versions

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


_ANSWERS = {  # the key of each answer, by what a yes allows
    "once": ("y", "yes, once"),
    "process": ("p", "while the program runs"),
    "executable": ("x", "this program, for 10 minutes"),
    "always": ("w", "always: writes a rule"),
}
_FEW = 6


class Changing:
    """Actions that change something, by the names that the table of keys has."""

    def __init__(self, browser: Browser) -> None:
        """Act on what `browser` has."""
        self.browser = browser
        self._command_line = CommandLine(browser)

    @property
    def state(self) -> BrowserState:
        """Return what is shown."""
        return self.browser.state

    @property
    def _name(self) -> str:
        # of the selected variable, if the list of names is gone into
        return self.state.names.listing.key if self.state.in_pane and self.state.pane is self.state.names else ""

    # -- variables -----------------------------------------------------------------------------------------------------

    def set_value(self) -> None:
        """Set the selected variable. Its value is typed unseen."""
        if self._name:
            self.browser.run_at_terminal(["set", self.state.level, self._name])
        else:
            self.new_variable()

    def new_variable(self) -> None:
        """Ask for a name, and set it."""
        self._ask_name(
            f"name of the new variable at {self.state.level}: ", lambda name: ["set", self.state.level, name]
        )

    def _ask_name(self, label: str, words: "Callable[[str], list[str]]", text: str = "") -> None:
        def done(typed: str) -> None:
            self.browser.run_at_terminal(words(names.parse_variable(typed.strip())))

        self.browser.ask_line(EntryRequest(label, done, text, offers=name_offers(self.state.names.names)))

    def generate_value(self) -> None:
        """Make a new random value for the selected variable, or for one under a new name."""
        level, name = self.state.level, self._name

        def done(typed: str) -> None:
            given = split_words(typed)
            chosen = name or names.parse_variable(given.pop(0) if given else "")
            self.browser.catch(["generate", "--set", level, chosen, *given])

        if name:
            label = f"new value of {name} (Enter, or first options as --words, --length 40): "
        else:
            label = f"generate at {level}, name and options: "
        self.browser.ask_line(EntryRequest(label, done, offers=None if name else name_offers(self.state.names.names)))

    def reveal_value(self) -> None:
        """Show the value of the selected variable for a while. It is read as by `envfs get`."""
        if self._name:
            self.browser.reveal(self.state.level, self._name)
        else:
            self.state.say("select a variable in the list of names, and v shows its value")

    # -- variables and levels ------------------------------------------------------------------------------------------

    def copy_row(self) -> None:
        """Copy the selected variable, or the level's variables, to another level."""
        self._to_level("copy", "cp")

    def move_row(self) -> None:
        """Move the selected variable, or the level, to another level."""
        self._to_level("move", "mv")

    def _to_level(self, verb: str, command: str) -> None:
        level, name = self.state.level, self._name
        if name and not self._is_own(name):
            return
        subject = f"{name} of {level}" if name else level if command == "mv" else f"all that {level} sets"

        def done(typed: str) -> None:
            target = level_paths.resolve_level(level, typed.strip())
            self.browser.catch([command, level, target, *(["--only", name] if name else [])])

        offers = level_offers(self.state.tree.levels, level)
        self.browser.ask_line(EntryRequest(f"{verb} {subject} to level: ", done, offers=offers))

    def rename_row(self) -> None:
        """Give the selected variable, or the level, another name."""
        level, name = self.state.level, self._name
        if not name:
            done = self._renamed_level(level)
            self.browser.ask_line(EntryRequest(f"new path of {level}: ", done, level))
        elif self._is_own(name):

            def renamed(typed: str) -> None:
                self.browser.catch(["rename", level, name, names.parse_variable(typed.strip())])

            self.browser.ask_line(EntryRequest(f"new name of {name}: ", renamed, name))

    def _renamed_level(self, level: str) -> "Callable[[str], None]":
        return lambda typed: self.browser.catch(["mv", level, level_paths.resolve_level(level, typed.strip())])

    def remove_row(self) -> None:
        """Remove the selected variable or level, or take the selected rule back."""
        state, level, name = self.state, self.state.level, self._name
        if state.in_pane and state.pane is state.readers:
            self._revoke(state.readers.rule_id)
        elif name:
            if self._is_own(name):
                self._ask(f"remove {name} from {level}? y/n", {"y": lambda: self.browser.catch(["unset", level, name])})
        elif state.in_pane:
            state.say("nothing that could be removed is selected")
        else:
            self._remove_level(level)

    def _remove_level(self, level: str) -> None:
        below = self.state.tree.levels_below(level)
        remove = ["rm", level, "--yes"]
        if not below:
            self._ask(f"remove {level}? Its versions stay. y/n", {"y": lambda: self.browser.catch(remove)})
            return
        answers = {"y": lambda: self.browser.catch(remove), "b": lambda: self.browser.catch([*remove, "--below"])}
        count = f"{below} level{'s' * (below != 1)} below it"
        self._ask(f"remove {level}? y: alone, b: and the {count}, n: no", answers)

    def _is_own(self, name: str) -> bool:
        source = self.state.names.source_of(name)
        if source == self.state.level:
            return True
        self.state.say(f"{name} is set by {source}: Enter leads there", "warn")
        return False

    # -- versions ------------------------------------------------------------------------------------------------------

    def edit_level(self) -> None:
        """Edit the level's own text in the person's editor."""
        self.browser.run_at_terminal(["edit", self.state.level])

    def undo_change(self) -> None:
        """Write the version before the newest one again."""
        level, newest = (
            self.state.level,
            self.state.history.newest if self.state.history.level == self.state.level else None,
        )
        subject = f"the newest change of {level}"
        if newest is not None:
            changes = versions.change_words(newest, _FEW)
            subject = f"version {newest.version} of {level} ({versions.operation_words(newest)} {changes})"
        words = ["rollback", level, "@-1", "--yes"]
        self._ask(f"undo {subject}? y/n", {"y": lambda: self.browser.catch(words)})

    def roll_back(self) -> None:
        """Write the selected version again, as the newest one."""
        level, version = self.state.level, self.state.history.version
        if not (self.state.in_pane and self.state.pane is self.state.history and version):
            self.state.say("select a version in the history (2), and b writes it again")
            return
        words = ["rollback", level, str(version), "--yes"]
        self._ask(
            f"write version {version} of {level} again, as its newest? y/n", {"y": lambda: self.browser.catch(words)}
        )

    def mark_version(self) -> None:
        """Mark the selected version for a comparison."""
        if self.state.in_pane and self.state.pane is self.state.history:
            self.state.history.toggle_mark()
            self.browser.loader.read_details()

    # -- access --------------------------------------------------------------------------------------------------------

    def grant_access(self) -> None:
        """Ask for whom, and give a rule."""
        level = self.state.level

        def done(typed: str) -> None:
            words = split_words(typed)
            if words and not words[0].startswith("-"):
                words.insert(0, "--user")
            self.browser.catch(["grant", level, *words])

        label = f"who may read {level} and below (a user, or options as --exe /usr/bin/app --ttl 1h): "
        self.browser.ask_line(EntryRequest(label, done))

    def _revoke(self, rule: str) -> None:
        if rule:
            self._ask(f"take rule {rule} back? y/n", {"y": lambda: self.browser.catch(["revoke", rule])})
        else:
            self.state.say("select a rule, and d takes it back")

    def lock_vault(self) -> None:
        """Lock the vault."""
        self._ask(
            "lock the vault? Reads are refused until somebody unlocks it. y/n",
            {"y": lambda: self.browser.catch(["lock"])},
        )

    def unlock_vault(self) -> None:
        """Unlock the vault, or if that is unlocked the project of the level."""
        if is_private():
            self.browser.unlock_private()
        elif self.state.is_locked:
            self.browser.run_at_terminal(["unlock"])
        else:
            self.browser.run_at_terminal(["unlock", level_of_project(self.state.level)])

    def open_question(self) -> None:
        """Show the selected question, with the keys that answer it."""
        row = self.state.approvals.questions.get(self.state.approvals.listing.key)
        if row is None:
            return
        keys = [("key", f"{_ANSWERS[scope][0]:<4}") for scope in row.choices if scope in _ANSWERS]
        words = [("", _ANSWERS[scope][1]) for scope in row.choices if scope in _ANSWERS]
        answers = [[key, word] for key, word in zip(keys, words, strict=True)]
        lines = [
            *question_fact_lines(row),
            [],
            *answers,
            [("key", "n   "), ("", "no")],
            [("key", "Esc "), ("", "later")],
        ]
        title = output.clean(f"{row.question} {questions.purpose_words(row)}")
        self.browser.show_text(ShownText(title, tuple(lines), row.question))

    def answer_question(self, key: str) -> bool:
        """Answer the question that is shown by a key. Tell whether it is one of those."""
        text = self.state.text
        row = self.state.approvals.questions.get(text.question) if text is not None and text.question else None
        if text is None or not text.question:
            return False
        if row is None:
            self.state.say(f"{text.question} has ended", "warn")
            self.browser.close_text()
            return True
        scopes = {_ANSWERS[scope][0]: scope for scope in row.choices if scope in _ANSWERS}
        if key == "n":
            words = ["approvals", "respond", row.question, "no"]
        elif key in scopes:
            words = ["approvals", "respond", row.question, "yes", "--for", scopes[key]]
        else:
            return False
        self.browser.close_text()
        self.browser.catch(words)
        return True

    # -- others --------------------------------------------------------------------------------------------------------

    def enter_row(self) -> None:
        """In the tree, go to the list. In the list, do what its rows are for."""
        state = self.state
        if not state.in_pane:
            self.browser.go_to_pane()
        elif state.pane is state.approvals:
            self.open_question()
        elif state.pane is state.names:
            self._go_to_source()
        elif state.pane is state.history:
            self.roll_back()

    def _go_to_source(self) -> None:
        # from an inherited name to the level that sets it
        name = self.state.names.listing.key
        source = self.state.names.source_of(name)
        if name and source in ("", self.state.level):
            self.state.say(f"{name} is set here: s sets it again, v shows its value")
        elif name and self.state.go_to_level(source):
            self.state.say(f"{source} sets {name}")
            self.state.names.wanted = name
            self.browser.loader.read_level(0)

    def type_command(self) -> None:
        """Ask for any command, as `envfs shell` takes it."""
        line = self._command_line
        self.browser.ask_line(EntryRequest(":", line.run_line, completer=line.completer, history=line.history))

    def _ask(self, question: str, answers: "dict[str, Callable[[], None]]") -> None:
        self.browser.ask_choice(KeyChoice(question, answers))

"""Keys that change nothing: walking, showing, filtering, help."""

from envfs_cli.browser import key_table
from envfs_cli.browser.application import Browser
from envfs_cli.browser.entry import EntryRequest
from envfs_cli.browser.state import BrowserState, ShownText

_KEY_CELLS = 10


class Walking:
    """Actions that only look, by the names that the table of keys has."""

    def __init__(self, browser: Browser) -> None:
        """Act on what `browser` has."""
        self.browser = browser

    @property
    def state(self) -> BrowserState:
        """Return what is shown."""
        return self.browser.state

    # -- moving --------------------------------------------------------------------------------------------------------

    def move_up(self) -> None:
        """Go one row up."""
        self._move(-1)

    def move_down(self) -> None:
        """Go one row down."""
        self._move(1)

    def page_up(self) -> None:
        """Go one page up."""
        self._move(-self.browser.page_rows())

    def page_down(self) -> None:
        """Go one page down."""
        self._move(self.browser.page_rows())

    def move_to_start(self) -> None:
        """Go to the first row."""
        self.state.listing.move_to_edge(end=False)
        self._moved()

    def move_to_end(self) -> None:
        """Go to the last row."""
        self.state.listing.move_to_edge(end=True)
        self._moved()

    def _move(self, steps: int) -> None:
        self.state.listing.move(steps)
        self._moved()

    def _moved(self) -> None:
        state = self.state
        if state.in_pane:
            self.browser.loader.read_details()
        elif state.levels.key and state.levels.key != state.level:
            state.level = state.levels.key
            self.browser.loader.read_level()

    def open_row(self) -> None:
        """Open the selected level. On an open one, or one with none below it, go to the list at the right."""
        state = self.state
        if state.in_pane:
            return
        if state.tree.is_open(state.level) or not state.tree.levels_below(state.level) or state.levels.filter:
            self.browser.go_to_pane()
            return
        state.tree.open_level(state.level)
        state.refresh_tree()

    def close_row(self) -> None:
        """From the list, go to the tree. There, close the selected level, or go to the one above it."""
        state = self.state
        if state.in_pane:
            self.browser.go_to_tree()
            return
        level = state.tree.close_level(state.level)
        state.refresh_tree()
        state.levels.select(level)
        self._moved()

    def change_side(self) -> None:
        """Go from the tree to the list, or back."""
        if self.state.in_pane:
            self.browser.go_to_tree()
        else:
            self.browser.go_to_pane()

    # -- panes ---------------------------------------------------------------------------------------------------------

    def show_names(self) -> None:
        """Show the names of the level."""
        self._show(0)

    def show_history(self) -> None:
        """Show the level's versions."""
        self._show(1)

    def show_readers(self) -> None:
        """Show who may read the level, and who does."""
        self._show(2)

    def show_approvals(self) -> None:
        """Show the questions that wait, and go to them."""
        self._show(3)
        if self.state.approvals.questions:
            self.browser.go_to_pane()

    def _show(self, tab: int) -> None:
        self.state.tab = tab
        self.browser.loader.read_level(0)

    def filter_list(self) -> None:
        """Show the rows alone that have a text, while it is typed."""
        listing, in_tree = self.state.listing, not self.state.in_pane

        def narrow(text: str) -> None:
            was_filtered, listing.filter = bool(listing.filter), text
            if in_tree and was_filtered is not bool(text):
                self.state.refresh_tree()  # whole paths, or the tree again
            listing.set_filter(text)
            self._moved()

        self.browser.ask_line(EntryRequest("show what has: ", narrow, listing.filter, narrow))

    def cancel(self) -> None:
        """Show all rows again, or say nothing any more."""
        state = self.state
        if state.listing.filter:
            key = state.listing.key
            state.listing.set_filter("")
            if not state.in_pane and key:
                state.go_to_level(key)
            else:
                state.refresh_tree()
        state.say("")

    # -- help ----------------------------------------------------------------------------------------------------------

    def show_keys(self) -> None:
        """Show what each key does."""
        lines = [
            [("key", f"{key:<{_KEY_CELLS}}"), ("", words)] if key else [("heading", words)]
            for key, words in key_table.help_lines()
        ]
        self.browser.show_text(ShownText("keys", tuple(lines)))

    def refresh(self) -> None:
        """Read all again, and draw the screen again."""
        self.browser.clear_screen()
        self.browser.loader.read_everything()

    def suspend(self) -> None:
        """Stop this process, as Ctrl-Z does elsewhere."""
        self.browser.suspend()

    def interrupt(self) -> None:
        """End the command that runs. Where none does, leave."""
        self.browser.interrupt()

    def leave(self) -> None:
        """Leave the browser."""
        self.browser.leave(0)

"""Keys are bound to actions, by the table of keys and by what the keys are for at the moment."""

from prompt_toolkit.filters import Condition
from prompt_toolkit.key_binding import KeyBindings
from prompt_toolkit.keys import Keys

from envfs_cli.browser import key_table
from envfs_cli.browser.application import Browser
from envfs_cli.browser.changing import Changing
from envfs_cli.browser.state import Mode
from envfs_cli.browser.walking import Walking

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from prompt_toolkit.key_binding import KeyPressEvent

    Handler = Callable[[KeyPressEvent], None]

_CLOSING = ("escape", "q", "c-c", "enter")
_SCROLLING = (("up", -1), ("k", -1), ("down", 1), ("j", 1), ("space", 10), ("pagedown", 10), ("pageup", -10))
_EDGES = (("home", 0), ("end", 1 << 30))


def bind_keys(browser: Browser) -> None:
    """Bind the keys of a browser."""
    bindings = KeyBindings()
    walking, changing = Walking(browser), Changing(browser)
    _bind_lists(bindings, browser, (walking, changing))
    _bind_choice(bindings, browser)
    _bind_text(bindings, browser, changing)
    _bind_entry(bindings, browser, walking)
    browser.bind_keys(bindings)


def _in_mode(browser: Browser, mode: Mode) -> Condition:
    return Condition(lambda: browser.state.mode is mode)


def _bind_lists(bindings: KeyBindings, browser: Browser, actions: "tuple[Walking, Changing]") -> None:
    in_lists = _in_mode(browser, Mode.LISTS)
    for row in key_table.all_keys():
        act = next(getattr(each, row.action) for each in actions if hasattr(each, row.action))
        for key in row.keys:
            bindings.add(key, filter=in_lists)(_acting(browser, act))

    def hide(_event: "KeyPressEvent") -> None:
        browser.hide_value()

    bindings.add(Keys.Any, filter=in_lists)(hide)


def _acting(browser: Browser, act: "Callable[[], None]") -> "Handler":
    def handle(_event: "KeyPressEvent") -> None:
        browser.hide_value()
        browser.state.say("")
        browser.attempt(act)

    return handle


def _bind_choice(bindings: KeyBindings, browser: Browser) -> None:
    in_choice = _in_mode(browser, Mode.CHOICE)

    def answer(event: "KeyPressEvent") -> None:
        browser.answer_choice(event.data.lower())

    for key in (Keys.Any, "enter", "escape", "c-c", "c-z"):
        bindings.add(key, filter=in_choice)(answer)


def _bind_text(bindings: KeyBindings, browser: Browser, changing: Changing) -> None:
    in_text = _in_mode(browser, Mode.TEXT)

    def other(event: "KeyPressEvent") -> None:
        browser.attempt(lambda: _answer_or_close(browser, changing, event.data))

    bindings.add(Keys.Any, filter=in_text)(other)
    for key in _CLOSING:
        bindings.add(key, filter=in_text)(lambda _event: browser.close_text())
    for key, rows in _SCROLLING:
        bindings.add(key, filter=in_text)(_scrolling(browser, rows))
    for key, top in _EDGES:
        bindings.add(key, filter=in_text)(_scrolling(browser, top - (1 << 30) * (not top)))


def _answer_or_close(browser: Browser, changing: Changing, key: str) -> None:
    text = browser.state.text
    if not changing.answer_question(key) and text is not None and not text.question:
        browser.close_text()


def _scrolling(browser: Browser, rows: int) -> "Handler":
    def handle(_event: "KeyPressEvent") -> None:
        browser.state.text_top = max(0, browser.state.text_top + rows)

    return handle


def _bind_entry(bindings: KeyBindings, browser: Browser, walking: Walking) -> None:
    in_entry = _in_mode(browser, Mode.ENTRY)
    is_filtering = Condition(lambda: browser.is_filtering)
    for key in ("escape", "c-c"):
        bindings.add(key, filter=in_entry, eager=True)(lambda _event: browser.cancel_line())  # no sequence begins so
    for key, act in (("up", walking.move_up), ("down", walking.move_down)):
        bindings.add(key, filter=in_entry & is_filtering)(_acting(browser, act))

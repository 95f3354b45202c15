"""The screen: the tree at the left, a list at the right, and lines for what is said and typed. It draws a state.

Law: a value is drawn letter by letter, in a window that is there as long as the state reveals it. No part keeps it.
"""

import os

from prompt_toolkit.application import get_app
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.filters import Condition
from prompt_toolkit.layout import (
    BufferControl,
    ConditionalContainer,
    Dimension,
    Float,
    FloatContainer,
    FormattedTextControl,
    HSplit,
    Layout,
    VSplit,
    Window,
)
from prompt_toolkit.layout.menus import CompletionsMenu
from prompt_toolkit.styles import Style

from envfs_cli import output
from envfs_cli.browser import columns, key_table
from envfs_cli.browser.lists_on_screen import ListControl, ListView
from envfs_cli.browser.state import BrowserState, Mode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from prompt_toolkit.formatted_text import StyleAndTextTuples
    from prompt_toolkit.layout import Container

    from envfs_cli.browser.pane import Line

_NARROW, _LOW = 64, 14  # below these, one side alone is shown, and no lines about the selected row
_LEAST_COLUMNS, _LEAST_ROWS = 30, 8
_MOST_MESSAGE = 4
_MARGIN = 4  # rows that a value leaves free
STYLE = Style.from_dict(
    {
        "title": "reverse",
        "tab": "",
        "tab-on": "bold reverse",
        "heads": "bold",
        "heading": "bold",
        "selected": "reverse",
        "chosen": "bold underline",
        "label": "ansicyan",
        "inherited": "",
        "dim": "ansibrightblack",
        "good": "ansigreen",
        "warn": "ansiyellow",
        "bad": "ansired bold",
        "key": "bold",
        "box": "",
        "value": "bold",
        "completion-menu": "noinherit reverse",
        "completion-menu.completion": "noinherit reverse",
        "completion-menu.completion.current": "noinherit bold underline",
        "completion-menu.meta.completion": "noinherit reverse",
        "completion-menu.meta.completion.current": "noinherit bold underline",
    }
)


class Screen:
    """The windows. `entry` is the line that is typed, `label` what stands before it."""

    def __init__(self, state: BrowserState, entry: Buffer) -> None:
        """Draw `state`."""
        self.state = state
        self.label = ""
        self._tree_view = ListView(state.levels, (), state.signs)
        self._views = [ListView(pane.listing, pane.heads, state.signs) for pane in state.panes]
        self._tree = Window(
            ListControl(lambda: self._tree_view, lambda: not state.in_pane, lambda: ("dim", "no level has that text")),
            width=self._tree_width,
        )
        self._list = Window(ListControl(self._view, lambda: state.in_pane, self._note))
        self._entry = Window(BufferControl(entry), height=1)
        self.layout = Layout(self._root(), self._tree)

    def focus(self) -> None:
        """Send keys to where the state says that they go."""
        if self.state.mode is Mode.ENTRY:
            self.layout.focus(self._entry)
        else:
            self.layout.focus(self._list if self.state.in_pane and self._shows_pane() else self._tree_or_list())

    def page_rows(self) -> int:
        """Return how many rows one page of the list has."""
        window = self._list if self.state.in_pane else self._tree
        info = window.render_info
        return max(1, info.window_height - 1) if info is not None else 10

    # -- windows -------------------------------------------------------------------------------------------------------

    def _root(self) -> FloatContainer:
        body = VSplit(
            [
                _only_if(self._shows_tree, self._tree),
                _only_if(lambda: self._shows_tree() and self._shows_pane(), self._upright()),
                _only_if(self._shows_pane, self._right()),
            ]
        )
        rows = HSplit(
            [
                Window(FormattedTextControl(self._title), height=1, style="class:title"),
                body,
                _only_if(
                    lambda: bool(self.state.message),
                    Window(FormattedTextControl(self._message), height=self._message_rows),
                ),
                _only_if(lambda: self.state.mode is Mode.ENTRY, self._entry_line()),
                _only_if(
                    lambda: self.state.mode is Mode.CHOICE,
                    Window(FormattedTextControl(self._choice), height=self._choice_rows),
                ),
                _only_if(
                    lambda: self.state.mode in (Mode.LISTS, Mode.TEXT),
                    Window(FormattedTextControl(self._foot), height=1),
                ),
            ]
        )
        too_small = Window(FormattedTextControl("the window is too small for the browser"))
        whole = HSplit([_only_if(self._fits, rows), _only_if(lambda: not self._fits(), too_small)])
        text = _only_if(lambda: self.state.mode is Mode.TEXT, self._box(self._text))
        value = _only_if(lambda: self.state.revealed is not None, self._box(self._value))
        menu = CompletionsMenu(max_height=8)
        return FloatContainer(
            whole,
            [
                Float(text, left=0, right=0, top=1, bottom=1),
                Float(value, left=0, right=0, top=2),
                Float(menu, xcursor=True, ycursor=True),
            ],
        )

    def _right(self) -> HSplit:
        return HSplit(
            [
                Window(FormattedTextControl(self._tabs), height=1),
                Window(FormattedTextControl(self._heads), height=1),
                self._list,
                _only_if(self._shows_details, Window(char=self.state.signs.level, height=1, style="class:dim")),
                _only_if(self._shows_details, Window(FormattedTextControl(self._details), height=self._details_rows)),
            ]
        )

    def _upright(self) -> Window:
        return Window(width=1, char=self.state.signs.upright, style="class:dim")

    def _entry_line(self) -> HSplit:
        # a label that would leave little room stands above the line
        above = Window(FormattedTextControl(self._label), height=lambda: Dimension.exact(len(self._label_lines())))
        beside = Window(FormattedTextControl(self._label), height=1, width=lambda: Dimension.exact(len(self.label)))
        mark = Window(FormattedTextControl([("class:label", "> ")]), height=1, width=2)
        line = [_only_if(lambda: not self._has_long_label(), beside), _only_if(self._has_long_label, mark), self._entry]
        return HSplit([_only_if(self._has_long_label, above), VSplit(line)])

    def _has_long_label(self) -> bool:
        return len(self.label) > get_app().output.get_size().columns // 2

    def _label_lines(self) -> list[str]:
        return columns.wrap_words(self.label, get_app().output.get_size().columns)

    def _label(self) -> "StyleAndTextTuples":
        return [("class:label", "\n".join(self._label_lines()) if self._has_long_label() else self.label)]

    def _box(self, lines: "Callable[[], StyleAndTextTuples]") -> Window:
        return Window(FormattedTextControl(lines), style="class:box", dont_extend_height=False)

    # -- what is shown -------------------------------------------------------------------------------------------------

    def _fits(self) -> bool:
        size = get_app().output.get_size()
        return size.columns >= _LEAST_COLUMNS and size.rows >= _LEAST_ROWS

    def _is_narrow(self) -> bool:
        return get_app().output.get_size().columns < _NARROW

    def _shows_tree(self) -> bool:
        return not self._is_narrow() or not self.state.in_pane

    def _shows_pane(self) -> bool:
        return not self._is_narrow() or self.state.in_pane

    def _tree_or_list(self) -> Window:
        return self._tree if self._shows_tree() else self._list

    def _shows_details(self) -> bool:
        return get_app().output.get_size().rows >= _LOW

    def _tree_width(self) -> Dimension:
        if self._is_narrow():
            return Dimension()
        return Dimension.exact(max(22, min(56, get_app().output.get_size().columns * 3 // 10)))

    def _pane_width(self) -> int:
        info = self._list.render_info
        return info.window_width if info is not None else get_app().output.get_size().columns * 7 // 10

    def _details_rows(self) -> Dimension:
        return Dimension.exact(max(4, get_app().output.get_size().rows // 4))

    def _view(self) -> ListView:
        return self._views[self.state.tab]

    def _note(self) -> "tuple[str, str]":
        pane = self.state.pane
        if pane.listing.rows and not pane.note:
            return "dim", "no row has that text"
        return pane.note_style, pane.note or "reading " + self.state.signs.more

    def _title(self) -> "StyleAndTextTuples":
        width = get_app().output.get_size().columns
        status = "  ".join(text for _, text in self.state.status_words())
        left = columns.cut_text(
            f" envfs ui  {self.state.level}", max(0, width - len(status) - 2), self.state.signs.more
        )
        return [("", left), ("bold", f" {status} "[: max(0, width)])]

    def _tabs(self) -> "StyleAndTextTuples":
        shown: StyleAndTextTuples = []
        for number, pane in enumerate(self.state.panes):
            waiting = f" {len(pane.listing.rows)}" if pane is self.state.approvals and pane.listing.rows else ""
            shown += [
                (f"class:{'tab-on' if number == self.state.tab else 'tab'}", f" {number + 1} {pane.title}{waiting} "),
                ("", " "),
            ]
        if self.state.listing.filter and self.state.in_pane:
            shown.append(("class:warn", f" /{self.state.listing.filter}"))
        return shown

    def _heads(self) -> "StyleAndTextTuples":
        return [("class:heads", self._view().heads_text(self._pane_width()))]

    def _details(self) -> "StyleAndTextTuples":
        return _laid_out(self.state.pane.details(), self._pane_width(), self._details_rows().preferred)

    def _message(self) -> "StyleAndTextTuples":
        return [(f"class:{self.state.message_style}", "\n".join(self._message_lines()[:_MOST_MESSAGE]))]

    def _message_lines(self) -> list[str]:
        width = get_app().output.get_size().columns
        return [part for line in self.state.message.split("\n") for part in columns.wrap_words(line, width)]

    def _message_rows(self) -> Dimension:
        return Dimension.exact(min(_MOST_MESSAGE, len(self._message_lines())))

    def _choice(self) -> "StyleAndTextTuples":
        text = self.state.choice.question if self.state.choice is not None else ""
        return [("class:warn", "\n".join(columns.wrap_words(text, get_app().output.get_size().columns)))]

    def _choice_rows(self) -> Dimension:
        text = self.state.choice.question if self.state.choice is not None else ""
        return Dimension.exact(len(columns.wrap_words(text, get_app().output.get_size().columns)))

    def _foot(self) -> "StyleAndTextTuples":
        left = get_app().output.get_size().columns
        shown: StyleAndTextTuples = []
        for key, word in _TEXT_KEYS if self.state.mode is Mode.TEXT else key_table.foot_words(self.state.pane.title):
            left -= len(key) + len(word) + 3
            if left < 0:
                break
            shown += [("class:key", key), ("", f" {word}  ")]
        return shown

    def _text(self) -> "StyleAndTextTuples":
        text, size = self.state.text, get_app().output.get_size()
        if text is None:
            return []
        width, rows = size.columns, size.rows - 2
        lines = [line for whole in text.lines for line in _wrapped(whole, width - 2)]
        self.state.text_top = max(0, min(self.state.text_top, len(lines) - rows + 1))
        part = lines[self.state.text_top : self.state.text_top + rows - 1]
        more = (
            f"  ({self.state.text_top + 1}-{self.state.text_top + len(part)} of {len(lines)})"
            if len(part) < len(lines)
            else ""
        )
        shown: StyleAndTextTuples = [
            ("class:title", columns.cut_text(f" {text.title}{more}", width, self.state.signs.more)),
            ("", "\n"),
        ]
        for line in part:
            shown += [("", " "), *((f"class:{style}" if style else "", words) for style, words in line), ("", "\n")]
        return shown

    def _value(self) -> "StyleAndTextTuples":
        revealed, size = self.state.revealed, get_app().output.get_size()
        if revealed is None:
            return []
        width = size.columns
        title = f" {revealed.name} at {self.state.level}: hidden again in a moment, or by any key"
        shown: StyleAndTextTuples = [("class:title", columns.cut_text(title, width, self.state.signs.more)), ("", "\n")]
        text = revealed.value.decode(errors="replace")
        lines = [part for line in text.split("\n") for part in columns.wrap_letters(output.clean(line), width - 1)]
        rows = size.rows - _MARGIN
        for line in lines[:rows]:
            shown += [("class:value", f" {letter}" if not at else letter) for at, letter in enumerate(line)]
            shown.append(("", "\n"))
        if len(lines) > rows:
            shown.append(("class:dim", f" and {len(lines) - rows} lines more: `:get {revealed.name}` prints all"))
        return shown


_TEXT_KEYS = (("Esc", "back"), ("Down", "further"), ("Up", "back up"))


def _only_if(question: "Callable[[], bool]", container: "Container") -> ConditionalContainer:
    return ConditionalContainer(container, Condition(question))


def _wrapped(line: "Line", width: int) -> "list[Line]":
    # a line of one style is broken where it is full, behind its label if it has one
    label, text = (line[0], line[1]) if len(line) > 1 and line[0][0] in ("label", "key") else (("", ""), None)
    if text is None:
        parts = columns.wrap_words("".join(words for _, words in line), width)
        return [line] if len(parts) == 1 else [[(line[0][0], part)] for part in parts]
    indent = len(label[1])
    first, *others = columns.wrap_words(text[1], max(1, width - indent))
    return [[label, (text[0], first)], *([("", " " * indent), (text[0], part)] for part in others)]


def _laid_out(lines: "list[Line]", width: int, rows: int) -> "StyleAndTextTuples":
    wrapped = [part for line in lines for part in _wrapped(line, max(1, width - 2))]
    shown: StyleAndTextTuples = []
    for at, line in enumerate(wrapped[:rows]):
        shown += [
            ("", "\n" if at else ""),
            ("", " "),
            *((f"class:{style}" if style else "", words) for style, words in line),
        ]
    return shown


def is_colourless() -> bool:
    """Tell whether the person wants no colour (https://no-color.org)."""
    return bool(os.environ.get("NO_COLOR"))

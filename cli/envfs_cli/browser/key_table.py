"""The keys of the browser: what each does, for the bindings, the help and the documents alike."""

from envfs.tuples import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


class BoundKey(NamedTuple):
    """A key as prompt-toolkit calls it, how a person reads it, the action, and what that does.

    `word` stands in the line at the foot of the screen, for the panes `panes` (empty: all), if there is one.
    """

    keys: tuple[str, ...]
    shown: str
    action: str
    help: str
    word: str = ""
    panes: tuple[str, ...] = ()


KEYS: "tuple[tuple[str, tuple[BoundKey, ...]], ...]" = (
    (
        "Move",
        (
            BoundKey(("up", "k"), "Up k", "move_up", "one row up"),
            BoundKey(("down", "j"), "Down j", "move_down", "one row down"),
            BoundKey(("pageup", "c-b"), "PgUp", "page_up", "one page up"),
            BoundKey(("pagedown", "c-f"), "PgDn", "page_down", "one page down"),
            BoundKey(("home",), "Home", "move_to_start", "the first row"),
            BoundKey(("end",), "End", "move_to_end", "the last row"),
            BoundKey(("right", "l"), "Right l", "open_row", "open a level; on an open one: its list at the right"),
            BoundKey(
                ("left", "h"),
                "Left h",
                "close_row",
                "close a level, or go to the one above; from the list: to the tree",
            ),
            BoundKey(("enter",), "Enter", "enter_row", "the list at the right; in it: what the row is for"),
            BoundKey(("tab", "s-tab"), "Tab", "change_side", "from the tree to the list, and back", "side"),
            BoundKey(("1",), "1", "show_names", "names of the level, and where each comes from"),
            BoundKey(("2",), "2", "show_history", "its versions, and what differs between two"),
            BoundKey(("3",), "3", "show_readers", "who may read it, who has it open, and the access log"),
            BoundKey(("4", "!"), "4 !", "show_approvals", "questions of programs that wait for a person"),
            BoundKey(("/",), "/", "filter_list", "show the rows alone that have a text; Esc shows all again", "filter"),
        ),
    ),
    (
        "Change",
        (
            BoundKey(
                ("s",), "s", "set_value", "set the variable; its value is typed or pasted unseen", "set", ("Names",)
            ),
            BoundKey(("n",), "n", "new_variable", "set a variable under a new name", "new", ("Names",)),
            BoundKey(("g",), "g", "generate_value", "make a new random value", "generate", ("Names",)),
            BoundKey(
                ("c",),
                "c",
                "copy_row",
                "copy the variable, or the level's variables, to another level",
                "copy",
                ("Names",),
            ),
            BoundKey(("m",), "m", "move_row", "move the variable, or the level, to another level", "move", ("Names",)),
            BoundKey(("r",), "r", "rename_row", "give the variable, or the level, another name", "rename", ("Names",)),
            BoundKey(
                ("d", "delete"),
                "d Del",
                "remove_row",
                "remove the variable or level, or take the rule back",
                "remove",
                ("Names", "Readers"),
            ),
            BoundKey(("e",), "e", "edit_level", "edit the level's own text in your editor", "edit", ("Names",)),
            BoundKey(("u",), "u", "undo_change", "undo the newest version of the level", "undo", ("Names", "History")),
            BoundKey(
                ("b",), "b", "roll_back", "write the selected version again, as the newest", "roll back", ("History",)
            ),
            BoundKey(
                ("space",), "Space", "mark_version", "mark a version, to see what differs from it", "mark", ("History",)
            ),
        ),
    ),
    (
        "Look and allow",
        (
            BoundKey(
                ("v",),
                "v",
                "reveal_value",
                "show the value for 10 seconds or up to the next key; the log says so",
                "reveal",
                ("Names",),
            ),
            BoundKey(
                ("a",),
                "a",
                "grant_access",
                "let a user or program read the level and all below it",
                "allow",
                ("Readers",),
            ),
            BoundKey(("L",), "L", "lock_vault", "lock the vault: the daemon forgets its keys"),
            BoundKey(("U",), "U", "unlock_vault", "unlock the vault, or the level's project"),
        ),
    ),
    (
        "More",
        (
            BoundKey((":",), ":", "type_command", "any command of `envfs`, at this level; Tab completes", "command"),
            BoundKey(("f5", "c-l"), "F5", "refresh", "read all again and draw the screen again"),
            BoundKey(("?",), "?", "show_keys", "this help", "keys"),
            BoundKey(("c-z",), "Ctrl-Z", "suspend", "stop the browser; `fg` goes on"),
            BoundKey(("escape",), "Esc", "cancel", "leave a line, a question, a text or a filter"),
            BoundKey(("c-c",), "Ctrl-C", "interrupt", "end the command that runs; where none does, leave"),
            BoundKey(("q",), "q", "leave", "leave", "leave"),
        ),
    ),
)


def all_keys() -> "Iterable[BoundKey]":
    """Return the rows of all groups."""
    return (row for _, rows in KEYS for row in rows)


def foot_words(pane: str) -> "list[tuple[str, str]]":
    """Return the keys that are worth a reminder with a pane, each with its word, the most wanted first."""
    own = [row for row in all_keys() if row.word and pane in row.panes]
    common = [row for row in all_keys() if row.word and not row.panes]
    last = [row for row in common if row.action in ("show_keys", "leave")]
    return [(row.shown.split()[0], row.word) for row in (*last, *own, *(row for row in common if row not in last))]


def help_lines() -> "list[tuple[str, str]]":
    """Return the help as pairs of a key and its meaning. A heading has no key, and a blank line neither."""
    lines: list[tuple[str, str]] = []
    for heading, rows in KEYS:
        lines += [("", heading), *((row.shown, row.help) for row in rows), ("", "")]
    return lines[:-1]

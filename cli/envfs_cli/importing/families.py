"""Families of `.env` files, in the order that their tool reads them, and the level of EnvFS that each belongs to.

| file                | level               |
|---------------------|---------------------|
| `.env`              | the level itself    |
| `.env.local`        | its child `local`   |
| `.env.NAME`         | its child `NAME`    |
| `.env.NAME.local`   | `NAME/local`        |

Law: the view at each of these levels is what a program of that tool gets in that mode. `NAME/local` does not inherit
from `local`, so the text there is made of both files. Where the tool lets `.env.NAME` win over `.env.local`, what that
sets is left out of it. The one exception is told: a name of both that in `.env.local` goes on from itself
(`P=${P}:x`) goes on from what `.env.NAME` made of it.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from envfs.core import names
from envfs.dotenv.document import Document, parse_document
from envfs.dotenv.scanner import Entry
from envfs_cli.importing.sources import referenced_names

NEXT, FLOW, VITE = "next", "dotenv-flow", "vite"
REACT, RAILS, SYMFONY, NUXT = "create-react-app", "rails", "symfony", "nuxt"
LOCAL: Final = "local"
DEFAULTS: Final = ".env.defaults"
NOTHING: Final = "nothing says otherwise"
_DIST: Final = ".env.dist"
_EXAMPLES = ("example", "sample", "template", "dist")
_LEFTOVERS = ("bak", "backup", "old", "orig", "save", "swp", "tmp")
_OTHERS = {"vault": "of dotenv-vault, which is encrypted", "keys": "of dotenvx, a private key", "me": "of dotenv-vault"}
_PACKAGES = (
    (NEXT, ("next", "react-scripts")),
    (NUXT, ("nuxt",)),
    (FLOW, ("dotenv-flow", "dotenv-flow-cli")),
    (VITE, ("vite",)),
)


class Order(NamedTuple):
    """How a tool reads a family: whether `.env.local` wins over `.env.NAME`, and what it leaves out.

    `has_dist`: `.env.dist` is read where there is no `.env`. `has_modes`: there are more files than `.env`.
    """

    local_wins: bool
    local_in_test: bool = False
    has_defaults: bool = False
    has_dist: bool = False
    has_modes: bool = True


ORDERS: Final = {
    NEXT: Order(local_wins=True),
    REACT: Order(local_wins=True),
    RAILS: Order(local_wins=True),
    FLOW: Order(local_wins=False, has_defaults=True),
    VITE: Order(local_wins=False, local_in_test=True),
    SYMFONY: Order(local_wins=False, has_dist=True),
    NUXT: Order(local_wins=False, has_modes=False),
}


class Planned(NamedTuple):
    """The text of one level: `below` is where it lies under the level of the family, `files` what it is made of."""

    below: tuple[str, ...]
    text: str
    files: tuple[tuple[str, tuple[str, ...]], ...]
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        """Show the place, and not the text."""
        return f"Planned({self.below!r})"


class Sorted(NamedTuple):
    """The files of a folder that are of the family, and why others that look like it are not."""

    members: tuple[str, ...]
    skipped: tuple[tuple[str, str], ...]


def detect_order(dependencies: Collection[str], files: Collection[str]) -> tuple[str, str]:
    """Return the order that a project's packages or files speak for, and what spoke."""
    for order, packages in _PACKAGES:
        for package in packages:
            if package in dependencies:
                return order, f"package.json has {package}"
    if DEFAULTS in files:
        return FLOW, f"there is a {DEFAULTS}"
    return NEXT, NOTHING


def sort_family(files: Iterable[str], order: str) -> Sorted:
    """Tell the files of the family from those that only look like it."""
    ours = sorted(file for file in files if file == ".env" or file.startswith(".env."))
    why = {file: _why_not(file, order) for file in ours}
    if not ORDERS[order].has_modes:
        why = {file: f"not read by {order}" if file != ".env" else "" for file in ours}
    if ORDERS[order].has_dist and _DIST in why and ".env" not in why:
        why[_DIST] = ""
    return Sorted(
        tuple(file for file in ours if not why[file]), tuple((file, text) for file, text in why.items() if text)
    )


def is_no_secret(file: str) -> bool:
    """Tell whether a file beside `.env` is an example, or is encrypted."""
    last = file.rpartition(".")[2]
    return last in _EXAMPLES or file in (".env.vault", ".env.me")


def plan_levels(documents: Mapping[str, Document], order: str) -> tuple[Planned, ...]:
    """Return the texts of all levels of a family, a level before those below it."""
    rule = ORDERS[order]
    planned = [
        _planned((), documents, tuple(file for file in (_DIST, DEFAULTS, ".env") if file in documents)),
        _planned((LOCAL,), documents, (".env.local",)),
    ]
    for mode in sorted({_mode(file) for file in documents} - {""}):
        planned.append(_planned((mode,), documents, (f".env.{mode}",)))
        planned.append(_local_of(mode, documents, rule))
    return tuple(planned_level for planned_level in planned if planned_level is not None)


def _why_not(file: str, order: str) -> str:
    if file == DEFAULTS:
        return "" if ORDERS[order].has_defaults else f"read by {FLOW} alone"
    parts = file.split(".")[2:]
    last = parts[-1] if parts else ""
    if last in _EXAMPLES:
        return "an example"
    if last in _LEFTOVERS or file.endswith("~"):
        return "a leftover of an editor or a copy"
    if parts == [last] and last in _OTHERS:
        return _OTHERS[last]
    mode = _mode(file)
    if mode == LOCAL or (parts and file != ".env.local" and not names.is_component(mode)):
        return f"{'that' if mode == LOCAL else 'its name'} is no mode that can be a level"
    return ""


def _mode(file: str) -> str:
    """Return the mode of a file's name. Empty for `.env`, `.env.local`, `.env.defaults` and `.env.dist`."""
    if file in (".env", ".env.local", DEFAULTS, _DIST):
        return ""
    return file.removeprefix(".env.").removesuffix(".local")


def _planned(below: tuple[str, ...], documents: Mapping[str, Document], files: tuple[str, ...]) -> Planned | None:
    there = tuple(file for file in files if file in documents)
    if not there:
        return None
    text = documents[there[0]].render()
    for file in there[1:]:
        text = _stacked(parse_document(text), documents[file])
    return Planned(below, text, tuple((file, tuple(documents[file].variables())) for file in there))


def _local_of(mode: str, documents: Mapping[str, Document], rule: Order) -> Planned | None:
    own_file = f".env.{mode}.local"
    shared = documents.get(".env.local") if rule.local_in_test or mode != "test" else None
    if shared is None:
        return _planned((mode, LOCAL), documents, (own_file,))
    over = documents.get(f".env.{mode}") if not rule.local_wins else None
    text = shared.render() if over is None else _weakened(shared, over)
    files = [(".env.local", tuple(parse_document(text).variables()))]
    if own_file in documents:
        text = _stacked(parse_document(text), documents[own_file])
        files.append((own_file, tuple(documents[own_file].variables())))
    # a level is created by a text, though there may be nothing to say in it
    text = text or f"# all of .env.local is set by .env.{mode}\n"
    return Planned((mode, LOCAL), text, tuple(files), _exceptions(mode, shared, over))


def _exceptions(mode: str, shared: Document, over: Document | None) -> tuple[str, ...]:
    odd = _going_on(shared) & _going_on(over) if over is not None else set()
    return tuple(
        f"{name} goes on from itself in .env.local and in .env.{mode}: look at the level {mode}/{LOCAL}"
        for name in shared.variables()
        if name in odd
    )


def _weakened(weak: Document, strong: Document) -> str:
    """Return `weak` for a level below that of `strong`: without what that sets, unless it goes on from `weak`'s."""
    names_going_on = _going_on(strong) & set(weak.variables())
    going_on = [entry for entry in strong.entries if entry.name in names_going_on]
    over = set(strong.variables()) - {entry.name for entry in going_on}
    entries = [entry for entry in weak.entries if entry.name not in over]
    return _joined(entries) if not going_on else _stacked(parse_document(_joined(entries)), Document(tuple(going_on)))


def _stacked(weak: Document, strong: Document) -> str:
    """Return one text that means what `strong` over `weak` means."""
    over = set(strong.variables()) - _going_on(strong)
    entries = tuple(entry for entry in weak.entries if entry.name not in over)
    return _joined(_in_order(entries, strong.entries))


def _in_order(weak: Sequence[Entry], strong: Sequence[Entry]) -> list[Entry]:
    """Put two texts one after the other, but for what is referred to from the other one: that goes first."""
    entries, needs = [*weak, *strong], _needs(weak, strong)
    ordered: list[Entry] = []
    begun: set[int] = set()
    for first in range(len(entries)):
        path = [] if first in begun else [(first, iter(needs[first]))]
        begun.add(first)
        while path:
            place, waiting = path[-1]
            requirement = next((need for need in waiting if need not in begun), None)
            if requirement is None:
                ordered.append(entries[place])
                path.pop()
            else:
                begun.add(requirement)
                path.append((requirement, iter(needs[requirement])))
    return ordered


def _needs(weak: Sequence[Entry], strong: Sequence[Entry]) -> list[list[int]]:
    """Return, for each entry of both texts, the places of those that have to stand before it."""
    of_weak = {entry.name: place for place, entry in enumerate(weak)}
    of_strong = {entry.name: place for place, entry in enumerate(strong, len(weak))}
    needs = []
    for entries, start, other in ((weak, 0, of_strong), (strong, len(weak), of_weak)):
        last_setter: dict[str | None, int] = {}
        for place, entry in enumerate(entries, start):
            names_here = () if entry.name is None else (entry.name, *referenced_names(entry))
            places = [last_setter.get(name, -1) for name in names_here]
            # of a name that both set the strong one is meant. By itself it means the weak one
            own = {entry.name} if other is of_strong else of_strong.keys() - {entry.name}
            places += [other.get(name, -1) for name in names_here[1:] if name not in own]
            needs.append([need for need in places if need >= 0])
            last_setter[entry.name] = place
    return needs


def _going_on(document: Document) -> set[str | None]:
    return {entry.name for entry in document.entries if entry.name in referenced_names(entry)}


def _joined(entries: Iterable[Entry]) -> str:
    return "".join(raw if raw.endswith(("\n", "\r")) else f"{raw}\n" for raw in (entry.raw for entry in entries) if raw)

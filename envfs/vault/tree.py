"""The tree of a vault's levels and projects.

Its index (`tree/<level>/@`, empty files) only saves listing the history. `envfs verify` checks it against the records.
"""

from envfs.core import addresses, names, record
from envfs.store import Store, Watch


class Tree:
    """The levels and projects of the vault in one store."""

    def __init__(self, store: Store) -> None:
        """List what is in `store`."""
        self._store = store
        self._children: dict[str, frozenset[str]] = {}
        self._watches: dict[str, Watch] = {}

    def children(self, level: str) -> frozenset[str]:
        """Return the components directly below a level."""
        folder = "tree" if level == names.ROOT else f"tree{level}"
        watch = self._watches.get(level)
        if watch is None:
            watch = self._watches[level] = self._store.watch(folder)
        if watch.changed() or level not in self._children:
            self._children.pop(level, None)
            below = (key[len(folder) + 1 :].split("/") for key in self._store.list(folder + "/"))
            self._children[level] = frozenset(
                parts[0] for parts in below if len(parts) > 1 and names.is_component(parts[0])
            )
        return self._children[level]

    def exists(self, level: str) -> bool:
        """Tell whether a level is in the tree: it has text, or one below it has."""
        at = names.ROOT
        for step in names.chain(level)[1:]:
            if step.rpartition("/")[2] not in self.children(at):
                return False
            at = step
        return True

    def levels(self) -> tuple[str, ...]:
        """List the whole tree, the top first."""
        all_levels = {names.ROOT}
        for key in self._store.list("tree/"):
            *parts, end = key.split("/")[1:]
            if end == "@" and parts and all(map(names.is_component, parts)):  # others' files are no levels
                all_levels.update(names.chain("/" + "/".join(parts)))
        return tuple(sorted(all_levels))

    def projects(self) -> tuple[names.Project, ...]:
        """List the projects that have a key, in alphabetical order."""
        projects = {
            record.project_of_stream(key.rpartition("/")[0]) for key in self._store.list("key/") if record.is_key(key)
        }
        return tuple(sorted(path for path in projects if path == names.ROOT or names.is_component(path[1:])))

    def add_level(self, level: str) -> None:
        """Put a level into the index."""
        self._store.put_new(addresses.index_key(level), b"")
        self._children.clear()

    def remove_level(self, level: str) -> None:
        """Take a level out of the index. It is still there if one below it is."""
        self._store.remove(addresses.index_key(level))
        self._children.clear()

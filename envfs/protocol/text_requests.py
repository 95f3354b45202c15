"""The requests to the keyholder about levels' texts: in what they differ, and what stands in them.

Law: none of them is answered with a value (docs/protocol.md §3).
"""

from envfs.core.addresses import SealedLayer
from envfs.tuples import NamedTuple


class CompareTexts(NamedTuple):
    """In which names two texts differ. Reply: ChangedNames.

    Each side are the layers of a view, the top first. With `own` it is one level's own text, or none.
    """

    before: tuple[SealedLayer, ...]
    now: tuple[SealedLayer, ...]
    own: bool = False


class SearchTexts(NamedTuple):
    """Which variables of texts have a name that fits a pattern. Reply: Found.

    With `by_value` those alone that have the value in the descriptor, or in whose value it stands. `trim` as in
    WriteLevel.
    """

    layers: tuple[SealedLayer, ...]
    pattern: str
    by_value: bool = False
    trim: bool = False


class ReadDirectives(NamedTuple):
    """The directives of texts on the rotation of variables (envfs.dotenv.directives). Reply: DirectivesRead.

    With a `name`, of that variable alone, whether or not anything is said of it.
    """

    layers: tuple[SealedLayer, ...]
    name: str = ""


class MatchValues(NamedTuple):
    """Tell the variables that have, in other versions of a level, the value of its newest one. Reply: Matched.

    `newest` is the one that is compared with. Variable `names[N]` is called `older_names[N]` in the other versions.
    """

    newest: SealedLayer
    layers: tuple[SealedLayer, ...]
    names: tuple[str, ...]
    older_names: tuple[str, ...]

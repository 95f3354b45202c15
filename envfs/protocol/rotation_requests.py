"""The requests to the keyholder about the rotation of values. None of them is answered with a value."""

from envfs.core.addresses import SealedLayer
from envfs.tuples import NamedTuple


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

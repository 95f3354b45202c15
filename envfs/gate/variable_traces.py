"""One variable as readers got it: the level that set it in a view of some versions, and a mark for its value.

Law: nothing is decided and nothing is shown here. The one who asks has decided that the caller may know it.
"""

from contextlib import suppress
from itertools import islice
from typing import NamedTuple

from envfs.core import names
from envfs.errors import EnvFSError, Locked
from envfs.gate.keyholder import Keyholder
from envfs.protocol.answers import Trace, Traced
from envfs.protocol.keyholding import TracedView, TraceVariables
from envfs.vault.vault import Vault

_AT_ONCE, _BYTES_AT_ONCE = 64, 4 << 20


class SeenView(NamedTuple):
    """A view of a level that was served: the versions of its chain, the top first, 0 for a level without a text.

    `is_own` of a level's own text alone. `only` are the globs of a caller that gets some names.
    """

    level: str
    versions: tuple[int, ...]
    is_own: bool = False
    only: tuple[str, ...] = ()

    @property
    def texts(self) -> list[tuple[str, int]]:
        """List the levels that have a text in it, with their versions."""
        pairs = zip(names.chain(self.level), self.versions, strict=True)
        texts = [pair for pair in pairs if pair[1]]
        return texts[-1:] if self.is_own and self.versions[-1] else [] if self.is_own else texts


class SeenVariable(NamedTuple):
    """The variable in a view: the level that sets it there with its version, a mark for the value, places.

    An empty `level`: nothing. Places as in `protocol.answers.Trace`.
    """

    level: str = ""
    version: int = 0
    mark: str = ""
    places: tuple[int, ...] = ()


class VariableTraces:
    """Looks for a variable in the views of one vault."""

    def __init__(self, vault: Vault, keyholder: Keyholder) -> None:
        """Ask `keyholder` about what `vault` holds."""
        self._vault = vault
        self._keyholder = keyholder

    async def look(self, views: dict[SeenView, str]) -> dict[SeenView, SeenVariable]:
        """Look for a variable in each view, under the name that it has there.

        Views that cannot be made any more, as a version was forgotten or is damaged, are left out.

        Raises:
            Locked: a project is
        """
        answers: dict[SeenView, SeenVariable] = {}
        waiting = iter(views.items())
        while some := list(islice(waiting, _AT_ONCE)):
            answers |= await self._look(some)
        return answers

    async def _look(self, some: list[tuple[SeenView, str]]) -> dict[SeenView, SeenVariable]:
        try:
            return await self._asked(some)
        except Locked:
            raise
        except EnvFSError:
            if len(some) == 1:
                return {}
        answers: dict[SeenView, SeenVariable] = {}
        for one in some:
            answers |= await self._look([one])
        return answers

    async def _asked(self, some: list[tuple[SeenView, str]]) -> dict[SeenView, SeenVariable]:
        async with self._keyholder.turn():
            texts = list(dict.fromkeys(text for view, _ in some for text in view.texts))
            layers = self._vault.layers(texts)
            if len(some) > 1 and sum(map(len, layers.blobs)) > _BYTES_AT_ONCE:
                raise EnvFSError("too much at once")
            number = {text: at for at, text in enumerate(texts)}
            asked = tuple(
                TracedView(name, tuple(number[text] for text in view.texts), view.only) for view, name in some
            )
            answer = await self._keyholder.ask(TraceVariables(layers.layers, asked), Traced, layers.blobs)
        pairs = zip(some, answer.message.traces, strict=True)
        return {view: _sighting(view, trace) for (view, _), trace in pairs}


def _sighting(view: SeenView, trace: Trace) -> SeenVariable:
    return SeenVariable() if trace.layer < 0 else SeenVariable(*view.texts[trace.layer], trace.mark, trace.places)


def current_view(vault: Vault, level: str) -> SeenView:
    """Return the view that a reader of a level gets now."""
    return SeenView(level, vault.versions(level))


def view_at(vault: Vault, level: str, moment: str, version: int) -> SeenView | None:
    """Return the view that a reader of a level got at a moment, with its own text of a version. None: it is not here.

    Of an entry that does not say which versions of the levels above were served, this is the best that is known.
    """
    with suppress(EnvFSError):
        return SeenView(level, (*vault.chain_at_moment(level, moment).versions[:-1], version))
    return None

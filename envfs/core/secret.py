"""A secret value in a Python object: it shows itself to nobody by accident."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn


class Secret:
    """Text that must not be printed, logged or compared carelessly; `reveal` is the one way out."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        """Wrap `text`."""
        self._text = text

    def reveal(self) -> str:
        """Return the text itself; each call is a place to look at."""
        return self._text

    def __repr__(self) -> str:
        """Show that there is a secret, and nothing of it."""
        return "Secret(…)"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        """Compare with another secret only."""
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        """Hash by the text, so that equal secrets meet in a set."""
        return hash(self._text)

    def __format__(self, spec: str) -> str:
        """Format as the repr, whatever the specification."""
        return repr(self)

    def __reduce__(self) -> "NoReturn":
        """Refuse to be pickled."""
        raise TypeError("a secret is not pickled")

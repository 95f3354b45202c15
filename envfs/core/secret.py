"""A passphrase or a key in a Python object: it shows itself to nobody by accident.

It is not wiped: Python's texts and bytes cannot be. The process that holds one is a child of the
keyholder, which ends with its request. Keys that outlive a request are in secret memory (`keyholder.held.keyring`).
"""

from hmac import compare_digest
from typing import Generic, NoReturn, TypeVar

T = TypeVar("T", str, bytes)


class Secret(Generic[T]):
    """Text or bytes that must not be printed, logged or compared carelessly. `reveal` is the one way out."""

    __slots__ = ("_content",)

    def __init__(self, content: T) -> None:
        """Wrap `content`."""
        self._content: T = content

    def reveal(self) -> T:
        """Return the content itself. Each call is a place to look at."""
        return self._content

    def __repr__(self) -> str:
        """Show that there is a secret, and nothing of it."""
        return "Secret(…)"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        """Compare with another secret only, in a time that tells nothing of where the two differ."""
        if not isinstance(other, Secret) or type(other._content) is not type(self._content):
            return False
        return compare_digest(_bytes(self._content), _bytes(other._content))

    def __hash__(self) -> int:
        """Hash by the content, so that equal secrets meet in a set."""
        return hash(self._content)

    def __format__(self, spec: str) -> str:
        """Format as the repr, whatever the specification."""
        return repr(self)

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled."""
        raise TypeError("a secret is not pickled")


def _bytes(content: str | bytes) -> bytes:
    return content if isinstance(content, bytes) else content.encode(errors="surrogatepass")

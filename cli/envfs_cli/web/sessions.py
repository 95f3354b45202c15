"""The URL that works once, and the cookie that it is exchanged for.

Laws: of a word that opens something its SHA-256 alone is kept. A word is compared in constant time. A URL ends when it
was used, when another one is made, or after ten minutes. A cookie of a host reaches every port of it: so all pages lie
below a folder whose name nobody can guess, and the cookie is for that folder alone.
"""

import base64
import hashlib
import hmac
import os
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

COOKIE = "envfs-web"
_BYTES = 32
_URL_SECONDS = 600
_MOST_SESSIONS = 8


class BrowserSession:
    """A browser that was let in. `process` is the one that it was, `form_word` what its forms have to bring."""

    def __init__(self, digest: bytes, process: str) -> None:
        """Begin one for a cookie of that digest."""
        self.digest = digest
        self.process = process
        self.form_word = new_word()
        self.notice = ""  # shown once, on the next page


class BrowserSessions:
    """The URL, the cookies that it was exchanged for, and when a person last looked."""

    def __init__(self, clock: "Callable[[], float]" = time.monotonic) -> None:
        """Make the folder's name. No URL works yet."""
        self.folder = new_word()
        self._clock = clock
        self._url: tuple[bytes, float] = (b"", 0.0)
        self._sessions: list[BrowserSession] = []
        self._looked = clock()

    def new_url_word(self) -> str:
        """Return the word of a new URL. The one before works no more."""
        word = new_word()
        self._url = (_digest(word), self._clock())
        self.look()
        return word

    def exchange(self, word: str, process: str) -> str:
        """Exchange the word of the URL for that of a cookie. Empty if it is not one, or not one any more."""
        digest, made = self._url
        if not hmac.compare_digest(digest, _digest(word)) or self._clock() - made > _URL_SECONDS:
            return ""
        self._url = (b"", 0.0)
        cookie = new_word()
        self._sessions = [*self._sessions[1 - _MOST_SESSIONS :], BrowserSession(_digest(cookie), process)]
        self.look()
        return cookie

    def find(self, cookies: "list[str]") -> "BrowserSession | None":
        """Return the session of one of these cookies."""
        digests = [_digest(cookie) for cookie in cookies]
        for session in self._sessions:
            if any([hmac.compare_digest(session.digest, digest) for digest in digests]):  # noqa: C419 - all of them
                return session
        return None

    def is_folder(self, name: str) -> bool:
        """Tell whether a request names the folder."""
        return hmac.compare_digest(_digest(self.folder), _digest(name))

    def look(self) -> None:
        """Note that a person looked just now."""
        self._looked = self._clock()

    @property
    def idle_seconds(self) -> float:
        """Return for how long nobody has looked."""
        return self._clock() - self._looked


def is_form_word(session: BrowserSession, word: str) -> bool:
    """Tell whether a form was made for a session."""
    return hmac.compare_digest(_digest(session.form_word), _digest(word))


def new_word() -> str:
    """Return a word that nobody can guess, of letters that a URL takes."""
    return base64.urlsafe_b64encode(os.urandom(_BYTES)).decode().rstrip("=")


def _digest(word: str) -> bytes:
    return hashlib.sha256(word.encode("utf-8", "surrogateescape")).digest()

"""Texts that have the shape of a well-known token, by the expressions of detect-secrets.

Laws: of its detectors those count that know an issuer by what stands in a token. A guess by entropy, or by the word
before, finds much that is none. A text that says by itself that it is an example is left out. No text takes more time
than in proportion to its size.
"""

import re

from envfs import interpreter
from envfs.errors import EnvFSError
from envfs_cli.scanning.anchored_shapes import ANCHORED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_DETECTORS = (
    *("aws.AWSKeyDetector", "azure_storage_key.AzureStorageKeyDetector", "github_token.GitHubTokenDetector"),
    *("gitlab_token.GitLabTokenDetector", "jwt.JwtTokenDetector", "npm.NpmDetector", "openai.OpenAIDetector"),
    *("private_key.PrivateKeyDetector", "pypi_token.PypiTokenDetector", "sendgrid.SendGridDetector"),
    *("slack.SlackDetector", "stripe.StripeDetector", "telegram_token.TelegramBotTokenDetector"),
    "square_oauth.SquareOAuthDetector",
)
_EXAMPLE = re.compile(rb"example|sample|dummy|fake|test|your|xxxx|(.)\1{7}|01234567|12345678|abcdefgh", re.IGNORECASE)
_FEWEST_SIGNS = 8  # different ones
_WHOLE_KEY = re.compile(rb"[^\n]{0,40}(?:\\n|[\r\n]){1,4}[\s\\n\"'+#*/>|-]{0,80}[A-Za-z0-9+/]{40}")
_WORD, _NO_BOUND = re.compile(rb"[A-Za-z0-9_]"), re.compile(rb"\{(\d+),\}")
_KEY, _JWT = "Private Key", "JSON Web Token"


class Shapes:
    """The expressions, ready for use."""

    def __init__(self) -> None:
        """Load them.

        Raises:
            EnvFSError: the package is not installed
        """
        try:
            from detect_secrets.plugins.jwt import JwtTokenDetector
        except ImportError:
            raise EnvFSError("--shapes needs the package detect-secrets", f"`{interpreter.pip_line('scan')}`") from None
        self._is_jwt = JwtTokenDetector.is_formally_valid
        self._expressions = list(_expressions())

    def shapes_in(self, text: "memoryview | bytes") -> "Iterator[tuple[int, str]]":
        """Yield the offset of each shape in a text, and the name of the detector that knows it."""
        for detector, expression in self._expressions:
            for match in _at_starts(expression, text):
                if _is_whole_key(match) if detector == _KEY else _is_token(bytes(match[0])):
                    yield match.start(), detector
        for detector, tokens in ANCHORED.items():
            for offset, token in tokens(text):
                if self._is_web_token(token) if detector == _JWT else _is_token(token):
                    yield offset, detector

    def _is_web_token(self, token: bytes) -> bool:
        try:
            return bool(self._is_jwt(token.decode("latin-1")))
        except RecursionError:  # of what is nested deeply
            return False


def _at_starts(expression: "re.Pattern[bytes]", text: "memoryview | bytes") -> "Iterator[re.Match[bytes]]":
    # a look at the sign before each byte would take twenty times as long as one at the sign before a match
    at = 0
    while (match := expression.search(text, at)) is not None:
        is_start = match.start() == 0 or not _WORD.match(text, match.start() - 1)
        if is_start:
            yield match
        at = match.end() if is_start else match.start() + 1


def _is_whole_key(match: "re.Match[bytes]") -> bool:
    return _WHOLE_KEY.match(match.string, match.end()) is not None


def _is_token(token: bytes) -> bool:
    return len(set(token)) >= _FEWEST_SIGNS and _EXAMPLE.search(token) is None


def _expressions() -> "Iterator[tuple[str, re.Pattern[bytes]]]":
    import importlib

    for name in _DETECTORS:
        module, _, kind = name.partition(".")
        detector = getattr(importlib.import_module(f"detect_secrets.plugins.{module}"), kind)
        # the second one of AWS knows a secret by the word before it
        expressions = detector.denylist[:1] if kind == "AWSKeyDetector" else detector.denylist
        for expression in expressions:
            if detector.secret_type not in ANCHORED:
                pattern = _NO_BOUND.sub(rb"{\1,4096}", expression.pattern.encode())
                yield detector.secret_type, re.compile(pattern, expression.flags & ~re.UNICODE)

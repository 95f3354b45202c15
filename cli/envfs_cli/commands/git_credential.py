"""`git-credential`: serve git as a credential helper (gitcredentials(7)), by the rules of a level.

Laws: a value goes to git by the gate, for a host that has a rule with HTTP Basic, over https. Nothing is stored, and
nothing is said where there is no rule: git asks its next helper.
"""

import os
import sys

from envfs import safe_open
from envfs.core import names
from envfs.errors import EnvFSError
from envfs.protocol import control
from envfs.tuples import NamedTuple
from envfs_cli import output
from envfs_cli.daemon import session

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

_USER = "x-access-token"  # hosts of git take any, or this one, beside a token
_MOST = 1 << 16  # bytes of a question
_BASIC = "basic"


class GitCredentialArguments(NamedTuple):
    """The arguments of `git-credential`."""

    level: str
    action: "Literal['get', 'store', 'erase']"
    reason: str | None
    passphrase_file: str | None


class SoughtCredential(NamedTuple):
    """The credential that git looks for: a host, with its port if it is not the usual one, and a user or none."""

    host: str
    user: str


def run_git_credential(arguments: GitCredentialArguments) -> int:
    """Answer git. Returns 0 also where there is no answer."""
    names.parse_level(arguments.level)
    asked = _question() if sys.stdin is not None else b""
    question = read_question(asked.decode(errors="replace"))
    if arguments.action != "get" or question is None:
        return 0
    password = _placeholder(question.host) if _is_behind_proxy() else _value(arguments, question.host)
    if password:
        output.raw(f"username={question.user or _USER}\npassword={password}\n".encode())
    return 0


def _question() -> bytes:
    try:
        return _read_question()
    except OSError as error:
        raise EnvFSError(f"cannot read standard input: {safe_open.error_words(error)}") from None


def _read_question() -> bytes:
    if not sys.stdin.isatty():
        return sys.stdin.buffer.read(_MOST)
    output.note("git starts this, and says what it asks for: protocol=https, host=HOST and an empty line")
    lines: list[bytes] = []
    while (line := sys.stdin.buffer.readline(_MOST)).strip():
        lines.append(line)
    return b"".join(lines)


def read_question(text: str) -> SoughtCredential | None:
    """Read what git says. None for another protocol than https."""
    pairs = dict(line.partition("=")[::2] for line in text.splitlines() if "=" in line)
    protocol, _, address = pairs.get("url", "").partition("://")
    host = pairs.get("host", address.partition("/")[0].rpartition("@")[2])
    if pairs.get("protocol", protocol) != "https" or not host:
        return None
    return SoughtCredential(host.lower(), pairs.get("username", ""))


def _is_behind_proxy() -> bool:
    return os.environ.get("HTTPS_PROXY", "").startswith("http://envfs:")


def _placeholder(host: str) -> str:
    # the rules of a person are outside: the catalogue says whose placeholder this is
    from envfs.proxy.catalogue import session_rules
    from envfs.proxy.hosts import parse_endpoint

    endpoint = parse_endpoint(host)
    for rule in session_rules((), os.environ):
        if rule.is_for(endpoint) and any(place.text == _BASIC for place in rule.places):
            return os.environ[rule.key]
    return ""


def _value(arguments: GitCredentialArguments, host: str) -> str:
    asking = session.start_session(arguments.passphrase_file)
    name = _variable(asking.rows(control.ListProxyRules(arguments.level)), host)
    if not name:
        return ""
    why = session.given_reason(arguments.reason) or f"git-credential for {host}"
    _, view = asking.ask(control.ReadView(arguments.level, "environ", "exec", (name,), reason=why))
    return os.fsdecode(view.partition(b"\0")[0].partition(b"=")[2])


def _variable(rows: "list[object]", host: str) -> str:
    from envfs.proxy.hosts import parse_endpoint, parse_pattern

    endpoint = parse_endpoint(host)
    rules = (row for row in rows if isinstance(row, control.ProxyRuleRow) and _BASIC in row.where)
    fitting = (rule.key for rule in rules if any(map(endpoint.fits, map(parse_pattern, rule.hosts))))
    return next((key for key in fitting if "*" not in key), "")

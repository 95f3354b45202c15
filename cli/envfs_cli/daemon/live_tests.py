"""Whether keys are right: one cheap request for each, sent through a proxy, so that no value is here.

Laws: a request has a placeholder. Of a response its status counts and nothing else. No redirect is followed. The hosts
are named before the first request.
"""

import os
import urllib.error
import urllib.request
from fnmatch import fnmatchcase

from envfs.protocol import control
from envfs.tuples import NamedTuple
from envfs_cli import output
from envfs_cli.daemon import new_proxies, session

TYPE_CHECKING = False
if TYPE_CHECKING:
    from email.message import Message
    from http.client import HTTPResponse
    from typing import IO

_SECONDS = 30
_REFUSED = 401
_OWN = "x-envfs-proxy"
_BEARER, _AGENT = "authorization", "user-agent"


class LiveTest(NamedTuple):
    """A request that tells whether a variable's value is right, with {} in the place of it."""

    name: str
    host: str
    path: str
    headers: "dict[str, str]"


class LiveResult(NamedTuple):
    """The answer about a variable. `state` is `ok`, `refused` or `unclear`, `text` says more."""

    name: str
    host: str
    state: str
    text: str


def find_tests(asking: "session.Session", level: str, only: "tuple[str, ...]" = ()) -> "list[LiveTest]":
    """Return the tests of a level's variables: those that a rule or the catalogue knows."""
    rules = [row for row in asking.rows(control.ListProxyRules(level)) if isinstance(row, control.ProxyRuleRow)]
    names = [row.name for row in asking.rows(control.ListVariables(level)) if isinstance(row, control.VariableRow)]
    tests = [_test_of(row, name) for row in rules if row.test for name in names if fnmatchcase(name, row.key)]
    return [test for test in tests if not only or test.name in only]


def run_tests(level: str, tests: "list[LiveTest]", passphrase_file: "str | None") -> "list[LiveResult]":
    """Send the requests, one after the other, with a line for each host before the first, and for each answer.

    Raises:
        EnvFSError: there can be no proxy
    """
    for host in dict.fromkeys(test.host for test in tests):
        output.note(f"asks {host} for {', '.join(test.name for test in tests if test.host == host)}")
    shown = new_proxies.ShownVariables(tuple(dict.fromkeys(test.name for test in tests)), dangerous=True)
    variables = new_proxies.open_proxy(level, shown, "to test its keys", passphrase_file)
    for entry in variables.split(b"\0")[:-1]:
        name, _, value = entry.partition(b"=")
        os.environb[name] = value
    opener = urllib.request.build_opener(_NoRedirect)
    return [_result(opener, test, number, len(tests)) for number, test in enumerate(tests, 1)]


def _test_of(row: control.ProxyRuleRow, name: str) -> LiveTest:
    path, *words = row.test.split(" ")
    headers = dict(word.split(":", 1) for word in words)
    kind, _, place = next(iter(row.where), "header").partition(":")
    match kind:
        case "query":
            path += f"{'&' if '?' in path else '?'}{place}={{}}"
        case _ if place and place != _BEARER:
            headers[place] = "{}"
        case _:
            headers[_BEARER] = "Bearer {}"
    return LiveTest(name, row.hosts[0], path, headers)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect is an answer like others."""

    def redirect_request(
        self, _req: urllib.request.Request, _fp: "IO[bytes]", _code: int, _msg: str, _headers: "Message", _newurl: str
    ) -> None:
        """Follow none."""


def _result(opener: urllib.request.OpenerDirector, test: LiveTest, number: int, count: int) -> LiveResult:
    state, text = _ask(opener, test)
    output.done(f"{number}/{count} {test.name}: {state}{f', {text}' if text else ''}")
    return LiveResult(test.name, test.host, state, text)


def _ask(opener: urllib.request.OpenerDirector, test: LiveTest) -> "tuple[str, str]":
    placeholder = os.environ[test.name]
    headers = {_AGENT: "envfs", **{name: value.format(placeholder) for name, value in test.headers.items()}}
    request = urllib.request.Request(f"https://{test.host}{test.path.format(placeholder)}", headers=headers)
    try:
        answer: HTTPResponse
        with opener.open(request, timeout=_SECONDS) as answer:
            return "ok", "" if answer.status < 300 else f"the host answers {answer.status}"  # noqa: PLR2004
    except urllib.error.HTTPError as error:
        with error:
            return _of_status(error.code, error.headers.get(_OWN, ""), error)
    except OSError as error:
        return "unclear", f"the host cannot be reached: {getattr(error, 'reason', error)}"


def _of_status(status: int, own: str, body: "IO[bytes]") -> "tuple[str, str]":
    if own:
        return "unclear", _own_words(body)
    if status == _REFUSED:
        return "refused", f"the host answers {status}"
    return "unclear", f"the host answers {status}"


def _own_words(body: "IO[bytes]") -> str:
    import json

    try:
        return str(json.loads(body.read(1 << 16))["error"]["message"]).removeprefix("envfs: ")
    except (ValueError, KeyError, TypeError):
        return "the proxy refuses the request"

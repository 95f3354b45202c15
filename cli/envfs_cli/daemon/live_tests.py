"""Whether keys are right: one cheap request for each, sent through a proxy, so that no value is here.

Laws: a request has a placeholder. Of a response its status counts and nothing else. No redirect is followed. The hosts
are named before the first request.
"""

import base64
import os
import urllib.error
import urllib.request
from fnmatch import fnmatchcase
from urllib.parse import quote, unquote

from envfs.protocol import control
from envfs.tuples import NamedTuple
from envfs_cli import output
from envfs_cli.daemon import aws_request, new_proxies, session

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from email.message import Message
    from http.client import HTTPResponse
    from typing import IO

_SECONDS = 30
_REFUSED, _OF_AWS = 401, 403  # the latter for a request that everybody with a key may send
_OWN = "x-envfs-proxy"
_BEARER, _AGENT, _BASIC = "authorization", "user-agent", "basic"


class LiveTest(NamedTuple):
    """A request that tells whether a variable's value is right, with {} in the place of it."""

    name: str
    host: str
    path: str
    headers: "dict[str, str]"
    beside: "tuple[str, ...]" = ()  # variables that its signature is made of as well


class LiveResult(NamedTuple):
    """The answer about a variable. `state` is `ok`, `refused` or `unclear`, `text` says more."""

    name: str
    host: str
    state: str
    text: str


def find_tests(asking: "session.Session", level: str, only: "tuple[str, ...]" = ()) -> "list[LiveTest]":
    """Return the tests of a level's variables: those that a rule or the catalogue knows.

    It tells of each that the catalogue knows and has no test for, and why.
    """
    rules = [row for row in asking.rows(control.ListProxyRules(level)) if isinstance(row, control.ProxyRuleRow)]
    names = [row.name for row in asking.rows(control.ListVariables(level)) if isinstance(row, control.VariableRow)]
    tests = []
    for row in rules:
        for name in (name for name in names if fnmatchcase(name, row.key) and (not only or name in only)):
            if row.untested:
                output.note(f"{name} has no test: {row.untested}")
            elif row.test:
                tests += _tests_of(row, name, names)
    return tests


def run_tests(level: str, tests: "list[LiveTest]", passphrase_file: "str | None") -> "list[LiveResult]":
    """Send the requests, one after the other, with a line for each host before the first, and for each answer.

    Raises:
        EnvFSError: there can be no proxy
    """
    for host in dict.fromkeys(test.host for test in tests):
        output.note(f"asks {host} for {', '.join(test.name for test in tests if test.host == host)}")
    names = dict.fromkeys(name for test in tests for name in (test.name, *test.beside))
    shown = new_proxies.ShownVariables(tuple(names), dangerous=True)
    variables = new_proxies.open_proxy(level, shown, "to test its keys", passphrase_file)
    for entry in variables.split(b"\0")[:-1]:
        name, _, value = entry.partition(b"=")
        os.environb[name] = value
    opener = urllib.request.build_opener(_NoRedirect)
    return [_result(opener, test, number, len(tests)) for number, test in enumerate(tests, 1)]


def _tests_of(row: control.ProxyRuleRow, name: str, names: "Sequence[str]") -> "list[LiveTest]":
    path, *words = row.test.split(" ")
    headers = {header: unquote(value) for header, _, value in (word.partition(":") for word in words)}
    kind, _, place = next(iter(row.where), "header").partition(":")
    if kind == "sigv4":  # one request for a key with its secret and its token
        beside = tuple(other for other in aws_request.beside(name) if other in names)
        return [LiveTest(name, row.hosts[0], path, headers, beside)] if aws_request.is_key_id(name) and beside else []
    is_placed = any("{}" in text for text in (path, *headers.values())) or _BASIC in headers
    if kind == "query" and not is_placed:
        path += f"{'&' if '?' in path else '?'}{place}={{}}"
    elif not is_placed:
        headers |= {place: "{}"} if place and place != _BEARER else {_BEARER: "Bearer {}"}
    return [LiveTest(name, row.hosts[0], path, headers)]


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
    headers = {_AGENT: "envfs", **{name: value.replace("{}", placeholder) for name, value in test.headers.items()}}
    if user := headers.pop(_BASIC, ""):
        headers[_BEARER] = "Basic " + base64.b64encode(f"{user}:{placeholder}".encode()).decode()
    if test.beside:
        parts = (os.environ.get(name, "") for name in test.beside)
        headers |= aws_request.signed_headers(test.host, test.path, placeholder, *parts)
    target = test.path.replace("{}", quote(placeholder, safe="~!$&'()*+,;=:@"))
    request = urllib.request.Request(f"https://{test.host}{target}", headers=headers)
    try:
        answer: HTTPResponse
        with opener.open(request, timeout=_SECONDS) as answer:
            return "ok", "" if answer.status < 300 else f"the host answers {answer.status}"  # noqa: PLR2004
    except urllib.error.HTTPError as error:
        with error:
            refused = (_REFUSED, _OF_AWS) if test.beside else (_REFUSED,)
            return _of_status(error.code, refused, error.headers.get(_OWN, ""), error)
    except OSError as error:
        return "unclear", f"the host cannot be reached: {getattr(error, 'reason', error)}"


def _of_status(status: int, refused: "tuple[int, ...]", own: str, body: "IO[bytes]") -> "tuple[str, str]":
    if own:
        return "unclear", _own_words(body)
    if status in refused:
        return "refused", f"the host answers {status}"
    return "unclear", f"the host answers {status}"


def _own_words(body: "IO[bytes]") -> str:
    import json

    try:
        return str(json.loads(body.read(1 << 16))["error"]["message"]).removeprefix("envfs: ")
    except (ValueError, KeyError, TypeError):
        return "the proxy refuses the request"

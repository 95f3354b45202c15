"""A request for which a person has to say yes waits in the proxy, and nothing of it is sent before."""

import hashlib
import http.client
import json
import os
import threading
from collections.abc import Iterator

import pytest

from tests.component.proxying import HOST, KEY, SECONDS, VALUE, Proxy, Upstream, comes_true, running_proxy

TOLD = {"Authorization": f"Bearer {KEY.decode()}"}
AT_EACH = {"key": "KEY", "methods": ["POST"], "paths": ["/each*"], "approve": "each"}
AT_FIRST = {"key": "KEY", "paths": ["/first*"], "approve": "first"}


@pytest.fixture(scope="module")
def proxy(upstream: Upstream) -> Iterator[Proxy]:
    """Give the module a proxy."""
    with running_proxy(upstream, AT_EACH, AT_FIRST) as running:
        yield running


@pytest.fixture(autouse=True)
def waiting(upstream: Upstream, proxy: Proxy) -> Iterator[None]:
    """Let requests wait that a test sends."""
    for seen in (upstream.seen, proxy.admitted, proxy.refused, proxy.withdrawn):
        seen.clear()
    proxy.withheld = []
    yield
    proxy.withheld = None


class Asking:
    """A request in a thread of its own."""

    def __init__(self, proxy: Proxy, upstream: Upstream, method: str, path: str, body: bytes | None = None) -> None:
        self.client = proxy.connect(HOST, upstream.port)
        self.client.request(method, path, body, {**TOLD, "Content-Type": "text/plain"})
        self.status, self.text = 0, b""
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        try:
            response = self.client.getresponse()
            self.status, self.text = response.status, response.read()
        except (OSError, http.client.HTTPException):
            self.status = -1

    def end(self) -> int:
        """Wait for the response. Return its status."""
        self._thread.join(SECONDS)
        self.client.close()
        return self.status


def test_a_request_waits_with_its_body_and_goes_on_as_it_came(proxy: Proxy, upstream: Upstream) -> None:
    body = os.urandom(300_000)
    asking = Asking(proxy, upstream, "POST", "/each?to=all", body)
    assert comes_true(lambda: proxy.withheld)
    shown = proxy.admitted[0]
    assert (shown.method, shown.path, shown.query, shown.media) == ("POST", "/each", "to=all", "text/plain")
    assert (shown.digest, shown.size) == (hashlib.sha256(body).hexdigest(), len(body))
    assert VALUE.decode() not in repr(shown)
    assert not upstream.seen
    proxy.answer(is_yes=True)
    assert asking.end() == 200
    assert upstream.seen[0].body == body
    assert upstream.seen[0].headers["authorization"] == f"Bearer {VALUE.decode()}"


def test_a_refused_request_is_not_sent_and_its_client_hears_why(proxy: Proxy, upstream: Upstream) -> None:
    asking = Asking(proxy, upstream, "POST", "/each", b"x")
    assert comes_true(lambda: proxy.withheld)
    proxy.answer(is_yes=False)
    assert asking.end() == 403
    assert json.loads(asking.text)["error"]["code"] == "not-approved"
    assert not upstream.seen
    assert not proxy.refused  # the daemon has it in the log already


def test_the_first_of_its_kind_waits_without_its_body_being_held(proxy: Proxy, upstream: Upstream) -> None:
    asking = Asking(proxy, upstream, "POST", "/first?x=1", b"body")
    assert comes_true(lambda: proxy.withheld)
    assert proxy.admitted[0][5:] == (("KEY",), "", "", "", 0)
    proxy.answer(is_yes=True)
    assert asking.end() == 200
    assert upstream.seen[0].body == b"body"


def test_a_waiting_request_keeps_no_other_one_waiting(proxy: Proxy, upstream: Upstream) -> None:
    first, second = Asking(proxy, upstream, "POST", "/each", b"1"), Asking(proxy, upstream, "POST", "/each", b"2")
    assert comes_true(lambda: len(proxy.withheld or ()) == 2)
    proxy.answer(is_yes=True)
    proxy.answer(is_yes=False)
    assert sorted((first.end(), second.end())) == [200, 403]
    assert len(upstream.seen) == 1


def test_a_client_that_leaves_takes_its_request_back(proxy: Proxy, upstream: Upstream) -> None:
    asking = Asking(proxy, upstream, "POST", "/each", b"x")
    assert comes_true(lambda: proxy.withheld)
    proxy.denies = "the client has left"
    assert asking.client.sock is not None
    asking.client.sock.shutdown(2)
    assert comes_true(lambda: proxy.withdrawn == proxy.withheld)
    asking.end()
    proxy.denies = ""
    assert not upstream.seen


def test_a_body_that_is_too_large_to_be_held_is_refused(proxy: Proxy, upstream: Upstream) -> None:
    proxy.withheld = None
    asking = Asking(proxy, upstream, "POST", "/each", bytes((10 << 20) + 1))
    assert asking.end() == 413
    assert not upstream.seen

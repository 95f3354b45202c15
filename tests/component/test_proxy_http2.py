"""HTTP/2 on both sides of the proxy, for hosts of rules with `h2`: the same promises as for HTTP/1.1."""

import contextlib
import hashlib
import http.client
import json
import os
import ssl
from collections.abc import Iterator

import pytest
from _pytest.mark import ParameterSet
from hyperframe.frame import ContinuationFrame, DataFrame, HeadersFrame, PingFrame, RstStreamFrame

from envfs.protocol.bindings import Binding
from envfs.proxy.rules import parse_rules
from tests.component.http2_client import BEARER, Http2Client, tls
from tests.component.http2_host import Http2Upstream
from tests.component.proxying import BINDINGS, HOST, KEY, TOKEN, UNRULED, VALUE, Proxy, Upstream, comes_true

TOLD = f"Bearer {KEY.decode()}"
SENT = f"Bearer {VALUE.decode()}"


@contextlib.contextmanager
def _proxy(host: Upstream | Http2Upstream, bindings: tuple[Binding, ...] = BINDINGS, **more: object) -> Iterator[Proxy]:
    rule = {"key": "KEY", "hosts": [f"{HOST}:{host.port}"], "address": "127.0.0.1", "h2": True, **more}
    proxy = Proxy(parse_rules([rule]), str(host.roots), bindings=bindings)
    try:
        yield proxy
    finally:
        proxy.close()


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Http2Upstream]:
    """Give the module a host that speaks HTTP/2 alone."""
    upstream = Http2Upstream(tmp_path_factory.mktemp("http2"))
    yield upstream
    upstream.close()


@pytest.fixture(scope="module")
def older(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Upstream]:
    """Give the module a host that speaks HTTP/1.1 alone."""
    upstream = Upstream(tmp_path_factory.mktemp("http1"))
    yield upstream
    upstream.close()


@pytest.fixture(scope="module")
def proxy(host: Http2Upstream) -> Iterator[Proxy]:
    """Give the module a proxy for the host of HTTP/2."""
    with _proxy(host) as running:
        yield running


@pytest.fixture(scope="module")
def translating(older: Upstream) -> Iterator[Proxy]:
    """Give the module a proxy for the host of HTTP/1.1."""
    with _proxy(older) as running:
        yield running


@pytest.fixture(autouse=True)
def forgetting(host: Http2Upstream, older: Upstream, proxy: Proxy, translating: Proxy) -> None:
    """Let each test see its own requests alone."""
    for seen in (host.seen, host.reset, older.seen, proxy.admitted, proxy.refused, translating.admitted):
        seen.clear()
    host.may_go_on.set()


def test_the_host_gets_the_value_and_the_client_its_placeholder(proxy: Proxy, host: Http2Upstream) -> None:
    with Http2Client(proxy, host.port) as client:
        answer = client.ask("GET", "/key?a=1", BEARER)
    assert host.seen[0].headers == {
        ":method": "GET",
        ":scheme": "https",
        ":authority": f"{HOST}:{host.port}",
        ":path": "/key?a=1",
        "authorization": SENT,
    }
    assert json.loads(answer.body) == {"you": TOLD}
    assert answer.headers["x-told"] == TOLD
    assert proxy.admitted[0][1:6] == ("GET", f"{HOST}:{host.port}", "/key", "api-example-test", ("KEY",))


def test_http2_is_offered_for_hosts_of_such_rules_alone(proxy: Proxy, host: Http2Upstream, older: Upstream) -> None:
    with tls(proxy, host.port, ("http/1.1",)) as stream:
        assert stream.selected_alpn_protocol() == "http/1.1"
    with _proxy(older, h2=False) as plain, tls(plain, older.port) as stream:
        assert stream.selected_alpn_protocol() == "http/1.1"
        stream.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        assert stream.recv(100).startswith(b"HTTP/1.1 ")
    assert not older.seen


def test_a_client_of_http_1_reaches_a_host_of_http_2(proxy: Proxy, host: Http2Upstream) -> None:
    client = proxy.connect(HOST, host.port)
    for number in range(3):
        client.request("POST", f"/n{number}", b"x" * number, {"Authorization": TOLD})
        response = client.getresponse()
        assert (response.status, response.headers["x-path"]) == (200, f"/n{number}")
        assert response.read().decode() == hashlib.sha256(b"x" * number).hexdigest()
    client.request("GET", "/trailers", headers={"Authorization": TOLD})
    assert client.getresponse().read() == b"body"
    client.request("GET", "/reset")
    assert client.getresponse().status == 502
    client.close()
    assert [seen.headers.get("authorization") for seen in host.seen] == [*[SENT] * 4, None]


def test_a_client_of_http_2_reaches_a_host_of_http_1(translating: Proxy, older: Upstream) -> None:
    with Http2Client(translating, older.port) as client:
        assert json.loads(client.ask("GET", "/key", BEARER).body) == {"you": TOLD}
        number = client.begin("POST", "/x", BEARER, ("cookie", "a=1"), ("cookie", "b=2"), is_whole=False)
        client.send(number, b"a" * 100_000, is_last=True)
        echo = json.loads(client.response(number).body)
        assert client.ask("HEAD", "/x").status == 200
        assert client.ask("GET", "/nothing").status == 204
        assert client.ask("HEAD", "/x?" + UNRULED.decode()).status == 403
        assert client.ask("GET", "/early").status == 400
    assert echo["sha256"] == hashlib.sha256(b"a" * 100_000).hexdigest()
    assert older.seen[1].headers["cookie"] == "a=1; b=2"
    assert older.seen[1].headers["transfer-encoding"] == "chunked"
    assert [seen.headers["authorization"] for seen in older.seen[:2]] == [SENT] * 2


def test_streams_go_side_by_side_over_one_connection(proxy: Proxy, host: Http2Upstream) -> None:
    before = host.connections
    with Http2Client(proxy, host.port) as client:
        hanging = client.begin("GET", "/hanging", BEARER)
        numbers = [client.begin("GET", f"/n{number}", BEARER) for number in range(50)]
        assert [client.response(number).headers["x-path"] for number in numbers] == [f"/n{n}" for n in range(50)]
        client.http.reset_stream(hanging)
        client.flush()
        assert comes_true(lambda: host.reset)
        assert client.ask("GET", "/key", BEARER).status == 200
    assert host.connections == before + 1


def test_a_body_is_passed_on_piece_by_piece_and_no_faster_than_it_is_taken(proxy: Proxy, host: Http2Upstream) -> None:
    data = os.urandom(3_000_000)
    with Http2Client(proxy, host.port) as client:
        number = client.begin("POST", "/x", is_whole=False)
        client.send(number, data, is_last=True)
        assert client.response(number).body.decode() == hashlib.sha256(data).hexdigest()
        assert client.ask("GET", "/bytes?1000000", BEARER).body == b"\xff\x00b" * 1_000_000


def test_a_stream_that_is_not_read_keeps_no_other_one_waiting(proxy: Proxy, host: Http2Upstream) -> None:
    with Http2Client(proxy, host.port) as client:
        client.http.update_settings({4: 1000})  # what a stream may have on its way to here
        client.flush()
        stalled = client.begin("GET", "/bytes?200000", BEARER)
        while not client.body(stalled):
            client.read()
        # the one above gets no more room than its first 1000 bytes, and what is taken of these
        assert client.ask("GET", "/n1").status == 200


def test_messages_of_grpc_pass_one_by_one_with_trailers_behind(proxy: Proxy, host: Http2Upstream) -> None:
    with Http2Client(proxy, host.port) as client:
        number = client.begin("POST", "/echo", BEARER, ("te", "trailers"), is_whole=False)
        for text in (b"one", b"two " + VALUE, b""):
            message = b"\0" + len(text).to_bytes(4) + text
            before = len(client.body(number))
            client.send(number, message)
            while len(client.body(number)) < before + len(message):
                client.read()
        client.send(number, b"", is_last=True)
        answer = client.response(number)
    assert answer.trailers == {"grpc-status": "0"}
    assert answer.body == b"\0\0\0\0\x03one" + b"\0" + (4 + len(KEY)).to_bytes(4) + b"two " + KEY + b"\0\0\0\0\0"
    assert host.seen[0].headers["te"] == "trailers"


def test_trailers_go_both_ways_and_hold_no_value(proxy: Proxy, host: Http2Upstream) -> None:
    with Http2Client(proxy, host.port) as client:
        answer = client.ask("GET", "/trailers", BEARER)
        number = client.begin("POST", "/x", is_whole=False)
        client.send(number, b"body")
        client.http.send_headers(number, [("x-sum", "1")], end_stream=True)
        client.flush()
        assert client.response(number).status == 200
        number = client.begin("POST", "/x", is_whole=False)
        client.http.send_headers(number, [("x-sum", KEY.decode())], end_stream=True)
        client.flush()
        assert client.response(number).status != 200
    assert answer.trailers == {"grpc-status": "0", "grpc-message": TOLD}
    assert [seen.trailers for seen in host.seen] == [{}, {"x-sum": "1"}]


def test_a_compressed_response_is_looked_through(proxy: Proxy, host: Http2Upstream) -> None:
    with Http2Client(proxy, host.port) as client:
        answer = client.ask("GET", "/gzip", BEARER, ("accept-encoding", "gzip, br"))
    assert answer.body == b"x" * 70_000 + TOLD.encode()
    assert "content-encoding" not in answer.headers
    assert host.seen[0].headers["accept-encoding"] == "identity"


def test_a_request_that_a_host_ends_is_told_apart_from_a_whole_one(proxy: Proxy, host: Http2Upstream) -> None:
    with Http2Client(proxy, host.port) as client:
        assert client.ask("GET", "/reset", BEARER).status == 502
        assert client.ask("GET", "/half", BEARER).status == 0
        assert client.ask("GET", "/key", BEARER).status == 200


def test_a_host_that_takes_no_more_streams_ends_those_that_it_has(proxy: Proxy, host: Http2Upstream) -> None:
    host.may_go_on.clear()
    before = host.connections
    with Http2Client(proxy, host.port) as client:
        leaving = client.begin("GET", "/leaving", BEARER)
        assert comes_true(lambda: any(seen.path == "/leaving" for seen in host.seen))
        assert comes_true(lambda: client.ask("GET", "/hanging-not").status and host.connections == before + 2)
        host.may_go_on.set()
        assert client.response(leaving).body == b"last"


@pytest.mark.parametrize(("path", "connections"), [("/refused", 0), ("/ignored", 1)])
@pytest.mark.parametrize("version", ["h2", "http/1.1"])
def test_a_request_that_a_host_did_nothing_with_is_sent_once_more(
    host: Http2Upstream, path: str, connections: int, version: str
) -> None:
    with _proxy(host) as proxy:
        before = host.connections
        if version == "h2":
            with Http2Client(proxy, host.port) as client:
                assert client.ask("GET", path, BEARER).status == 200
        else:
            older_client = proxy.connect(HOST, host.port)
            older_client.request("GET", path, headers=dict([BEARER]))
            assert older_client.getresponse().status == 200
            older_client.close()
        assert [seen.headers["authorization"] for seen in host.seen] == [SENT, SENT]
        assert host.connections - before == 1 + connections
        assert len(proxy.admitted) == 1


def test_a_body_that_went_through_is_not_sent_once_more(proxy: Proxy, host: Http2Upstream) -> None:
    with Http2Client(proxy, host.port) as client:
        number = client.begin("POST", "/refused", BEARER, is_whole=False)
        client.send(number, b"body", is_last=True)
        assert client.response(number).status == 502
    assert len(host.seen) == 1


@pytest.mark.parametrize("length", [20, 26, 60])
def test_a_text_with_its_length_before_it_keeps_that_length(host: Http2Upstream, length: int) -> None:
    value = b"v" * length
    with _proxy(host, bindings=(Binding("KEY", KEY, value),)) as proxy, Http2Client(proxy, host.port) as client:
        shown = KEY[:length].ljust(length, b"*")
        answer = client.ask("GET", "/typed", BEARER)
        web = client.ask("GET", "/web", BEARER).body
    assert answer.body == b"\x0a%c%b\x10\x01" % (length, shown)
    size = (7 + length).to_bytes(4)
    assert web == b"\0" + size + b"Bearer " + shown + b"\x80" + size + b"Bearer " + shown


def test_a_token_of_the_clients_own_is_never_overwritten(proxy: Proxy, host: Http2Upstream) -> None:
    with Http2Client(proxy, host.port) as client:
        assert client.ask("GET", "/x", ("authorization", "Bearer own"), ("x-other", "1")).status == 200
    assert {name for name in host.seen[0].headers if not name.startswith(":")} == {"authorization", "x-other"}
    assert host.seen[0].headers["authorization"] == "Bearer own"


def test_a_placeholder_without_a_rule_is_refused_and_its_neighbours_are_not(proxy: Proxy, host: Http2Upstream) -> None:
    with Http2Client(proxy, host.port) as client:
        refused = client.ask("GET", "/x", ("x-key", UNRULED.decode()))
        assert client.ask("GET", "/x?q=" + KEY.decode()).status == 403
        assert client.ask("GET", "/key", BEARER).status == 200
    assert refused.status == 403
    assert b"UNRULED may not be sent" in refused.body
    assert "connection" not in refused.headers
    assert len(host.seen) == 1
    assert proxy.reported(lambda refusal: refusal.reason == "no-rule")


def test_without_an_entry_in_the_log_nothing_is_sent(host: Http2Upstream) -> None:
    with _proxy(host) as denying, Http2Client(denying, host.port) as client:
        denying.denies = "the access log cannot be written"
        assert client.ask("GET", "/key", BEARER).status == 503
    assert not host.seen


def test_a_request_waits_for_a_person_alone_and_is_bound_to_its_body(host: Http2Upstream) -> None:
    with _proxy(host, approve="each") as asking, Http2Client(asking, host.port) as client:
        asking.withheld = []
        first = client.begin("POST", "/x?y=1", BEARER, is_whole=False)
        client.send(first, b"body", is_last=True)
        assert comes_true(lambda: asking.withheld)
        second = client.begin("POST", "/x", BEARER, is_whole=False)
        client.send(second, b"", is_last=True)
        assert comes_true(lambda: len(asking.withheld or []) == 2)
        assert not host.seen
        client.http.reset_stream(second)
        client.flush()
        assert comes_true(lambda: asking.withdrawn)
        asking.withheld = asking.withheld[:1]
        asking.answer(is_yes=True)
        assert client.response(first).status == 200
        shown = asking.admitted[0]
    assert (shown.query, shown.size, shown.digest) == ("y=1", 4, hashlib.sha256(b"body").hexdigest())
    assert [seen.body for seen in host.seen] == [b"body"]


def test_another_name_in_the_handshake_ends_it(proxy: Proxy, host: Http2Upstream) -> None:
    with pytest.raises(ssl.SSLError):
        tls(proxy, host.port, name="evil.example.test")


HEAD = {":method": "GET", ":scheme": "https", ":authority": "NAME", ":path": "/x"}
UNCERTAIN = {
    "another authority": ({**HEAD, ":authority": "evil.example.test"}, 421),
    "another host": ({**HEAD, "host": "evil.example.test"}, 0),
    "no authority": ({name: value for name, value in HEAD.items() if name != ":authority"}, 0),
    "an authority with a user": ({**HEAD, ":authority": "NAME@evil.example.test"}, 421),
    "an authority with a path": ({**HEAD, ":authority": "NAME/x"}, 421),
    "unencrypted": ({**HEAD, ":scheme": "http"}, 400),
    "no scheme": ({name: value for name, value in HEAD.items() if name != ":scheme"}, 0),
    "no path": ({name: value for name, value in HEAD.items() if name != ":path"}, 0),
    "an empty path": ({**HEAD, ":path": ""}, 0),
    "an absolute path": ({**HEAD, ":path": "https://evil.example.test/x"}, 400),
    "a star": ({**HEAD, ":path": "*"}, 400),
    "dots": ({**HEAD, ":path": "/a/../x"}, 400),
    "dots as numbers": ({**HEAD, ":path": "/a/%2e%2e/x"}, 400),
    "a backslash": ({**HEAD, ":path": "/a\\x"}, 400),
    "a blank in the path": ({**HEAD, ":path": "/x HTTP/1.1"}, 400),
    "a line end in the path": ({**HEAD, ":path": "/x HTTP/1.1\r\nhost: evil\r\n\r\n"}, 0),
    "a fragment": ({**HEAD, ":path": "/x#y"}, 400),
    "TRACE": ({**HEAD, ":method": "TRACE"}, 405),
    "CONNECT": ({":method": "CONNECT", ":authority": "NAME"}, 400),
    "CONNECT with a path": ({**HEAD, ":method": "CONNECT"}, 0),
    "a method with a blank": ({**HEAD, ":method": "GET /y HTTP/1.1\r\n"}, 0),
    "a small method": ({**HEAD, ":method": "get"}, 405),
    "a protocol": ({**HEAD, ":method": "CONNECT", ":protocol": "websocket"}, 501),
    "a protocol of GET": ({**HEAD, ":protocol": "websocket"}, 0),
    "an unknown pseudo header": ({**HEAD, ":other": "x"}, 0),
    "a status": ({**HEAD, ":status": "200"}, 0),
    "connection": ({**HEAD, "connection": "close"}, 0),
    "keep-alive": ({**HEAD, "keep-alive": "1"}, 0),
    "upgrade": ({**HEAD, "upgrade": "h2c"}, 0),
    "proxy-connection": ({**HEAD, "proxy-connection": "close"}, 0),
    "transfer-encoding": ({**HEAD, "transfer-encoding": "chunked"}, 0),
    "another te": ({**HEAD, "te": "gzip"}, 0),
    "a capital": ({**HEAD, "X-Header": "1"}, 0),
    "a blank in a name": ({**HEAD, "x header": "1"}, 0),
    "a colon in a name": ({**HEAD, "x:y": "1"}, 0),
    "a line end in a name": ({**HEAD, "x\r\nhost": "1"}, 0),
    "a line end in a value": ({**HEAD, "x": "1\r\nhost: evil"}, 0),
    "a nul in a value": ({**HEAD, "x": "1\0"}, 0),
    "a blank before a value": ({**HEAD, "x": " 1"}, 0),
    "an empty name": ({**HEAD, "": "1"}, 0),
    "a length that is too long": ({**HEAD, "content-length": "5"}, 400),
    "a length that is none": ({**HEAD, "content-length": "+0"}, 0),
    "too large": ({**HEAD, "x": "a" * 70_000}, 0),
    "too many": ({**HEAD, **{f"x{number}": "1" for number in range(250)}}, 431),
}
TWICE = {
    "two paths": ([*HEAD.items(), (":path", "/y")], 0),
    "two authorities": ([*HEAD.items(), (":authority", "NAME")], 0),
    "a pseudo header behind another one": ([("x", "1"), *HEAD.items()], 0),
    "two lengths": ([*HEAD.items(), ("content-length", "0"), ("content-length", "1")], 0),
    "two hosts": ([*HEAD.items(), ("host", "NAME"), ("host", "evil.example.test")], 0),
}


SAMPLE = (
    "another authority",
    "an absolute path",
    "dots as numbers",
    "transfer-encoding",
    "a line end in a value",
    "two lengths",
)


def _case(name: str) -> ParameterSet:
    return pytest.param(name, marks=() if name in SAMPLE else pytest.mark.soak)


@pytest.mark.parametrize("name", list(map(_case, [*UNCERTAIN, *TWICE])))
def test_a_request_of_uncertain_meaning_reaches_no_host(
    proxy: Proxy, translating: Proxy, host: Http2Upstream, older: Upstream, name: str
) -> None:
    table, status = UNCERTAIN.get(name, ({}, 0))
    heads, status = TWICE.get(name, (list(table.items()), status))
    for running, port in ((proxy, host.port), (translating, older.port)):
        with Http2Client(running, port) as client:
            client.send_raw([(key, value.replace("NAME", client.authority)) for key, value in heads])
            assert client.outcome() == status
        assert not running.admitted
    assert not host.seen
    assert not older.seen


def test_a_body_that_does_not_fit_its_length_never_looks_whole(translating: Proxy, older: Upstream) -> None:
    for body, is_last in ((b"abcdef", False), (b"abc", True)):
        with Http2Client(translating, older.port) as client:
            client.send_raw([*client.head("POST", "/x", ("content-length", "5"))], is_whole=False)
            client.send_frame(DataFrame(1, body, flags=["END_STREAM"] if is_last else []))
            assert client.outcome() in (0, 400, 502)
    assert not [seen for seen in older.seen if seen.body]


def test_frames_where_none_may_be_end_the_connection(proxy: Proxy, host: Http2Upstream) -> None:
    frames = [
        [DataFrame(1, b"x")],
        [ContinuationFrame(1, b"x")],
        [RstStreamFrame(1)],
        [HeadersFrame(2, b"\x82", flags=["END_HEADERS", "END_STREAM"])],
        [HeadersFrame(1, b"\x82", flags=["END_STREAM"]), PingFrame(0, b"12345678")],
        [HeadersFrame(1, b"\xff\xff\xff\xff\xff\xff", flags=["END_HEADERS", "END_STREAM"])],
    ]
    for sent in frames:
        with Http2Client(proxy, host.port) as client:
            for frame in sent:
                client.send_frame(frame)
            assert client.outcome() == 0
    assert not host.seen


def test_a_head_that_never_ends_is_not_waited_for(proxy: Proxy, host: Http2Upstream) -> None:
    with Http2Client(proxy, host.port) as client:
        client.send_frame(HeadersFrame(1, b"\x82", flags=["END_STREAM"]))
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            for _ in range(1000):
                client.send_frame(ContinuationFrame(1, b""))
        assert client.outcome() == 0
    with Http2Client(proxy, host.port) as client:
        assert client.ask("GET", "/key", BEARER).status == 200


def test_streams_that_are_given_up_again_and_again_end_the_connection(proxy: Proxy, host: Http2Upstream) -> None:
    with Http2Client(proxy, host.port) as client:
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            for _ in range(1000):
                number = client.begin("GET", "/hanging", BEARER)
                client.http.reset_stream(number)
                client.flush()
        while client.read():
            pass
        assert client.has_ended
    with Http2Client(proxy, host.port) as client:
        assert client.ask("GET", "/key", BEARER).status == 200


def test_more_streams_than_there_may_be_at_once_are_refused(proxy: Proxy, host: Http2Upstream) -> None:
    with Http2Client(proxy, host.port) as client:
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            for number in range(1, 403, 2):
                client.send_raw(client.head("GET", "/hanging"), number)
        assert client.outcome(403) == 0
    assert comes_true(lambda: len(host.seen) <= 100)


def test_a_client_that_is_gone_takes_its_requests_with_it(proxy: Proxy, host: Http2Upstream) -> None:
    with Http2Client(proxy, host.port) as client:
        client.begin("GET", "/hanging", BEARER)
        assert comes_true(lambda: host.seen)
    with Http2Client(proxy, host.port) as client:
        assert client.ask("GET", "/key", BEARER).status == 200


def test_the_base_url_leads_to_a_host_of_http_2(proxy: Proxy, host: Http2Upstream) -> None:
    client = http.client.HTTPConnection("127.0.0.1", proxy.port)
    client.request("GET", f"/{TOKEN}/r/api-example-test/key", headers={"Authorization": TOLD})
    assert json.loads(client.getresponse().read()) == {"you": TOLD}
    client.close()
    assert host.seen[0].headers[":authority"] == f"{HOST}:{host.port}"

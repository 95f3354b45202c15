"""The proxy process between a client and a host: what the host gets, what comes back, what is refused."""

import base64
import contextlib
import hashlib
import http.client
import json
import os
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from envfs.host.process import landlock
from envfs.proxy.replacing import replace_texts
from envfs.proxy.rules import parse_rules
from envfs.proxy.scrubbing import credential_pairs, scrubbing_pairs
from envfs.proxy.variables import SessionVariable
from tests.component.proxying import (
    CREDENTIALS,
    HOST,
    KEY,
    MIXED,
    MIXED_VALUE,
    SECONDS,
    SHORTER,
    SHORTER_VALUE,
    TOKEN,
    UNRULED,
    VALUE,
    Proxy,
    Upstream,
    running_proxy,
)


@pytest.fixture(scope="module")
def proxy(upstream: Upstream) -> Iterator[Proxy]:
    """Give the module a proxy."""
    more = ({"key": "SHORTER", "where": ["query:key", "json:token", "header:x-shorter"]},)
    with running_proxy(upstream, *more) as running:
        yield running


@pytest.fixture(autouse=True)
def forgetting(upstream: Upstream, proxy: Proxy) -> None:
    """Let each test see its own requests alone."""
    for seen in (upstream.seen, proxy.admitted, proxy.refused):
        seen.clear()
    proxy.denies = ""


AUTHORIZED = {"Authorization": f"Bearer {KEY.decode()}"}


def _ask(
    proxy: Proxy, upstream: Upstream, path: str, headers: dict[str, str] = AUTHORIZED, **more: object
) -> tuple[http.client.HTTPResponse, bytes]:
    client = proxy.connect(HOST, upstream.port)
    try:
        client.request(str(more.pop("method", "GET")), path, headers=headers, **more)  # type: ignore[arg-type]
        response = client.getresponse()
        return response, response.read()
    finally:
        client.close()


def test_the_host_gets_the_value_and_the_client_its_placeholder(proxy: Proxy, upstream: Upstream) -> None:
    response, body = _ask(proxy, upstream, "/key")
    assert upstream.seen[0].headers["authorization"] == f"Bearer {VALUE.decode()}"
    assert json.loads(body) == {"you": f"Bearer {KEY.decode()}"}
    assert response.headers["X-Told"] == f"Bearer {KEY.decode()}"
    assert proxy.admitted[0][1:6] == ("GET", f"{HOST}:{upstream.port}", "/key", "api-example-test", ("KEY",))


def test_many_requests_go_over_one_connection(proxy: Proxy, upstream: Upstream) -> None:
    client = proxy.connect(HOST, upstream.port)
    for number in range(5):
        client.request("POST", f"/n{number}", b"x" * number, AUTHORIZED)
        assert json.loads(client.getresponse().read())["target"] == f"/n{number}"
    client.close()
    assert [seen.headers["authorization"] for seen in upstream.seen] == [f"Bearer {VALUE.decode()}"] * 5


def test_a_token_of_the_clients_own_is_never_overwritten(proxy: Proxy, upstream: Upstream) -> None:
    _ask(proxy, upstream, "/x", {"Authorization": "Bearer own", "X-Other": "1"})
    sent = upstream.seen[0].headers
    assert sent["authorization"] == "Bearer own"
    assert set(sent) == {"host", "authorization", "x-other", "accept-encoding"}
    assert sent["accept-encoding"] == "identity"


@pytest.mark.parametrize(
    ("path", "headers", "key", "place"),
    [
        ("/x", {"X-Key": UNRULED.decode()}, "UNRULED", "header:x-key"),
        ("/x?q=" + KEY.decode(), {}, "KEY", "query:q"),
        ("/x", {"Cookie": f"a={KEY.decode()}"}, "KEY", "header:cookie"),
        ("/x", {"X-Other": SHORTER.decode()}, "SHORTER", "header:x-other"),
    ],
)
def test_a_placeholder_without_a_rule_is_refused_and_nothing_is_sent(
    proxy: Proxy, upstream: Upstream, path: str, headers: dict[str, str], key: str, place: str
) -> None:
    response, body = _ask(proxy, upstream, path, headers)
    error = json.loads(body)["error"]
    assert response.status == 403
    assert f"{key} may not be sent to {HOST}:{upstream.port} in {place}" in error["message"]
    assert f'key = "{key}"' in error["hint"]
    assert f'where = ["{place}"]' in error["hint"]
    assert not upstream.seen
    assert not proxy.admitted
    assert proxy.reported(lambda refusal: refusal.host == f"{HOST}:{upstream.port}")


def test_a_part_of_a_response_is_not_asked_for(proxy: Proxy, upstream: Upstream) -> None:
    response, body = _ask(proxy, upstream, "/part", {**AUTHORIZED, "Range": "bytes=7-12", "If-Range": '"1"'})
    assert (response.status, body) == (200, AUTHORIZED["Authorization"].encode())
    assert response.headers["Accept-Ranges"] is None
    assert not {"range", "if-range"} & set(upstream.seen[0].headers)
    response, body = _ask(proxy, upstream, "/part?always", AUTHORIZED)
    assert response.status == 502
    assert VALUE[:8] not in body


def test_a_part_comes_where_nothing_is_looked_for(upstream: Upstream) -> None:
    with running_proxy(upstream, {"key": "SHORTER", "scrub": False}) as proxy:
        response, body = _ask(proxy, upstream, "/part", {"Authorization": "own-token", "Range": "bytes=2-4"})
        assert response.status == 200  # the first rule of the host looks through
    rule = {"key": "KEY", "hosts": [f"{HOST}:{upstream.port}"], "address": "127.0.0.1", "scrub": False}
    proxy = Proxy(parse_rules([rule]), str(upstream.roots))
    try:
        response, body = _ask(proxy, upstream, "/part", {"Authorization": "own-token", "Range": "bytes=2-4"})
        assert (response.status, body) == (206, b"n-t")
    finally:
        proxy.close()


def test_a_header_in_which_a_host_cuts_a_value_is_left_out(proxy: Proxy, upstream: Upstream) -> None:
    response, _ = _ask(proxy, upstream, "/folded")
    assert response.status == 200
    assert response.headers["X-Told"] is None
    assert response.headers["X-Other"] == "a b"


def test_a_value_is_not_cut_by_messages_that_are_none(proxy: Proxy, upstream: Upstream) -> None:
    with pytest.raises(http.client.RemoteDisconnected):  # not one byte of a body that is none of messages
        _ask(proxy, upstream, "/cut_by_messages")
    assert upstream.seen


def test_what_a_host_sends_behind_a_response_answers_no_other_request(proxy: Proxy, upstream: Upstream) -> None:
    client = proxy.connect(HOST, upstream.port)
    client.request("GET", "/behind", headers=AUTHORIZED)
    assert client.getresponse().read() == b"one"
    client.request("GET", "/nothing", headers=AUTHORIZED)
    assert client.getresponse().status == 204
    client.close()


def test_without_an_entry_in_the_log_nothing_is_sent(proxy: Proxy, upstream: Upstream) -> None:
    proxy.denies = "the access log cannot be written"
    response, body = _ask(proxy, upstream, "/key")
    assert response.status == 503
    assert b"the access log cannot be written" in body
    assert not upstream.seen


def test_a_binary_body_arrives_bit_by_bit_the_same(proxy: Proxy, upstream: Upstream) -> None:
    data = os.urandom(3_000_000) + KEY
    for body in (data, iter((data[:1_000_000], data[1_000_000:]))):
        _, answer = _ask(proxy, upstream, "/x", method="POST", body=body)
        assert json.loads(answer)["sha256"] == hashlib.sha256(data).hexdigest()


def test_a_field_of_a_json_body_is_filled_and_its_length_is_right(proxy: Proxy, upstream: Upstream) -> None:
    headers = {"Content-Type": "application/json"}
    body = b'{"token": "%b", "n": 1.50}' % SHORTER
    response, _ = _ask(proxy, upstream, "/x", headers, method="POST", body=body)
    assert response.status == 200
    assert upstream.seen[0].body == b'{"token": "short/value", "n": 1.50}'
    talk = b'{"messages": ["%b and %b"]}' % (SHORTER, KEY)
    _ask(proxy, upstream, "/x", headers, method="POST", body=talk)
    assert upstream.seen[1].body == talk


def test_a_shorter_value_makes_the_response_chunked(proxy: Proxy, upstream: Upstream) -> None:
    response, body = _ask(proxy, upstream, "/x?key=" + SHORTER.decode(), {})
    assert upstream.seen[0].target == "/x?key=short%2Fvalue"
    assert json.loads(body)["target"] == "/x?key=" + SHORTER.decode()
    assert response.headers["X-Echo"] == "/x?key=" + SHORTER.decode()
    assert response.headers["Content-Length"] is None
    assert SHORTER_VALUE not in body


def test_a_compressed_response_is_looked_through(proxy: Proxy, upstream: Upstream) -> None:
    response, body = _ask(proxy, upstream, "/gzip")
    assert response.headers["Content-Encoding"] is None
    assert body == b"x" * 70_000 + b"Bearer " + KEY + b"y" * 70_000


def test_a_response_that_cannot_be_looked_through_is_not_passed_on(proxy: Proxy, upstream: Upstream) -> None:
    response, body = _ask(proxy, upstream, "/brotli")
    assert response.status == 502
    assert b"hello" not in body


def test_the_reason_and_the_names_of_headers_hold_no_value(proxy: Proxy, upstream: Upstream) -> None:
    response, _ = _ask(proxy, upstream, "/reason")
    assert response.reason == f"no such key {KEY.decode()}"
    assert VALUE.decode() not in str(response.headers)


def test_the_name_of_a_header_holds_no_value_in_other_letters(upstream: Upstream) -> None:
    with running_proxy(upstream, {"key": "MIXED"}) as mixed:
        response, _ = _ask(mixed, upstream, "/reason", {"Authorization": f"Bearer {MIXED.decode()}"})
    assert upstream.seen[0].headers["authorization"] == f"Bearer {MIXED_VALUE.decode()}"
    assert response.status == 400
    assert MIXED_VALUE.decode().lower() not in str(response.headers).lower()


@pytest.mark.parametrize("way", ["short%2fvalue", "short%2Fvalue", "short\\/value", "short/value"])
def test_a_value_becomes_a_placeholder_however_an_address_or_json_writes_it(
    proxy: Proxy, upstream: Upstream, way: str
) -> None:
    _, body = _ask(proxy, upstream, "/x", {"X-Shorter": SHORTER.decode()})
    assert SHORTER_VALUE not in body
    assert _ask(proxy, upstream, f"/written?{way}", {})[1] == SHORTER + b"\n"


def test_credentials_of_http_basic_become_those_of_the_client_again(proxy: Proxy, upstream: Upstream) -> None:
    own = "Basic " + base64.b64encode(b"user:" + KEY).decode()
    _, body = _ask(proxy, upstream, "/written", {"Authorization": own})
    assert upstream.seen[0].basic == f"user:{VALUE.decode()}"
    assert body.decode() == f"\n{own}"


def test_credentials_of_http_basic_are_found_in_every_writing(proxy: Proxy, upstream: Upstream) -> None:
    own = base64.b64encode(b"\xff\xff\xff\xfe?~~?:" + KEY).decode()
    _, body = _ask(proxy, upstream, "/written", {"Authorization": f"Basic\t{own}"})
    assert upstream.seen[0].headers["authorization"] != f"Basic\t{own}"
    assert body.decode() == f"\nBasic\t{own}"
    pairs = credential_pairs(((b"a", b"Basic cGxhY2U/"),), ((b"a", b"Basic dmFsdWU/"),))
    for way, written in ((b"dmFsdWU/", b"cGxhY2U/"), (b"dmFsdWU\\/", b"cGxhY2U\\/"), (b"dmFsdWU%2F", b"cGxhY2U%2F")):
        assert replace_texts(way, pairs) == written


def test_a_placeholder_is_written_as_its_value_was() -> None:
    value, placeholder = b'secret\n"of\\lines', b'placeholder\n"of\\lines'
    pairs = scrubbing_pairs([SessionVariable("KEY", placeholder, memoryview(value))])
    assert replace_texts(value, pairs) == placeholder
    text = replace_texts(json.dumps({"key": value.decode()}).encode(), pairs)
    assert json.loads(text) == {"key": placeholder.decode()}
    assert replace_texts(b"/?key=" + quote(value).encode(), pairs) == b"/?key=" + quote(placeholder).encode()


def test_a_response_with_two_lengths_has_the_one_of_its_chunks(proxy: Proxy, upstream: Upstream) -> None:
    assert _ask(proxy, upstream, "/lengths")[1] == b"hello"
    with running_proxy(upstream) as alike:  # placeholder and value are of one length, so a length is passed on
        assert _ask(alike, upstream, "/lengths")[1] == b"hello"


def test_each_member_of_a_compressed_response_is_looked_through(proxy: Proxy, upstream: Upstream) -> None:
    assert _ask(proxy, upstream, "/members")[1] == b"one Bearer " + KEY
    assert _ask(proxy, upstream, "/codings")[0].status == 502
    with pytest.raises(http.client.HTTPException):
        _ask(proxy, upstream, "/cut")


def test_what_is_reported_of_a_request_has_bounds(proxy: Proxy, upstream: Upstream) -> None:
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=SECONDS) as stranger:
        stranger.sendall(b"A" * 65_000 + b" / HTTP/1.1\r\nhost: x\r\n\r\n")
        assert _status(stranger) == 407
    with _tls(proxy, upstream) as stream:
        stream.sendall(b"GET /%b HTTP/1.1\r\nhost: %b\r\n\r\n" % (b'"' * 65_000, _name(upstream)))
        assert stream.recv(1000).startswith(b"HTTP/1.1 431 ")
    assert proxy.reported(lambda refusal: refusal.method == "A" * 32)
    assert proxy.reported(lambda refusal: len(refusal.path) == 1 << 15)


def test_events_come_one_by_one(proxy: Proxy, upstream: Upstream) -> None:
    upstream.may_go_on.clear()
    client = proxy.connect(HOST, upstream.port)
    client.request("GET", "/events", headers=AUTHORIZED)
    response = client.getresponse()
    assert response.read1(100) == b"data: one\n\n"  # while the host waits
    upstream.may_go_on.set()
    rest = b""
    while piece := response.read1(1000):
        rest += piece
    assert rest == b"data: Bearer " + KEY + b"\n\ndata: last\n\n"
    client.close()


@pytest.mark.parametrize(("method", "path", "status"), [("HEAD", "/x", 200), ("GET", "/nothing", 204)])
def test_a_response_without_a_body_ends_at_once(
    proxy: Proxy, upstream: Upstream, method: str, path: str, status: int
) -> None:
    client = proxy.connect(HOST, upstream.port)
    for _ in range(2):
        client.request(method, path, headers=AUTHORIZED)
        response = client.getresponse()
        assert (response.status, response.read()) == (status, b"")
    client.close()


def test_a_host_may_answer_before_it_has_the_whole_body(proxy: Proxy, upstream: Upstream) -> None:
    response, body = _ask(proxy, upstream, "/early", method="POST", body=b"x" * 100)
    assert (response.status, body) == (400, b"enough")


def test_a_client_that_expects_100_is_told_to_go_on(proxy: Proxy, upstream: Upstream) -> None:
    with _tls(proxy, upstream) as stream:
        length = b"POST /x HTTP/1.1\r\nhost: %b\r\nexpect: 100-continue\r\ncontent-length: 4\r\n\r\n" % _name(upstream)
        stream.sendall(length)
        assert stream.recv(1000).startswith(b"HTTP/1.1 100 ")
        stream.sendall(b"body")
        assert stream.recv(1000).startswith(b"HTTP/1.1 200 ")
    assert upstream.seen[0].body == b"body"


def test_a_host_that_goes_on_in_another_protocol_is_not_relayed(proxy: Proxy, upstream: Upstream) -> None:
    with _tls(proxy, upstream) as stream:
        stream.sendall(
            b"GET /another HTTP/1.1\r\nhost: %b\r\nconnection: Upgrade\r\nupgrade: websocket\r\n"
            b"authorization: Bearer %b\r\n\r\n" % (_name(upstream), KEY)
        )
        assert stream.recv(1000).startswith(b"HTTP/1.1 502 ")


def _name(upstream: Upstream) -> bytes:
    return f"{HOST}:{upstream.port}".encode()


def _tls(proxy: Proxy, upstream: Upstream) -> ssl.SSLSocket:
    return proxy.authority.trust().wrap_socket(_tunnel(proxy, f"{HOST}:{upstream.port}"), server_hostname=HOST)


def _tunnel(proxy: Proxy, target: str) -> socket.socket:
    plain = _asked_for_tunnel(proxy, target)
    assert _status(plain) == 200
    return plain


def _tunnel_status(proxy: Proxy, target: str, credentials: str = CREDENTIALS) -> int:
    with _asked_for_tunnel(proxy, target, credentials) as plain:
        return _status(plain)


def _asked_for_tunnel(proxy: Proxy, target: str, credentials: str = CREDENTIALS) -> socket.socket:
    plain = socket.create_connection(("127.0.0.1", proxy.port), timeout=SECONDS)
    authorization = f"proxy-authorization: Basic {credentials}\r\n" if credentials else ""
    plain.sendall(f"CONNECT {target} HTTP/1.1\r\nhost: {target}\r\n{authorization}\r\n".encode())
    return plain


def _status(plain: socket.socket) -> int:
    answer = b""
    while b"\r\n\r\n" not in answer and (data := plain.recv(1)):
        answer += data
    return int(answer.split()[1])


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET / HTTP/1.1\r\nhost: evil.example.test\r\n\r\n", 421),
        (b"GET https://evil.example.test/ HTTP/1.1\r\nhost: NAME\r\n\r\n", 421),
        (b"GET /../x HTTP/1.1\r\nhost: NAME\r\n\r\n", 400),
        (b"GET /%2e%2e/x HTTP/1.1\r\nhost: NAME\r\n\r\n", 400),
        (b"TRACE / HTTP/1.1\r\nhost: NAME\r\n\r\n", 405),
        (b"CONNECT other:443 HTTP/1.1\r\nhost: NAME\r\n\r\n", 405),
        (b"GET / HTTP/1.1\r\nhost: NAME\r\nhost: NAME\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nhost: NAME\r\nx: a\r\n b\r\n\r\n", 400),
        (b"GET / HTTP/1.1\nhost: NAME\n\n", 400),
        (b"POST / HTTP/1.1\r\nhost: NAME\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nhost: NAME\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nhost: NAME\r\ncontent-length: -1\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nhost: NAME\r\ntransfer-encoding: gzip\r\n\r\n", 501),
        (b"GET / HTTP/1.1\r\nhost: NAME\r\nbad header: x\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nhost: NAME\r\nx : y\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nhost: NAME\r\nx: " + b"a" * 70_000 + b"\r\n\r\n", 431),
        (b"GET  / HTTP/1.1\r\nhost: NAME\r\n\r\n", 400),
        (b"NOT-HTTP\r\n\r\n", 400),
    ],
)
def test_a_request_of_uncertain_meaning_reaches_no_host(
    proxy: Proxy, upstream: Upstream, request_: bytes, status: int
) -> None:
    with _tls(proxy, upstream) as stream:
        stream.sendall(request_.replace(b"NAME", _name(upstream)))
        assert stream.recv(2000).startswith(b"HTTP/1.1 %d " % status)
    assert not upstream.seen


def test_a_request_that_comes_before_the_answer_to_the_one_before_is_not_served(
    proxy: Proxy, upstream: Upstream
) -> None:
    with _tls(proxy, upstream) as stream:
        stream.sendall(b"GET /a HTTP/1.1\r\nhost: NAME\r\n\r\n".replace(b"NAME", _name(upstream)) * 2)
        data = b""
        while piece := stream.recv(5000):
            data += piece
    assert data.count(b"HTTP/1.1 200") == 1
    assert len(upstream.seen) == 1


def test_another_name_in_the_handshake_ends_it(proxy: Proxy, upstream: Upstream) -> None:
    with _tunnel(proxy, f"{HOST}:{upstream.port}") as plain, pytest.raises(ssl.SSLError):
        proxy.authority.trust().wrap_socket(plain, server_hostname="evil.example.test")


def test_strangers_who_send_nothing_keep_nobody_out(proxy: Proxy, upstream: Upstream) -> None:
    with contextlib.ExitStack() as strangers:
        for _ in range(400):
            strangers.enter_context(socket.create_connection(("127.0.0.1", proxy.port), timeout=SECONDS))
        assert _ask(proxy, upstream, "/key")[0].status == 200


@pytest.mark.parametrize("credentials", ["", "bm90OnRoZS10b2tlbg=="])
def test_a_stranger_gets_407_and_reaches_nothing(proxy: Proxy, upstream: Upstream, credentials: str) -> None:
    assert _tunnel_status(proxy, f"{HOST}:{upstream.port}", credentials) == 407
    plain = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=SECONDS)
    plain.request("GET", "/wrong-token/r/api-example-test/x")
    assert plain.getresponse().status == 407
    plain.close()
    assert not upstream.seen
    assert not proxy.admitted


def test_a_client_without_a_token_is_served_if_its_process_has_it(proxy: Proxy, upstream: Upstream) -> None:
    proxy.is_of_session = True
    client = http.client.HTTPSConnection("127.0.0.1", proxy.port, context=proxy.authority.trust(), timeout=SECONDS)
    client.set_tunnel(HOST, upstream.port)
    client.request("GET", "/key", headers=AUTHORIZED)
    assert client.getresponse().status == 200
    client.close()
    assert _tunnel_status(proxy, f"{HOST}:{upstream.port}", base64.b64encode(b"envfs:wrong").decode()) == 407
    proxy.is_of_session = False


def test_the_base_url_needs_no_certificate(proxy: Proxy, upstream: Upstream) -> None:
    client = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=SECONDS)
    for _ in range(2):
        client.request("GET", f"/{TOKEN}/r/api-example-test/key?x=1", headers=AUTHORIZED)
        assert json.loads(client.getresponse().read()) == {"you": f"Bearer {KEY.decode()}"}
    client.request("GET", f"/{TOKEN}/r/none/x", headers=AUTHORIZED)
    assert client.getresponse().status == 404
    client.close()
    assert [(seen.target, seen.headers["host"]) for seen in upstream.seen] == [
        ("/key?x=1", f"{HOST}:{upstream.port}")
    ] * 2
    assert TOKEN not in repr(proxy.admitted) + repr(proxy.refused)


def test_a_header_gets_around_no_limit_of_a_rule(proxy: Proxy, upstream: Upstream) -> None:
    headers = {**AUTHORIZED, "X-HTTP-Method-Override": "DELETE"}
    assert _ask(proxy, upstream, "/x", headers)[0].status == 200  # the rule has no limit
    with running_proxy(upstream, {"key": "SHORTER", "methods": ["GET"]}) as limited:
        response, _ = _ask(limited, upstream, "/x", {**headers, "X-Other": SHORTER.decode()})
    assert response.status == 400
    assert [seen.target for seen in upstream.seen] == ["/x"]


def test_a_value_never_goes_out_unencrypted(proxy: Proxy) -> None:
    client = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=SECONDS)
    headers = {"Proxy-Authorization": f"Basic {CREDENTIALS}", **AUTHORIZED}
    client.request("GET", "http://plain.example.test/x", headers=headers)
    response = client.getresponse()
    assert response.status == 403
    assert b"KEY may not be sent" in response.read()
    client.close()


def test_an_old_request_that_names_its_host_in_its_target_alone_is_answered(proxy: Proxy) -> None:
    with socket.create_connection(("127.0.0.1", proxy.port), SECONDS) as client:
        shown = f"Proxy-Authorization: Basic {CREDENTIALS}\r\n"
        client.sendall(f"GET http://localhost/x HTTP/1.0\r\n{shown}\r\n".encode())
        assert client.recv(64).startswith(b"HTTP/1.1 502 ")


def test_a_tunnel_leads_not_to_this_machine_by_a_name(proxy: Proxy) -> None:
    assert _tunnel_status(proxy, "localhost:443") == 502


@pytest.mark.parametrize("target", ["127.0.0.1:{port}", "localhost:{port}", "169.254.169.254:80", "[::1]:443"])
def test_a_tunnel_to_an_address_or_an_unusual_port_needs_a_rule(proxy: Proxy, upstream: Upstream, target: str) -> None:
    assert _tunnel_status(proxy, target.format(port=upstream.port)) == 403


def test_a_host_that_cannot_be_verified_gets_nothing(upstream: Upstream) -> None:
    with running_proxy(upstream, {"key": "SHORTER", "hosts": [f"other.example.test:{upstream.port}"]}) as proxy:
        client = proxy.connect("other.example.test", upstream.port)
        client.request("GET", "/x", headers={"X": SHORTER.decode()})
        response = client.getresponse()
        assert response.status == 502
        assert b"is not verified" in response.read()
        client.close()
    assert not upstream.seen


def test_a_strict_session_reaches_the_hosts_of_rules_alone(upstream: Upstream) -> None:
    with running_proxy(upstream, strict=True) as proxy:
        assert _tunnel_status(proxy, "example.com:443") == 403
        response, body = _ask(proxy, upstream, "/key")
        assert (response.status, response.headers["Content-Length"]) == (200, str(len(body)))
        assert proxy.reported(lambda refusal: refusal.reason == "no-host")


def test_curl_sends_a_large_body_and_reads_a_large_one(proxy: Proxy, upstream: Upstream, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_bytes(proxy.authority.certificate)
    (tmp_path / "body").write_bytes(os.urandom(5_000_000))
    url = f"https://{HOST}:{upstream.port}"
    curl = ["curl", "-sS", "--fail", "--compressed", "--http2", "--max-time", "60", "--cacert", tmp_path / "ca.pem"]
    curl += ["-x", f"http://envfs:{TOKEN}@127.0.0.1:{proxy.port}", "-H", f"Authorization: Bearer {KEY.decode()}"]
    sent = subprocess.run(
        [*curl, "--data-binary", f"@{tmp_path / 'body'}", f"{url}/x"], capture_output=True, check=True
    )
    assert json.loads(sent.stdout)["sha256"] == hashlib.sha256((tmp_path / "body").read_bytes()).hexdigest()
    read = subprocess.run([*curl, f"{url}/bytes?3000000"], capture_output=True, check=True)
    assert read.stdout == b"\xff\x00b" * 1_000_000


def test_the_proxy_ends_with_its_daemon(upstream: Upstream) -> None:
    with running_proxy(upstream) as proxy:
        assert proxy.process.poll() is None
    assert proxy.process.returncode == 0


CONFINED = """
import ctypes, mmap, os, signal, socket, sys, threading
from envfs.host.process import hardening
from envfs.proxy.confinement import confine_proxy

def tried(what):
    try:
        what()
    except OSError as error:
        return os.strerror(error.errno)
    return "done"

libc = ctypes.CDLL(None, use_errno=True)
def called(name, *arguments):
    if getattr(libc, name)(*arguments) < 0:
        raise OSError(ctypes.get_errno(), name)
def in_a_thread():
    thread = threading.Thread(target=int)
    thread.start()
    thread.join()

there = socket.create_server(("127.0.0.1", 0))
hardening.give_up_privileges()
print(*confine_proxy())
print(tried(lambda: open("/etc/passwd").read()))
print(tried(lambda: socket.getaddrinfo("localhost", 1)))
print(tried(lambda: socket.create_connection(there.getsockname())))
print(tried(lambda: open(sys.argv[1]).read()))
print(tried(lambda: open(sys.argv[1] + ".new", "w")))
print(tried(lambda: socket.create_server(("127.0.0.1", 0))))
print(libc.prctl(21))
print(tried(in_a_thread))
for forbidden in (
    lambda: os.execv("/bin/true", ["true"]),
    os.fork,
    lambda: os.kill(os.getppid(), 0),
    lambda: os.kill(os.getpid(), 0),
    lambda: called("ptrace", 16, os.getppid(), 0, 0),
    lambda: called("unshare", 0x10000000),
    lambda: called("mount", b"none", b"/tmp", b"tmpfs", 0, None),
    lambda: called("syscall", 310, os.getppid(), 0, 0, 0, 0, 0),
    lambda: mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC),
    lambda: os.memfd_create("code"),
    lambda: os.pidfd_open(os.getppid()),
    lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW),
    lambda: socket.socket(socket.AF_VSOCK),
    lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 9),
    lambda: called("bpf", 0, None, 0) if hasattr(libc, "bpf") else called("setns", 0, 0),
    lambda: called("prctl", 4, 1, 0, 0, 0),
    lambda: os.sched_setaffinity(0, {0}),
):
    print(tried(forbidden))
"""


@pytest.mark.parametrize("target", ["a:b:c", "1.2.3.4.5:443"])
def test_a_tunnel_to_no_host_is_refused_and_reported(proxy: Proxy, target: str) -> None:
    assert _tunnel_status(proxy, target) == 400
    assert proxy.reported(lambda refusal: refusal.method == "CONNECT")


@pytest.mark.skipif(landlock.landlock_version() < 4, reason="this kernel's Landlock knows no TCP")
def test_the_process_reads_what_names_take_and_writes_and_listens_nowhere(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("x", encoding="utf-8")
    words = [sys.executable, "-c", CONFINED, str(secret)]
    said = subprocess.run(
        words, cwd=Path(__file__).parents[2], capture_output=True, text=True, timeout=SECONDS, check=True
    )
    confined, *results = said.stdout.splitlines()
    assert confined.split() == [str(landlock.landlock_version())]
    assert results[:6] == ["done"] * 3 + ["Permission denied"] * 3
    assert results[6:8] == ["2", "done"]  # SECCOMP_MODE_FILTER
    assert set(results[8:]) == {"Operation not permitted"}
    assert len(results) == 25


def test_the_process_that_serves_is_confined_by_a_filter(proxy: Proxy, upstream: Upstream) -> None:
    assert _ask(proxy, upstream, "/key")[0].status == 200
    status = Path(f"/proc/{proxy.process.pid}/status").read_text(encoding="ascii")
    assert "\nSeccomp:\t2\n" in status
    assert "\nNoNewPrivs:\t1\n" in status

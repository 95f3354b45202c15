"""Requests that two programs may read in two ways, and addresses that no name leads to."""

import pytest

from envfs.proxy.addresses import Denied, plain_address, reachable
from envfs.proxy.hosts import Endpoint
from envfs.proxy.request_checks import RawRequest, Rejected, check_bytes, check_overriding, check_request, is_upgrade
from envfs.proxy.rules import ProxyRule, parse_rules

HOST = Endpoint("api.example.com")
NAMED = (b"host", b"api.example.com")


def raw(
    target: bytes = b"/", *headers: tuple[bytes, bytes], method: str = "GET", version: bytes = b"1.1"
) -> RawRequest:
    return RawRequest(method, target, headers or (NAMED,), version)


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (raw(method="TRACE"), 405),
        (raw(method="CONNECT"), 405),
        (raw(method="get"), 405),
        (raw(method="A" * 33), 405),
        (raw(b"/", (b"x", b"y")), 400),
        (raw(b"/", NAMED, NAMED), 400),
        (raw(b"/", (b"host", b"evil.example.com")), 421),
        (raw(b"/", (b"host", b"api.example.com:8443")), 421),
        (raw(b"/", (b"host", b"api.example.com@evil")), 421),
        (raw(b"/", (b"host", b"")), 421),
        (raw(b"https://evil.example.com/"), 421),
        (raw(b"http://api.example.com/"), 421),
        (raw(b"https://api.example.com@evil/"), 421),
        (raw(b"*"), 400),
        (raw(b"api.example.com:443"), 400),
        (raw(b"/a/../b"), 400),
        (raw(b"/a/.%2e/b"), 400),
        (raw(b"/a/%2E%2e/b"), 400),
        (raw(b"/./a"), 400),
        (raw(b"/a/..;x=1/b"), 400),
        (raw(b"/a%2f..%2fb"), 400),
        (raw(b"/a\\b"), 400),
        (raw(b"/a%5Cb"), 400),
        (raw(b"/a%00"), 400),
        (raw(b"/a%0d%0aX"), 400),
        (raw(b"/a b"), 400),
        (raw(b"/a#b"), 400),
        (raw(b"/\xc3\xa9"), 400),
        (raw(b"/" + b"a" * 40_000), 431),
        (raw(b"/", NAMED, *[(b"x", b"y")] * 201), 431),
        (raw(b"/", NAMED, (b"content-length", b"1"), (b"transfer-encoding", b"chunked")), 400),
        (raw(b"/", NAMED, (b"content-length", b"1"), (b"content-length", b"1")), 400),
        (raw(b"/", NAMED, (b"content-length", b"+1")), 400),
        (raw(b"/", NAMED, (b"content-length", b"1, 1")), 400),
        (raw(b"/", NAMED, (b"content-length", b"0x1")), 400),
        (raw(b"/", NAMED, (b"transfer-encoding", b"chunked"), (b"transfer-encoding", b"chunked")), 501),
        (raw(b"/", NAMED, (b"transfer-encoding", b"gzip, chunked")), 501),
        (raw(b"/", NAMED, (b"transfer-encoding", b"xchunked")), 501),
        (raw(b"/", NAMED, (b"transfer-encoding", b"chunked"), version=b"1.0"), 400),
        (raw(b"/", NAMED, (b"expect", b"200-ok")), 417),
    ],
)
def test_a_request_of_uncertain_meaning_is_refused(request_: RawRequest, status: int) -> None:
    with pytest.raises(Rejected) as caught:
        check_request(request_, HOST)
    assert caught.value.status == status


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\nhost: a\r\n b\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: a\r\n\tb\r\n\r\n",
        b"GET / HTTP/1.1\nhost: a\n\n",
        b"GET / HTTP/1.1\r\nx: a\rb\r\n\r\n",
    ],
)
def test_a_head_with_uncertain_lines_is_refused(head: bytes) -> None:
    with pytest.raises(Rejected):
        check_bytes(head)


def test_a_plain_request_goes_on_without_the_headers_of_its_connection() -> None:
    head = check_request(
        raw(
            b"/v1/a%2Fb?x=../y",
            *(NAMED, (b"connection", b"close, x-mine"), (b"x-mine", b"1"), (b"te", b"trailers")),
            *((b"proxy-authorization", b"Basic eA=="), (b"accept", b"*/*"), (b"x-forwarded-for", b"1.2.3.4")),
        ),
        HOST,
    )
    assert head == ("GET", b"/v1/a%2Fb?x=../y", ((b"accept", b"*/*"),))


def test_an_absolute_target_of_the_same_host_becomes_a_path() -> None:
    assert check_request(raw(b"https://API.example.com:443?x"), HOST).target == b"/?x"


def test_an_upgrade_is_one_to_a_websocket_alone() -> None:
    assert is_upgrade(raw(b"/", NAMED, (b"upgrade", b"websocket"), (b"connection", b"keep-alive, Upgrade")))
    assert not is_upgrade(raw(b"/", NAMED, (b"upgrade", b"h2c"), (b"connection", b"upgrade")))
    assert not is_upgrade(raw(b"/", NAMED, (b"upgrade", b"websocket")))


def test_a_limit_for_methods_or_paths_is_got_around_by_no_header() -> None:
    head = check_request(raw(b"/", NAMED, (b"x-http-method-override", b"DELETE"), method="POST"), HOST)
    check_overriding(head, _rules(HOST.host))
    by_cgi = head._replace(headers=((b"x_http_method-override", b"DELETE"),))
    for limit in ({"methods": ["POST"]}, {"paths": ["/"]}, {"approve": "first"}, {"approve": "each"}):
        for overriding in (head, by_cgi):
            with pytest.raises(Rejected, match="another method or path"):
                check_overriding(overriding, _rules(HOST.host, **limit))


def _rules(host: str, **changes: object) -> tuple[ProxyRule, ...]:
    return parse_rules([{"key": "KEY", "hosts": [host], **changes}])


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "::1",
        "169.254.169.254",
        "fe80::1",
        "fd00:ec2::254",
        "100.100.100.200",
        "0.0.0.0",  # noqa: S104 - an address that is asked for
        "::",
        "10.1.2.3",
        "192.168.1.1",
        "172.16.0.1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::7f00:1",
        "2002:7f00:1::",
        "224.0.0.1",
        "203.0.113.9",
        "fc00::1",
        "ff02::1",
    ],
)
def test_a_name_leads_to_no_address_of_this_machine_or_its_neighbourhood(address: str) -> None:
    with pytest.raises(Denied):
        reachable([address], HOST, _rules("api.example.com"), (plain_address("203.0.113.9"),))


def test_an_address_is_reached_where_a_rule_names_it() -> None:
    assert reachable(["10.1.2.3"], HOST, _rules("api.example.com", networks=["10.0.0.0/8"])) == ["10.1.2.3"]
    assert reachable(["10.1.2.3"], Endpoint("10.1.2.3"), _rules("10.1.2.3")) == ["10.1.2.3"]
    assert reachable(["127.0.0.1"], Endpoint("localhost", 8443), _rules("localhost:8443")) == ["127.0.0.1"]
    assert reachable(["1.1.1.1", "127.0.0.1"], HOST, _rules("api.example.com")) == ["1.1.1.1"]


def test_a_tunnel_without_a_rule_reaches_neither_this_machine_nor_metadata() -> None:
    assert reachable(["10.1.2.3"], HOST, ()) == ["10.1.2.3"]
    for address in ("127.0.0.1", "169.254.169.254"):
        with pytest.raises(Denied):
            reachable([address], Endpoint(address), ())

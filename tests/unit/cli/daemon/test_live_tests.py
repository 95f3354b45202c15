"""Tests of keys: where the placeholder stands in the request, by the words of the rule."""

import hashlib

import pytest

from envfs.protocol.control import ProxyRuleRow
from envfs.proxy.hosts import Endpoint
from envfs.proxy.rules import parse_rule
from envfs.proxy.signing import SignedParts, find_signature, sign_again
from envfs.proxy.substitution import RequestHead
from envfs.proxy.variables import SessionVariable, host_rules
from envfs_cli.daemon import aws_request, live_tests

NAMES = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "SHOP_KEY")


class Opener:
    """Takes a request, and answers as a host without an address does."""

    def open(self, request: object, **_more: object) -> object:
        self.request = request
        raise OSError


def _sent(monkeypatch: pytest.MonkeyPatch, where: str, test: str, name: str = "SHOP_KEY") -> tuple[str, dict[str, str]]:
    monkeypatch.setenv("SHOP_KEY", "key/1")
    row = ProxyRuleRow("shop", name, ("api.example.com",), (where,), (), (), "catalogue", test=test)
    (found,) = live_tests._tests_of(row, name, NAMES)
    opener = Opener()
    assert live_tests._ask(opener, found)[0] == "unclear"  # type: ignore[arg-type]
    return opener.request.full_url, {key.lower(): value for key, value in opener.request.header_items()}  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("where", "test", "path", "header"),
    [
        ("header", "/me", "/me", ("authorization", "Bearer key/1")),
        ("header:authorization", "/me x-version:2", "/me", ("x-version", "2")),
        ("header:x-key", "/me", "/me", ("x-key", "key/1")),
        ("query:k", "/me?a=1", "/me?a=1&k=key%2F1", ("user-agent", "envfs")),
        ("path", "/bot{}/me", "/botkey%2F1/me", ("user-agent", "envfs")),
        ("header", "/me authorization:Token%20{}", "/me", ("authorization", "Token key/1")),
        ("basic", "/me basic:api", "/me", ("authorization", "Basic YXBpOmtleS8x")),
    ],
)
def test_the_placeholder_stands_where_the_service_looks_for_it(
    monkeypatch: pytest.MonkeyPatch, where: str, test: str, path: str, header: tuple[str, str]
) -> None:
    url, headers = _sent(monkeypatch, where, test)
    assert url == f"https://api.example.com{path}"
    assert headers[header[0]] == header[1]
    assert ("authorization" in headers) == (header[0] == "authorization" or where == "header:authorization")


def test_a_secret_of_aws_is_tested_with_its_key_and_not_alone() -> None:
    row = ProxyRuleRow("aws", "AWS_*", ("sts.amazonaws.com",), ("sigv4",), (), (), "catalogue", test="/?a=1")
    (found,) = live_tests._tests_of(row, "AWS_ACCESS_KEY_ID", NAMES)
    assert found.beside == ("AWS_SECRET_ACCESS_KEY",)
    assert live_tests._tests_of(row, "AWS_SECRET_ACCESS_KEY", NAMES) == []
    assert live_tests._tests_of(row, "AWS_ACCESS_KEY_ID", NAMES[:1]) == []


@pytest.mark.parametrize("token", ["", "token-0123456789abcdef"])
def test_the_proxy_takes_the_signature_of_a_test_for_the_clients_own(token: str) -> None:
    key, secret = b"AKIAPLACEHOLDER00001", b"secret-placeholder-0000000000000000000001"
    target = "/?Version=2011-06-15&Action=GetCallerIdentity"
    sent = aws_request.signed_headers("sts.amazonaws.com", target, key.decode(), secret.decode(), token)
    headers = tuple((name.encode(), value.encode()) for name, value in sent.items())
    rule = parse_rule({"key": "AWS_*", "hosts": ["sts.amazonaws.com"], "where": ["sigv4"]})
    variables = (
        SessionVariable("AWS_ACCESS_KEY_ID", key, memoryview(b"AKIAVALUE00000000001")),
        SessionVariable("AWS_SECRET_ACCESS_KEY", secret, memoryview(b"secret-value")),
    )
    head = RequestHead("GET", target.encode(), headers)
    signature = find_signature(host_rules((rule,), variables, Endpoint("sts.amazonaws.com")), head)
    assert signature is not None
    empty = hashlib.sha256().hexdigest().encode()
    assert b"AKIAVALUE00000000001" in sign_again(signature, head, SignedParts(headers, headers, empty))

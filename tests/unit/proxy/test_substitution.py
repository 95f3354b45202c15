"""Values in requests: each place with its escaping, and what is refused."""

import base64

import pytest

from envfs.proxy.bodies import body_place_kind, substitute_body
from envfs.proxy.hosts import Endpoint
from envfs.proxy.places import PlaceKind
from envfs.proxy.rules import parse_rules
from envfs.proxy.substitution import RequestHead, Unfit, substitute_head
from envfs.proxy.variables import HostRules, SessionVariable, host_rules

HOST = Endpoint("api.example.com")
KEY, VALUE = b"sk_test_placeholder0001", b'a"b/c d&e+\xc3\xa9'
OTHER, OTHER_VALUE = b"ghp_placeholder000000002", b"other-value"


def rules(**changes: object) -> HostRules:
    tables = [{"key": "KEY", "hosts": ["api.example.com"], **changes}]
    variables = (
        SessionVariable("KEY", KEY, memoryview(VALUE)),
        SessionVariable("OTHER", OTHER, memoryview(OTHER_VALUE)),
        SessionVariable("UNRULED", b"masked_unruled_00000003"),
        SessionVariable("SHORT", b"x", memoryview(b"y")),
    )
    return host_rules(parse_rules(tables), variables, HOST)


def head(target: bytes = b"/v1", *headers: tuple[bytes, bytes], method: str = "POST") -> RequestHead:
    return RequestHead(method, target, headers)


def test_a_value_comes_into_the_place_of_its_placeholder_in_a_header() -> None:
    done = substitute_head(rules(), head(b"/x", (b"authorization", b"Bearer " + KEY), (b"x-y", b"x")))
    assert done.head.headers == ((b"authorization", b"Bearer " + VALUE), (b"x-y", b"x"))
    assert done.keys == ("KEY",)


def test_a_token_of_the_clients_own_is_left_as_it_is() -> None:
    own = head(b"/x?a=%41&b", (b"authorization", b"Bearer session-token"), (b"x-api-key", b"own"))
    assert substitute_head(rules(), own) == (own, ())


def test_basic_is_decoded_and_encoded_again() -> None:
    value = b"Basic " + base64.b64encode(b"x-access-token:" + KEY)
    done = substitute_head(rules(), head(b"/", (b"authorization", value)))
    assert base64.b64decode(done.head.headers[0][1][6:]) == b"x-access-token:" + VALUE


def test_basic_needs_its_own_place() -> None:
    value = b"basic " + base64.b64encode(KEY + b":")
    with pytest.raises(Unfit) as caught:
        substitute_head(rules(where=["header:authorization"]), head(b"/", (b"authorization", value)))
    assert caught.value.place == "basic"


def test_a_parameter_and_a_segment_are_escaped() -> None:
    done = substitute_head(rules(where=["query:key"]), head(b"/a?x=1&key=" + KEY + b"&x=2"))
    assert done.head.target == b"/a?x=1&key=a%22b%2Fc%20d%26e%2B%C3%A9&x=2"
    done = substitute_head(rules(where=["path"]), head(b"/bot" + KEY + b"/send?a=%20"))
    assert done.head.target == b"/bota%22b%2Fc%20d&e+%C3%A9/send?a=%20"


def test_a_placeholder_that_was_escaped_is_one() -> None:
    escaped = b"".join(b"%%%02x" % byte for byte in KEY)
    assert b"a%22b" in substitute_head(rules(where=["query"]), head(b"/?q=" + escaped)).head.target
    with pytest.raises(Unfit):
        substitute_head(rules(), head(b"/" + escaped))


@pytest.mark.parametrize(
    ("changes", "request_head", "place", "reason"),
    [
        ({}, head(b"/?k=" + KEY), "query:k", "no rule lets its value stand there"),
        ({}, head(b"/" + KEY), "path", "no rule lets its value stand there"),
        ({}, head(b"/", (b"cookie", b"a=" + KEY)), "header:cookie", "no rule lets its value stand there"),
        ({"where": ["header:x"]}, head(b"/", (b"y", KEY)), "header:y", "no rule lets its value stand there"),
        ({"methods": ["GET"]}, head(b"/", (b"x", KEY)), "header:x", "its rule is for other methods or paths"),
        ({"paths": ["/v2/*"]}, head(b"/v1/a", (b"x", KEY)), "header:x", "its rule is for other methods or paths"),
        ({}, head(b"/", (b"x", OTHER)), "header:x", "no rule sends its value to this host"),
        ({}, head(b"/", (b"x", b"masked_unruled_00000003")), "header:x", "no rule sends its value to this host"),
        ({}, head(b"/", (b"x", KEY + KEY)), "header:x", "its placeholder stands there more than once"),
        ({}, head(b"/", (b"x", KEY), (b"x", KEY)), "header:x", "its placeholder stands there more than once"),
        (
            {"where": ["query"]},
            head(b"/?" + KEY + b"=1"),
            "the name of a field of the query",
            "no value may stand there",
        ),
    ],
)
def test_a_placeholder_where_no_rule_lets_it_stand_refuses_the_request(
    changes: dict[str, object], request_head: RequestHead, place: str, reason: str
) -> None:
    with pytest.raises(Unfit) as caught:
        substitute_head(rules(**changes), request_head)
    assert (caught.value.place, caught.value.reason) == (place, reason)
    assert VALUE not in repr(caught.value).encode()


@pytest.mark.parametrize(
    ("value", "reason"),
    [(b"a\r\nx-admin: 1", "line break"), (b"a\vb", "line break"), (b" a", "blank"), (b"a\t", "blank")],
)
def test_a_value_that_no_header_can_have_is_put_in_none(value: bytes, reason: str) -> None:
    one = (SessionVariable("KEY", KEY, memoryview(value)),)
    host = host_rules(parse_rules([{"key": "KEY", "hosts": ["api.example.com"]}]), one, HOST)
    with pytest.raises(Unfit, match=reason):
        substitute_head(host, head(b"/", (b"x", KEY)))


def test_two_headers_may_have_one_value_each() -> None:
    done = substitute_head(rules(), head(b"/", (b"apikey", KEY), (b"authorization", b"Bearer " + KEY)))
    assert [value for _, value in done.head.headers] == [VALUE, b"Bearer " + VALUE]


def test_what_was_put_in_is_not_looked_at_again() -> None:
    tables = [{"key": "*", "name": "all", "hosts": ["api.example.com"]}]
    pair = (SessionVariable("KEY", KEY, memoryview(OTHER)), SessionVariable("OTHER", OTHER, memoryview(OTHER_VALUE)))
    host = host_rules(parse_rules(tables), pair, HOST)
    assert substitute_head(host, head(b"/", (b"x", KEY))).head.headers == ((b"x", OTHER),)


JSON, FORM = (
    (b"content-type", b"application/json; charset=utf-8"),
    (b"content-type", b"application/x-www-form-urlencoded"),
)


def test_a_field_of_a_body_is_filled_where_a_rule_names_it_and_nowhere_else() -> None:
    host, request = rules(where=["json:auth.token"]), head(b"/", JSON)
    assert body_place_kind(host, request) is PlaceKind.JSON
    body = b'{"n": 1.0, "auth": {"token": "%b"}}' % KEY
    filled = b'{"n": 1.0, "auth": {"token": "a\\"b/c d&e+\xc3\xa9"}}'
    assert substitute_body(host, request, PlaceKind.JSON, body) == (filled, ("KEY",))
    elsewhere = b'{"messages": ["my key is %b"]}' % KEY
    assert substitute_body(host, request, PlaceKind.JSON, elsewhere) == (elsewhere, ())
    with pytest.raises(Unfit):
        substitute_body(host, request, PlaceKind.JSON, b'{"x": "%b", "auth": {"token": "%b"}}' % (KEY, KEY))


def test_a_value_comes_into_no_other_field_than_the_one_that_a_rule_names() -> None:
    host, request = rules(where=["json:token"]), head(b"/", JSON)
    escaped = b"\\u0073" + KEY[1:]
    for body in (b'{"token": "%b", "note": "%b"}' % (escaped, KEY), b'{"token": "%b %b"}' % (escaped, KEY)):
        with pytest.raises(Unfit, match="not written there as it is"):
            substitute_body(host, request, PlaceKind.JSON, body)
    alone = b'{"token": "%b"}' % escaped
    assert substitute_body(host, request, PlaceKind.JSON, alone) == (alone, ())


def test_a_field_of_a_form_is_filled() -> None:
    host, request = rules(where=["form:token"]), head(b"/", FORM)
    assert body_place_kind(host, request) is PlaceKind.FORM
    assert substitute_body(host, request, PlaceKind.FORM, b"a=%20&token=" + KEY + b"&b=" + KEY) == (
        b"a=%20&token=a%22b%2Fc%20d%26e%2B%C3%A9&b=" + KEY,
        ("KEY",),
    )


def test_a_body_of_another_kind_is_not_looked_into() -> None:
    host = rules(where=["json:token", "form:token"])
    assert body_place_kind(host, head(b"/", (b"content-type", b"multipart/form-data; boundary=x"))) is None
    assert body_place_kind(rules(), head(b"/", JSON)) is None

"""Signatures of AWS: known ones are seen to be right, made again with the values, and nothing else is signed."""

import pytest

from envfs.proxy.hosts import Endpoint
from envfs.proxy.rules import parse_rules
from envfs.proxy.signing import SignedParts, find_signature, payload_digest, sign_again
from envfs.proxy.substitution import RequestHead, Unfit, substitute_head
from envfs.proxy.variables import HostRules, SessionVariable, host_rules

# of AWS's own test suite, get-vanilla: the secret and the signature are published
KEY, SECRET, DATE = b"AKIDEXAMPLE-placeholder", b"wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", b"20150830T123600Z"
EMPTY = b"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
KNOWN = b"5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
HOST = "example.amazonaws.com"
SENT = ((b"host", HOST.encode()), (b"x-amz-date", DATE))
RULE = {"key": "AWS_*", "hosts": ["*.amazonaws.com"], "where": ["sigv4"]}


def _variable(name: str, placeholder: bytes, value: bytes) -> SessionVariable:
    return SessionVariable(name, placeholder, memoryview(value))


def _host(*tables: dict[str, object], secret: str = "AWS_SECRET_ACCESS_KEY") -> HostRules:
    variables = [
        _variable("AWS_ACCESS_KEY_ID", KEY, b"AKIDTRUE"),
        _variable(secret, SECRET, b"true-secret"),
        _variable("AWS_SESSION_TOKEN", b"token-placeholder-0001", b"true-token"),
    ]
    return host_rules(parse_rules(list(tables or (RULE,))), variables, Endpoint(HOST))


def _head(
    signature: bytes = KNOWN, target: bytes = b"/", *more: tuple[bytes, bytes], method: str = "GET"
) -> RequestHead:
    authorization = (
        b"AWS4-HMAC-SHA256 Credential=%b/20150830/us-east-1/service/aws4_request, SignedHeaders=%b, Signature=%b"
    )
    return RequestHead(
        method,
        target,
        ((b"x-amz-date", DATE), (b"authorization", authorization % (KEY, b"host;x-amz-date", signature)), *more),
    )


def test_a_known_signature_is_right_and_another_one_takes_its_place() -> None:
    host, head = _host(), _head()
    signature = find_signature(host, head)
    assert signature is not None
    assert signature.names == ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    again = sign_again(signature, head, SignedParts(SENT, SENT, EMPTY))
    assert again.startswith(b"AWS4-HMAC-SHA256 Credential=AKIDTRUE/20150830/us-east-1/service/aws4_request, ")
    assert KNOWN not in again
    assert SECRET not in again
    same = signature._replace(secret=_variable("AWS_SECRET_ACCESS_KEY", SECRET, SECRET))
    assert sign_again(same, head, SignedParts(SENT, SENT, EMPTY)).endswith(b"Signature=" + KNOWN)


@pytest.mark.parametrize(
    ("head", "headers", "payload"),
    [
        (_head(b"0" * 64), SENT, EMPTY),
        (_head(target=b"/other"), SENT, EMPTY),
        (_head(target=b"/?Action=Delete"), SENT, EMPTY),
        (_head(method="DELETE"), SENT, EMPTY),
        (_head(), SENT, b"0" * 64),
        (_head(), (SENT[0], (b"x-amz-date", b"20150830T123601Z")), EMPTY),
        (_head(), (SENT[1],), EMPTY),
    ],
)
def test_a_request_that_its_signature_is_not_of_is_not_signed_again(
    head: RequestHead, headers: tuple[tuple[bytes, bytes], ...], payload: bytes
) -> None:
    signature = find_signature(_host(), head)
    assert signature is not None
    with pytest.raises(Unfit):
        sign_again(signature, head, SignedParts(headers, headers, payload))


def test_what_cannot_be_signed_again_is_refused_with_its_reason() -> None:
    other = RequestHead("GET", b"/", ((b"authorization", b"AWS4-ECDSA-P256-SHA256 Credential=" + KEY + b"/x"),))
    beforehand = RequestHead("GET", b"/?X-Amz-Credential=" + KEY + b"%2F20150830", ())
    cases = [
        (_host(), other, "of another kind"),
        (_host(), beforehand, "signed beforehand"),
        (_host(), _head(KNOWN, b"/", (b"authorization", b"AWS4-HMAC-SHA256 own")), "two signatures"),
        (_host(secret="OTHER"), _head(), "AWS_SECRET_ACCESS_KEY with the secret"),
        (_host({**RULE, "key": "AWS_ACCESS_*"}), _head(), "no rule lets its value sign"),
        (_host({**RULE, "methods": ["PUT"]}), _head(), "no rule lets its value sign"),
        (_host({**RULE, "where": ["header"]}), _head(), "no rule lets its value sign"),
        (_host({**RULE, "hosts": ["other.amazonaws.com"]}), _head(), "no rule lets its value sign"),
    ]
    for host, head, text in cases:
        with pytest.raises(Unfit) as caught:
            find_signature(host, head)
        assert text in caught.value.reason
    with pytest.raises(Unfit, match="each piece"):
        payload_digest([(b"x-amz-content-sha256", b"STREAMING-AWS4-HMAC-SHA256-PAYLOAD")], "AWS_ACCESS_KEY_ID")


def test_another_signature_and_another_header_are_left_as_they_are() -> None:
    own = RequestHead(
        "GET", b"/", ((b"authorization", b"AWS4-HMAC-SHA256 Credential=AKIAOWN/20150830/a/b/aws4_request"),)
    )
    assert find_signature(_host(), own) is None
    assert substitute_head(_host(), own) == (own, ())


def test_the_token_beside_the_signature_is_put_in() -> None:
    head = _head(KNOWN, b"/", (b"x-amz-security-token", b"token-placeholder-0001"))
    filled, keys = substitute_head(_host(), head)
    assert filled.headers[-1] == (b"x-amz-security-token", b"true-token")
    assert keys == ("AWS_SESSION_TOKEN",)
    with pytest.raises(Unfit):
        substitute_head(_host(), _head(KNOWN, b"/", (b"x-other", b"token-placeholder-0001")))

"""Texts that have the shape of a well-known token: what is one, what is none, and that no text takes long."""

import base64
import importlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envfs_cli.scanning.anchored_shapes import ANCHORED
from envfs_cli.scanning.shapes import Shapes


@pytest.mark.parametrize(
    ("text", "detector"),
    [
        ("AKIAQ3EGRIVNN2TXPLAD", "AWS Access Key"),
        ("ghp_" + "aB3dE6gH9jK2mN5pQ8rS1tU4vW7xY0zA2bC5", "GitHub Token"),
        ("glpat-aB3dE6gH9jK2mN5pQ8rS", "GitLab Token"),
        ("nothing to see", None),
        ("AKIAIOSFODNN7EXAMPLE", None),
        ("ghp_" + "x" * 36, None),
        ("-----BEGIN PRIVATE KEY-----\n...\n", None),
        ("-----BEGIN RSA PRIVATE KEY-----\n" + "MIIEpAIBAAKCAQEA7bq98/2lZs8Ck0Qm1yT4vXwUe" + "\n", "Private Key"),
    ],
)
def test_a_well_known_shape_is_found_and_an_example_is_not(text: str, detector: str | None) -> None:
    shapes = list(Shapes().shapes_in(f"a: {text} b".encode()))
    assert [name for _, name in shapes] == ([] if detector is None else [detector])
    assert all(3 <= offset < 3 + len(text) for offset, _ in shapes)


@pytest.mark.parametrize("line_end", ["\n", "\\n"])
def test_a_key_that_never_comes_takes_no_time(line_end: str) -> None:
    text = f"-----BEGIN RSA PRIVATE KEY-----{line_end * 200_000}"
    assert not list(Shapes().shapes_in(text.encode()))


_HEADER = base64.urlsafe_b64encode(b'{"alg":"HS256"}').rstrip(b"=")
_BODY = base64.urlsafe_b64encode(b'{"sub":"1"}').rstrip(b"=")
_PARTS = (
    *(_HEADER, _BODY, b"eyJ", b".", b"-", b"=", b"sk-", b"sk-proj-", b"aB3dE6gH9jK2mN5pQ8rS", b"T3BlbkFJ", b"//"),
    *(
        b"npm.registry.test/",
        b"/:_authToken=",
        b"npm_aB3dE6gH",
        b"aB3dE6gH-9jK2-mN5p-Q8rS-tU4vW7xY0zA2",
        b"\n",
        b" ",
        b"_",
    ),
)
_PLACES = {
    "JSON Web Token": ("jwt", "JwtTokenDetector"),
    "NPM tokens": ("npm", "NpmDetector"),
    "OpenAI Token": ("openai", "OpenAIDetector"),
}


@given(st.sampled_from(sorted(ANCHORED)), st.lists(st.sampled_from(_PARTS), max_size=9).map(b"".join))
def test_what_is_looked_for_by_a_part_is_found_where_the_detector_finds_it(name: str, text: bytes) -> None:
    module, kind = _PLACES[name]
    detector = getattr(importlib.import_module(f"detect_secrets.plugins.{module}"), kind)
    expression = re.compile(rb"(?<![A-Za-z0-9_])" + detector.denylist[0].pattern.encode())
    matches = [match for match in expression.finditer(text) if name != "JSON Web Token" or _is_valid(match[0])]
    tokens = [(at, token) for at, token in ANCHORED[name](text) if name != "JSON Web Token" or _is_valid(token)]
    assert all(text[at:].startswith(token) for at, token in tokens)
    lines = {text.count(b"\n", 0, at) for at, _ in tokens}
    assert {text.count(b"\n", 0, match.start()) for match in matches} <= lines


def _is_valid(token: bytes) -> bool:
    plugin = importlib.import_module("detect_secrets.plugins.jwt")
    return bool(plugin.JwtTokenDetector.is_formally_valid(token.decode()))


@pytest.mark.parametrize(
    "part",
    [
        *(
            b"-eyJ",
            b"=eyJ",
            b".e",
            b"eyJ.ey",
            b"/",
            b"//x/:_authToken=   ",
            b"//x/:_authToken=npm_",
            b"-sk-",
            b"-glagent-",
        ),
        *(
            b"sk-aaaaaaaaaaaaaaaaaaaaT3BlbkFJ",
            b"T3BlbkFJ",
            b"xoxa-1-",
            b"-xoxb-1-1-1",
            b"1pypi-AgEIcHlwaS5vcmc",
            b"12345678:",
        ),
        *(b"https://hooks.slack.com/services/Ta/Ba/", b"BEGIN PRIVATE KEY\\n"),
    ],
)
def test_what_begins_again_and_again_takes_no_time(part: bytes) -> None:
    list(Shapes().shapes_in(part * (400_000 // len(part))))


def test_a_token_that_is_nested_deeply_is_none() -> None:
    deep = base64.urlsafe_b64encode(b'{"a":' + b"[" * 3000).replace(b"=", b"")
    assert not list(Shapes().shapes_in(b"%s.%s" % (_HEADER, deep)))

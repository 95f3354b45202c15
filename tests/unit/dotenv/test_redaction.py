"""Credentials of known shapes are taken out of what is logged and said, and other text is not."""

import json
import re
from pathlib import Path

import pytest

from envfs.dotenv.placeholders import redaction
from envfs.dotenv.placeholders.known_shapes import ROWS
from envfs.errors import BadName

_VECTORS = Path(__file__).parents[2] / "vectors" / "placeholders"


def _value(name: str) -> str:
    return "".join(json.loads((_VECTORS / f"{name}.json").read_text(encoding="utf-8"))["value"])


_KINDS = [name for name, _, _, _ in ROWS if name != "ssh-public"]
_MORE = {
    "jwt": "eyJhbGciOiJIUzI1NiJ9." + "eyJzdWIiOiIxMjM0NTYifQ.c2lnbmF0dXJlLW9mLWl0",
    "envfs": "envfs_" + "Wm3vM1cFZx0Yb5o2k8uJtQ7n4rA9sD6gH1pLeXyTzKI",
    "envfs-join": "envfs-join-1-" + "M51ME3jaFZBdl5owFEX_C8",
    "private-key": "-----BEGIN PRIVATE " + "KEY-----\nMIIEvQ\n-----END PRIVATE KEY-----",
    "private-key of PGP": "-----BEGIN PGP PRIVATE " + "KEY BLOCK-----\n\nlQOYB\n-----END PGP PRIVATE KEY BLOCK-----",
}
_VALUES = {**{kind: _value(kind) for kind in _KINDS}, **_MORE}


@pytest.mark.parametrize("kind", _VALUES)
@pytest.mark.parametrize("text", ["{}", "/srv/{}", "no level /{}.", "a={} b", '"{}"'])
def test_a_credential_is_replaced_by_its_kind_wherever_it_stands(kind: str, text: str) -> None:
    value = _VALUES[kind]
    redacted = redaction.redact_credentials(text.format(value))
    assert value not in redacted
    before, _, after = text.partition("{}")
    assert redacted.startswith(f"{before}[")
    assert redacted.endswith(f"]{after}") or after == "."
    # nothing of the secret is left: the kind's name alone stands there
    assert len(redacted) < len(text) + 30


@pytest.mark.parametrize("kind", _VALUES)
def test_a_word_that_has_one_in_it_is_refused_without_being_repeated(kind: str) -> None:
    with pytest.raises(BadName, match=r"^the message has a credential in it, of the kind ") as refused:
        redaction.refuse_credential(f"new key {_VALUES[kind]}", "the message")
    assert _VALUES[kind] not in f"{refused.value.text} {refused.value.hint}"


def test_a_password_in_an_address_is_replaced_alone() -> None:
    shown = redaction.redact_credentials("cannot reach postgres://app:" + "hunter22@db.internal/x")
    assert shown == "cannot reach postgres://[password]@db.internal/x"


def test_the_user_of_an_address_can_have_an_at_sign() -> None:
    shown = redaction.redact_credentials("smtp://anna@example.org:" + "hunter22@mail.internal")
    assert shown == "smtp://[password]@mail.internal"


def test_a_credential_behind_an_escaped_sign_of_an_address_is_replaced() -> None:
    shown = redaction.redact_credentials(f"https://api.internal/?auth=Bearer%20{_value('github')}&page=2")
    assert shown == "https://api.internal/?auth=Bearer%20[github]&page=2"


def test_of_a_webhook_of_slack_the_host_is_shown() -> None:
    shown = redaction.redact_credentials("POST https://hooks.slack.com/" + "services/T0A1/B0C2/" + "dE4fG5hI6jK7lM8n")
    assert shown == "POST https://hooks.slack.com/[slack-webhook]"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "https://hooks.slack.com/services",
        "https://api.internal/100%25ghp_",
        "ssh://anna@server:22/srv",
        "/usr/bin/python3.11 (python)",
        "/srv/task-management-service/run",
        "/sk-learn-experiments/dev",
        "/opt/sk-learn-environment-py311/bin/python3.11",
        "/sk-shop-production-eu-west-1",
        "/shop/prod/.env",
        "0::/system.slice/docker-4f2a9e0d7c1b4f2a9e0d7c1b4f2a9e0d7c1b4f2a9e0d7c1b4f2a9e0d7c1b4f2a.scope",
        "entries 1 to 9 4f2a9e0d7c1b4f2a9e0d7c1b4f2a9e0d7c1b4f2a9e0d7c1b4f2a9e0d7c1b4f2a",
        "g7 uid 1001, in place of g3",
        "https://api.github.com/repos/acme/shop",
        "ssh://vault@server/srv/vault",
        "npm_config_registry, hf_home and re_try",
        "age1gs5glylm22zx674r50ea3x3xa2ed6ctgfn9gvenr004dvnrgcglsuzgrm3",
        "ab12cd34-1234567",
        "user@1000.service app-gnome-x.service",
    ],
)
def test_other_text_stays_as_it_is(text: str) -> None:
    assert redaction.redact_credentials(text) == text
    redaction.refuse_credential(text, "it")


# -- as programs and terminals write them ------------------------------------------------------------------------------


def _percent(text: str) -> str:
    return "".join(sign if sign.isalnum() else f"%{ord(sign):02X}" for sign in text)


_WRITTEN = {
    "address": _percent,
    "address in an address": lambda value: _percent(_percent(value)),
    "JSON": lambda value: json.dumps({"token": f"is\n{value}\n"}),
    "JSON in JSON": lambda value: json.dumps(json.dumps({"token": f"is\t{value}/"})),
    "JSON with numbers": lambda value: f"\\u0022{value}\\u0022",
    "JSON of PHP": lambda value: value.replace("/", "\\/").replace("+", "\\u002b").replace("=", "\\u003d"),
    "HTML": lambda value: f"&quot;{value}&quot;",
    "colours": lambda value: f"\x1b[1;31m{value}\x1b[0m",
    "colours in program text": lambda value: repr(f"\x1b[1;31m{value}\x1b[0m"),
    "a sentence": lambda value: f"It is ({value}), or `{value}`.",
    "a header": lambda value: f"Authorization: Bearer {value}",
    "an option": lambda value: f"--token={value}",
}


@pytest.mark.parametrize("way", _WRITTEN)
@pytest.mark.parametrize("kind", _VALUES)
def test_of_a_credential_nothing_is_left_however_it_is_written(kind: str, way: str) -> None:
    redacted = redaction.redact_credentials(_WRITTEN[way](_VALUES[kind]))
    assert "[" in redacted
    assert not any(
        part in redacted for part in re.findall(r"[A-Za-z0-9]{12,}", _VALUES[kind]) if part != "BlockPRIVATE"
    )


_NOT_CUT = (
    "private-key",
    "private-key of PGP",
    "slack",
    "mailchimp",
    "telegram",
    "discord",
)  # one of no known beginning


@pytest.mark.parametrize("cut", ["\n", "\r\n    "])
@pytest.mark.parametrize("kind", [kind for kind in _VALUES if kind not in _NOT_CUT])
def test_a_credential_that_a_terminal_cut_in_two_is_replaced_whole(kind: str, cut: str) -> None:
    value = _VALUES[kind]
    for width in (15, min(22, len(value) - 8)):
        redacted = redaction.redact_credentials(f"it is {value[:width]}{cut}{value[width:]}\nNext line")
        assert re.fullmatch(r"it is \[[a-z-]+\]=*(?:;EndpointSuffix=core\.windows\.net)?\nNext line", redacted), (
            redacted
        )


def test_what_stands_in_the_next_line_is_no_part_of_a_credential() -> None:
    shown = redaction.redact_credentials(f"it is {_value('github')}\nNext line\nexample")
    assert shown == "it is [github]\nNext line\nexample"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Authorization: Basic dXNlcjpodW50ZXIyMg==", "Authorization: Basic [http-basic]"),
        ("authorization: bearer 4f9x2k7q1m8z3w6v5t0y", "authorization: bearer [bearer]"),
        ("Proxy-Authorization: BASIC dXNlcjpodW50ZXIyMg", "Proxy-Authorization: BASIC [http-basic]"),
        ("postgres%3A%2F%2Fapp%3A" + "hunter22%40db", "postgres%3A%2F%2F[password]%40db"),
    ],
)
def test_what_a_header_or_an_address_authenticates_with_is_replaced(text: str, shown: str) -> None:
    assert redaction.redact_credentials(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "Basic authentication is off",
        "a bearer authentication-token-is-missing",
        "100%20 C:\\new\\x1\n\nhf_home\nof yesterday",
    ],
)
def test_ordinary_text_with_escapes_and_line_breaks_stays_as_it_is(text: str) -> None:
    assert redaction.redact_credentials(text) == text


def test_a_refusal_names_the_kind_and_no_other_text_in_brackets() -> None:
    with pytest.raises(BadName, match=r"of the kind github$"):
        redaction.refuse_credential(f"[draft] [{_value('github')}]", "the message")


# A beginning that its own word can have in it would be followed to the word's end from each place where it stands.
_UNBOUNDED = re.compile(r"^\((\[[^]]+\])\{\d+,\}\??\)(.+)")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_a_word_of_many_beginnings_is_followed_to_its_end_only_once(
    row: tuple[str, tuple[str, ...], str, object],
) -> None:
    kind, starts, body, _ = row
    unbounded = _UNBOUNDED.match(body)
    if unbounded is None or unbounded[2] == "={0,2}":
        return  # a match takes all of the word with it
    restarts = [start for start in starts if re.fullmatch(f"{unbounded[1]}+", start)]
    assert not restarts or kind in redaction.TO_WORD_END

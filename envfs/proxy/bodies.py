"""Putting values into the body of a request, where a rule names a field of it, and into messages of a WebSocket.

A placeholder in another place of a body stays as it is: an agent may tell a model what it read in a masked file, and
its value must not come there. So the fields of rules are filled, and nothing else is looked at.
"""

import json
from collections.abc import Iterable
from typing import Final
from urllib.parse import quote, unquote_to_bytes

from envfs.proxy.places import IN_MESSAGES, Place, PlaceKind
from envfs.proxy.replacing import Replacement, replace_texts
from envfs.proxy.rules import ProxyRule
from envfs.proxy.substitution import RequestHead, Unfit
from envfs.proxy.variables import HostRules, SessionVariable

LARGEST: Final = 10 << 20  # bytes of a body that is looked into
_FORM, _JSON = "application/x-www-form-urlencoded", "application/json"


def body_place_kind(host: HostRules, head: RequestHead) -> PlaceKind | None:
    """Return which kind of fields a rule may fill in the body of a request. None: it goes on unread."""
    kinds = {
        place.kind
        for rule in host.rules
        if rule.allows(head.method, head.path)
        for place in rule.places
        if place.is_in_body
    }
    content_type = next((value for name, value in head.headers if name == b"content-type"), b"").decode("latin-1")
    match content_type.partition(";")[0].strip().lower():
        case "application/x-www-form-urlencoded":
            return PlaceKind.FORM if PlaceKind.FORM in kinds else None
        case media if media == _JSON or media.endswith("+json"):
            return PlaceKind.JSON if PlaceKind.JSON in kinds else None
        case _:
            return None


def substitute_body(host: HostRules, head: RequestHead, kind: PlaceKind, body: bytes) -> tuple[bytes, tuple[str, ...]]:
    """Return a body with values in the fields of rules, and the names of these.

    Raises:
        Unfit: a field may have a value, and its placeholder stands in another place as well
    """
    keys: list[str] = []
    for variable in host.variables:
        rules = host.rules_of(variable, head.method, head.path)
        fields = [place for rule in rules for place in rule.places if place.kind is kind]
        for place in fields if variable.value is not None else ():
            filled = _FILLERS[kind](body, place, variable)
            if filled is not None:
                body, keys = filled, [*keys, variable.name]
    return body, tuple(dict.fromkeys(keys))


def substitute_message(host: HostRules, head: RequestHead, text: bytes) -> tuple[bytes, tuple[str, ...]]:
    """Return a text message of a WebSocket that `head` asked for with values in it, and the names of these.

    Raises:
        Unfit: a placeholder stands in it more than once, or a value is no text
    """
    pairs: list[Replacement] = []
    keys: list[str] = []
    is_json = text.lstrip()[:1] in (b"{", b"[", b'"')
    for variable in host.variables:
        rules = host.rules_of(variable, head.method, head.path)
        if variable.value is None or variable.placeholder not in text or not _is_for_messages(rules):
            continue  # what an agent read in a masked file stays as it is
        if text.count(variable.placeholder) > 1:
            raise Unfit(variable.name, IN_MESSAGES.text, "its placeholder stands there more than once")
        value = _value(variable)
        if not _is_text(value):
            raise Unfit(variable.name, IN_MESSAGES.text, "its value is no text")
        pairs.append(Replacement(variable.placeholder, _escaped(value) if is_json else value))
        keys.append(variable.name)
    return (replace_texts(text, pairs), tuple(keys)) if pairs else (text, ())


def has_messages(host: HostRules, head: RequestHead) -> bool:
    """Tell whether a rule may put a value into messages of a WebSocket that `head` asks for."""
    return _is_for_messages(rule for rule in host.rules if rule.allows(head.method, head.path))


def _is_for_messages(rules: Iterable[ProxyRule]) -> bool:
    return any(IN_MESSAGES in rule.places for rule in rules)


def _is_text(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True


def _filled_form(body: bytes, place: Place, variable: SessionVariable) -> bytes | None:
    fields = body.split(b"&")
    for number, field in enumerate(fields):
        name, equals, value = field.partition(b"=")
        plain = unquote_to_bytes(value.replace(b"+", b" "))
        if unquote_to_bytes(name.replace(b"+", b" ")) == place.name.encode() and variable.placeholder in plain:
            filled = plain.replace(variable.placeholder, _value(variable))
            fields[number] = name + equals + quote(filled, safe="").encode()
            return b"&".join(fields)
    return None


def _filled_json(body: bytes, place: Place, variable: SessionVariable) -> bytes | None:
    written = _escaped(variable.placeholder)
    if written not in body:
        return None
    text, placeholder = _text_at(body, place), variable.placeholder.decode(errors="replace")
    if placeholder not in text:
        return None
    if body.count(written) > 1:  # which of them is the field is not seen without writing the whole text again
        raise Unfit(variable.name, place.text, "its placeholder stands in another place of the body as well")
    if _text_at(body.replace(written, b""), place) != text.replace(placeholder, ""):
        # with signs written as numbers there, and as it is in another place
        raise Unfit(variable.name, place.text, "its placeholder is not written there as it is")
    return body.replace(written, _escaped(_value(variable)))


def _text_at(body: bytes, place: Place) -> str:
    try:
        text = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    for name in place.name.split("."):
        text = text.get(name) if isinstance(text, dict) else None
    return text if isinstance(text, str) else ""


def _value(variable: SessionVariable) -> bytes:
    return bytes(variable.value or b"")


def _escaped(text: bytes) -> bytes:
    return json.dumps(text.decode(errors="surrogateescape"), ensure_ascii=False)[1:-1].encode(errors="surrogateescape")


_FILLERS = {PlaceKind.FORM: _filled_form, PlaceKind.JSON: _filled_json}

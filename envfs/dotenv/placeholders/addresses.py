"""Placeholders of addresses: URLs, connection strings with a host, e-mail addresses.

The scheme and the host are shown, the host if the order does not say otherwise. Secret is the password, or the user
where there is no password, or else all that follows the host. Beside a password the user, the port and the path are
shown, as far as they are plain words and the length leaves room for them. A query and a fragment are never shown:
signatures and tokens stand there.

Where the length leaves no room for the random bits, the letters of the host carry some of them by their case, which
names the same host. Law: where there is no room even so, the placeholder is longer than its value.
"""

import re
from typing import Final, NamedTuple

from envfs.dotenv.placeholders.pieces import MaskedValue, MaskOrder, surrounded
from envfs.dotenv.placeholders.seeded_text import BASE62, BITS, LOWER, USERINFO, bits_of, signs_for

_HOST = r"[A-Za-z0-9._-]{1,253}"
_URL = re.compile(
    r"(?P<scheme>(?:[a-z][a-z0-9+.-]*:){1,3}//)"
    r"(?:(?P<user>[^/?#@:\s]*)(?P<password>:[^/?#\s]*)?@)?"
    rf"(?P<host>{_HOST}|\[[0-9a-f:.]+\])(?P<ports>(?::\d{{1,5}})?(?:,{_HOST}(?::\d{{1,5}})?)*)"  # and other hosts
    r"(?P<path>/[^?#\s]*)?(?P<tail>[?#]\S*)?",
    re.IGNORECASE | re.ASCII,
)
_WEB: Final = ("http://", "https://")
_PLAIN_USER = re.compile(r"[A-Za-z][A-Za-z_.-]{0,23}\d{0,4}", re.ASCII)
_PLAIN_PATH = re.compile(r"(?:(?:/(?:[A-Za-z][A-Za-z_.-]{0,23}\d{0,4}|\d{1,4})){1,4}/?)?", re.ASCII)
_NO_PASSWORDS: Final = ("", ":", ":x", ":X", ":x-oauth-basic", ":api_token")  # beside a user that is a token
_EMAIL = re.compile(r"[^@\s:/]+@[^@\s:/]+\.[A-Za-z]{2,}", re.ASCII)
_EMAIL_HOST: Final = "@example.com"  # RFC 2606


class _Frame(NamedTuple):
    """The text around the random signs, and the parts of the value in it beside scheme and host."""

    before: str
    after: str = ""
    shown: str = ""


def url_placeholder(order: MaskOrder, value: str) -> MaskedValue | None:
    """Return a placeholder of a URL that has a host. None for another value."""
    match = _URL.fullmatch(value) if order.shows_host else None
    if match is None:
        return None
    scheme, host, ports = match["scheme"], match["host"], match["ports"]
    if match["user"] is not None:
        return _fitting(order, _with_userinfo(order, match))._replace(host=scheme + host + ports)
    if "@" in value and (ports or scheme.lower() not in _WEB):  # the host may be a piece of a password with a slash
        return None
    frames = [_Frame(f"{scheme}{host}{ports}/"), _Frame(f"{scheme}{host}/")]
    return _fitting(order, frames)._replace(host=scheme + host + ports)


def _with_userinfo(order: MaskOrder, match: re.Match[str]) -> list[_Frame]:
    # the frames to choose from: the one that shows most comes first
    scheme, user, host, ports, path = match["scheme"], match["user"], match["host"], match["ports"], match["path"] or ""
    at_host, at_ports = f"@{host}", f"@{host}{ports}"
    bare = [_Frame(scheme, at_ports), _Frame(scheme, at_host)]
    if not order.shows:
        return bare
    has_password = (match["password"] or "") not in _NO_PASSWORDS
    before, user = (f"{scheme}{user}:", user) if has_password and _PLAIN_USER.fullmatch(user) else (scheme, "")
    if has_password and not match["user"]:
        before += ":"
    path = path if _PLAIN_PATH.fullmatch(path) else ""
    return [_Frame(before, at_ports + path, f"{user}\0{path}"), _Frame(before, at_ports, user), *bare]


def email_placeholder(order: MaskOrder, value: str) -> MaskedValue | None:
    """Return an e-mail address of nobody. None for another value."""
    return surrounded(order, LOWER, "", _EMAIL_HOST) if _EMAIL.fullmatch(value) else None


def _fitting(order: MaskOrder, frames: list[_Frame]) -> MaskedValue:
    for before, after, shown in frames:
        room = order.size - len(before) - len(after)
        if not order.size or room >= signs_for(USERINFO):
            alphabet = BASE62 if not order.size or room >= signs_for(BASE62) else USERINFO
            return surrounded(order, alphabet, before, after)._replace(shown=shown)
    return _in_mixed_case(order, frames[-1]) or _longer(order, frames[0])


def _longer(order: MaskOrder, frame: _Frame) -> MaskedValue:
    return surrounded(order._replace(size=0), BASE62, frame.before, frame.after)._replace(shown=frame.shown)


def _in_mixed_case(order: MaskOrder, frame: _Frame) -> MaskedValue | None:
    # the case of a host's letters means nothing (RFC 3986 §3.2.2), so each of them can carry a bit
    scheme, slashes, host = frame.before.partition("//")
    room = order.size - len(frame.before) - len(frame.after)
    letters = sum(map(str.isalpha, host + frame.after))
    if room < 1 or bits_of(USERINFO, room) + letters < BITS:
        return None
    before = scheme + slashes + _random_case(order, host)
    return surrounded(order, USERINFO, before, _random_case(order, frame.after))


def _random_case(order: MaskOrder, text: str) -> str:
    signs = zip(text, order.source.draw_bytes(len(text)), strict=True)
    return "".join(sign.upper() if byte & 1 else sign.lower() for sign, byte in signs)

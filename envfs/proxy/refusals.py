"""Refusals as a client gets them: JSON that programs of models show to their users, with the lines to add.

Law: a refusal names a variable, a host and a place, and never a value or a placeholder.
"""

import json
from collections.abc import Iterable
from typing import NamedTuple

from envfs.proxy.hosts import Endpoint
from envfs.proxy.rules import ProxyRule, rule_lines
from envfs.proxy.substitution import Unfit

_AUTHENTICATE = (b"proxy-authenticate", b'Basic realm="envfs"')
PROXY_AUTHENTICATION, FORBIDDEN, UNAVAILABLE, BAD_GATEWAY = 407, 403, 503, 502


class Refusal(NamedTuple):
    """An answer of the proxy itself. `kind` is one word for programs."""

    status: int
    kind: str
    text: str
    hint: str = ""

    def body(self) -> bytes:
        """Write it, with a line end behind it for people."""
        error = {"type": "envfs_proxy", "code": self.kind, "message": f"envfs: {self.text}"}
        if self.hint:
            error["hint"] = self.hint
        return json.dumps({"error": error}, indent=1).encode() + b"\n"

    def headers(self, body: bytes) -> list[tuple[bytes, bytes]]:
        """Return the headers of the answer."""
        own = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
            (b"x-envfs-proxy", self.kind.encode()),
            (b"connection", b"close"),
        ]
        return [*own, _AUTHENTICATE] if self.status == PROXY_AUTHENTICATION else own


def unfit_refusal(unfit: Unfit, endpoint: Endpoint, rules: Iterable[ProxyRule]) -> Refusal:
    """Return the refusal of a placeholder that stands where its value may not be put in.

    `rules` are those of the session. The lines to add have those of the catalogue as well, whose place they take.
    """
    from envfs.proxy.catalogue import of_catalogue  # noqa: PLC0415 - few sessions refuse

    text = f"{unfit.key} may not be sent to {endpoint.authority} in {unfit.place}: {unfit.reason}"
    places = [unfit.place] if " " not in unfit.place else []
    lines = [
        rule_lines(rule.key, [host.authority for host in rule.hosts], [place.text for place in rule.places])
        for rule in of_catalogue(rules, unfit.key)
    ]
    lines.append(rule_lines(unfit.key, [endpoint.authority], places))
    hint = "add to the settings (`envfs proxy rules` shows the rules):\n" + "\n\n".join(lines)
    return Refusal(FORBIDDEN, "no-rule", text, hint if places else "")


def needs_token() -> Refusal:
    """Return the refusal of a client that does not show the session's token."""
    text = "this proxy is for the processes of its session, which have its address in HTTPS_PROXY"
    return Refusal(PROXY_AUTHENTICATION, "no-token", text)


def needs_rule(endpoint: Endpoint) -> Refusal:
    """Return the refusal of an address, or of an unusual port, that no rule names: such a tunnel leads anywhere."""
    text = f"{endpoint.authority} is an address, or has another port than the usual one, and no rule names it"
    return Refusal(FORBIDDEN, "no-host", text)

"""The refusals before a request is looked at: another host's name, another site's page, a form that is too large.

Laws: a browser says by Host which address it was given, by Sec-Fetch-Site and Origin (Fetch Metadata, RFC 6454) which
page sends it. A request that changes something needs both to be right. One without Sec-Fetch-Site comes from no
browser of today, and may look. A refusal says nothing of what is here. Each answer forbids the browser every resource
and frame but those of this page, and to keep a copy.
"""

from envfs.tuples import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

LONGEST_FORM = 4096
_FORM = "application/x-www-form-urlencoded"
_OPEN = "/open/"
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)
HEADERS = (
    ("cache-control", "no-store"),
    ("content-security-policy", _POLICY),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "camera=(), display-capture=(), geolocation=(), microphone=()"),
    ("referrer-policy", "same-origin"),  # with no-referrer a form of our own would come without its Origin
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
)


class RequestRefusal(NamedTuple):
    """Why a request is not answered: the status of HTTP, and what a person reads."""

    status: int
    text: str


def refuse_request(method: str, path: str, headers: "Mapping[str, list[str]]", address: str) -> "RequestRefusal | None":
    """Return why a request is refused, or None. `address` is that of the server, and names in `headers` are small."""
    if headers.get("host") != [address]:
        return RequestRefusal(403, "this address is not served here")
    if method not in ("GET", "POST"):
        return RequestRefusal(405, "pages are read by GET, and questions are answered by POST")
    if (refusal := _refuse_site(method, path, headers)) is not None:
        return refusal
    if method == "GET":
        return RequestRefusal(400, "a request to read has no content") if _has_content(headers) else None
    return _refuse_form(headers, address)


def _refuse_site(method: str, path: str, headers: "Mapping[str, list[str]]") -> "RequestRefusal | None":
    site = headers.get("sec-fetch-site", [])
    if path.startswith(_OPEN):
        is_visit = headers.get("sec-fetch-dest", ["document"]) == ["document"] and "sec-purpose" not in headers
        return None if method == "GET" and is_visit else RequestRefusal(403, "this URL is for a person who opens it")
    allowed = (["same-origin"], []) if method == "POST" else (["same-origin"], ["none"], [])
    return None if site in allowed else RequestRefusal(403, "another site may send nothing here")


def _refuse_form(headers: "Mapping[str, list[str]]", address: str) -> "RequestRefusal | None":
    if headers.get("origin") != [f"http://{address}"]:
        return RequestRefusal(403, "another site may send nothing here")
    if [part.partition(";")[0].strip().lower() for part in headers.get("content-type", [])] != [_FORM]:
        return RequestRefusal(415, "an answer is a form")
    length = headers.get("content-length", [])
    if len(length) != 1 or not (length[0].isascii() and length[0].isdigit()) or "transfer-encoding" in headers:
        return RequestRefusal(411, "an answer says how long it is")
    return RequestRefusal(413, "an answer is short") if int(length[0]) > LONGEST_FORM else None


def _has_content(headers: "Mapping[str, list[str]]") -> bool:
    return "transfer-encoding" in headers or headers.get("content-length", ["0"]) != ["0"]

"""What the page refuses before it looks at a request."""

import pytest

from envfs_cli.web import guards
from tests.unit.cli.web.asgi import ADDRESS, FORM, VISIT

OPEN = "/open/word"
PAGE = "/folder/levels"


def _refusal(
    method: str, path: str, *changed: tuple[str, str | None], base: tuple[tuple[str, str], ...] = VISIT
) -> int:
    headers = {name: [text] for name, text in base}
    if method == "POST":
        headers.setdefault("content-length", ["10"])
    for name, text in changed:
        if text is None:
            headers.pop(name, None)
        else:
            headers[name] = text.split("|")
    refusal = guards.refuse_request(method, path, headers, ADDRESS)
    return refusal.status if refusal is not None else 0


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost:8200", "127.0.0.1", "127.0.0.1:80", "127.0.0.1:8200.", None]
)
@pytest.mark.parametrize("path", [OPEN, PAGE])
def test_a_name_that_leads_here_by_a_trick_is_no_address_of_the_page(host: str | None, path: str) -> None:
    assert _refusal("GET", path, ("host", host)) == 403


def test_two_hosts_are_none() -> None:
    assert _refusal("GET", PAGE, ("host", f"{ADDRESS}|evil.example")) == 403


@pytest.mark.parametrize("method", ["HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "CONNECT", "TRACE", "get"])
def test_a_page_is_read_by_get_and_answered_by_post(method: str) -> None:
    assert _refusal(method, PAGE) == 405


@pytest.mark.parametrize("site", ["cross-site", "same-site", "", "none|none"])
def test_a_page_of_another_site_or_port_reads_nothing(site: str) -> None:
    assert _refusal("GET", PAGE, ("sec-fetch-site", site)) == 403


@pytest.mark.parametrize("site", ["none", "same-origin", None])
def test_a_person_and_the_page_itself_read(site: str | None) -> None:
    assert _refusal("GET", PAGE, ("sec-fetch-site", site)) == 0


@pytest.mark.parametrize("dest", ["iframe", "image", "script", "empty", "object"])
def test_the_url_is_opened_by_no_frame_and_no_picture(dest: str) -> None:
    assert _refusal("GET", OPEN, ("sec-fetch-dest", dest)) == 403


def test_the_url_is_not_used_up_by_a_browser_that_loads_ahead() -> None:
    assert _refusal("GET", OPEN, ("sec-purpose", "prefetch")) == 403
    assert _refusal("POST", OPEN, base=FORM) == 403


def test_the_url_may_be_a_link_of_anywhere() -> None:
    assert _refusal("GET", OPEN, ("sec-fetch-site", "cross-site")) == 0
    assert _refusal("GET", OPEN, *((name, None) for name, _ in VISIT if name != "host")) == 0


@pytest.mark.parametrize("body", [("content-length", "1"), ("transfer-encoding", "chunked"), ("content-length", "0|0")])
def test_a_request_to_read_has_no_content(body: tuple[str, str]) -> None:
    assert _refusal("GET", PAGE, body) == 400


def test_a_form_of_the_page_is_taken() -> None:
    assert _refusal("POST", PAGE, base=FORM) == 0


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "https://127.0.0.1:8200", "http://127.0.0.1:81", None]
)
def test_a_form_of_another_origin_is_refused(origin: str | None) -> None:
    assert _refusal("POST", PAGE, ("origin", origin), base=FORM) == 403


@pytest.mark.parametrize("site", ["cross-site", "same-site", "none"])
def test_a_form_of_another_site_is_refused_whatever_its_origin_says(site: str) -> None:
    assert _refusal("POST", PAGE, ("sec-fetch-site", site), base=FORM) == 403


@pytest.mark.parametrize(
    ("name", "text", "status"),
    [
        ("content-type", "text/plain", 415),
        ("content-type", "multipart/form-data; boundary=x", 415),
        ("content-type", None, 415),
        ("content-length", None, 411),
        ("content-length", "-1", 411),
        ("content-length", "4097", 413),
        ("content-length", "9" * 40, 413),
        ("transfer-encoding", "chunked", 411),
    ],
)
def test_a_form_is_short_and_a_form(name: str, text: str | None, status: int) -> None:
    assert _refusal("POST", PAGE, (name, text), base=FORM) == status


def test_the_policy_allows_nothing_but_this_page() -> None:
    policy = dict(guards.HEADERS)["content-security-policy"]
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    assert "http" not in policy.replace("'", "")

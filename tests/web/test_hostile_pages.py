"""Pages of other sites, other ports and other names in the same browser: they can do nothing with the page."""

import http.server
import re
import threading
import urllib.parse
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.system.home import Home
from tests.web import browser
from tests.web.browser import VALUE

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.soak

Homes = Callable[..., Home]
EVIL = "evil.example"  # leads to 127.0.0.1, as a name does after rebinding
ATTACK = """<!doctype html><title>evil</title>
<iframe src="{root}approvals/{name}"></iframe><iframe src="{url}"></iframe><img src="{root}page.svg"><img src="{url}">
<link rel="prefetch" href="{url}"><link rel="prefetch" href="{root}levels">
<script src="{root}page.js"></script><link rel="stylesheet" href="{root}page.css">
<form id="answer" method="post" action="{root}approvals/{name}" target="other">
<input name="word" value="{word}"><input name="shown" value="{shown}"><input name="scope" value="once"></form>
<iframe name="other"></iframe>
<script>
window.told = [];
const note = (what, promise) => promise.then(
  async (answer) => told.push([what, answer.type, answer.status, (await answer.text()).length]),
  () => told.push([what, "failed", 0, 0]));
const body = new URLSearchParams({{word: "{word}", shown: "{shown}", scope: "once"}});
const sent = {{method: "POST", credentials: "include"}};
const all = [
  note("read", fetch("{root}levels", {{credentials: "include"}})),
  note("blind", fetch("{root}levels", {{credentials: "include", mode: "no-cors"}})),
  note("answer", fetch("{root}approvals/{name}", {{...sent, body}})),
  note("blind answer", fetch("{root}approvals/{name}", {{...sent, mode: "no-cors", body}})),
  note("with a header", fetch("{root}levels", {{credentials: "include", headers: {{"x-more": "1"}}}})),
];
document.getElementById("answer").submit();
const events = new EventSource("{root}events", {{withCredentials: true}});
events.onmessage = () => told.push(["events", "came", 200, 1]);
Promise.all(all).then(() => document.title = "done");
</script>
"""


class Heard(NamedTuple):
    """A request that came to the hostile server: its path and its cookies."""

    path: str
    cookie: str


class Hostile:
    """A server at another port of this machine, with a page that a test writes."""

    def __init__(self) -> None:
        self.page = ""
        self.heard: list[Heard] = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.heard.append(Heard(self.path, self.headers.get("cookie", "")))
                body = outer.page.encode()
                self.send_response(200)
                self.send_header("content-type", "text/html")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture(scope="module")
def home(new_home: Homes) -> Iterator[Home]:
    """Give the module a shop's vault that is served."""
    shop = new_home()
    browser.fill(shop)
    with shop.served():
        yield shop


@pytest.fixture(scope="module")
def chrome() -> Iterator["Browser"]:
    """Give the module a browser in which a name of somebody else leads to this machine."""
    with browser.chromium(f"--host-resolver-rules=MAP {EVIL} 127.0.0.1") as running:
        yield running


@pytest.fixture
def hostile() -> Iterator[Hostile]:
    """Give a hostile server."""
    server = Hostile()
    yield server
    server.close()


def _words(page: "Page") -> dict[str, str]:
    return {
        field: str(page.locator(f"input[name={field}]").first.get_attribute("value")) for field in ("word", "shown")
    }


@pytest.mark.parametrize("host", [EVIL, "localhost", "127.0.0.1"])
def test_a_page_elsewhere_that_knows_every_word_but_the_cookie_does_nothing(
    home: Home, chrome: "Browser", hostile: Hostile, host: str
) -> None:
    with browser.page_of(home) as url:
        context = chrome.new_context()
        page = context.new_page()
        root = browser.enter(page, url)
        with browser.asking(home) as process:
            name = browser.question(page, root)
            page.goto(f"{root}approvals/{name}")
            hostile.page = ATTACK.format(root=root, url=url, name=name, **_words(page))
            other = context.new_page()
            other.goto(f"http://{host}:{hostile.port}/")
            other.wait_for_function("document.title === 'done'")
            other.wait_for_timeout(1000)
            _check_nothing_was_had(other)
            assert process.poll() is None  # nobody answered
            page.goto(f"{root}approvals")
            assert name in page.content()
        assert all(not heard.cookie for heard in hostile.heard)
        context.close()


def _check_nothing_was_had(other: "Page") -> None:
    told = {what: (kind, status, length) for what, kind, status, length in other.evaluate("told")}
    assert {told[what][0] for what in ("read", "answer", "with a header")} == {"failed"}
    assert told["blind"] in (("opaque", 0, 0), ("failed", 0, 0))
    assert "events" not in told
    assert all(VALUE not in frame.content() for frame in other.frames)
    assert all("SESSION_KEY" not in frame.content() for frame in other.frames)


def test_the_cookie_goes_to_no_other_port(home: Home, chrome: "Browser", hostile: Hostile) -> None:
    with browser.page_of(home) as url:
        context = chrome.new_context()
        page = context.new_page()
        browser.enter(page, url)
        page.goto(f"http://127.0.0.1:{hostile.port}/")
        page.goto(f"http://127.0.0.1:{hostile.port}/open/x/levels")
        assert len(hostile.heard) >= 2
        assert all(not heard.cookie for heard in hostile.heard)
        context.close()


def test_a_cookie_that_another_port_sets_keeps_nobody_out(home: Home, chrome: "Browser", hostile: Hostile) -> None:
    with browser.page_of(home) as url:
        context = chrome.new_context()
        page = context.new_page()
        root = browser.enter(page, url)
        hostile.page = "<script>document.cookie = 'envfs-web=junk; path=/'; document.title = 'set'</script>"
        page.goto(f"http://127.0.0.1:{hostile.port}/")
        page.wait_for_function("document.title === 'set'")
        answer = page.goto(f"{root}levels")
        assert answer is not None
        assert answer.status == 200
        context.close()


def test_a_name_that_leads_here_shows_nothing(home: Home, chrome: "Browser") -> None:
    with browser.page_of(home) as url:
        context = chrome.new_context()
        page = context.new_page()
        root = browser.enter(page, url)
        for host in (EVIL, "localhost"):
            for address in (root, url):
                answer = page.goto(address.replace("127.0.0.1", host))
                assert answer is not None
                assert answer.status == 403
                assert not re.search("Levels|Overview", page.content())
        context.close()


def test_a_frame_of_the_page_stays_empty(home: Home, chrome: "Browser", hostile: Hostile) -> None:
    with browser.page_of(home) as url:
        context = chrome.new_context()
        page = context.new_page()
        root = browser.enter(page, url)
        hostile.page = f"<iframe src='{root}approvals'></iframe>"
        page.goto(f"http://127.0.0.1:{hostile.port}/")
        page.wait_for_timeout(500)
        assert not any(re.search("Approvals", frame.content()) for frame in page.frames)
        context.close()


def test_a_link_of_another_site_to_the_url_lets_the_person_in(home: Home, chrome: "Browser", hostile: Hostile) -> None:
    with browser.page_of(home) as url:
        context = chrome.new_context()
        page = context.new_page()
        hostile.page = f"<a href='{url}'>mail</a>"
        page.goto(f"http://{EVIL}:{hostile.port}/")
        page.click("a")
        page.wait_for_url(lambda there: EVIL not in there and "/open/" not in there)
        assert page.locator("h1").inner_text() == "Overview"
        context.close()


def test_names_with_markup_are_text(home: Home, chrome: "Browser") -> None:
    reason = "</dd><script>document.title='owned'</script><img src=x onerror=alert(1)>"
    with browser.page_of(home) as url:
        context = chrome.new_context()
        page = context.new_page()
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text))
        root = browser.enter(page, url)
        with browser.asking(home, reason):
            page.goto(f"{root}approvals/{browser.question(page, root)}")
            assert reason in page.inner_text("dl")
        for path in ("log?exe=", "log?level=", "level/", "approvals/"):
            page.goto(f"{root}{path}{urllib.parse.quote(reason, safe='')}")
            assert page.title() != "owned"
            assert page.locator("main img").count() == 0
        assert not [text for text in complaints if "Content Security Policy" in text]
        context.close()

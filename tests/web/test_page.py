"""The page in Chromium: axe-core finds nothing, keys alone do all, it is live, and all is there without a script."""

import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

from tests.system.home import Home
from tests.web import browser
from tests.web.browser import AXE, PAGES, VALUE

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

pytestmark = pytest.mark.soak

Homes = Callable[..., Home]
WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 320, "height": 640}


class Shown:
    """A page that was opened, and what the browser complained of."""

    def __init__(self, page: "Page", root: str) -> None:
        self.page = page
        self.root = root
        self.complaints: list[str] = []
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def go(self, path: str) -> None:
        answer = self.page.goto(f"{self.root}{path}")
        assert answer is not None
        assert answer.status == 200


@pytest.fixture(scope="module")
def home(new_home: Homes) -> Iterator[Home]:
    """Give the module a shop's vault that is served."""
    shop = new_home()
    browser.fill(shop)
    with shop.served():
        browser.read_some(shop)
        yield shop


@pytest.fixture(scope="module")
def chrome() -> Iterator["Browser"]:
    """Give the module a browser."""
    with browser.chromium() as running:
        yield running


@pytest.fixture(scope="module")
def context(home: Home, chrome: "Browser") -> Iterator["BrowserContext"]:
    """Give the module a browser that was let in."""
    with browser.page_of(home) as url:
        entered = chrome.new_context(viewport=WIDE)
        entered.root = browser.enter(entered.new_page(), url)
        yield entered
        entered.close()


@pytest.fixture
def shown(context: "BrowserContext") -> Iterator[Shown]:
    """Give a page."""
    page = context.new_page()
    yield Shown(page, context.root)
    page.close()


def _faults(page: "Page") -> list[str]:
    page.evaluate(AXE.read_text(encoding="utf-8"))
    options = {"resultTypes": ["violations", "incomplete"]}
    found = page.evaluate(f"axe.run(document, {json.dumps(options)})")
    assert len(found["passes"]) > 10
    # in a narrow window it cannot tell what is behind a cell that is scrolled out; a wide one has the same colours
    unclear = [fault for fault in found["incomplete"] if page.viewport_size == WIDE or fault["id"] != "color-contrast"]
    faults = [*found["violations"], *unclear]
    return [
        f"{fault['id']}: {node['html'][:200]} {node['failureSummary']}" for fault in faults for node in fault["nodes"]
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_axe_finds_nothing(home: Home, shown: Shown, scheme: str, size: dict[str, int]) -> None:
    shown.page.set_viewport_size(size)
    shown.page.emulate_media(color_scheme=scheme)
    empty = "retry: 1000000\n\n"  # a part that is put in anew while axe looks at it confuses it
    shown.page.route("**/events", lambda route: route.fulfill(content_type="text/event-stream", body=empty))
    with browser.asking(home):
        name = browser.question(shown.page, shown.root)
        for path in (*PAGES, f"approvals/{name}", "log?level=nothing/../"):
            shown.go(path)
            assert _faults(shown.page) == [], path
            for details in shown.page.locator("summary").all():
                details.click()
            assert _faults(shown.page) == [], path
    assert not shown.complaints


@pytest.mark.parametrize("path", PAGES)
def test_a_narrow_window_scrolls_tables_and_not_the_page(shown: Shown, path: str) -> None:
    shown.page.set_viewport_size(NARROW)
    shown.go(path)
    assert shown.page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]


@pytest.mark.parametrize("path", PAGES)
def test_nothing_comes_from_elsewhere_and_no_value_comes_at_all(shown: Shown, path: str) -> None:
    addresses: list[str] = []
    shown.page.on("request", lambda request: addresses.append(request.url))
    shown.go(path)
    assert len(addresses) > 2
    assert all(address.startswith(shown.root) for address in addresses)
    assert VALUE not in shown.page.content()
    assert not shown.complaints


def test_nothing_moves(shown: Shown) -> None:
    for motion in ("reduce", "no-preference"):
        shown.page.emulate_media(reduced_motion=motion)
        shown.go("")
        assert shown.page.evaluate("document.getAnimations().length") == 0


def _press_until(page: "Page", script: str, key: str = "Tab", most: int = 80) -> None:
    for _ in range(most):
        page.keyboard.press(key)
        if page.evaluate(f"(focused => {script})(document.activeElement)"):
            return
    pytest.fail(f"no key leads to {script}")


def test_keys_alone_lead_from_the_start_to_a_level(shown: Shown) -> None:
    shown.go("")
    shown.page.keyboard.press("Tab")
    assert shown.page.evaluate("document.activeElement.className") == "skip"
    assert shown.page.evaluate("document.activeElement.getBoundingClientRect().left") >= 0
    shown.page.keyboard.press("Enter")
    assert shown.page.evaluate("document.activeElement.id") == "content"
    shown.go("")
    _press_until(shown.page, "focused.textContent === 'Levels'")
    shown.page.keyboard.press("Enter")
    shown.page.wait_for_url("**/levels")
    _press_until(shown.page, "focused.getAttribute('href').endsWith('/level/shop/prod')")
    shown.page.keyboard.press("Enter")
    shown.page.wait_for_url("**/level/shop/prod")
    _press_until(shown.page, "focused.tagName === 'SUMMARY'")
    shown.page.keyboard.press("Space")
    assert shown.page.evaluate("document.activeElement.parentElement.open")


def test_each_place_that_keys_lead_to_is_seen(shown: Shown) -> None:
    shown.go("log")
    seen = set()
    for _ in range(60):
        shown.page.keyboard.press("Tab")
        focused = shown.page.evaluate(
            "(e => [e.tagName, ...['Style', 'Width'].map(part => getComputedStyle(e)[`outline${part}`])])"
            "(document.activeElement)"
        )
        if focused[0] == "BODY":
            break
        seen.add(focused[0])
        assert focused[1:] == ["solid", "3px"] or focused[1] == "auto", focused
    assert {"A", "INPUT", "SELECT", "BUTTON", "SUMMARY", "DIV"} <= seen


def test_a_question_is_answered_by_keys_alone(home: Home, shown: Shown) -> None:
    with browser.asking(home) as process:
        name = browser.question(shown.page, shown.root)
        _press_until(shown.page, f"focused.textContent === '{name}'")
        shown.page.keyboard.press("Enter")
        shown.page.wait_for_url(f"**/approvals/{name}")
        _press_until(shown.page, "focused.textContent === 'Yes, once'")
        shown.page.keyboard.press("Enter")
        out, _ = process.communicate(timeout=60)
    assert out == f"{VALUE}\n"
    shown.page.wait_for_url("**/approvals")
    assert f"{name} was allowed" in shown.page.locator(".notice").inner_text()


def test_a_question_comes_and_goes_without_a_reload(home: Home, shown: Shown) -> None:
    shown.go("approvals")
    with browser.asking(home, "to <i>see</i> it") as process:
        browser.wait_until(shown.page, "document.querySelector('tbody')?.innerText.includes('to <i>see</i> it')")
        browser.wait_until(shown.page, "document.getElementById('live').textContent.includes('for an answer')")
        shown.page.locator("tbody th a").last.click()
        shown.page.get_by_role("button", name="No").click()
        assert process.wait(60) != 0
    shown.page.wait_for_url("**/approvals")
    browser.wait_until(shown.page, "!document.querySelector('tbody')?.innerText.includes('to <i>see</i> it')")


def test_reads_appear_by_themselves_unless_a_person_pauses_that(home: Home, shown: Shown) -> None:
    shown.go("log?level=%2Fblog%2Fprod")
    count = "document.querySelectorAll('[aria-label=\"The newest entries\"] tbody tr').length"
    before = shown.page.evaluate(count)
    for _ in range(20):  # the first one may come before the page listens
        home.envfs("exec", "/blog/prod", "--", "true")
        shown.page.wait_for_timeout(2000)
        if shown.page.evaluate(count) > before:
            break
    else:
        pytest.fail("nothing appears")
    shown.page.get_by_role("button", name="Pause live updates").click()
    shown.page.wait_for_timeout(2500)
    paused = shown.page.evaluate(count)
    home.envfs("exec", "/blog/prod", "--", "true")
    shown.page.wait_for_timeout(2500)
    assert shown.page.evaluate(count) == paused
    shown.page.get_by_role("button", name="Pause live updates").click()
    browser.wait_until(shown.page, f"{count} > {paused}")


def test_a_part_that_a_person_is_in_stays_as_it_is(home: Home, shown: Shown) -> None:
    shown.go("log?level=%2Fblog%2Fprod")
    shown.page.locator("[data-part=log] [role=group]").last.focus()
    before = shown.page.locator("[data-part=log]").inner_html()
    for _ in range(20):
        home.envfs("exec", "/blog/prod", "--", "true")
        shown.page.wait_for_timeout(2000)
        if "something newer" in shown.page.locator("#live").inner_text():
            break
    else:
        pytest.fail("nobody is told")
    assert shown.page.locator("[data-part=log]").inner_html() == before


def test_without_a_script_all_is_there_and_a_question_is_answered(home: Home, chrome: "Browser", shown: Shown) -> None:
    shown.go("")  # somebody looks, so programs wait
    with browser.page_of(home) as url:
        context = chrome.new_context(java_script_enabled=False)
        page = context.new_page()
        root = browser.enter(page, url)
        page.goto(f"{root}level/shop/prod")
        assert page.locator("th[scope=row]", has_text="DB_PASSWORD").count() > 1
        assert page.locator("svg[role=img]").count() == 1
        page.goto(f"{root}log")
        page.fill("#f-level", "/shop/dev")
        page.get_by_role("button", name="Show").click()
        assert page.locator("table").count() == 3
        with browser.asking(home) as process:
            name = browser.question(page, root)
            page.goto(f"{root}approvals/{name}")
            page.get_by_role("button", name="Yes, once").click()
            assert process.communicate(timeout=60)[0] == f"{VALUE}\n"
        context.close()


def test_the_page_says_when_the_server_has_ended(home: Home, chrome: "Browser") -> None:
    context = chrome.new_context()
    page = context.new_page()
    with browser.page_of(home) as url:
        root = browser.enter(page, url)
        page.goto(f"{root}levels")
        page.wait_for_timeout(500)
    assert "has ended" in browser.wait_until(page, "document.getElementById('live').textContent")
    context.close()


def test_a_page_without_answers_has_no_form(home: Home, chrome: "Browser") -> None:
    with browser.page_of(home, "--no-answers") as url:
        context = chrome.new_context()
        page = context.new_page()
        root = browser.enter(page, url)
        with browser.asking(home):
            page.goto(f"{root}approvals/{browser.question(page, root)}")
        assert "takes no answers" in page.content()
        assert page.locator("form").count() == 0
        context.close()

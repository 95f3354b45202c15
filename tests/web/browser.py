"""A shop's vault, its page by `envfs web` at a terminal, and Chromium, driven by Playwright from .web.

The sandbox of Chromium is off, as it refuses to run as root.
"""

import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.system.home import ENVFS, Home, as_user, eventually
from tests.system.terminal import Terminal

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ROOT = Path(__file__).parents[2]
PLACE = ROOT / ".web"
AXE = PLACE / "node/node_modules/axe-core/axe.min.js"
STRANGER = 61_203
VALUE = "7d9f1c-canary"
PAGES = ("", "levels", "level/", "level/shop/prod", "log", "log?days=1", "rotations", "rules", "approvals", "health")
TEXTS = {
    "/": f"REGION=eu-central-1\nSENTRY_DSN=https://{VALUE}@sentry.example/7\n",
    "/shop": f"# @rotate 90d\n# @owner payments\nSTRIPE_KEY=sk_live_{VALUE}\nLOG_LEVEL=info\nFEATURES=\n",
    "/shop/dev": f"DB_PASSWORD=dev-{VALUE}\nDEBUG=1\n",
    "/shop/prod": f"# @rotate 1s\n# @owner dba\nDB_PASSWORD=prod-{VALUE}\nDB_URL='postgres://shop@db.internal/shop'\n",
    "/blog": f"SESSION_KEY={VALUE}\n",
    "/blog/prod": "CDN=https://cdn.example\n",
}


def fill(home: Home) -> None:
    """Write a shop's vault, with versions and rules."""
    for level, text in TEXTS.items():
        home.envfs("import", "-", level, "-m", f"why {VALUE}", given=text)
    home.envfs("set", "/shop/prod", "DB_PASSWORD", given=f"newer-{VALUE}")
    for words in (
        ("/shop", "--uid", "33", "--can", "viewer"),
        ("/shop/prod", "--uid", "33", "--ttl", "30d", "--only", "DB_*"),
        ("/blog", "--uid", str(STRANGER), "--decision", "ask"),
    ):
        home.envfs("grant", *words)


def read_some(home: Home) -> None:
    """Read levels, by several programs, and be refused."""
    for level, count in (("/shop/prod", 4), ("/shop/dev", 2), ("/blog/prod", 1)):
        for _ in range(count):
            home.envfs("exec", level, "--", "true")
    home.envfs("export", "/shop/dev", uid=33, status=102)


@contextmanager
def page_of(home: Home, *words: str) -> Iterator[str]:
    """Run `envfs web` at a terminal for as long as the block lasts. Gives its URL."""
    with Terminal([ENVFS, "web", *words], {**home.environ(), "TZ": "UTC"}, columns=200) as terminal:
        yield new_url(terminal)
        terminal.press("\x03")
        terminal.end()


def new_url(terminal: Terminal) -> str:
    """Return the URL that a terminal shows next."""
    terminal.expect("/open/")
    found: list[str] = []

    def is_whole() -> bool:
        found[:] = re.findall(r"(http://\S+)\n", terminal.shown)
        return bool(found) or (terminal.expect("\n") or False)

    eventually(is_whole, "a URL is printed")
    return found[-1]


@contextmanager
def asking(home: Home, reason: str = "the nightly report") -> Iterator["subprocess.Popen[str]"]:
    """Have another user ask for a value of the blog, for as long as the block lasts. A page has to be open.

    It is asked again as long as nobody is there: a page begins to look a moment after it is open.
    """
    command = [*as_user(STRANGER), ENVFS, "get", "/blog", "SESSION_KEY", "--reason", reason]
    process = _started(home, command)

    def waits() -> bool:
        nonlocal process
        if process.poll() is not None:
            _end(process)
            process = _started(home, command)
        return any(row["reason"] == reason for row in home.rows("approvals", "ls"))

    try:
        eventually(waits, "a question waits", pause=0.2)
        yield process
    finally:
        _end(process)


def _started(home: Home, command: list[str]) -> "subprocess.Popen[str]":
    return subprocess.Popen(command, env=home.environ(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)


def _end(process: "subprocess.Popen[str]") -> None:
    process.kill()
    process.wait()
    if process.stdout is not None:
        process.stdout.close()


@contextmanager
def chromium(*options: str) -> Iterator["Browser"]:
    """Run Chromium for as long as the block lasts."""
    program = shutil.which("chromium")
    if program is None or not AXE.exists():
        pytest.fail("there is no browser, or nothing to drive it: contrib/install web")
    sys.path.insert(0, str(PLACE / "python"))
    try:
        from playwright.sync_api import sync_playwright

        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", *options])
            try:
                yield browser
            finally:
                browser.close()
    finally:
        sys.path.remove(str(PLACE / "python"))


def enter(page: "Page", url: str) -> str:
    """Open a URL, and return where the page is."""
    page.goto(url)
    page.wait_for_url(lambda there: "/open/" not in there)
    return page.url


def question(page: "Page", root: str) -> str:
    """Return the name of the newest question that waits."""
    page.goto(f"{root}approvals")
    return str(re.findall(r"/approvals/(q\d+)", page.content())[-1])


def wait_until(page: "Page", script: str, seconds: float = 60.0) -> object:
    """Wait until a script gives something true. `wait_for_function` would evaluate text, which the policy forbids."""
    until = time.monotonic() + seconds
    while not (told := page.evaluate(script)):
        assert time.monotonic() < until, script
        page.wait_for_timeout(50)
    return told

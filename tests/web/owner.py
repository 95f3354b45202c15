"""Run by itself, as an ordinary user: a vault of one's own, its page in a sandboxed Chromium, and a question answered.

The argument is a folder of that user. It prints what the program that asked has got.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / ".web/python")]

from playwright.sync_api import sync_playwright  # noqa: E402 - from the folder of above

from tests.system.home import Home  # noqa: E402
from tests.system.terminal import Terminal  # noqa: E402
from tests.web import browser  # noqa: E402


def main() -> None:
    """Answer a question of another terminal of the same user."""
    home = Home(Path(sys.argv[1]) / "home")
    home.path.mkdir()
    home.envfs("init", "--identity-file", f"{sys.argv[1]}/identity.txt")
    home.envfs("import", "-", "/shop", given="A=1\n")
    home.envfs("grant", "/shop", "--uid", str(os.getuid()), "--exe", "/usr/bin/cat", "--decision", "ask")
    home.envfs("mount")
    try:
        with browser.page_of(home) as url, sync_playwright() as playwright:
            chrome = playwright.chromium.launch(executable_path="/usr/bin/chromium", chromium_sandbox=True)
            page = chrome.new_page()
            root = browser.enter(page, url)
            print(_answered(home, page, root), end="")
            chrome.close()
    finally:
        subprocess.run([browser.ENVFS, "unmount"], env=home.environ(), check=True)


def _answered(home: Home, page: "browser.Page", root: str) -> str:
    told = ""
    for _ in range(10):  # a page begins to look a moment after it is open
        with Terminal(["cat", str(home.view("/shop"))], home.environ()) as asking:
            for _ in range(20):
                page.goto(f"{root}approvals")
                if names := re.findall(r"/approvals/(q\d+)", page.content()):
                    page.goto(f"{root}approvals/{names[-1]}")
                    page.get_by_role("button", name="Yes, once").click()
                    page.wait_for_url("**/approvals")
                    break
                page.wait_for_timeout(200)
            asking.end()
            told = asking.shown
        if told == "A=1\n":
            break
    return told


if __name__ == "__main__":
    main()

"""Makes the pictures of docs/web.md: `make pictures`. A shop's vault is served and shown.

It runs as root in namespaces of its own (processes, mounts), with a folder in memory in the place of /srv: so nothing
of the machine is in a picture.
"""

import subprocess
from pathlib import Path

from tests.system.home import Home, as_user, eventually
from tests.web import browser

FOLDER = browser.ROOT / "docs/pictures"
_WIDE, _NARROW = {"width": 960, "height": 740}, {"width": 360, "height": 640}
_GROUND = Path("/srv")


def main() -> None:
    """Make them."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "none", str(_GROUND)], check=True)
    home = Home(_GROUND / "envfs")
    home.path.mkdir()
    home.envfs("init", "--identity-file", str(_GROUND / "identity.txt"))
    browser.fill(home)
    with home.mounted():
        browser.read_some(home)
        _take(home)


def _take(home: Home) -> None:
    FOLDER.mkdir(exist_ok=True)
    with browser.page_of(home) as url, browser.chromium("--font-render-hinting=none") as chrome:
        context = chrome.new_context(viewport=_WIDE, color_scheme="light")
        page = context.new_page()
        root = browser.enter(page, url)
        page.screenshot(path=FOLDER / "web-overview.png")
        command = [*as_user(browser.STRANGER), "cat", str(home.view("/blog"))]
        with subprocess.Popen(command, cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as asking:
            eventually(lambda: home.rows("approvals", "ls"), "a question waits")
            page.goto(f"{root}approvals/{browser.question(page, root)}")
            page.screenshot(path=FOLDER / "web-question.png")
            asking.kill()
        page.goto(f"{root}level/shop/prod")
        page.screenshot(path=FOLDER / "web-level.png")
        page.set_viewport_size(_NARROW)
        page.emulate_media(color_scheme="dark")
        page.goto(f"{root}level/shop/prod")
        page.screenshot(path=FOLDER / "web-narrow.png")
        context.close()


if __name__ == "__main__":
    main()

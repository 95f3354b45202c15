"""The page of a user who is not root, in a Chromium with its sandbox: its process is seen, so its answer counts."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.system.home import OWNER, as_user
from tests.web import browser

pytestmark = pytest.mark.soak


def test_an_ordinary_user_answers_a_question_of_another_terminal(ground: Path) -> None:
    folder = ground / "ordinary"
    folder.mkdir(mode=0o700)
    subprocess.run(["chown", str(OWNER), str(folder)], check=True)
    command = [*as_user(OWNER), sys.executable, "-B", str(browser.ROOT / "tests/web/owner.py"), str(folder)]
    environ = {"HOME": str(folder), "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TMPDIR": str(folder)}
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False, timeout=300)
    assert (done.returncode, done.stdout) == (0, "A=1\n"), done.stderr

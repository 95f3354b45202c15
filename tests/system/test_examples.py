"""Every example that `envfs COMMAND --help` shows runs as it stands there, in a shop's folder, beside one daemon.

The names of users and programs that this machine may lack stand for others that it has. An example that waits for a
person, or begins or ends a daemon or a vault, is not run here. `make test` runs the first of each command, `make soak`
all.
"""

import os
import subprocess
from pathlib import Path

import pytest

from envfs_cli import grammar
from tests.conftest import Homes
from tests.system.home import ENVFS, SECONDS

STANDS_FOR = {
    "--user deploy": "--user games",
    "--user www": "--user www-data",
    "--user node": "--user daemon",
    "--group auditors": "--group adm",
    "/usr/bin/node": "/usr/bin/env",
    "/usr/bin/code": "/usr/bin/env",
    "--pid 4711": "--pid $$",
    "/media/usb/": "$PWD/",
    "qkUd1nf3": "-- $(envfs authors | cut -c1-8)",
}
FIRST = ("envfs link /shop", "envfs exec -- npm start", "envfs link web /shop/web --import", "envfs link --remove")
LAST = ("rollback", "unset", "cp", "mv", "rename", "forget", "revoke", "rm")  # they take away what others show
CONFIRMED = ("rollback", "forget", "rm")  # a person says yes
# the commands of these examples, and single ones
APART = {
    *("mount", "unmount", "unlock", "lock", "init", "passwd", "keyring", "restore", "accept"),
    *("approvals", "edit", "shell", "ui", "web"),
    *("store", "store-serve", "sync"),  # they take a server
    "member",  # it takes an engine, and others
    "service",  # it takes the system: `make fresh`, and tests/system/test_service.py
    *("agent", "scan"),  # they work on a repository, or on the settings of an agent
    "envfs link --hook /shop/dev",
    "envfs link --hook '/shop/{branch}'",
    "envfs proxy test /shop/dev STRIPE_KEY",  # where a rule of the settings is
    "envfs proxy start /shop/dev --ttl 8h",
    "envfs exec /shop/dev --proxy -- claude",
    "envfs exec /shop/prod --session --can reader -- ./supervisor",
    "envfs log -f --level /shop --under claude",
    "envfs project new shop --zero-knowledge",
    "envfs completion fish | source",
    "envfs proxy stop p1",
}
BEFORE_THE_VAULT = "@2026-11-01T10:00"
# what does not end with 0, and why
ENDS = {
    "envfs diff /shop/prod": 1,  # as diff(1): something differs
    "envfs diff /shop/prod @3 @5": 1,
    "envfs diff /shop/staging /shop/prod": 1,
    f"envfs export /shop/prod{BEFORE_THE_VAULT}": 103,
    f"envfs history /shop/prod{BEFORE_THE_VAULT} -n 5": 103,
    f"envfs diff /shop/prod{BEFORE_THE_VAULT} --reveal": 103,
    f"envfs rollback /shop/prod {BEFORE_THE_VAULT[1:]} DB_USER,DB_PASSWORD": 103,
    "envfs log verify --pin 17:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08": 122,  # of another log
    "envfs unset /shop/prod DEBUG -m 'the incident is over'": 104,  # the example before it did that
    "envfs forget /shop/prod --before 40": 103,  # it has not so many
    "envfs rm /shop/old": 103,  # it was moved
    "envfs token revoke t3": 103,
}
PROD = "DEBUG=1\nSTRIPE_KEY=sk_live_1\nSESSION_KEY=x\nAPI_KEY=y\nDB_USER=prod\nDB_PASSWORD=z\nDB_URL=u\n"
LEVELS = {
    "/": "LOG_LEVEL=info\n",
    "/shop": "DB_HOST=db.internal\nDB_USER=shop\nDB_PASSWORD=a\nDATABASE_URL='postgres://shop@db/shop'\n",
    "/shop/dev": "PORT=8000\n",
    "/shop/web": "PORT=8001\n",
    "/shop/staging": "LOG_LEVEL=debug\nDB_HOST=staging.internal\nDB_PASSWORD=another\n",
    "/shop/old": "A=1\n",
    "/backup": "A=1\n",
    "/blog": "A=1\n",
    "/shop/prod": PROD,
}
PROGRAMS = ("manage.py", "supervisor", "app", "bin/set-password", "bin/new-api-key")
TOOLS = ("npm", "psql", "pass", "kubectl", "lp", "claude", "codex", "gh", "vercel", "fly", "docker", "make")
FILES = {
    "web/.env": "PORT=1\n",
    "prod.env": PROD,
    "new.env": "DB_USER=u\nDB_PASSWORD=p\n",
    ".env.example": "DEBUG=\n",
    "settings.json": '{"a": {"b": 1}}',
    "tools/dotenvx": '#!/bin/sh\n[ -f "$3" ] && echo \'{"DB_HOST": "h"}\'\n',  # as `dotenvx get -f FILE` answers
    ".env.production": "DB_HOST=encrypted:x\n",
    ".password-store/shop/prod/api-key.gpg": "",
    "export.json": """{"encrypted": false, "folders": [{"id": "f", "name": "Shop"}], "items": [
        {"folderId": "f", "name": "Stripe", "login": {"username": "shop", "password": "p"}}]}""",
    "compose.yaml": "services:\n  web:\n    environment:\n      A: '1'\n",
}
GIVEN = {"DB_HOST,DB_USER,DB_PASSWORD -m": "DB_HOST=h\nDB_USER=u\nDB_PASSWORD=p\n"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give a folder with the files and programs that the examples name, and tools that only say their name."""
    for name in (*PROGRAMS, *(f"tools/{tool}" for tool in TOOLS)):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("#!/bin/sh\necho from-$(basename $0)\n", encoding="utf-8")
        path.chmod(0o755)
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text(text, encoding="utf-8")
        path.chmod(0o755 if text.startswith("#!") else 0o644)
    (tmp_path / ".ssh").mkdir(mode=0o700)
    words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / ".ssh/id_ed25519"]
    subprocess.run(words, check=True, timeout=SECONDS)
    words = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=x", "-keyout", "/dev/null"]
    subprocess.run([*words, "-out", tmp_path / "cluster.pem"], check=True, timeout=SECONDS, capture_output=True)
    return tmp_path


def examples(most: int | None = None) -> list[str]:
    """Return those that are run, so many of each command, in an order in which each finds what it needs."""
    tables: list[list[str]] = [[] for _ in (*LAST, "others")]
    for command in grammar.all_commands():
        if command.name not in APART:
            at = 1 + LAST.index(command.name) if command.name in LAST else 0
            tables[at] += [each for each in command.examples if each not in APART and each not in FIRST][:most]
    return [*FIRST, *(example for table in tables for example in table)]


def pasted(example: str) -> str:
    """Return the line that a person types who follows an example here."""
    for shown, here in STANDS_FOR.items():
        example = example.replace(shown, here)
    return f"{example} -y" if example.split()[1] in CONFIRMED else example


@pytest.mark.parametrize("most", [1, pytest.param(None, marks=pytest.mark.soak)], ids=["the first", "all"])
def test_every_example_runs_as_it_is_shown(new_home: Homes, folder: Path, most: int | None) -> None:
    home, wrong = new_home(), []
    environ = home.environ({"PATH": f"{Path(ENVFS).parent}:{folder}/tools:{os.environ['PATH']}", "HOME": str(folder)})
    with home.served():
        for level, text in LEVELS.items():
            home.envfs("import", "-", level, given=text)
        for number in range(2, 8):
            home.envfs("set", "/shop/prod", "DB_PASSWORD", given=str(number))
        for example in examples(most):
            if example.startswith("envfs import .env"):
                (folder / ".env").write_text("A=1\n", encoding="utf-8")
            given = next((text for part, text in GIVEN.items() if part in example), "a value\n")
            words = ["bash", "-c", pasted(example)]
            done = subprocess.run(
                words,
                env=environ,
                cwd=folder,
                capture_output=True,
                check=False,
                text=True,
                input=given,
                timeout=SECONDS,
            )
            if done.returncode != ENDS.get(example, 0) or "Traceback" in done.stderr:
                wrong.append((example, done.returncode, done.stderr))
    assert not wrong, "\n".join(map(str, wrong))


def test_what_is_not_run_or_ends_otherwise_is_an_example() -> None:
    shown = {example for command in grammar.all_commands() for example in command.examples}
    names = {command.name for command in grammar.all_commands()}
    assert {*FIRST, *ENDS} | {each for each in APART if " " in each} <= shown
    assert {each for each in APART if " " not in each} | {*LAST, *CONFIRMED} <= names
    assert not {*ENDS} - {*examples()}
    assert all(any(part in example for example in examples()) for part in (*STANDS_FOR, *GIVEN))

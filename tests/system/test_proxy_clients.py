"""Clients as they are installed find the proxy and its certificates by their environment, and never have the value."""

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.component.proxying import HOST, Upstream
from tests.conftest import Homes
from tests.system.home import Home
from tests.system.ruled import KEY, rule_text, ruled

CLIENTS = {
    "curl": 'curl -sS "$URL/key" -H "Authorization: Bearer $SHOP_KEY"',
    "curl with HTTP/2": 'curl -sS --http2 --compressed "$URL/key" -H "Authorization: Bearer $SHOP_KEY"',
    "wget": 'wget -qO- "$URL/key" --header "Authorization: Bearer $SHOP_KEY"',
    "urllib": "$PYTHON -c 'import os, urllib.request as r; "
    'print(r.urlopen(r.Request(os.environ["URL"] + "/key", '
    'headers={"Authorization": "Bearer " + os.environ["SHOP_KEY"]})).read().decode())\'',
    "node by the base URL": 'node -e \'fetch(process.env.OPENAI_BASE_URL.replace("/v1", "/key"), '
    '{headers: {Authorization: "Bearer " + process.env.SHOP_KEY}}).then(r => r.text()).then(console.log)\'',
}
PROGRAMS = {"curl": "curl", "curl with HTTP/2": "curl", "wget": "wget", "node by the base URL": "node"}
COMMIT = "0123456789012345678901234567890123456789"


@pytest.fixture(scope="module")
def shop(new_home: Homes, upstream: Upstream) -> Iterator[Home]:
    """Give the module a home with a rule, and a daemon."""
    levels = {"/shop": f"SHOP_KEY={KEY}\n"}
    with ruled(new_home(), upstream, rule_text(upstream, name="openai"), levels=levels) as home:
        yield home


def _run(home: Home, upstream: Upstream, script: str, **environ: str) -> str:
    environ = {"URL": f"https://{HOST}:{upstream.port}", "PYTHON": sys.executable, **environ}
    return home.envfs("exec", "/shop", "--proxy", "--", "sh", "-c", script, environ=environ).text


def test_each_client_gets_its_answer_and_the_host_the_value(shop: Home, upstream: Upstream, tmp_path: Path) -> None:
    clients = {name: line for name, line in CLIENTS.items() if shutil.which(PROGRAMS.get(name, "sh"))}
    lines = [f"({line}) >'{tmp_path}/{number}' 2>&1" for number, line in enumerate(clients.values())]
    upstream.seen.clear()
    key = _run(shop, upstream, "\n".join([*lines, 'printf %s "$SHOP_KEY"']))
    answers = {name: (tmp_path / str(number)).read_text().strip() for number, name in enumerate(clients)}
    assert answers == dict.fromkeys(clients, json.dumps({"you": f"Bearer {key}"}))
    assert [seen.headers["authorization"] for seen in upstream.seen] == [f"Bearer {KEY}"] * len(clients)


@pytest.mark.skipif(not shutil.which("git"), reason="git is not here")
def test_git_shows_its_credential_as_basic(shop: Home, upstream: Upstream) -> None:
    upstream.seen.clear()
    script = f'git ls-remote "https://x-access-token:$SHOP_KEY@{HOST}:{upstream.port}/git/shop.git"'
    assert _run(shop, upstream, script, GIT_TERMINAL_PROMPT="0", HOME="/nonexistent") == f"{COMMIT}\trefs/heads/main\n"
    assert f"x-access-token:{KEY}" in [seen.basic for seen in upstream.seen]


@pytest.mark.soak
@pytest.mark.skipif(not shutil.which("npm"), reason="npm is not here")
def test_npm_reaches_its_registry(shop: Home, upstream: Upstream, tmp_path: Path) -> None:
    upstream.seen.clear()
    (tmp_path / ".npmrc").write_text(f"//{HOST}:{upstream.port}/:_authToken=${{SHOP_KEY}}\n", encoding="utf-8")
    script = f'npm ping --registry "$URL/" --userconfig "{tmp_path}/.npmrc" --cache "{tmp_path}/cache" 2>&1'
    _run(shop, upstream, script, HOME=str(tmp_path))
    assert f"Bearer {KEY}" in [seen.headers.get("authorization") for seen in upstream.seen]


@pytest.mark.soak
def test_pip_reaches_its_index(shop: Home, upstream: Upstream, tmp_path: Path) -> None:
    upstream.seen.clear()
    index = f"https://user:$SHOP_KEY@{HOST}:{upstream.port}/simple"
    script = f'$PYTHON -m pip download --no-deps --no-cache-dir -d "{tmp_path}" -i "{index}" shop-package; true'
    _run(shop, upstream, script, PIP_DISABLE_PIP_VERSION_CHECK="1")
    assert f"user:{KEY}" in [seen.basic for seen in upstream.seen]

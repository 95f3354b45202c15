"""Clients as people have them find the proxy and its certificates by their environment, and never have the value.

`make clients` installs them (contrib/install-clients). One that is not there is left out, and its reason says so.
"""

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.clients.services import PACKAGE, Services
from tests.component.http2_host import Http2Upstream
from tests.component.proxying import HOST
from tests.conftest import Homes
from tests.system.home import Home

pytestmark = pytest.mark.soak

KEY = "sk_live_51AbCdEfGhIjKlMnOpQrStUvWx"
PROGRAMS = Path(__file__).parent / "programs"
PYTHON = Path(__file__).parents[2] / ".clients/python/bin/python"
NODES = Path(__file__).parents[2] / ".clients/node"
RULE = """
[proxy]
roots = "{roots}"

[[proxy.rule]]
key = "SHOP_KEY"
hosts = ["{host}"]
address = "127.0.0.1"
name = "openai"
where = ["header", "basic", "ws-text"]

[[proxy.rule]]
key = "SHOP_KEY"
hosts = ["{http2}"]
address = "127.0.0.1"
name = "http2"
h2 = true

[[proxy.rule]]
key = "AWS_*"
hosts = ["{host}"]
address = "127.0.0.1"
where = ["sigv4"]
"""
AWS = {"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}
LARGE = 20 << 20
HTTP2 = {
    "curl": ("curl", 'curl -sS --http2 -w " %{http_version}" "$URL/key" -H "Authorization: Bearer $SHOP_KEY"'),
    "httpx": (str(PYTHON), '$PYTHON with_httpx.py "$URL/key" http2'),
    "Go": ("go", 'GOCACHE="$HERE/go" go run get.go "$URL/key"'),
    "node": ("node", 'node http2.mjs "$URL" /key'),
}


class Line(NamedTuple):
    """A command line of a shell, and the program that it needs."""

    program: str
    text: str


BEARER = '-H "Authorization: Bearer $SHOP_KEY"'
LINES = {
    "curl": Line("curl", f'curl -sS "$URL/key" {BEARER}'),
    "curl with HTTP/2": Line("curl", f'curl -sS --http2 --compressed "$URL/key" {BEARER}'),
    "wget": Line("wget", 'wget -qO- "$URL/key" --header "Authorization: Bearer $SHOP_KEY"'),
    "urllib": Line(str(PYTHON), '$PYTHON with_urllib.py "$URL/key"'),
    "requests": Line(str(PYTHON), '$PYTHON with_requests.py "$URL/key"'),
    "httpx": Line(str(PYTHON), '$PYTHON with_httpx.py "$URL/key"'),
    "aiohttp": Line(str(PYTHON), '$PYTHON with_aiohttp.py "$URL/key"'),
    "fetch of node 22": Line(
        str(NODES / "node_modules/.bin/node"), '$NODES/node_modules/.bin/node fetch.mjs "$URL/key"'
    ),
    "fetch of undici": Line("node", 'node undici.mjs "$URL/key"'),
    "node by the base URL": Line("node", "node https.mjs"),
    "Java": Line("java", 'java Get.java "$URL/key"'),
    "Go": Line("go", 'GOCACHE="$HERE/go" go run get.go "$URL/key"'),
    "Ruby": Line("ruby", 'ruby get.rb "$URL/key"'),
    "LWP of Perl": Line("perl", 'perl get.pl "$URL/key"'),
    "HTTP::Tiny of Perl": Line("perl", 'perl tiny.pl "$URL/key"'),
    "PHP": Line("php", 'php -d curl.cainfo="$SSL_CERT_FILE" get.php "$URL/key"'),
    "aria2": Line(
        "aria2c",
        'cd "$HERE" && aria2c -q -o out --ca-certificate="$SSL_CERT_FILE" '
        '--header "Authorization: Bearer $SHOP_KEY" "$URL/key" && cat out',
    ),
    "HTTPie": Line("http", 'http --ignore-stdin --body --pretty=none "$URL/key" "Authorization:Bearer $SHOP_KEY"'),
    "axios": Line("node", 'node axios.mjs "$URL/key"'),
    "deno": Line(
        str(NODES / "node_modules/.bin/deno"),
        '$NODES/node_modules/.bin/deno run -q --allow-all fetch_deno.ts "$URL/key"',
    ),
    "bun": Line(str(NODES / "node_modules/.bin/bun"), '$NODES/node_modules/.bin/bun run fetch.mjs "$URL/key"'),
}


def _need(program: str) -> None:
    if not shutil.which(program):
        pytest.skip(f"{program} is not here: contrib/install clients")


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """Give the module a host."""
    services = Services(tmp_path_factory.mktemp("host"))
    yield services
    services.close()


@pytest.fixture(scope="module")
def http2(tmp_path_factory: pytest.TempPathFactory, host: Services) -> Iterator[Http2Upstream]:
    """Give the module a host that speaks HTTP/2 alone."""
    upstream = Http2Upstream(tmp_path_factory.mktemp("http2"))
    with host.roots.open("ab") as roots:
        roots.write(upstream.authority.certificate)
    yield upstream
    upstream.close()


@pytest.fixture(scope="module")
def shop(new_home: Homes, host: Services, http2: Http2Upstream) -> Iterator[Home]:
    """Give the module a home with a rule, and a daemon."""
    home = new_home()
    rule = RULE.format(roots=host.roots, host=f"{HOST}:{host.port}", http2=f"{HOST}:{http2.port}")
    home.edit_settings(home.settings.read_text(encoding="utf-8") + rule)
    with home.mounted():
        home.envfs(
            "import",
            "-",
            "/shop",
            given=f"SHOP_KEY={KEY}\n" + "".join(f"{name}={value}\n" for name, value in AWS.items()),
        )
        yield home


class Behind(NamedTuple):
    """Commands behind a proxy, in a folder of their own."""

    home: Home
    host: Services
    folder: Path

    def run(self, script: str, port: int = 0) -> str:
        """Run a script of a shell, where the programs are. Return what it writes."""
        environ = {"URL": f"https://{HOST}:{port or self.host.port}", "PYTHON": str(PYTHON), "HERE": str(self.folder)}
        environ |= {
            "NODES": str(NODES),
            "HOME": str(self.folder),
            "GIT_TERMINAL_PROMPT": "0",
            "GOFLAGS": "-mod=mod",
            "GO111MODULE": "off",
        }
        self.host.seen.clear()
        words = ("exec", "/shop", "--proxy", "--", "sh", "-euc", script)
        return self.home.envfs(*words, environ=environ, cwd=PROGRAMS).text

    def placeholder(self) -> str:
        """Return what the commands have in the place of the value."""
        return self.run('printf %s "$SHOP_KEY"')


@pytest.fixture
def behind(shop: Home, host: Services, tmp_path: Path) -> Behind:
    """Give a test a place for its commands."""
    return Behind(shop, host, tmp_path)


@pytest.mark.parametrize("name", LINES)
def test_the_client_has_the_placeholder_and_the_host_the_value(behind: Behind, name: str) -> None:
    _need(LINES[name].program)
    placeholder = behind.placeholder()
    assert behind.run(LINES[name].text).strip() == json.dumps({"you": f"Bearer {placeholder}"})
    assert [seen.headers["authorization"] for seen in behind.host.seen] == [f"Bearer {KEY}"]


@pytest.mark.parametrize("name", HTTP2)
def test_the_client_speaks_http_2_to_a_host_that_does(behind: Behind, http2: Http2Upstream, name: str) -> None:
    program, line = HTTP2[name]
    _need(program)
    placeholder = behind.placeholder()
    http2.seen.clear()
    said = behind.run(line, http2.port).strip().removesuffix(" 2")
    assert said == json.dumps({"you": f"Bearer {placeholder}"})
    assert [seen.headers["authorization"] for seen in http2.seen] == [f"Bearer {KEY}"]


def test_a_websocket_by_http_2_is_not_offered_and_refused_alone(behind: Behind, http2: Http2Upstream) -> None:
    _need("node")
    http2.seen.clear()
    assert behind.run('node http2_websocket.mjs "$URL"', http2.port).split() == ["false", "501", "refused", "200"]
    assert [seen.path for seen in http2.seen] == ["/key"]


def test_a_binary_body_of_20_mb_arrives_bit_by_bit(behind: Behind) -> None:
    _need("curl")
    body = os.urandom(LARGE)
    (behind.folder / "body").write_bytes(body)
    echo = json.loads(behind.run(f'curl -sS -T "$HERE/body" "$URL/upload" {BEARER}'))
    assert echo["sha256"] == hashlib.sha256(body).hexdigest()
    assert behind.host.seen[0].headers["authorization"] == f"Bearer {KEY}"


def test_a_compressed_response_has_the_placeholder(behind: Behind) -> None:
    _need("curl")
    placeholder = behind.placeholder()
    text = behind.run(f'curl -sS --compressed "$URL/gzip" {BEARER}')
    assert text == "x" * 70_000 + f"Bearer {placeholder}" + "y" * 70_000


def test_git_clones_fetches_and_pushes(behind: Behind) -> None:
    _need("git")
    script = """
        cd "$HERE"
        git config --global user.name Ana && git config --global user.email ana@example.com
        address="https://ana:$SHOP_KEY@${URL#https://}/repo/shop.git"
        git clone -q "$address" one 2>/dev/null && cd one
        head -c 3000000 /dev/urandom >large && echo one >file && git add . && git commit -qm one
        git push -q origin HEAD:main && cd ..
        git clone -q "$address" two && cd two && cat file
        echo two >file && git commit -qam two && git push -q origin HEAD:main
        cd ../one && git fetch -q && git show origin/main:file
        git config --get remote.origin.url
    """
    one, two, address = behind.run(script).split()
    assert (one, two) == ("one", "two")
    assert KEY not in address
    assert {seen.basic for seen in behind.host.seen} - {""} == {f"ana:{KEY}"}


@pytest.mark.parametrize("words", ["", '"$URL"'], ids=["by the base URL", "intercepted"])
def test_the_sdk_of_openai_streams(behind: Behind, words: str) -> None:
    _need(str(PYTHON))
    placeholder = behind.placeholder()
    assert behind.run(f"$PYTHON with_openai.py {words}").strip() == f"hello|Bearer {placeholder}"
    assert behind.host.seen[0].headers["authorization"] == f"Bearer {KEY}"


def test_the_sdk_of_anthropic_streams(behind: Behind) -> None:
    _need(str(PYTHON))
    placeholder = behind.placeholder()
    streamed = behind.run('$PYTHON with_anthropic.py "$URL"').strip()
    assert streamed in (f"hello|{placeholder}", f"hello|Bearer {placeholder}")
    headers = behind.host.seen[0].headers
    assert headers.get("x-api-key", headers.get("authorization")) in (KEY, f"Bearer {KEY}")


def test_a_websocket_has_its_key_and_its_frames(behind: Behind) -> None:
    _need(str(PYTHON))
    assert behind.run('$PYTHON with_websockets.py "$URL/socket"').split() == ["3", "70000", "True"]
    assert behind.host.seen[0].headers["authorization"] == f"Bearer {KEY}"


def test_pip_installs_from_an_index(behind: Behind) -> None:
    _need(str(PYTHON))
    index = '"https://ana:$SHOP_KEY@${URL#https://}/simple"'
    behind.run(f'$PYTHON -m pip -q install --no-deps --no-cache-dir -t "$HERE/lib" -i {index} {PACKAGE}')
    assert (behind.folder / "lib/shop_package.py").exists()
    assert {seen.basic for seen in behind.host.seen} - {""} == {f"ana:{KEY}"}


def test_npm_installs_from_a_registry(behind: Behind) -> None:
    _need("npm")
    line = f"//{HOST}:{behind.host.port}/npm/:_authToken=${{SHOP_KEY}}\n"
    (behind.folder / ".npmrc").write_text(line, encoding="utf-8")
    behind.run(f'cd "$HERE" && npm install --silent --registry "$URL/npm/" --cache "$HERE/cache" {PACKAGE}')
    assert (behind.folder / "node_modules" / PACKAGE / "package.json").exists()
    assert f"Bearer {KEY}" in [seen.headers.get("authorization") for seen in behind.host.seen]


@pytest.mark.parametrize("call", ["sts", "put", "put unsigned", "list"])
def test_boto3_sends_the_signature_that_botocore_makes_with_the_values(behind: Behind, call: str) -> None:
    _need(str(PYTHON))
    assert behind.run(f'AWS_DEFAULT_REGION=eu-west-1 $PYTHON with_boto3.py "$URL" "{call}"').strip() == "done"
    seen = behind.host.seen[0]
    facts = {"method": seen.method, "url": f"https://{HOST}:{behind.host.port}{seen.target}", "headers": seen.headers}
    given = json.dumps({**facts, "body": seen.body.decode("latin-1"), "keys": list(AWS.values())})
    words = [str(PYTHON), str(PROGRAMS / "aws_signature.py")]
    expected = subprocess.run(words, input=given, capture_output=True, text=True, check=True).stdout.strip()
    assert f"Credential={AWS['AWS_ACCESS_KEY_ID']}/" in seen.headers["authorization"]
    assert seen.headers["authorization"].endswith(f"Signature={expected}")

"""`envfs exec --proxy`: the command has placeholders, the host gets the values, and all ends with the command."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.component.proxying import HOST, Upstream
from tests.conftest import Homes
from tests.system.home import ENVFS, SECONDS, Home, alive, eventually
from tests.system.ruled import KEY, OTHER, USER, rule_text, ruled

CLIENT = """
import http.client, json, os, ssl, sys, urllib.parse
proxy = urllib.parse.urlsplit(os.environ["HTTPS_PROXY"])
host, _, port = sys.argv[1].partition(":")
context = ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"])
client = http.client.HTTPSConnection(proxy.hostname, proxy.port, context=context, timeout=60)
import base64
token = base64.b64encode(f"{proxy.username}:{proxy.password}".encode()).decode()
client.set_tunnel(host, int(port), {"Proxy-Authorization": f"Basic {token}"})
for line in sys.stdin:
    try:
        client.request("GET", line.strip() or "/key", headers={"Authorization": "Bearer " + os.environ["SHOP_KEY"]})
        answer = client.getresponse()
        print(json.dumps([answer.status, answer.read().decode()]), flush=True)
    except OSError as error:
        print(json.dumps([0, type(error).__name__]), flush=True)
        client.close()
"""


@pytest.fixture(scope="module")
def shop(new_home: Homes, upstream: Upstream) -> Iterator[Home]:
    """Give the module a home with a rule, and a daemon."""
    call = "/whoami x-version:2"
    rules = rule_text(upstream, test=call, name="shop"), rule_text(upstream, "OLD_*", test=call)
    levels = {
        "/shop": f"SHOP_KEY={KEY}\nOTHER={OTHER}\nPORT=8080\n",
        "/keys": f"SHOP_KEY={KEY}\nOLD_KEY=sk_old_0123456789abcdef\nTITLE=x\n",
    }
    with ruled(new_home(), upstream, *rules, levels=levels) as home:
        home.envfs("grant", "/shop", "--uid", str(USER), "--decision", "mask")
        yield home


class Client:
    """A command behind a proxy that sends a request for each line."""

    def __init__(self, home: Home, upstream: Upstream) -> None:
        words = [ENVFS, "exec", "/shop", "--proxy", "--", sys.executable, "-c", CLIENT, f"{HOST}:{upstream.port}"]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(words, env=home.environ(), stdin=pipe, stdout=pipe, text=True)

    def ask(self, target: str = "/key") -> tuple[int, str]:
        """Send one request. Return status and text."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(target + "\n")
        self.process.stdin.flush()
        status, text = json.loads(self.process.stdout.readline())
        return status, text

    def close(self) -> None:
        """End it."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(SECONDS)


@pytest.fixture(scope="module")
def shared(shop: Home, upstream: Upstream) -> Iterator[Client]:
    """Give the module a command behind a proxy, for the tests that leave its session as it is."""
    running = Client(shop, upstream)
    yield running
    running.close()


@pytest.fixture
def client(shop: Home, upstream: Upstream) -> Iterator[Client]:
    """Give one test a command behind a proxy."""
    running = Client(shop, upstream)
    yield running
    running.close()
    pid = running.process.pid
    eventually(lambda: pid not in [row["pid"] for row in shop.rows("proxy", "ls")], "the session ends with its command")


@pytest.fixture(autouse=True)
def forgetting(upstream: Upstream) -> None:
    """Let each test see its own requests alone."""
    upstream.seen.clear()


def _environment(pid: int) -> dict[str, str]:
    text = Path(f"/proc/{pid}/environ").read_text(encoding="utf-8")
    return dict(entry.partition("=")[::2] for entry in text.split("\0") if entry)  # type: ignore[misc]


def _memory_has(pid: int, text: bytes) -> bool:
    with open(f"/proc/{pid}/maps", encoding="ascii") as maps, open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for line in maps:
            begin, end = (int(number, 16) for number in line.split()[0].split("-"))
            if line.split()[1].startswith("r") and "[v" not in line:
                try:
                    memory.seek(begin)
                    if text in memory.read(end - begin):
                        return True
                except OSError:
                    continue
    return False


def test_the_host_gets_the_value_and_the_command_never_has_it(shop: Home, upstream: Upstream, shared: Client) -> None:
    status, text = shared.ask()
    environment = _environment(shared.process.pid)
    assert (status, json.loads(text)) == (200, {"you": f"Bearer {environment['SHOP_KEY']}"})
    assert upstream.seen[0].headers["authorization"] == f"Bearer {KEY}"
    for value in (KEY, OTHER):
        assert value not in "".join(environment.values())
        assert not _memory_has(shared.process.pid, value.encode())
    assert environment["SHOP_KEY"] == shop.envfs("get", "/shop", "SHOP_KEY", uid=USER).text.strip()


def test_each_request_is_in_the_log_without_names_and_values(shop: Home, upstream: Upstream, shared: Client) -> None:
    shared.ask("/key?x=1")
    entry = [row for row in shop.log() if row["event"] == "forward"][-1]
    assert (entry["level"], entry["operation"], entry["channel"]) == ("/shop", "GET", "proxy")
    assert entry["rule"] == f"shop: {HOST}:{upstream.port}/key"
    assert entry["pid"] == shared.process.pid
    assert "SHOP_KEY" not in shop.log_file.read_text(encoding="utf-8")


WITHOUT_TOKEN = """
import http.client, os, sys, urllib.parse
proxy = urllib.parse.urlsplit(os.environ.get("HTTPS_PROXY") or sys.argv[1])
client = http.client.HTTPConnection(proxy.hostname, proxy.port, timeout=60)
client.request("CONNECT", "nowhere.invalid:443")
print(client.getresponse().status)
"""


def test_a_process_with_the_token_in_its_environment_need_not_show_it(shop: Home, shared: Client) -> None:
    shared.ask()
    environ = _environment(shared.process.pid)
    address = environ["HTTPS_PROXY"]
    words, plain = [sys.executable, "-c", WITHOUT_TOKEN, address], {"PATH": os.environ["PATH"]}
    for environment, status in ((environ, "502"), (plain, "407"), ({**plain, "HTTP_PROXY": address}, "407")):
        said = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False)
        assert (said.stdout.strip(), said.stderr) == (status, "")


def test_the_sessions_are_listed_and_one_is_stopped(shop: Home, client: Client) -> None:
    client.ask()
    row = next(row for row in shop.rows("proxy", "ls") if row["pid"] == client.process.pid)
    assert (row["level"], row["rules"], row["requests"], row["refusals"]) == ("/shop", ["shop"], 1, 0)
    shop.envfs("proxy", "stop", str(row["session"]))
    assert client.ask()[0] == 0
    assert alive(client.process.pid)


def test_a_lock_ends_the_session(shop: Home, client: Client) -> None:
    assert client.ask()[0] == 200
    shop.envfs("lock")
    assert client.ask()[0] == 0
    shop.envfs("unlock")
    assert client.ask()[0] == 0
    assert "ClosedResourceError" not in (shop.path / "state" / "daemon.log").read_text(encoding="utf-8")


def test_a_stranger_makes_no_log_that_nobody_can_read(shop: Home, client: Client) -> None:
    client.ask()
    port = next(row["port"] for row in shop.rows("proxy", "ls") if row["pid"] == client.process.pid)
    with socket.create_connection(("127.0.0.1", int(str(port))), timeout=SECONDS) as stranger:
        stranger.sendall(b"A" * 65_400 + b" / HTTP/1.1\r\nhost: x\r\n\r\n")
        assert stranger.recv(100).startswith(b"HTTP/1.1 407 ")
    assert client.ask("/" + '"' * 32_700)[0] == 200
    assert "forward" in [row["event"] for row in shop.log()]
    shop.envfs("log", "verify")
    assert next(row["refusals"] for row in shop.rows("proxy", "ls") if row["pid"] == client.process.pid) == 0
    refused = [row for row in shop.log() if row["event"] == "refuse"]
    assert any("by a client that did not show the session's" in str(row) for row in refused)


def test_a_rule_that_takes_the_values_away_ends_the_session(shop: Home, client: Client) -> None:
    assert client.ask()[0] == 200
    shop.envfs("grant", "/shop", "--uid", "0", "--decision", "mask")
    eventually(lambda: client.ask()[0] != 200, "the session ends")
    shop.envfs("revoke", "/shop", "--uid", "0")


def test_a_caller_that_gets_placeholders_may_start_no_proxy(shop: Home) -> None:
    said = shop.envfs("exec", "/shop", "--proxy", "--", "true", uid=USER, status=102)
    assert "not approved" in said.complaint


def test_plain_variables_come_as_they_are(shop: Home) -> None:
    script = 'echo "$PORT $SHOP_KEY"'
    port, key = shop.envfs("exec", "/shop", "--proxy", "--plain", "PORT", "--", "sh", "-c", script).text.split()
    assert port == "8080"
    assert key != KEY
    assert shop.envfs("exec", "/shop", "--plain", "PORT", "--", "true", status=2).out == b""


def test_a_level_without_a_rule_is_refused(shop: Home) -> None:
    shop.envfs("set", "/blog", "TITLE", given="x")
    said = shop.envfs("exec", "/blog", "--proxy", "--", "true", status=101)
    assert "has a rule" in said.complaint


def test_a_name_that_the_level_has_not_is_told(shop: Home) -> None:
    said = shop.envfs("exec", "/shop", "--proxy", "--only", "NOPE", "--", "true", status=104)
    assert "has no variable of that name" in said.complaint


def test_the_certificates_that_a_caller_trusts_are_trusted_behind_the_proxy(
    shop: Home, upstream: Upstream, tmp_path: Path
) -> None:
    (tmp_path / "corporate.pem").write_bytes(upstream.authority.certificate)
    names = ("SSL_CERT_FILE", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "GIT_SSL_CAINFO", "AWS_CA_BUNDLE")
    script = "for name in $NAMES; do eval cat \\$$name; done; cat $NODE_EXTRA_CA_CERTS; echo $NO_PROXY"
    environ = dict.fromkeys(names, str(tmp_path / "corporate.pem"))
    environ |= {"NODE_EXTRA_CA_CERTS": str(tmp_path / "corporate.pem"), "NAMES": " ".join(names), "NO_PROXY": "corp"}
    text = shop.envfs("exec", "/shop", "--proxy", "--", "sh", "-c", script, environ=environ).text
    corporate = upstream.authority.certificate.decode()
    assert text.count(corporate) == len(names) + 1
    assert text.count("BEGIN CERTIFICATE") == 2 * (len(names) + 1)
    assert text.endswith("corp,localhost,127.0.0.1,::1\n")


def test_no_proxy_for_every_host_is_not_handed_on(shop: Home) -> None:
    words = ("exec", "/shop", "--proxy", "--", "sh", "-c", "echo $NO_PROXY")
    assert shop.envfs(*words, environ={"NO_PROXY": "*,corp"}).text == "corp,localhost,127.0.0.1,::1\n"


def test_nothing_is_left_of_a_session_on_any_disk(shop: Home, shared: Client) -> None:
    shared.ask()
    for path in (path for path in shop.path.rglob("*") if path.is_file() and not path.is_relative_to(shop.mnt)):
        assert KEY.encode() not in path.read_bytes()
    assert os.readlink(f"/proc/{shared.process.pid}/fd/100").startswith("/memfd:envfs-certificate")


def test_no_log_no_bytes(shop: Home, upstream: Upstream, client: Client) -> None:
    assert client.ask()[0] == 200
    upstream.seen.clear()
    shop.log_file.rename(shop.log_file.with_suffix(".aside"))
    assert client.ask()[0] == 503
    assert not upstream.seen
    shop.envfs("log", "restart")


def test_a_key_is_tested_by_one_request_and_its_value_is_shown_to_nobody(shop: Home, upstream: Upstream) -> None:
    said = shop.envfs("proxy", "test", "/keys", "--json", status=100)
    host = f"{HOST}:{upstream.port}"
    rows = {row["name"]: row for row in json.loads(said.text)}
    assert rows["SHOP_KEY"] == {"name": "SHOP_KEY", "host": host, "state": "ok", "text": ""}
    assert rows["OLD_KEY"] == {"name": "OLD_KEY", "host": host, "state": "refused", "text": "the host answers 401"}
    assert f"asks {host} for SHOP_KEY, OLD_KEY" in said.complaint
    assert sorted(seen.headers["authorization"] for seen in upstream.seen) == [
        f"Bearer {KEY}",
        "Bearer sk_old_0123456789abcdef",
    ]
    assert [(seen.target, seen.headers["x-version"]) for seen in upstream.seen] == [("/whoami", "2")] * 2
    upstream.seen.clear()
    assert shop.envfs("proxy", "test", "/keys", "SHOP_KEY").out
    assert len(upstream.seen) == 1
    assert "has a test of that variable" in shop.envfs("proxy", "test", "/keys", "TITLE", status=100).complaint


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (("start", "/nope"), 103),
        (("start", "/keys", "--only", "NOPE"), 104),
        (("ls", "extra"), 2),
        (("ls", "--ttl", "3h"), 2),
    ],
)
def test_a_refusal_of_proxy_has_its_own_status(shop: Home, words: tuple[str, ...], status: int) -> None:
    assert "extra" not in shop.envfs("proxy", *words, status=status).complaint


def test_check_asks_the_services_only_if_it_is_told_to(shop: Home, upstream: Upstream) -> None:
    assert json.loads(shop.envfs("check", "/keys", "--json").text) == []
    assert not upstream.seen
    (problem,) = json.loads(shop.envfs("check", "/keys", "--live", "--json", status=100).text)
    assert (problem["kind"], problem["name"], problem["error"]) == ("live", "OLD_KEY", True)
    assert len(upstream.seen) == 2


def test_a_canary_that_is_sent_is_an_alarm(shop: Home) -> None:
    shop.envfs("set", "/bait", "OLD_BAIT", "--canary")
    shop.envfs("exec", "/bait", "--proxy", "--", "true")
    assert "canary" not in [entry["event"] for entry in shop.log()]
    shop.envfs("proxy", "test", "/bait", status=100)
    events = [entry["event"] for entry in shop.log()]
    assert events[events.index("canary") + 1] == "forward"


STANDING = """
import os, sys, urllib.request as r
told = {"Authorization": "Bearer " + os.environ["SHOP_KEY"]}
print(r.urlopen(r.Request(sys.argv[1], headers=told)).read().decode())
"""


def _row_of(shop: Home, name: str) -> dict[str, object] | None:
    return next((row for row in shop.rows("proxy", "ls") if row["session"] == name), None)


def test_a_session_stands_without_a_command_until_it_is_stopped(shop: Home, upstream: Upstream) -> None:
    name = shop.envfs("proxy", "start", "/shop", "--ttl", "1h", "--only", "SHOP_KEY").text.strip()
    row = _row_of(shop, name)
    assert row is not None
    holder = int(str(row["pid"]))
    ask = f"{sys.executable} -c '{STANDING}' https://{HOST}:{upstream.port}/key"
    unset = f'eval "$({ENVFS} proxy env {name} --unset)"; echo "$SHOP_KEY$HTTPS_PROXY$SSL_CERT_FILE"'
    words = ["sh", "-ec", f'eval "$({ENVFS} proxy env {name})"; {ask}; echo "$OTHER"; {unset}']
    said = subprocess.run(words, env=shop.environ(), capture_output=True, text=True, timeout=SECONDS, check=True)
    assert upstream.seen[0].headers["authorization"] == f"Bearer {KEY}"
    assert KEY not in said.stdout
    assert said.stdout.endswith("\n\n\n")
    assert not _memory_has(holder, KEY.encode())
    assert "SHOP_KEY" in json.loads(shop.envfs("proxy", "env", name, "--json").text)
    shop.envfs("proxy", "stop", name)
    eventually(lambda: not alive(holder), "the process that held the session ends")
    shop.envfs("proxy", "env", name, status=101)


def test_a_session_without_a_command_ends_with_its_time(shop: Home) -> None:
    name = shop.envfs("proxy", "start", "/shop", "--ttl", "1s").text.strip()
    eventually(lambda: _row_of(shop, name) is None, "the session ends")
    assert shop.envfs("proxy", "start", "/none", status=None).status != 0

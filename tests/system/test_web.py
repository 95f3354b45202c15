"""`envfs web` as a process: who gets in, what no page has, what is told to whom, and when it ends."""

import contextlib
import http.client
import os
import re
import secrets
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlencode, urlsplit

import pytest

from tests.system.home import ENVFS, SECONDS, Home, as_user, eventually
from tests.system.terminal import Terminal

Homes = Callable[..., Home]
SEED = secrets.token_hex(8)
STRANGER = 61_202
PAGES = (
    "",
    "levels",
    "level/",
    "level/shop",
    "level/shop/prod",
    "log",
    "log?days=90",
    "rotations",
    "rules",
    "approvals",
    "health",
)
_BROWSER = {"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
_PROBE = """
import socket, sys
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
try:
    s.sendall(sys.argv[2].encode().decode("unicode_escape").encode())
    print(len(s.recv(1000)))
except OSError:
    print(0)
"""
_CROWD = """
import select, socket, sys
crowd = [socket.socket() for _ in range(200)]
watched = select.poll()
for each in crowd:
    each.setblocking(False)
    each.connect_ex(("127.0.0.1", int(sys.argv[1])))
    watched.register(each, select.POLLOUT)
seen = set()
while ready := [number for number, _ in watched.poll(1000) if number not in seen]:
    seen.update(ready)
print(len(seen))
"""


class Got(NamedTuple):
    """An answer of the page."""

    status: int
    headers: dict[str, str]
    text: str


class Web:
    """A running `envfs web`, and a browser that uses its URL."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.address = urlsplit(url).netloc
        self.port = int(self.address.rpartition(":")[2])
        self.root = ""
        self.cookie = ""

    def get(self, path: str, headers: dict[str, str] | None = None) -> Got:
        return self._request("GET", path, {**_BROWSER, **(headers or {})}, None)

    def post(self, path: str, **fields: str) -> Got:
        headers = {"Origin": f"http://{self.address}", "Content-Type": "application/x-www-form-urlencoded"}
        return self._request("POST", path, headers, urlencode(fields))

    def _request(self, method: str, path: str, headers: dict[str, str], body: str | None) -> Got:
        connection = http.client.HTTPConnection(self.address, timeout=SECONDS)
        try:
            cookie = {"Cookie": self.cookie} if self.cookie else {}
            connection.request(method, path, body, {**cookie, **headers})
            answer = connection.getresponse()
            return Got(
                answer.status, {name.lower(): text for name, text in answer.getheaders()}, answer.read().decode()
            )
        finally:
            connection.close()

    def enter(self) -> "Web":
        """Use the URL."""
        opened = self.get(urlsplit(self.url).path)
        assert opened.status == 200, opened
        self.cookie = opened.headers["set-cookie"].partition(";")[0]
        found = re.search(r'href="(/[^"]+/)"', opened.text)
        assert found is not None
        self.root = found[1]
        return self


@pytest.fixture(scope="module")
def served(new_home: Homes) -> Iterator[Home]:
    """Give the module a vault with a value that is known, also in what is no value."""
    home = new_home()
    home.envfs(
        "import", "-", "/shop", "-m", f"why {SEED}", given=f"# @rotate 30d\nTOKEN=old-{SEED}\nPATH_TO='{SEED}'\n"
    )
    home.envfs(
        "import",
        "-",
        "/shop/prod",
        given=f"# words {SEED}\n# @rotate 1s\n# @rotate-with deploy {SEED}\nKEY={SEED}\nE=\n",
    )
    with home.served():
        home.envfs("import", "-", "/shop", given=f"TOKEN=new-{SEED}\n")
        home.envfs("export", "/shop/prod")
        yield home


@contextmanager
def running(home: Home, *words: str) -> Iterator[tuple[Web, subprocess.Popen[str]]]:
    """Run `envfs web` for as long as the block lasts."""
    command = [*as_user(home.uid), ENVFS, "web", *words]
    process = subprocess.Popen(
        command, env=home.environ(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        yield Web(process.stdout.readline().strip()), process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        process.stderr.close()


@pytest.fixture(scope="module")
def web(served: Home) -> Iterator[Web]:
    """Give the module a page, and a browser that was let in."""
    with running(served) as (page, _):
        yield page.enter()


@pytest.mark.parametrize("path", PAGES)
def test_no_page_has_a_value(web: Web, path: str) -> None:
    got = web.get(f"{web.root}{path}")
    assert got.status == 200
    assert SEED not in got.text
    assert "fault of its own" not in got.text
    assert 'class="refused"' not in got.text


def test_pages_have_names_and_where_they_come_from(web: Web) -> None:
    text = web.get(f"{web.root}level/shop/prod").text
    for name in ("TOKEN", "KEY", "E"):
        assert f'<th scope="row">{name}</th>' in text
    assert "from above" in text
    assert ">empty<" in text


def test_nothing_that_the_page_did_was_a_read_of_values(web: Web, served: Home) -> None:
    web.get(f"{web.root}level/shop")
    pid = _pid_of(served)
    formats = {entry.get("format") for entry in served.log() if entry.get("pid") == pid}
    assert formats
    assert formats <= {"presence", "history", "names"}


def _pid_of(home: Home) -> int:
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
            if b"web" in words and os.fsencode(home.path) in (folder / "environ").read_bytes():
                return int(folder.name)
        except OSError:
            continue
    pytest.fail("envfs web does not run")


def test_the_url_is_in_no_argument_no_file_and_no_log(web: Web, served: Home) -> None:
    word = web.url.rpartition("/")[2].encode()
    for secret in (word, web.cookie.partition("=")[2].encode(), web.root.strip("/").encode()):
        for path in Path(f"/proc/{_pid_of(served)}").glob("cmdline"):
            assert secret not in path.read_bytes()
        for path in served.path.rglob("*"):
            if path.is_file() and "mnt" not in path.parts:
                assert secret not in path.read_bytes()


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Host": "evil.example"}, 403),
        ({"Host": "localhost"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Cookie": "envfs-web=x"}, 403),
        ({"Cookie": ""}, 403),
    ],
)
def test_a_request_is_of_this_browser_for_this_address(web: Web, headers: dict[str, str], status: int) -> None:
    assert web.get(f"{web.root}levels", headers).status == status


def test_the_url_works_once(web: Web) -> None:
    assert web.get(urlsplit(web.url).path).status == 403


def test_the_head_of_a_request_is_bounded(web: Web) -> None:
    with socket.create_connection(("127.0.0.1", web.port), SECONDS) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n" + b"x: y\r\n" * 20_000)
        assert connection.recv(100).startswith(b"HTTP/1.1 4")


def test_another_user_gets_not_one_byte(web: Web) -> None:
    request = f"GET {web.root}levels HTTP/1.1\\r\\nHost: {web.address}\\r\\nCookie: {web.cookie}\\r\\n\\r\\n"
    words = ("/usr/bin/python3", "-c", _PROBE, str(web.port), request)
    mine = subprocess.run(words, capture_output=True, text=True, check=True)
    theirs = subprocess.run((*as_user(STRANGER), *words), capture_output=True, text=True, check=True)
    assert (int(mine.stdout) > 0, theirs.stdout) == (True, "0\n")


def test_few_connections_of_another_user_stand_before_a_browser(served: Home) -> None:
    with running(served) as (page, process):
        page.enter()
        os.kill(process.pid, signal.SIGSTOP)  # as if it were busy with others
        try:
            words = (*as_user(STRANGER), "/usr/bin/python3", "-c", _CROWD, str(page.port))
            waiting = int(subprocess.run(words, capture_output=True, text=True, check=True).stdout)
        finally:
            os.kill(process.pid, signal.SIGCONT)
        assert 0 < waiting < 40
        assert page.get(f"{page.root}health").status == 200


@pytest.mark.parametrize("asks", [False, True])
def test_many_idle_connections_of_the_same_user_keep_no_browser_out(web: Web, asks: bool) -> None:
    # a page elsewhere can let the person's own browser open as many
    request = f"GET / HTTP/1.1\r\nHost: {web.address}\r\n\r\n".encode()
    with contextlib.ExitStack() as crowd:
        for _ in range(100):
            connection = crowd.enter_context(socket.create_connection(("127.0.0.1", web.port), SECONDS))
            if asks:
                connection.sendall(request)
                assert connection.recv(100).startswith(b"HTTP/1.1 403")
        assert web.get(f"{web.root}health").status == 200


def test_the_address_is_the_loopback_alone(web: Web) -> None:
    table = Path("/proc/net/tcp").read_text(encoding="ascii") + Path("/proc/net/tcp6").read_text(encoding="ascii")
    listening = [line.split()[1] for line in table.splitlines() if line.split()[1].endswith(f":{web.port:04X}")]
    assert {address.partition(":")[0] for address in listening} <= {"0100007F"}


def test_news_come_when_something_is_read(web: Web, served: Home) -> None:
    connection = http.client.HTTPConnection(web.address, timeout=SECONDS)
    connection.request("GET", f"{web.root}events", headers={"Cookie": web.cookie, "Sec-Fetch-Site": "same-origin"})
    answer = connection.getresponse()
    try:
        assert answer.getheader("content-type", "").startswith("text/event-stream")
        lines = iter(answer.readline, b"")
        told = b""
        for _ in range(20):  # the first read may be before it follows the log
            served.envfs("export", "/shop/prod")
            told = next((line for line in lines if line.startswith((b"data: log", b": still"))), b"")
            if told.startswith(b"data"):
                break
        assert told == b"data: log\n"
    finally:
        answer.close()
        connection.close()


def test_it_ends_when_nobody_looks(served: Home) -> None:
    with running(served, "--idle", "1s") as (_, process):
        assert process.wait(SECONDS) == 0


def test_it_ends_by_ctrl_c(served: Home) -> None:
    with running(served) as (page, process):
        page.enter()
        process.send_signal(signal.SIGINT)
        assert process.wait(SECONDS) == 130
        assert process.stderr is not None
        assert not process.stderr.read()


def test_it_ends_with_the_process_that_started_it(served: Home) -> None:
    script = f"{ENVFS} web & echo $!; exec sleep 1000"
    shell = subprocess.Popen(["sh", "-c", script], env=served.environ(), stdout=subprocess.PIPE, text=True)
    assert shell.stdout is not None
    pid, url = (shell.stdout.readline().strip() for _ in range(2))
    assert url.startswith("http://127.0.0.1:")
    shell.kill()
    shell.wait()
    shell.stdout.close()
    eventually(lambda: not Path(f"/proc/{pid}").exists() or _is_ended(int(pid)), "the page ends")


def _is_ended(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(") ")[2][0] in "ZX"


def test_a_port_that_is_not_free_is_told(served: Home, web: Web) -> None:
    said = served.envfs("web", "--port", str(web.port), status=123)
    assert f"port {web.port} is not free" in said.complaint


def test_a_question_of_another_user_is_answered_by_its_page(served: Home) -> None:
    served.envfs("grant", "/shop/prod", "--uid", str(STRANGER), "--decision", "ask")
    environ = {**served.environ(), "TERM": "dumb"}
    with Terminal([ENVFS, "web"], environ) as terminal:
        terminal.expect("/open/")
        eventually(lambda: terminal.shown.endswith("\n") or terminal._more(0), "the URL is whole")
        found = re.search(r"http://\S+", terminal.shown)
        assert found is not None
        page = Web(found[0]).enter()
        events = http.client.HTTPConnection(page.address, timeout=SECONDS)
        events.request("GET", f"{page.root}events", headers={"Cookie": page.cookie, "Sec-Fetch-Site": "same-origin"})
        stream = events.getresponse()
        command = [*as_user(STRANGER), ENVFS, "get", "/shop/prod", "KEY", "--reason", "to <b>test</b>"]
        with subprocess.Popen(
            command, env=served.environ(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as asking:
            name = _question(page)
            text = page.get(f"{page.root}approvals/{name}").text
            assert "to &lt;b&gt;test&lt;/b&gt;" in text
            word, shown = (re.search(rf'name="{field}" value="([^"]+)"', text) for field in ("word", "shown"))
            assert word is not None
            assert shown is not None
            stolen = subprocess.run(_curl(page, name, word[1], shown[1]), capture_output=True, text=True, check=True)
            assert "another process" in stolen.stdout
            answer = page.post(f"{page.root}approvals/{name}", word=word[1], shown=shown[1], scope="once")
            assert answer.status == 303, answer.text
            out, _ = asking.communicate(timeout=SECONDS)
            assert out == f"{SEED}\n"
        stream.close()
        events.close()
        assert "was allowed" in page.get(f"{page.root}approvals").text
        terminal.press("\x03")
        terminal.end()


def _question(page: Web) -> str:
    found: list[str] = []

    def waits() -> bool:
        found[:] = re.findall(r"/approvals/(q\d+)", page.get(f"{page.root}approvals").text)
        return bool(found)

    eventually(waits, "a question waits", pause=0.2)
    return found[0]


def _curl(page: Web, name: str, word: str, shown: str) -> list[str]:
    body = urlencode({"word": word, "shown": shown, "scope": "once"})
    script = (
        "import http.client, sys\n"
        "address, path, cookie, body = sys.argv[1:]\n"
        "c = http.client.HTTPConnection(address)\n"
        "c.request('POST', path, body, {'Cookie': cookie, 'Origin': 'http://' + address,"
        " 'Content-Type': 'application/x-www-form-urlencoded'})\n"
        "print(c.getresponse().read().decode())"
    )
    return ["/usr/bin/python3", "-c", script, page.address, f"{page.root}approvals/{name}", page.cookie, body]

"""Plain HTTP for debugging: on this machine alone, not for browsers, and never without its warning."""

import http.client
from collections.abc import Iterator
from pathlib import Path

import pytest

from envfs.courier.address import parse_address
from envfs.courier.http_server import parse_listening
from envfs.errors import BadRequest
from tests.engines.places import Place
from tests.engines.servers.plain_http import plain_http_server
from tests.engines.using import use_one

KEY = "/records/level/shop/@00000001.json"


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with plain_http_server(tmp_path_factory.mktemp("plain")) as address:
        yield parse_address(address).port


def ask(port: int, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def test_it_can_be_used_with_any_client_of_http(port: int) -> None:
    assert ask(port, "GET", KEY) == (404, b"")
    assert ask(port, "PUT", KEY, b"sealed")[0] == 428
    assert ask(port, "PUT", KEY, b"sealed", If_None_Match="*") == (201, b"")
    assert ask(port, "PUT", KEY, b"other", If_None_Match="*") == (412, b"")
    assert ask(port, "GET", KEY) == (200, b"sealed")
    assert ask(port, "GET", "/heads?prefix=level/") == (200, b"level/shop 1\n")
    assert ask(port, "GET", "/keys") == (200, b"level/shop/@00000001.json\n")


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://127.0.0.1"},
        {"Sec_Fetch_Site": "none"},
        {"Host": "attacker.example:80"},
        {"Host": "127.0.0.1.attacker.example:80"},
    ],
    ids=["origin", "fetch", "name", "longer-name"],
)
@pytest.mark.parametrize("path", ["/keys", "/hints?prefix=", KEY])
def test_a_page_in_a_browser_gets_nothing(port: int, headers: dict[str, str], path: str) -> None:
    assert ask(port, "GET", path, **headers)[0] == 403


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/records/../../etc/passwd", 400),
        ("GET", "/records/%2e%2e/secret", 400),
        ("GET", "/records/", 400),
        ("PUT", "/records/log/x/@00000001.json", 400),
        ("GET", "/keys?prefix=../", 400),
        ("GET", "/", 404),
        ("POST", KEY, 404),
        ("DELETE", "/records/x", 400),
    ],
)
def test_anything_else_is_refused(port: int, method: str, path: str, status: int) -> None:
    assert ask(port, method, path, If_None_Match="*")[0] == status


@pytest.mark.parametrize(
    "text", ["0.0.0.0:80", "192.168.0.1:80", "localhost:80", ":80", "127.0.0.1", "[::]:80", "127.0.0.1:x", ""]
)
def test_it_listens_on_a_loopback_address_alone(text: str) -> None:
    with pytest.raises(BadRequest):
        parse_listening(text)


def test_loopback_addresses_are_those_of_both_protocols() -> None:
    assert parse_listening("127.0.0.1:8080") == ("127.0.0.1", 8080)
    assert parse_listening("[::1]:0") == ("::1", 0)


def test_server_and_client_warn(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with plain_http_server(tmp_path) as address:
        assert "every user of this machine" in capfd.readouterr().err
        use_one(Place(address), lambda engine: engine.list(""))
        assert "every user of this machine" in capfd.readouterr().err

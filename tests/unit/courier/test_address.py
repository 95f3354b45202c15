"""An address has one meaning or is refused, and a password in one is shown by nothing."""

import pytest

from envfs.core.secret import Secret
from envfs.courier.address import SCHEMES, Address, EngineHost, parse_address
from envfs.errors import BadRequest


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("folder:/srv/vault", Address("folder", "/srv/vault")),
        ("folder:///srv/vault/", Address("folder", "/srv/vault")),
        ("folder:/a b/100%", Address("folder", "/a b/100%")),
        ("ssh://host/srv/v", Address("ssh", "/srv/v", "", (EngineHost("host", 0),))),
        ("ssh://alice@host.example:2222/~/v", Address("ssh", "/~/v", "alice", (EngineHost("host.example", 2222),))),
        ("sftp://alice@host/~/v", Address("sftp", "/~/v", "alice", (EngineHost("host", 0),))),
        ("ssh://[::1]:2222/srv/a%20b", Address("ssh", "/srv/a b", "", (EngineHost("::1", 2222),))),
        (
            "ssh://host/v?identity=/home/a/.ssh/id&known_hosts=/etc/h",
            Address(
                "ssh", "/v", "", (EngineHost("host", 0),), (("identity", "/home/a/.ssh/id"), ("known_hosts", "/etc/h"))
            ),
        ),
        (
            "postgresql://alice:s3%40cret@db/vault?ca=/c",
            Address("postgres", "/vault", "alice", (EngineHost("db", 5432),), (("ca", "/c"),), Secret("s3@cret")),
        ),
        ("etcd://a,b:2380/vault", Address("etcd", "/vault", "", (EngineHost("a", 2379), EngineHost("b", 2380)))),
        ("http://127.0.0.1:8080", Address("http", "", "", (EngineHost("127.0.0.1", 8080),))),
        ("http://[::1]/", Address("http", "", "", (EngineHost("::1", 80),))),
    ],
)
def test_an_address_is_read(text: str, address: Address) -> None:
    assert parse_address(text) == address


@pytest.mark.parametrize("name", SCHEMES)
def test_the_example_of_each_scheme_is_an_address(name: str) -> None:
    assert parse_address(SCHEMES[name].example).scheme == name


@pytest.mark.parametrize(
    "text",
    [
        *("", "/srv/vault", "folder", "folder:", "folder:/", "folder:srv", "folder:/srv/../etc", "FOLDER:/srv"),
        *("ssh:host/v", "ssh://host", "ssh://host/", "ssh:///v", "ssh://-oProxyCommand=x/v", "ssh://-l@host/v"),
        *("ssh://a b@host/v", "ssh://alice:pw@host/v", "ssh://host:0/v", "ssh://host:65536/v", "ssh://host:x/v"),
        *("ssh://host:-1/v", "ssh://host/v/../w", "ssh://host/v#x", "ssh://host/v%0a", "ssh://host/v?x=1"),
        *("ssh://host/v?identity=", "ssh://host/v?identity=/a&identity=/b", "ssh://ho;st/v", "ssh://$(x)/v"),
        *("ssh://[::1/v", "ssh://[host]/v", "ssh://::1/v", "ssh://[fe80::1%eth0]/v", "ssh://host./v", "ssh://h,/v"),
        *("http://example.com", "http://127.0.0.1/x", "http://10.0.0.1:80", "gopher://x/y", "ssh://é/v", "ssh://h/\n"),
        "ssh://host/" + "v" * 5000,
    ],
)
def test_what_is_no_address_is_refused_with_a_hint(text: str) -> None:
    with pytest.raises(BadRequest):
        parse_address(text)


def test_no_text_of_an_address_shows_a_password() -> None:
    address = parse_address("postgres://alice:hunter2@db/vault?passfile=/x")
    assert "hunter2" not in f"{address} {address!r} {address!s} {[address]}"
    assert str(address) == "postgres://alice@db:5432/vault"
    for text in (
        "ssh://alice:hunter2@host/v",
        "postgres://a:hunter2@-h/v",
        "etcd://a:hunter2@h:x/v",
        "x://a:hunter2@h/v",
    ):
        with pytest.raises(BadRequest) as refused:
            parse_address(text)
        assert "hunter2" not in f"{refused.value.text} {refused.value.hint}"

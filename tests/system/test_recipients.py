"""A managed project is sealed to others too: age recipients, SSH keys, plugins of age. Stock tools open it for them."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Homes
from tests.system.home import Home

_PLUGIN = Path(__file__).parent / "plugin"
_TO_PLUGIN = "age1test1vys8getnwszu2aeq"
_OF_PLUGIN = "AGE-PLUGIN-TEST-1VYS8GETNWSAP5E6Q"


def _path() -> dict[str, str]:
    return {"PATH": f"{_PLUGIN}:{os.environ['PATH']}"}


@pytest.fixture(scope="module")
def made(new_home: Homes) -> Home:
    """Give a home with one managed project of two levels. To be copied."""
    home = new_home()
    with home.served():
        home.envfs("set", "/shop", "A", given="in the shop")
        home.envfs("set", "/shop/prod", "B", given="in prod")
    return home


@pytest.fixture
def shop(new_home: Homes, made: Home) -> Iterator[Home]:
    """Give one test a copy of it, served by a daemon that has the plugin in its PATH."""
    home = new_home(made)
    daemon = home.mount(environ=_path())
    yield home
    home.end(daemon)


def _newest(home: Home, folder: str) -> Path:
    return max((home.vault / folder).glob("@*"))


def _opened(home: Home, identity: Path, folder: Path) -> str | None:
    """Open the newest text of /shop/prod with age and jose alone; None if the key file does not open."""
    opened = subprocess.run(
        ["age", "-d", "-i", identity, _newest(home, "key/shop")],
        capture_output=True,
        check=False,
        env={**os.environ, **_path()},
    )
    if opened.returncode:
        return None
    key = folder / "key.jwk"
    key.write_bytes(opened.stdout)
    record = _newest(home, "level/shop/prod")
    return subprocess.run(
        ["jose", "jwe", "dec", "-i", record, "-k", key], capture_output=True, check=True
    ).stdout.decode()


@pytest.mark.parametrize("kind", ["age", "ed25519", "rsa", "plugin"])
def test_whoever_was_added_opens_the_project_with_stock_tools_until_taken_away(
    shop: Home, tmp_path: Path, kind: str
) -> None:
    identity, recipient = _made(kind, tmp_path)
    assert _opened(shop, identity, tmp_path) is None
    shop.envfs("project", "recipients", "shop", "--add", recipient, environ=_path())
    assert _opened(shop, identity, tmp_path) == "B='in prod'\n"
    shop.envfs("key", "rotate", "shop", environ=_path())
    assert _opened(shop, identity, tmp_path) == "B='in prod'\n"
    kept = [row for row in json.loads(shop.envfs("project", "recipients", "shop", "--json").out) if row != ""]
    assert kept[1:] == [" ".join(recipient.split()[:2])]
    shop.envfs("project", "recipients", "shop", "--remove", kept[1])
    assert _opened(shop, identity, tmp_path) is None
    assert [path for path in (shop.vault / "key/shop").glob("@*") if path.stat().st_size] == [_newest(shop, "key/shop")]
    assert shop.envfs("get", "/shop/prod", "B").text == "in prod\n"
    assert shop.envfs("get", "/shop", "A", "--version", "1").text == "in the shop\n"


def _made(kind: str, folder: Path) -> tuple[Path, str]:
    identity = folder / "identity"
    if kind == "plugin":
        identity.write_text(f"{_OF_PLUGIN}\n", encoding="ascii")
        return identity, _TO_PLUGIN
    if kind == "age":
        subprocess.run(["age-keygen", "-o", identity], check=True, capture_output=True)
        return identity, subprocess.check_output(["age-keygen", "-y", identity], text=True).strip()
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-f", identity], check=True)
    return identity, identity.with_name("identity.pub").read_text(encoding="ascii").strip()


def test_a_plugin_that_is_not_installed_is_named_and_nothing_is_changed(new_home: Homes, made: Home) -> None:
    shop = new_home(made)
    before = _newest(shop, "key/shop").read_bytes()
    said = shop.envfs("project", "recipients", "shop", "--add", _TO_PLUGIN, status=101)
    assert "age-plugin-test" in said.complaint
    assert _newest(shop, "key/shop").read_bytes() == before


def test_new_projects_are_sealed_to_the_recipients_of_the_settings(home: Home, tmp_path: Path) -> None:
    identity, recipient = _made("age", tmp_path)
    settings = home.path / "envfs.toml"
    settings.write_text(
        f'[keys]\nrecipients = ["{recipient}"]\n' + settings.read_text(encoding="utf-8"), encoding="utf-8"
    )
    home.envfs("set", "/shop/prod", "B", given="in prod")
    assert _opened(home, identity, tmp_path) == "B='in prod'\n"


def test_a_recipient_of_the_settings_that_is_none_refuses_the_write(home: Home) -> None:
    settings = home.path / "envfs.toml"
    settings.write_text('[keys]\nrecipients = ["nobody"]\n' + settings.read_text(encoding="utf-8"), encoding="utf-8")
    assert "not a recipient" in home.envfs("set", "/shop", "A", given="1", status=101).complaint
    assert not (home.vault / "key/shop").exists()

"""No lock-in: two stock tools, age and jose, open the vault without EnvFS (docs/format.md §1)."""

import subprocess
from pathlib import Path

import pytest

from tests.system.home import SECONDS, Home
from tests.system.samples import LEVELS, PROD_TEXT


def _open(home: Home, identity: Path, level: str, version: int, folder: Path) -> str:
    project = level.strip("/").split("/")[0]
    key, jwk = home.vault / "key" / project / "@00000001.age", folder / "key.jwk"
    jwk.write_bytes(_run("age", "-d", "-i", str(identity), str(key)))
    record = home.vault / "level" / level.strip("/") / f"@{version:08d}.json"
    return _run("jose", "jwe", "dec", "-i", str(record), "-k", str(jwk)).decode()


def _run(*words: str) -> bytes:
    return subprocess.run(words, check=True, capture_output=True, timeout=SECONDS).stdout


@pytest.mark.parametrize("level", LEVELS)
def test_age_and_jose_open_a_level_to_the_letter(shop: Home, ground: Path, tmp_path: Path, level: str) -> None:
    assert _open(shop, ground / "identity.txt", level, 1, tmp_path) == LEVELS[level][0]


def test_age_and_jose_open_an_old_version(shop: Home, ground: Path, tmp_path: Path) -> None:
    shop.envfs("set", "/shop/prod", "S3_BUCKET", given="another")
    shop.settle()
    assert _open(shop, ground / "identity.txt", "/shop/prod", 1, tmp_path) == PROD_TEXT
    changed = PROD_TEXT.replace("S3_BUCKET=crane-shop-prod", "S3_BUCKET=another")
    assert _open(shop, ground / "identity.txt", "/shop/prod", 2, tmp_path) == changed


def test_the_key_of_one_project_opens_no_other(shop: Home, ground: Path, tmp_path: Path) -> None:
    shop.envfs("set", "/blog", "A", given="1")
    shop.settle()
    jwk = tmp_path / "blog.jwk"
    jwk.write_bytes(_run("age", "-d", "-i", str(ground / "identity.txt"), str(shop.vault / "key/blog/@00000001.age")))
    record = shop.vault / "level" / "shop" / "@00000001.json"
    with pytest.raises(subprocess.CalledProcessError):
        _run("jose", "jwe", "dec", "-i", str(record), "-k", str(jwk))

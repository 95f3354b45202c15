"""A vault of every format that was ever released opens: every value, every version, with EnvFS and without it."""

import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.system.forger import header_of
from tests.system.home import SECONDS, Home
from tests.system.terminal import Terminal

_FOLDER = Path(__file__).parent
_FORMATS = sorted(path for path in _FOLDER.glob("format-*"))


class Kept(NamedTuple):
    """A copy of a kept vault in a home of its own, and what it must hold."""

    home: Home
    source: Path
    texts: dict[str, list[str | None]]
    views: dict[str, list[dict[str, str]]]
    passphrase: str
    histories: dict[str, list[list[str]]]  # empty: older than the notes of records

    def versions(self) -> list[tuple[str, int]]:
        return [(level, number) for level, found in self.views.items() for number in range(1, len(found) + 1)]


def _copy(source: Path, ground: Path) -> Kept:
    folder = Path(tempfile.mkdtemp(prefix=f"{source.name}-", dir=ground))
    home = Home(folder)
    shutil.copytree(source / "vault", home.vault)
    (folder / "identity.txt").write_bytes((source / "identity.txt").read_bytes())
    (folder / "identity.txt").chmod(0o600)
    settings = f'[identity]\nfile = "{folder}/identity.txt"\n[[grant]]\nlevel = "/"\nuid = 0\n'
    home.settings.write_text(settings, encoding="utf-8")
    home.settings.chmod(0o600)
    expected = json.loads((source / "expected.json").read_bytes())
    return Kept(
        home, source, expected["texts"], expected["views"], expected["passphrase"], expected.get("histories", {})
    )


@pytest.fixture(scope="module", params=_FORMATS, ids=[path.name for path in _FORMATS])
def kept(request: pytest.FixtureRequest, ground: Path) -> Iterator[Kept]:
    """Give each kept vault, mounted; the tests that share it leave it as it is."""
    copy = _copy(request.param, ground)
    with copy.home.served():
        yield copy


def _values(home: Home, level: str, version: int) -> dict[str, str]:
    found: dict[str, str] = json.loads(home.envfs("export", level, "-f", "json", "--version", str(version)).out)
    return found


def test_there_is_a_vault_of_format_1() -> None:
    assert "format-1" in {path.name for path in _FORMATS}


def test_every_value_of_every_version_is_as_it_was(kept: Kept) -> None:
    for level, version in kept.versions():
        assert _values(kept.home, level, version) == kept.views[level][version - 1], (level, version)
    for level, views in kept.views.items():
        assert _values(kept.home, level, 0) == views[-1]
        assert [row["version"] for row in kept.home.rows("history", level)] == list(range(len(views), 0, -1))


def test_every_version_is_in_the_mount(kept: Kept) -> None:
    for level, version in kept.versions():
        text = kept.home.history_view(level, version).read_bytes()
        assert text == kept.home.envfs("export", level, "--version", str(version)).out
    for level in kept.views:
        assert kept.home.view(level).read_bytes() == kept.home.envfs("export", level).out


def test_every_operation_and_every_message_is_as_it_was(kept: Kept) -> None:
    for level, views in kept.views.items():
        rows = kept.home.rows("history", level)[::-1]
        said = [[row["operation"], row["message"]] for row in rows]
        assert said == kept.histories.get(level, [["", ""]] * len(views))


def test_every_record_is_found_to_be_in_order(kept: Kept) -> None:
    report = json.loads(kept.home.envfs("verify", "--json").out)
    assert report["looked_at"] == len(kept.home.records()) > len(kept.versions())


def test_it_can_be_written_on(kept: Kept, ground: Path) -> None:
    home = _copy(kept.source, ground).home
    before = {path: path.read_bytes() for path in home.records()}
    with home.served():
        for level, views in kept.views.items():
            home.envfs("set", level, "ONE_MORE", given="now")
            assert _values(home, level, 0) == views[-1] | {"ONE_MORE": "now"}
            assert _values(home, level, len(views)) == views[-1]
        assert home.envfs("verify").text.endswith(" 0 failed\n")
    assert {path: path.read_bytes() for path in before} == before


def test_its_identity_opens_with_the_passphrase(kept: Kept, ground: Path) -> None:
    home = _copy(kept.source, ground).home
    shutil.copy(kept.source / "identity.age", home.path / "identity.age")
    home.settings.write_text('[[grant]]\nlevel = "/"\nuid = 0\n', encoding="utf-8")
    passphrase = home.path / "passphrase"
    passphrase.write_text(kept.passphrase, encoding="utf-8")
    for level, views in list(kept.views.items())[-1:]:
        said = home.envfs("export", level, "-f", "json", environ={"ENVFS_PASSPHRASE_FILE": str(passphrase)})
        assert json.loads(said.out) == views[-1]
    home.settle()


def test_two_stock_tools_open_every_record(kept: Kept, tmp_path: Path) -> None:
    for level, version in kept.versions():
        record = kept.home.vault / "level" / level.strip("/") / f"@{version:08d}.json"
        jwk = tmp_path / "key.jwk"
        jwk.write_text(json.dumps(_key_of(kept, level, record)), encoding="utf-8")
        text = _run("jose", "jwe", "dec", "-i", str(record), "-k", str(jwk)).decode()
        wanted = kept.texts[level][version - 1]
        assert text if wanted is None else text == wanted, (level, version)


def _key_of(kept: Kept, level: str, record: Path) -> object:
    newest = max((kept.home.vault / "key" / level.strip("/").split("/")[0]).glob("@*.age"))
    keys = json.loads(_run("age", "-d", "-i", str(kept.source / "identity.txt"), str(newest)))
    return next(key for key in (keys, *keys["earlier"]) if key["kid"] == header_of(record)["kid"])


def test_a_stock_tool_opens_the_identity_with_the_passphrase(kept: Kept) -> None:
    plain = next(
        line for line in (kept.source / "identity.txt").read_text(encoding="ascii").splitlines() if line[0] != "#"
    )
    with Terminal(["age", "-d", str(kept.source / "identity.age")], kept.home.environ()) as terminal:
        terminal.expect("passphrase")
        terminal.type(kept.passphrase)
        terminal.expect(plain)
        assert terminal.end(2 * SECONDS) == 0


def _run(*words: str) -> bytes:
    return subprocess.run(words, check=True, capture_output=True, timeout=SECONDS).stdout

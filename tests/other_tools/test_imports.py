"""`import --from` of what the other tools made themselves, and `export --to` read by them again."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Homes
from tests.other_tools.services import DopplerService, openbao
from tests.other_tools.tools import VALUES, WITHOUT_LAST_BREAK, OtherTool, needs
from tests.system.home import Home

pytestmark = pytest.mark.soak
LEVEL = "/shop/prod"


@pytest.fixture(scope="module")
def target(new_home: Homes, bare: Home) -> Iterator[Home]:
    """Give a home that is served, for all tests of the module."""
    home = new_home(bare)
    with home.served():
        yield home


@pytest.fixture
def other(target: Home, tmp_path: Path) -> OtherTool:
    """Give a folder in which the other tools are at home, and no level yet."""
    target.envfs("rm", LEVEL, "--yes", status=None)
    return OtherTool(tmp_path, target)


def _dotenv() -> str:
    return "".join(f"{name}='{value}'\n" for name, value in VALUES.items() if name != "MOTTO")


@needs("dotenvx")
def test_what_dotenvx_encrypted(other: OtherTool) -> None:
    file = other.write(".env.production", f"{_dotenv()}MOTTO=\"$WORKERS of 'one' \\$one\"\n")
    other.run("dotenvx", "encrypt", "-f", ".env.production")
    assert "sk_live" not in file.read_text()
    shown = json.loads(other.run("dotenvx", "get", "-f", ".env.production", "--overload").text)
    said = other.run("envfs", "import", "--from", "dotenvx", ".env.production", LEVEL).complaint
    assert "DOTENV_PUBLIC_KEY_PRODUCTION" in said
    assert other.values(LEVEL) == {name: shown[name].removesuffix("\n") for name in VALUES}
    assert shown["TLS_KEY"] == VALUES["TLS_KEY"]
    assert shown["MOTTO"] == "8 of 'one' $one"
    (other.folder / ".env.keys").unlink()
    other.run("envfs", "import", "--from", "dotenvx", ".env.production", LEVEL, status=100)


@needs("dotenvx")
def test_dotenvx_reads_what_was_exported_to_it(other: OtherTool) -> None:
    other.run("envfs", "import", "-f", "json", "-", LEVEL, given=json.dumps(VALUES))
    other.run("envfs", "export", LEVEL, "--to", "dotenvx", "-o", ".env.back")
    other.run("dotenvx", "encrypt", "-f", ".env.back")
    read = json.loads(other.run("dotenvx", "get", "-f", ".env.back", "--overload").text)
    assert {name: read[name] for name in VALUES} == VALUES


@pytest.fixture
def age_key(other: OtherTool) -> str:
    """Give the recipient of a new key that sops finds."""
    (other.folder / ".config/sops/age").mkdir(parents=True)
    key = other.folder / ".config/sops/age/keys.txt"
    other.run("age-keygen", "-o", str(key))
    return other.run("age-keygen", "-y", str(key)).text.strip()


@needs("sops")
@pytest.mark.parametrize("ending", ["yaml", "json"])
def test_what_sops_encrypted(other: OtherTool, age_key: str, ending: str) -> None:
    file = other.write(f"secrets.{ending}", json.dumps({**VALUES, "DB": {"HOST": "db.internal"}}))
    other.run("sops", "encrypt", "--age", age_key, "-i", str(file))
    assert "sk_live" not in file.read_text()
    other.run("envfs", "import", "--from", "sops", str(file), LEVEL, "--flatten", "_")
    assert other.values(LEVEL) == WITHOUT_LAST_BREAK
    assert other.run("envfs", "get", LEVEL, "DB_HOST").text == "db.internal\n"
    damaged = file.read_text().replace("data:", "data:A", 1)
    file.write_text(damaged)
    other.run("envfs", "import", "--from", "sops", str(file), LEVEL, "--flatten", "_", status=100)


@needs("sops")
def test_a_dotenv_file_of_sops_gives_what_sops_gives_a_program(other: OtherTool, age_key: str) -> None:
    file = other.write("secrets.env", 'PLAIN=one\nQUOTED="two"\n')
    other.run("sops", "encrypt", "--age", age_key, "-i", str(file))
    given = other.run("sops", "exec-env", str(file), 'printf "%s %s" "$PLAIN" "$QUOTED"').text
    other.run("envfs", "import", "--from", "sops", str(file), LEVEL)
    read = [other.run("envfs", "get", LEVEL, name).text.strip() for name in ("PLAIN", "QUOTED")]
    assert " ".join(read) == given == 'one "two"'  # quotes mean nothing to it


@needs("sops")
def test_sops_encrypts_what_was_exported_to_it(other: OtherTool, age_key: str) -> None:
    other.run("envfs", "import", "-f", "json", "-", LEVEL, given=json.dumps(VALUES))
    other.run("envfs", "export", LEVEL, "--to", "sops", "-o", "shop.json")
    words = ("--input-type", "json", "--output-type", "json", "shop.json")
    other.write("shop.enc.json", other.run("sops", "encrypt", "--age", age_key, *words).text)
    assert json.loads(other.run("sops", "decrypt", "shop.enc.json").text) == VALUES


@needs("doppler")
def test_what_doppler_downloads_by_itself_or_into_a_file(other: OtherTool) -> None:
    with DopplerService(dict(VALUES)).served() as found:
        other.run("envfs", "import", "--from", "doppler", "shop/prd", LEVEL, **found)
        assert other.values(LEVEL) == WITHOUT_LAST_BREAK
        words = ("doppler", "secrets", "download", "--no-file", "--format", "json")
        other.write("download.json", other.run(*words, **found).text)
        other.write("secrets.json", other.run("doppler", "secrets", "--json", **found).text)
    for name in ("download.json", "secrets.json"):
        other.run("envfs", "rm", LEVEL, "--yes")
        other.run("envfs", "import", "--from", "doppler", name, LEVEL)
        assert other.values(LEVEL) == WITHOUT_LAST_BREAK


@needs("doppler")
def test_doppler_uploads_what_was_exported_to_it(other: OtherTool) -> None:
    service = DopplerService({})
    other.run("envfs", "import", "-f", "json", "-", LEVEL, given=json.dumps(VALUES))
    other.run("envfs", "export", LEVEL, "--to", "doppler", "-o", "shop.json")
    with service.served() as found:
        other.run("doppler", "secrets", "upload", "shop.json", "--silent", **found)
    assert service.secrets == VALUES


@needs("varlock")
def test_what_varlock_resolved(other: OtherTool) -> None:
    other.write(".env.schema", "# @defaultRequired=false\n# ---\nSTRIPE_KEY=\n# @type=number\nWORKERS=\n")
    other.write(".env.local", f'{_dotenv()}MOTTO=`it\'s "one" # line, and another \\$one`\n')
    resolved = other.run("varlock", "load", "--format", "json").text
    other.run("envfs", "import", "-f", "json", "-", LEVEL, given=resolved)
    shown = {name: str(value) for name, value in json.loads(resolved).items()}
    assert other.values(LEVEL) == {name: shown[name].removesuffix("\n") for name in VALUES}
    assert shown["TLS_KEY"] == VALUES["TLS_KEY"]


@needs("bao")
def test_a_secret_of_openbao_both_ways(other: OtherTool) -> None:
    with openbao(other.folder) as found:
        other.run("bao", "kv", "put", "secret/shop", "-", given=json.dumps(VALUES), **found)
        secret = other.shell("bao kv get -format=json secret/shop | jq .data.data", **found)
        other.run("envfs", "import", "-f", "json", "-", LEVEL, given=secret)
        assert other.values(LEVEL) == WITHOUT_LAST_BREAK
        other.shell(f"set -o pipefail; envfs export {LEVEL} -f json | bao kv put secret/back -", **found)
        back = other.shell("bao kv get -format=json secret/back | jq .data.data", **found)
        assert json.loads(back) == VALUES

"""Bad input is a clear error with its documented status, quotes no value, and loses nothing."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Homes
from tests.system.home import ENVFS, Home
from tests.system.probing import attempt

_SECRET = "s3cr3t-Sentinel-9f2"


@pytest.fixture(scope="module")
def target(new_home: Homes) -> Iterator[Home]:
    """Give a mounted home with one level, which must be as it was after every test."""
    home = new_home()
    with home.served():
        home.envfs("import", "-", "/app", given="A=1\nB=2\n")
        yield home
        assert [row["version"] for row in home.rows("history", "/app")] == [1]
        assert home.problems() == ""
        assert home.envfs("verify").text.endswith(" 0 failed\n")


@pytest.fixture(autouse=True)
def _nothing_is_lost(target: Home) -> Iterator[None]:
    yield
    assert target.view("/app").read_text(encoding="utf-8") == "A=1\nB=2\n"
    records = [path.name for path in target.records() if target.vault / "log" not in path.parents]
    assert records == ["@00000001.age", "@00000001.json"]


_MALFORMED = {
    "no equals": (f"A=1\nB {_SECRET}\n", "line 2, column 1"),
    "a quote not closed": (f"A=1\n\nB='{_SECRET}\nC=2\n", "line 3, column 3"),
    "a double quote not closed": (f'A="{_SECRET}', "line 1, column 3"),
    "text after a quote": (f"A='x'{_SECRET}\n", "line 1, column 6"),
    "a name that begins with a digit": (f"9A={_SECRET}\n", "line 1, column 1"),
    "no name": (f"={_SECRET}\n", "line 1, column 1"),
    "a NUL": (f"A=1\nB={_SECRET}\0\n", "line 2"),
}


@pytest.mark.parametrize("name", _MALFORMED)
@pytest.mark.parametrize("words", [(), ("--replace",)])
def test_a_text_that_is_no_dotenv_is_refused_with_its_place(target: Home, name: str, words: tuple[str, ...]) -> None:
    text, place = _MALFORMED[name]
    said = target.envfs("import", "-", "/app", *words, given=text, status=106)
    assert place in said.complaint, said
    assert _SECRET not in said.complaint + said.text
    assert said.complaint.startswith("envfs: error: ")


def test_a_text_that_is_not_utf_8_is_refused_with_its_place(target: Home) -> None:
    said = target.envfs("import", "-", "/app", given=b"A=1\nB=ab\xff" + _SECRET.encode(), status=106)
    assert "line 2, column 5" in said.complaint
    assert _SECRET not in said.complaint


def test_a_value_with_a_nul_or_not_utf_8_is_refused(target: Home) -> None:
    for value in (_SECRET.encode() + b"\0x", b"\xff" + _SECRET.encode()):
        said = target.envfs("set", "/app", "A", given=value, status=106)
        assert _SECRET not in said.complaint


@pytest.mark.parametrize("size", [128_001, 1 << 20, 5 << 20])
def test_a_value_over_the_limit_is_refused(target: Home, size: int) -> None:
    said = target.envfs("set", "/app", "A", given=b"x" * size, status=107)
    assert "128000 bytes" in said.complaint
    assert "xxx" not in said.complaint


def test_a_value_of_just_the_limit_is_kept(home: Home) -> None:
    value = "y" * 128_000
    home.envfs("set", "/big", "A", given=value)
    assert home.envfs("get", "/big", "A").text == value + "\n"
    assert home.envfs("exec", "/big", "--", "sh", "-c", "echo ${#A}").text == "128000\n"


def test_a_text_over_the_limit_is_refused(target: Home) -> None:
    line = f"{'N' * 50}%d={'v' * 1000}\n"
    text = "".join(line % number for number in range(1000))
    assert len(text) > 1 << 20
    said = target.envfs("import", "-", "/app", given=text, status=107)
    assert "1048576 bytes" in said.complaint


def test_a_text_that_grows_over_the_limit_is_refused(home: Home) -> None:
    line = f"N%d={'v' * 100_000}\n"
    home.envfs("import", "-", "/full", given="".join(line % number for number in range(10)))
    home.envfs("set", "/full", "ONE_MORE", given="v" * 100_000, status=107)
    assert len(home.rows("show", "/full")) == 10


@pytest.mark.parametrize("name", ["", "1A", "A B", "A-B", "A.B", "A=B", "Ä", "A\n", "A'"])
def test_a_name_outside_the_grammar_is_refused(target: Home, name: str) -> None:
    said = target.envfs("set", "/app", name, given="x", status=105)
    assert "variable name" in said.complaint
    target.envfs("get", "/app", name, status=105)
    target.envfs("unset", "/app", name, status=105)


def test_a_name_of_300_characters_is_refused_and_one_of_256_is_not(target: Home, home: Home) -> None:
    target.envfs("set", "/app", "N" * 300, given="x", status=107)
    target.envfs("set", "/app", "N" * 257, given="x", status=107)
    home.envfs("set", "/app", "N" * 256, given="x")


@pytest.mark.parametrize(
    "level", ["/..", "/app/..", "../app", "/app/../app", "/.env", "/app//b", "/a b", "/ä", "/app\n", "", "//", "/a/./b"]
)
def test_a_level_outside_the_grammar_is_refused(target: Home, level: str) -> None:
    commands = [("set", level, "A"), ("exec", level, "--", "true"), ("grant", level, "--uid", "5"), ("history", level)]
    for words in commands if level == "/.." else commands[:2]:
        assert "level path" in target.envfs(*words, given="x", status=105).complaint


def test_a_level_deeper_than_16_or_a_component_longer_than_64_is_refused(target: Home, home: Home) -> None:
    said = target.envfs("set", "/a" * 17, "A", given="x", status=107)
    assert "at most 16" in said.complaint
    target.envfs("set", "/" + "a" * 65, "A", given="x", status=107)
    deep = "/" + "/".join(["a" * 64] * 16)
    home.envfs("set", deep, "A", given="x")
    with home.served():
        assert home.view(deep).read_text(encoding="utf-8") == "A=x\n"


@pytest.mark.parametrize("words", [("get", "/none", "A"), ("exec", "/app/none", "--", "true"), ("show", "/none")])
def test_an_unknown_level_is_refused(target: Home, words: tuple[str, ...]) -> None:
    said = target.envfs(*words, status=103)
    assert f"there is no level {words[1]}" in said.complaint
    assert "envfs ls" in said.complaint
    assert attempt(0, "read", target.view(words[1])).how == "ENOENT"


def test_an_unknown_variable_is_refused(target: Home) -> None:
    assert "envfs show /app" in target.envfs("get", "/app", "NOPE", status=104).complaint
    target.envfs("unset", "/app", "NOPE", status=104)


def test_a_vault_of_another_format_is_refused(home: Home) -> None:
    description = home.vault / "vault.toml"
    text = description.read_text(encoding="utf-8")
    for number, words in (("2", ("mount",)), ("0", ("get", "/", "A")), ('"1"', ("ls",)), ("true", ("verify",))):
        description.write_text(text.replace("format = 1", f"format = {number}"), encoding="utf-8")
        said = home.envfs(*words, status=114)
        assert "reads format 1" in said.complaint
    home.settle()
    assert "format" in home.problems()
    description.write_text(text, encoding="utf-8")
    home.envfs("ls")


@pytest.mark.parametrize("content", [b"", b"not TOML [[", b"\xff\xfe", b"format = 1\n"])
def test_a_description_that_is_damaged_is_refused(home: Home, content: bytes) -> None:
    (home.vault / "vault.toml").write_bytes(content)
    assert home.envfs("mount", status=None).status in (114, 119)
    home.settle()


def test_where_there_is_no_vault_each_command_says_so(ground: Path) -> None:
    home = Home(ground / "nowhere")
    for words in (("mount",), ("ls",), ("get", "/", "A"), ("exec", "/", "--", "true"), ("log", "verify"), ("verify",)):
        said = home.envfs(*words, status=119)
        assert "envfs init" in said.complaint, words
    assert home.envfs("status", status=100).text
    home.settle()
    assert not home.path.exists()


_IDENTITIES = {
    "it is gone": (None, 0o600, 119),
    "others may read it": ("AGE-SECRET-KEY-1", 0o644, 119),
    "it is none": ("hello\n", 0o600, 100),
    "it is somebody else's": ("", 0o600, 110),
}


@pytest.mark.parametrize("name", _IDENTITIES)
def test_trouble_with_the_identity_is_said_as_it_is(shop: Home, ground: Path, tmp_path: Path, name: str) -> None:
    content, mode, status = _IDENTITIES[name]
    identity = tmp_path / "identity.txt"
    if content == "":
        other = Home(tmp_path / "other")
        other.envfs("init", "--identity-file", str(identity))
        other.settle()
    elif content is not None:
        identity.write_text(content, encoding="ascii")
        identity.chmod(mode)
    text = shop.settings.read_text(encoding="utf-8")
    shop.settings.write_text(text.replace(str(ground / "identity.txt"), str(identity)), encoding="utf-8")
    assert "identity" in shop.envfs("mount", status=status).complaint
    said = shop.envfs("get", "/", "APP_ENV", status=status)
    assert "identity" in said.complaint
    assert "AGE-SECRET" not in said.complaint.replace("AGE-SECRET-KEY-1…", "")


def test_a_daemon_that_is_needed_and_not_there_is_116(home: Home) -> None:
    assert "envfs mount" in home.envfs("unlock", status=116).complaint
    assert "nothing is mounted" in home.envfs("unmount", status=116).complaint


@pytest.mark.parametrize("file", ["/no/such/file", "/", "/proc/self/mem"])
def test_a_file_that_cannot_be_read_is_refused(target: Home, file: str) -> None:
    for words in (("import", file, "/app"), ("set", "/app", "A", "--from-file", file)):
        if words[0] == "import" and file == "/":
            continue  # a folder is a family of files
        # what is not there may be a value, in the place of a file's name
        named = "the value" if (words[0], file) == ("set", "/no/such/file") else file
        assert f"cannot read {named}" in target.envfs(*words, status=100).complaint


def test_a_standard_input_that_is_closed_is_refused(target: Home) -> None:
    script = f'"{ENVFS}" set /app A <&-'
    done = subprocess.run(["sh", "-c", script], env=target.environ(), capture_output=True, check=False, text=True)
    assert done.returncode == 100
    assert done.stderr.startswith("envfs: error: ")


def test_export_never_writes_over_a_file(target: Home, tmp_path: Path) -> None:
    file = tmp_path / "kept"
    file.write_text("precious", encoding="utf-8")
    target.envfs("export", "/app", "-o", str(file), status=118)
    assert file.read_text(encoding="utf-8") == "precious"
    target.envfs("export", "/app", "-o", str(tmp_path / "new"))
    assert (tmp_path / "new").read_text(encoding="utf-8") == "A=1\nB=2\n"
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o600

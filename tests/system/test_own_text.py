"""A level's own text can be read back to the letter, by whoever may read its view, and the log says so."""

from collections.abc import Iterator

import pytest

from tests.conftest import Homes
from tests.system.home import Home

_GUEST, _STRANGER = 4711, 4712
_TEXT = "# why it is so\r\nexport A=\"x ${B:-d}\"   # behind\r\n\r\nC='lit ${X}'\nB=`b`\nB=3\n# OLD=sentinel-82"


@pytest.fixture(scope="module")
def served(new_home: Homes) -> Iterator[Home]:
    """Give a mounted home whose level /shop/prod holds the text as its version 1, and which a guest may read."""
    home = new_home()
    with home.served():
        home.envfs("set", "/shop", "ABOVE", given="not-of-this-level")
        home.envfs("import", "-", "/shop/prod", given=_TEXT)
        home.envfs("set", "/shop/prod", "LATER", given="1")
        home.envfs("grant", "/shop/prod", "--uid", str(_GUEST))
        yield home


def test_it_is_exported_to_the_letter(served: Home) -> None:
    assert served.envfs("export", "/shop/prod", "--own", "--version", "1").out == _TEXT.encode()
    newest = served.envfs("export", "/shop/prod", "--own").out
    assert newest.startswith(_TEXT.encode())
    assert b"LATER" in newest
    assert b"ABOVE" not in newest


def test_what_is_exported_can_be_imported_as_the_same_text(served: Home) -> None:
    served.envfs("import", "-", "/shop/copy", given=served.envfs("export", "/shop/prod", "--own").out)
    assert served.envfs("export", "/shop/copy", "--own").out == served.envfs("export", "/shop/prod", "--own").out


def test_a_text_that_makes_no_view_can_be_read_back(served: Home) -> None:
    served.envfs("import", "-", "/needy", given="A=${NOWHERE:?say it}\n")
    served.envfs("export", "/needy", status=106)
    assert served.envfs("export", "/needy", "--own").text == "A=${NOWHERE:?say it}\n"


def test_it_goes_to_a_new_file_that_others_cannot_read(served: Home) -> None:
    path = served.path / "own.env"
    served.envfs("export", "/shop/prod", "--own", "--version", "1", "-o", str(path))
    assert path.read_bytes() == _TEXT.encode()
    assert path.stat().st_mode & 0o777 == 0o600


def test_show_hides_it_until_it_is_asked_for(served: Home) -> None:
    listed = served.envfs("show", "/shop/prod", "--own")
    assert listed.text == "A\t/shop/prod\nC\t/shop/prod\nB\t/shop/prod\nLATER\t/shop/prod\n"
    assert served.envfs("show", "/shop/prod", "--own", "--reveal", "--version", "1").out == _TEXT.encode()


def test_json_has_the_version_that_an_editor_must_expect(served: Home) -> None:
    whole = served.rows("show", "/shop/prod", "--own", "--reveal", "--version", "1")
    assert whole == {"level": "/shop/prod", "version": 1, "text": _TEXT}
    assert served.rows("show", "/shop/prod", "--own")[0] == {"name": "A", "level": "/shop/prod"}


def test_a_level_without_a_text_of_its_own_has_an_empty_one(served: Home) -> None:
    served.envfs("set", "/deep/below", "A", given="1")
    assert served.envfs("export", "/deep", "--own").out == b""
    assert served.rows("show", "/deep", "--own", "--reveal") == {"level": "/deep", "version": 0, "text": ""}


def test_whoever_may_read_the_view_may_read_the_text_and_nobody_else(served: Home) -> None:
    assert served.envfs("export", "/shop/prod", "--own", "--version", "1", uid=_GUEST).out == _TEXT.encode()
    for uid, level in ((_STRANGER, "/shop/prod"), (_GUEST, "/shop"), (_GUEST, "/shop/none")):
        said = served.envfs("export", level, "--own", uid=uid, status=None)
        assert said.status in (102, 103)
        assert said.out == b""
        assert "sentinel" not in said.complaint


def test_the_log_says_that_the_text_itself_was_read(served: Home) -> None:
    served.envfs("export", "/shop/prod", "--own", "--version", "1", uid=_GUEST)
    entry = [entry for entry in served.log() if entry["event"] == "read"][-1]
    assert (entry["level"], entry["version"], entry["format"], entry["channel"]) == ("/shop/prod", 1, "own", "export")
    assert entry["uid"] == _GUEST
    served.envfs("export", "/shop/prod", "--own", uid=_STRANGER, status=102)
    assert served.refusals(_STRANGER)[-1]["format"] == "own"


@pytest.mark.parametrize("option", [("-f", "json"), ("--only", "A"), ("--dialect", "node")])
def test_it_has_one_form_only(served: Home, option: tuple[str, ...]) -> None:
    assert served.envfs("export", "/shop/prod", "--own", *option, status=101).out == b""


def test_levels_and_versions_that_are_not_there_are_the_usual_errors(served: Home) -> None:
    served.envfs("export", "/none", "--own", status=103)
    served.envfs("export", "/shop/prod", "--own", "--version", "99", status=103)


def test_a_locked_vault_and_a_locked_project_give_nothing(own: Home) -> None:
    passphrase = own.knowing()
    daemon = own.mount(environ=passphrase)
    try:
        file = passphrase["ENVFS_PASSPHRASE_FILE"]
        own.envfs("project", "new", "sealed", "--zero-knowledge", "-y", "--passphrase-file", file)
        own.envfs("set", "/sealed", "A", given="sentinel-83")
        assert own.envfs("export", "/sealed", "--own").text == "A=sentinel-83\n"
        own.envfs("lock", "sealed")
        assert own.envfs("export", "/sealed", "--own", status=None).out == b""
        assert own.envfs("export", "/app", "--own").text == "TOKEN=tok-71-sentinel\n"
        own.envfs("lock")
        assert own.envfs("export", "/app", "--own", status=None).out == b""
    finally:
        own.end(daemon)


def test_it_can_be_read_without_a_daemon(own: Home) -> None:
    assert own.envfs("export", "/app", "--own", environ=own.knowing()).text == "TOKEN=tok-71-sentinel\n"

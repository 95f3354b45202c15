"""What a person says of a version: sealed, shown by `history` to the owner, and to nobody else."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system import forger, search
from tests.system.home import Home

_SOMEBODY = "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj"
_NEEDLE = "because-of-the-crane"
_READER, _STRANGER = 1001, 1002
_WRITES = {
    "set": (("set", "/shop/prod", "A"), "1"),
    "unset": (("unset", "/shop/prod", "S3_BUCKET"), None),
    "rename": (("rename", "/shop/prod", "S3_BUCKET", "BUCKET"), None),
    "import": (("import", "-", "/shop/prod"), "A=1\n"),
    "replace": (("import", "-", "/shop/prod", "--replace"), "A=1\n"),
    "rollback to 1": (("rollback", "/shop/prod", "1", "-y"), None),
}


@pytest.fixture
def shop(shop: Home) -> Iterator[Home]:
    """Give one test the realistic files, served: a command beside a daemon costs a tenth of one alone."""
    with shop.served():
        yield shop


@pytest.mark.parametrize("word", ["-m", "--message"])
def test_every_command_that_writes_takes_one_and_history_shows_it_with_the_operation(shop: Home, word: str) -> None:
    with shop.served():
        for operation, (words, given) in _WRITES.items():
            if operation == "rename":
                shop.envfs("rollback", "/shop/prod", "1", "-y")
            shop.envfs(*words, word, f"{_NEEDLE} {operation}", given=given)
            row = shop.rows("history", "/shop/prod", "-n", "1")[0]
            source = f" to {row['source_version']}" if row["source_version"] else ""
            assert f"{row['operation']}{source}" == operation
            assert row["message"] == f"{_NEEDLE} {operation}"
            line = shop.envfs("history", "/shop/prod", "-n", "1").text
            assert line.endswith(f"\t{operation}\t{_NEEDLE} {operation}\n")


def test_link_takes_one_for_what_it_imports(shop: Home, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("A=1\n", encoding="utf-8")
    with shop.served():
        shop.envfs("link", "/web", "-m", _NEEDLE, status=2, cwd=tmp_path)
        shop.envfs("link", "/web", "--import", "-m", _NEEDLE, cwd=tmp_path)
        assert shop.rows("history", "/web")[0]["message"] == _NEEDLE


def test_each_file_of_a_folder_gets_it(shop: Home, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("A=1\n", encoding="utf-8")
    (tmp_path / ".env.production").write_text("A=2\n", encoding="utf-8")
    shop.envfs("import", str(tmp_path), "/web", "--order", "next", "-m", _NEEDLE)
    for level in ("/web", "/web/production"):
        assert shop.rows("history", level)[0]["message"] == _NEEDLE


def test_a_change_of_keys_gives_it_to_each_level_that_is_sealed_again(shop: Home) -> None:
    phrase = shop.knowing()["ENVFS_PASSPHRASE_FILE"]
    own = {"ENVFS_PROJECT_PASSPHRASE_FILE": phrase}
    shop.envfs("key", "rotate", "shop", "-m", f"{_NEEDLE} 1")
    custody = ("project", "custody", "shop", "-y", "--passphrase-file", phrase)
    shop.envfs(*custody, "--zero-knowledge", "-m", f"{_NEEDLE} 2", environ=own)
    shop.envfs(*custody, "--managed", "-m", f"{_NEEDLE} 3", environ=own)
    shop.envfs("project", "recipients", "shop", "--add", _SOMEBODY, "-m", f"{_NEEDLE} 4")
    shop.envfs("project", "recipients", "shop", "--remove", _SOMEBODY, "-m", f"{_NEEDLE} 5")
    for level in ("/shop", "/shop/prod"):
        rows = shop.rows("history", level, "-n", "4")
        assert [row["message"] for row in rows] == [f"{_NEEDLE} {number}" for number in (5, 3, 2, 1)]
        assert {row["operation"] for row in rows} == {"reseal"}


def test_what_is_sealed_anew_says_so(shop: Home) -> None:
    shop.envfs("key", "rotate", "shop")
    row = shop.rows("history", "/shop/prod", "-n", "1")[0]
    assert (row["operation"], row["message"]) == ("reseal", "")


def test_several_lines_and_all_letters_come_back_as_they_were(shop: Home) -> None:
    message = '  the „old“ one\n\twas "leaked" \\ on 🦩 day\u00a0\n'
    shop.envfs("set", "/shop", "A", "-m", message, given="1")
    assert shop.rows("history", "/shop", "-n", "1")[0]["message"] == message
    assert shop.envfs("history", "/shop", "-n", "1").text.endswith("\tset\t  the „old“ one …\n")


def test_it_is_nowhere_in_the_open(shop: Home) -> None:
    with shop.served():
        for words, given in _WRITES.values():
            shop.envfs(*words, "-m", _NEEDLE, given=given, status=None)
        shop.envfs("history", "/shop/prod")
        assert search.in_folder(shop.path, search.needles([_NEEDLE], []), shop.mnt) == set()
    assert search.in_folder(shop.path, search.needles([_NEEDLE], []), shop.mnt) == set()


def test_who_may_read_the_level_gets_the_operations_and_no_message(shop: Home) -> None:
    shop.envfs("grant", "/shop/prod", "--uid", str(_READER))
    shop.envfs("unset", "/shop/prod", "S3_BUCKET", "-m", _NEEDLE)
    with shop.served():
        shop.path.chmod(0o711)
        seen = shop.envfs("history", "/shop/prod", "--json", uid=_READER)
        assert _NEEDLE not in seen.text + seen.complaint
        assert '"operation": "unset"' in seen.text
        assert '"message": ""' in seen.text
        for level, uid in (("/shop/prod", _STRANGER), ("/shop", _READER)):
            refused = shop.envfs("history", level, "--json", uid=uid, status=102)
            assert (refused.out, _NEEDLE in refused.complaint) == (b"", False)
        assert _NEEDLE in shop.envfs("history", "/shop/prod").text


@pytest.mark.parametrize(
    ("message", "status"),
    [("x" * 2001, 107), ("é" * 1001, 107), ("bell \x07", 106), ("\x1b[2J", 106), ("\x9b2J", 106), ("a\rb", 106)],
)
def test_what_cannot_be_kept_is_refused_before_anything_is_asked_for(shared: Home, message: str, status: int) -> None:
    said = shared.envfs("set", "/shop", "A", "-m", message, status=status)  # no value is given, and none is asked for
    assert "message" in said.complaint
    assert message not in said.complaint
    assert len(shared.rows("history", "/shop")) == 1


def test_bytes_that_are_no_text_are_refused(shared: Home) -> None:
    said = shared.envfs("unset", "/shop/prod", "S3_BUCKET", "-m", os.fsdecode(b"a\xffb"), status=106)
    assert "not UTF-8" in said.complaint


def test_the_longest_is_kept(shop: Home) -> None:
    for message in ('"' * 2000, "\n" * 2000, "é" * 1000):
        shop.envfs("import", "-", "/shop", "--replace", "-m", message, given=f"A={len(message)}{message[0]!r}\n")
        assert shop.rows("history", "/shop", "-n", "1")[0]["message"] == message


def test_if_nothing_changes_there_is_no_version_for_it(shop: Home) -> None:
    shop.envfs("set", "/shop", "A", given="1")
    assert (
        "nothing changed, so there is no version" in shop.envfs("set", "/shop", "A", "-m", _NEEDLE, given="1").complaint
    )
    assert _NEEDLE not in str(shop.rows("history", "/shop"))


def test_a_dry_run_keeps_nothing(shared: Home) -> None:
    shared.envfs("import", "-", "/shop", "-n", "-m", _NEEDLE, given="NEW=1\n")
    assert len(shared.rows("history", "/shop")) == 1


def test_versions_of_before_there_were_notes_have_none(shop: Home, ground: Path) -> None:
    pen = forger.owners_pen(ground / "identity.txt", shop.vault / "key/shop/@00000001.age")
    forger.next_record(shop.vault / "level/shop/@00000001.json", pen, "A=1\n")
    row = shop.rows("history", "/shop", "-n", "1")[0]
    assert (row["operation"], row["source_version"], row["source_level"], row["message"]) == ("", 0, "", "")
    assert shop.envfs("history", "/shop", "-n", "1").text.endswith("\t-\t\n")


@pytest.mark.parametrize(
    ("note", "shown"),
    [
        ({"op": "move", "level": "/a"}, "move from /a"),
        ({"op": "rollback", "version": 7}, "rollback to 7"),
        ({"op": "merge-three", "parents": [1, 2]}, "merge-three"),
    ],
)
def test_what_other_programs_say_is_shown(shop: Home, ground: Path, note: forger.Header, shown: str) -> None:
    pen = forger.owners_pen(ground / "identity.txt", shop.vault / "key/shop/@00000001.age")
    beside: forger.Header = {"note": forger.note(note, pen)}
    forger.next_record(shop.vault / "level/shop/@00000001.json", pen, "A=1\n", beside)
    assert shop.envfs("history", "/shop", "-n", "1").text.endswith(f"\t{shown}\t\n")


def test_a_note_that_does_not_open_costs_the_history_alone(shop: Home, ground: Path) -> None:
    pen = forger.owners_pen(ground / "identity.txt", shop.vault / "key/shop/@00000001.age")
    beside: forger.Header = {"note": forger.note({"op": "set"}, pen._replace(sealing=bytes(32)))}
    forger.next_record(shop.vault / "level/shop/@00000001.json", pen, "A=1\n", beside)
    assert shop.envfs("get", "/shop", "A").text == "1\n"
    listed = shop.envfs("history", "/shop", status=110)
    assert "the note of record 2 of level/shop does not open" in listed.complaint
    assert listed.text.startswith("1\t")
    assert "the note of record 2 of level/shop does not open" in shop.envfs("verify", status=110).text

"""The vault and what this machine remembers of it, bent in every way: each is noticed and named.

The table in docs/threat-model.md says what is noticed by which command; the numbers there are those of these tables.
"""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Homes
from tests.system import bending
from tests.system.bending import BOTH_WAYS, Harm, Noticed, checkpoints, notice
from tests.system.home import Home

_PROD, _KEY = "level/shop/prod", "key/shop/@00000001.age"


@pytest.fixture(scope="module")
def made(new_home: Homes) -> Home:
    """Give a home with three versions of /shop/prod and one of /blog, beside it an older copy. To be copied."""
    home = new_home()
    home.envfs("import", "-", "/blog", given="TITLE=x\n")
    for number in (1, 2, 3):
        if number == 3:
            home.settle()
            bending.save(home)
        home.envfs("set", "/shop/prod", "DATABASE_URL", given=f"v{number}")
    home.settle()
    return home


@pytest.fixture
def vaulted(new_home: Homes, made: Home) -> Home:
    """Give one test a copy of it, not served."""
    home = new_home(made)
    for what in ("vault", "state"):
        shutil.copytree(bending.saved(made, what), bending.saved(home, what))
    return home


def _record(home: Home, seq: int, stream: str = _PROD) -> Path:
    return home.vault / stream / f"@{seq:08d}.json"


def _flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 4
    path.write_bytes(data)


def _file(name: str, how: str) -> Harm:
    def do(home: Home) -> None:
        path = home.vault / name
        match how:
            case "changed":
                _flip(path)
            case "emptied":
                os.truncate(path, 0)
            case "deleted" if path.is_dir():
                shutil.rmtree(path)
            case "deleted":
                path.unlink()
            case "cut":
                os.truncate(path, path.stat().st_size // 2)
            case _:
                bending.replace_by(path, how)

    return do


def _newest(how: str) -> Harm:
    return _file(f"{_PROD}/@00000003.json", how)


def _copied(source: str, target: str) -> Harm:
    def do(home: Home) -> None:
        (home.vault / target).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(home.vault / source, home.vault / target)

    return do


def _swapped(home: Home) -> None:
    one, other = _record(home, 3), _record(home, 1, "level/blog")
    data = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(data)


def _described(old: str, new: str) -> Harm:
    def do(home: Home) -> None:
        path = home.vault / "vault.toml"
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), encoding="utf-8")

    return do


def _older(*names: str, gone: tuple[str, ...] = ()) -> Harm:
    def do(home: Home) -> None:
        bending.put_back(home, *names)
        for name in gone:
            (home.path / name).unlink()

    return do


def _older_and_spoiled(home: Home) -> None:
    bending.put_back(home, "vault")
    seen = home.state / "seen.jsonl"
    seen.write_bytes(seen.read_bytes().replace(b'"seq"', b'"sex"'))


def _checkpoint(which: int, how: str) -> Harm:
    def do(home: Home) -> None:
        path = checkpoints(home)[which]
        _file(str(path.relative_to(home.vault)), how)(home)

    return do


def _checkpoints_swapped(home: Home) -> None:
    one, other = checkpoints(home)[-2:]
    data = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(data)


def _checkpoints_gone_with_the_marks(home: Home) -> None:
    bending.drop_checkpoints(home)
    (home.state / "seen.jsonl").unlink()


def _versions_swapped(home: Home) -> None:
    one, other = _record(home, 1), _record(home, 2)
    data = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(data)


def _linked_to_older(home: Home) -> None:
    _record(home, 3).unlink()
    _record(home, 3).hardlink_to(_record(home, 1))


def _with_a_hole(home: Home) -> None:
    path = _record(home, 3)
    data = path.read_bytes()
    path.write_bytes(data[:100] + bytes(64) + data[164:])


def _rewritten(change: Callable[[bytes], bytes]) -> Harm:
    def do(home: Home) -> None:
        path = _record(home, 3)
        path.write_bytes(change(path.read_bytes()))

    return do


def _huge(home: Home) -> None:
    os.truncate(_record(home, 3), 1 << 40)  # a hole: it costs nothing


def _with_a_bit_changed(member: str) -> Harm:
    def change(data: bytes) -> bytes:
        body = json.loads(data)
        text = body[member]
        at = len(text) // 2
        body[member] = text[:at] + ("B" if text[at] == "A" else "A") + text[at + 1 :]
        return json.dumps(body, separators=(",", ":")).encode() + b"\n"

    return _rewritten(change)


def _signed_as_another(home: Home) -> None:
    body, other = (json.loads(_record(home, seq).read_bytes()) for seq in (3, 2))
    body["signature"] = other["signature"]
    _record(home, 3).write_bytes(json.dumps(body, separators=(",", ":")).encode() + b"\n")


def _mark(seq: int, digest: str) -> Harm:
    def do(home: Home) -> None:
        with (home.state / "seen.jsonl").open("ab") as file:
            line = json.dumps({"stream": _PROD, "seq": seq, "digest": digest}, separators=(",", ":"))
            file.write(f"{line}\n".encode())

    return do


def _newest_checkpoint(home: Home) -> Path:
    return max(checkpoints(home), key=lambda path: path.stat().st_mtime_ns)


def _checkpoint_again(home: Home) -> None:
    path = _newest_checkpoint(home)
    shutil.copy(path, path.with_name(f"@{int(path.stem[1:]) + 1:08d}.json"))


def _checkpoint_of_another_log(home: Home) -> None:
    path = _newest_checkpoint(home)
    other = min(checkpoints(home), key=lambda path: path.stat().st_mtime_ns)
    assert other.parent != path.parent
    path.write_bytes(other.read_bytes())


_REFUSED = {  # the read is refused, and `envfs verify` names what is wrong
    "1 the newest record changed": (_newest("changed"), f"{_PROD}/@00000003.json"),
    "2 emptied": (_newest("emptied"), f"{_PROD}"),
    "3 deleted": (_newest("deleted"), f"{_PROD}: older|{_PROD} is older"),
    "4 cut": (_newest("cut"), f"{_PROD}/@00000003.json"),
    "5 a pipe in its place": (_newest("a pipe"), f"{_PROD}"),
    "6 an older one in its place": (_copied(f"{_PROD}/@00000002.json", f"{_PROD}/@00000003.json"), _PROD),
    "7 swapped with another level's": (_swapped, f"{_PROD}/@00000003.json"),
    "8 a copy under the next number": (_copied(f"{_PROD}/@00000003.json", f"{_PROD}/@00000004.json"), "@00000004"),
    "9 all records of a level deleted": (_file(_PROD, "deleted"), _PROD),
    "10 a key changed": (_file(_KEY, "changed"), _KEY),
    "11 a key deleted": (_file(_KEY, "deleted"), "key/shop"),
    "12 a key emptied": (_file(_KEY, "emptied"), "key/shop"),
    "13 another project's key": (_copied("key/blog/@00000001.age", _KEY), "key/shop"),
    "14 a key under the next number": (_copied(_KEY, "key/shop/@00000002.age"), "key/shop/@00000002.age"),
    "15 a pipe for a key": (_file(_KEY, "a pipe"), "key/shop"),
    "16 the description deleted": (_file("vault.toml", "deleted"), "no vault"),
    "17 it names another vault": (_described('id = "', 'id = "0'), "another place"),
    "18 it names another owner": (_described('signing_key = "', 'signing_key = "A'), "not the vault's owner"),
    "19 it names another format": (_described("format = 1", "format = 2"), "format 2"),
    "20 it is no TOML": (_described("format = 1", "format == 1"), "not TOML"),
    "21 the vault older": (_older("vault"), _PROD),
    "22 older, the marks gone": (_older("vault", gone=("state/seen.jsonl",)), _PROD),
    "23 older, the marks as well": (_older("vault", "state/seen.jsonl"), _PROD),
    "24 older, the marks spoiled": (_older_and_spoiled, _PROD),
    "25 older, with all state": (_older("vault", "state"), "is not the one that was signed"),
    "26 the marks a pipe": (lambda home: bending.replace_by(home.state / "seen.jsonl", "a pipe"), "not a regular file"),
    "27 a level gone from the index": (_file("tree/shop/prod", "deleted"), "not in the index"),
    "28 the index gone": (_file("tree", "deleted"), "tree/shop/prod/@"),
    "29 a file for a folder of the index": (_file("tree/shop", "a link"), "tree/shop/prod/@"),
    "44 a link to an older record": (_linked_to_older, f"{_PROD}/@00000003.json"),
    "45 a hole in a record": (_with_a_hole, f"{_PROD}/@00000003.json"),
    "46 a line feed more": (_rewritten(lambda data: data + b"\n"), f"{_PROD}/@00000003.json"),
    "47 blanks in a record": (_rewritten(lambda data: data.replace(b",", b", ")), f"{_PROD}/@00000003.json"),
    "48 padding in a record": (_rewritten(lambda data: data.replace(b'","', b'=","', 1)), f"{_PROD}/@00000003.json"),
    "49 capitals in a record": (
        _rewritten(lambda data: data.replace(b'"protected"', b'"Protected"')),
        f"{_PROD}/@00000003.json",
    ),
    "50 a mark of a version that never was": (_mark(9, ""), f"{_PROD} is older"),
    "51 a mark of another record": (_mark(3, "x" * 43), f"{_PROD} is not"),
    "52 two older versions swapped": (_versions_swapped, f"{_PROD}/@00000001.json"),
    "58 a folder in its place": (_newest("a folder"), f"{_PROD}/@00000003.json"),
    "59 a file that has no end": (_huge, f"{_PROD}/@00000003.json"),
    "60 a bit of its header": (_with_a_bit_changed("protected"), f"{_PROD}/@00000003.json"),
    "61 a bit of its text": (_with_a_bit_changed("ciphertext"), f"{_PROD}/@00000003.json"),
    "62 a bit of its tag": (_with_a_bit_changed("tag"), f"{_PROD}/@00000003.json"),
    "63 the signature of another one": (_signed_as_another, f"{_PROD}/@00000003.json"),
    "64 a gap before it": (_file(f"{_PROD}/@00000002.json", "deleted"), f"{_PROD}/@00000002.json"),
    "65 a record of another level before it": (
        _copied("level/blog/@00000001.json", f"{_PROD}/@00000002.json"),
        f"{_PROD}/@00000002.json",
    ),
}
_VERIFIED = {  # the read is served what is right, and `envfs verify` names what is wrong
    "30 an older record changed": (_file(f"{_PROD}/@00000001.json", "changed"), f"{_PROD}/@00000001.json"),
    "31 an older record deleted": (_file(f"{_PROD}/@00000001.json", "deleted"), f"{_PROD}/@00000001.json"),
    "32 an older record emptied": (_file(f"{_PROD}/@00000001.json", "emptied"), f"{_PROD}/@00000001.json"),
    "33 a record in another level": (_copied(f"{_PROD}/@00000003.json", "level/x/@00000001.json"), "level/x"),
    "34 a file that is no record": (_copied(f"{_PROD}/@00000003.json", f"{_PROD}/@9.json"), f"{_PROD}/@9.json"),
    "35 a level added to the index": (_copied("tree/blog/@", "tree/nothing/@"), "tree/nothing/@"),
    "36 the newest checkpoint deleted": (_checkpoint(-1, "deleted"), "log/"),
    "37 the newest checkpoint changed": (_checkpoint(-1, "changed"), "log/"),
    "38 the newest checkpoint emptied": (_checkpoint(-1, "emptied"), "log/"),
    "39 two checkpoints swapped": (_checkpoints_swapped, "log/"),
    "40 an old checkpoint deleted": (_checkpoint(1, "deleted"), "the record is gone"),
    "41 an old checkpoint changed": (_checkpoint(1, "changed"), "@00000002.json"),
    "42 all checkpoints deleted": (bending.drop_checkpoints, "log/"),
    "43 all checkpoints and the marks deleted": (
        _checkpoints_gone_with_the_marks,
        "the vault is older than checkpoint",
    ),
    "53 the checkpoints older, the log not": (_older("vault/log"), "log/"),
    "54 a checkpoint under the next number": (_checkpoint_again, "log/"),
    "55 the checkpoint of another log": (_checkpoint_of_another_log, "log/"),
    "56 a level in capitals": (_copied(f"{_PROD}/@00000003.json", "level/Shop/prod/@00000001.json"), "level/Shop"),
    "57 an old checkpoint emptied": (_checkpoint(1, "emptied"), "only old checkpoints may be"),
}


@pytest.mark.parametrize("look", BOTH_WAYS)
@pytest.mark.parametrize("harm", _REFUSED)
def test_a_vault_that_was_bent_is_not_read_and_the_fault_is_named(vaulted: Home, harm: str, look: Noticed) -> None:
    do, words = _REFUSED[harm]
    do(vaulted)
    said = look(vaulted)
    assert said.get in (103, 110, 111, 112, 113, 114, 119), said
    assert said.verify, said
    assert any(word in said.words for word in words.split("|")), said


@pytest.mark.parametrize("look", BOTH_WAYS)
@pytest.mark.parametrize("harm", _VERIFIED)
def test_what_no_read_meets_is_named_by_verify(vaulted: Home, harm: str, look: Noticed) -> None:
    do, words = _VERIFIED[harm]
    do(vaulted)
    said = look(vaulted)
    assert (said.get, said.verify) == (0, 110), said
    assert words in said.words, said


@pytest.mark.parametrize("how", ["gone", "empty", "older"])
def test_marks_that_are_lost_come_back_from_the_checkpoint(vaulted: Home, how: str) -> None:
    seen = vaulted.state / "seen.jsonl"
    match how:
        case "gone":
            seen.unlink()
        case "empty":
            os.truncate(seen, 0)
        case _:
            bending.put_back(vaulted, "state/seen.jsonl")
    report = json.loads(vaulted.envfs("verify", "--json").out)
    assert f"{_PROD}: this machine's mark was gone or older" in " ".join(report["notes"])
    vaulted.settle()
    assert vaulted.envfs("get", "/shop/prod", "DATABASE_URL").text == "v3\n"
    assert "marks of" in str([entry["rule"] for entry in vaulted.log() if entry["event"] == "mend"])
    _newest("deleted")(vaulted)
    assert notice(vaulted).get == 111


def test_a_vault_that_was_copied_and_put_back_and_times_that_were_set_are_no_harm(vaulted: Home) -> None:
    copy = vaulted.path / "copied"
    shutil.copytree(vaulted.vault, copy)
    shutil.rmtree(vaulted.vault)
    copy.rename(vaulted.vault)
    for path in vaulted.vault.rglob("@*"):
        os.utime(path, (0, 4e9))
    assert notice(vaulted)[:3] == (0, 0, 0)


def test_spoiled_marks_are_named_until_they_are_written_again(vaulted: Home) -> None:
    with (vaulted.state / "seen.jsonl").open("ab") as file:
        file.write(b"no mark\n")
    assert "seen.jsonl: 1 lines" in vaulted.envfs("verify", status=110).text
    assert "seen.jsonl is written again" in vaulted.envfs("verify", "--repair").complaint
    assert notice(vaulted)[:3] == (0, 0, 0)


@pytest.mark.parametrize("what", ["tree/shop/prod", "tree"])
def test_an_index_that_is_gone_is_written_again(vaulted: Home, what: str) -> None:
    _file(what, "deleted")(vaulted)
    vaulted.envfs("verify", "--repair")
    assert "/shop/prod" in vaulted.envfs("ls").text
    assert notice(vaulted)[:3] == (0, 0, 0)


@pytest.mark.parametrize("harm", ["36 the newest checkpoint deleted", "42 all checkpoints deleted"])
def test_until_a_person_accepts_it_nothing_is_signed_into_a_vault_that_is_older(vaulted: Home, harm: str) -> None:
    _VERIFIED[harm][0](vaulted)
    count = len(checkpoints(vaulted)) if "all" not in harm else 0
    assert "log/" in vaulted.problems()
    vaulted.envfs("get", "/shop/prod", "DATABASE_URL")
    vaulted.settle()
    assert len(list(vaulted.vault.glob("log/*/@*"))) == count
    vaulted.envfs("accept", "/shop/prod", "--yes")
    vaulted.settle()
    assert len(checkpoints(vaulted)) == count + 1
    assert vaulted.problems() == ""
    assert vaulted.envfs("log", "verify").status == 0


def test_all_put_back_together_with_the_witnesses_looks_whole_and_the_verifications_say_so(vaulted: Home) -> None:
    bending.put_back(vaulted, "vault", "state")
    vaulted.forget_witness()
    said = notice(vaulted)
    assert said[:3] == (0, 0, 0)
    assert "all put back together, would look whole" in said.words


def test_a_vault_without_checkpoints_begins_them(vaulted: Home) -> None:
    vaulted.forget()
    assert vaulted.envfs("get", "/shop/prod", "DATABASE_URL").text == "v3\n"
    vaulted.settle()
    assert len(checkpoints(vaulted)) == 1
    assert notice(vaulted)[:3] == (0, 0, 0)

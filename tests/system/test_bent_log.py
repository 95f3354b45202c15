"""The access log, bent in every way while nothing runs: each is noticed and named, and a restart heals each.

The table in docs/threat-model.md says what is noticed by which command; the numbers there are those of these tables.
`make test` looks whether every harm is noticed, and whether a restart heals every fourth; `make soak` does so for all.
"""

import hashlib
import json
import os
import re
import shutil
from pathlib import Path

import pytest

from tests.conftest import Homes
from tests.system import bending
from tests.system.alone import answers, reading
from tests.system.bending import BOTH_WAYS, Harm, Noticed, chained, checkpoints, end_file, lines, notice, write_lines
from tests.system.home import OWNER, Home
from tests.system.probing import attempt


@pytest.fixture(scope="module")
def made(new_home: Homes, stocked: Home) -> Home:
    """Give a home whose log has some reads, an older copy beside it, and a read after that. To be copied."""
    home = new_home(stocked)
    for _ in range(2):
        home.envfs("get", "/shop/prod", "DATABASE_URL")
    home.settle()
    bending.save(home)
    home.envfs("get", "/shop/prod", "DATABASE_URL")
    home.settle()
    return home


@pytest.fixture(scope="module")
def other(new_home: Homes, bare: Home) -> Home:
    """Give a home with another vault that has the same owner, and with a log. To be copied."""
    home = new_home(bare)
    about = home.vault / "vault.toml"
    text = about.read_text(encoding="utf-8")
    at = text.index('id = "') + len('id = "')
    about.write_text(f"{text[:at]}{'1' if text[at] == '0' else '0'}{text[at + 1 :]}", encoding="utf-8")
    home.forget()
    for value in ("one", "two"):
        home.envfs("set", "/shop/prod", "DATABASE_URL", given=value)
        home.settle()
    return home


@pytest.fixture
def logged(new_home: Homes, made: Home, other: Home) -> Home:
    """Give one test a copy of it, not served."""
    home = new_home(made)
    shutil.copytree(other.path, _other_vault(home).path)
    for what in ("vault", "state"):
        shutil.copytree(bending.saved(made, what), bending.saved(home, what))
    return home


def _at(home: Home, event: str) -> int:
    return next(at for at, line in enumerate(lines(home)) if json.loads(line)["event"] == event)


def _deleted(event: str) -> Harm:
    def do(home: Home) -> None:
        made = lines(home)
        del made[_at(home, event)]
        write_lines(home, made)

    return do


def _changed(at: int) -> Harm:
    def do(home: Home) -> None:
        made = lines(home)
        made[at] = made[at].replace(b'"event":"', b'"event":"x', 1)
        write_lines(home, made)

    return do


def _doubled(home: Home) -> None:
    made = lines(home)
    write_lines(home, [*made[:3], made[2], *made[3:]])


def _swapped(home: Home) -> None:
    made = lines(home)
    made[2], made[3] = made[3], made[2]
    write_lines(home, made)


def _numbered_again(home: Home) -> None:
    write_lines(home, [line.replace(b'"seq":3,', b'"seq":4,') for line in lines(home)])


def _inserted(home: Home) -> None:
    made = lines(home)
    write_lines(home, [*made[:3], b"no entry\n", *made[3:]])


def _cut(count: int, more: int = 0) -> Harm:
    def do(home: Home) -> None:
        made = lines(home)
        os.truncate(home.log_file, sum(map(len, made[:-count])) + more)

    return do


def _emptied(home: Home) -> None:
    os.truncate(home.log_file, 0)


def _gone(home: Home) -> None:
    home.log_file.unlink()


def _moved(home: Home) -> None:
    home.log_file.rename(home.state / "access.jsonl.1")


def _copied_and_emptied(home: Home) -> None:
    shutil.copy2(home.log_file, home.state / "access.jsonl.1")
    _emptied(home)


def _older(home: Home) -> None:
    bending.put_back(home, "state/access.jsonl")


def _older_with_end(home: Home) -> None:
    bending.put_back(home, "state/access.jsonl", "state/access.jsonl.end")


def _older_state(home: Home) -> None:
    bending.put_back(home, "state")


def _another(home: Home) -> None:
    write_lines(home, chained(lines(home)[:1]))


def _kind(kind: str) -> Harm:
    return lambda home: bending.replace_by(home.log_file, kind)


def _given_away(home: Home) -> None:
    os.chown(home.log_file, OWNER, OWNER)


def _writable_by_all(home: Home) -> None:
    home.log_file.chmod(0o666)


def _foreign_entry(home: Home) -> None:
    with home.log_file.open("ab") as file:
        file.write(b'{"seq":999,"prev":"' + b"0" * 64 + b'"}\n')


def _with_end_gone(home: Home) -> None:
    _gone(home)
    end_file(home).unlink()


def _with_end_and_marks_gone(home: Home) -> None:
    _with_end_gone(home)
    (home.state / "seen.jsonl").unlink()


def _with_end_and_checkpoints_gone(home: Home) -> None:
    _with_end_gone(home)
    bending.drop_checkpoints(home)


def _without_reads(home: Home) -> None:
    bending.forge(home, without="read")


def _without_reads_and_checkpoints(home: Home) -> None:
    _without_reads(home)
    bending.drop_checkpoints(home)


def _without_reads_checkpoints_marks(home: Home) -> None:
    _without_reads_and_checkpoints(home)
    (home.state / "seen.jsonl").unlink()


def _with_a_restart_of_its_own(home: Home) -> None:
    restart = b'{"time":"2026-11-21T08:09:10.123456Z","event":"restart","rule":"after entry 0"}'
    write_lines(home, chained([restart, *lines(home)[1:3]]))
    end_file(home).unlink()


def _other_vault(home: Home) -> Home:
    return Home(home.path.with_name(f"{home.path.name}-other"))


def _of_another_vault(*names: str, without: tuple[str, ...] = ()) -> Harm:
    def do(home: Home) -> None:
        other = _other_vault(home)
        for name in names:
            if (other.path / name).is_dir():
                shutil.rmtree(home.path / name)
                shutil.copytree(other.path / name, home.path / name)
            else:
                shutil.copy2(other.path / name, home.path / name)
        for name in without:
            (home.path / name).unlink()

    return do


def _with_blanks(at: int) -> Harm:
    def do(home: Home) -> None:
        made = lines(home)
        made[at] = json.dumps(json.loads(made[at])).encode() + b"\n"
        write_lines(home, made)

    return do


def _member_twice(home: Home) -> None:
    made = lines(home)
    made[2] = made[2].replace(b'{"seq":3,', b'{"seq":7,"seq":3,')
    write_lines(home, made)


def _with_a_hole(home: Home) -> None:
    made = lines(home)
    at = len(made[0]) + 5
    data = home.log_file.read_bytes()
    home.log_file.write_bytes(data[:at] + bytes(40) + data[at + 40 :])


def _with_crlf(home: Home) -> None:
    write_lines(home, [line.replace(b"\n", b"\r\n") for line in lines(home)])


def _with_a_mark(home: Home) -> None:
    write_lines(home, [b"\xef\xbb\xbf" + lines(home)[0], *lines(home)[1:]])


def _empty_line(home: Home) -> None:
    with home.log_file.open("ab") as file:
        file.write(b"\n")


def _digests_in_capitals(home: Home) -> None:
    made = lines(home)
    made[-1] = re.sub(rb'"prev":"[0-9a-f]+"', lambda match: match[0].upper().replace(b"PREV", b"prev"), made[-1])
    write_lines(home, made)


_REFUSED = {  # nothing is served, and one of these words says why
    "1 its first entry deleted": (_deleted("init"), "lacks entry|not the one"),
    "2 a read deleted": (_deleted("read"), "lacks entry|not the one"),
    "3 a checkpoint deleted": (_deleted("checkpoint"), "lacks entry|not the one"),
    "4 its last entry changed": (_changed(-1), "lacks entry|not the one|does not follow"),
    "5 an entry twice": (_doubled, "lacks entry|not the one"),
    "6 a line that is no entry": (_inserted, "lacks entry|not the one"),
    "7 its last entry cut off": (_cut(1), "lacks entry|not the one"),
    "8 cut to what was never signed": (_cut(4), "lacks entry|not the one"),
    "9 cut in the middle of an entry": (_cut(1, 20), "lacks entry|not the one"),
    "10 emptied": (_emptied, "lacks entry|not the one"),
    "11 deleted": (_gone, "the access log is gone"),
    "12 moved": (_moved, "moved to access.jsonl.1; `envfs log rotate`"),
    "13 copied and emptied": (_copied_and_emptied, "lacks entry|not the one"),
    "14 an older copy": (_older, "lacks entry|not the one"),
    "15 an older copy with its end": (_older_with_end, "not the one"),
    "16 an older copy with all state": (_older_state, "not the one"),
    "17 another log": (_another, "lacks entry|not the one"),
    "18 a pipe": (_kind("a pipe"), "not trusted: it is not a regular file|cannot be used"),
    "19 a folder": (_kind("a folder"), "cannot be used|not a regular file"),
    "20 a link": (_kind("a link"), "cannot be used"),
    "21 of another owner": (_given_away, "belongs to uid"),
    "22 writable by others": (_writable_by_all, "its mode is 0666"),
    "23 an entry of somebody else": (_foreign_entry, "does not follow"),
    "24 deleted with its end": (_with_end_gone, "the access log is gone"),
    "25 deleted with its end and the marks": (_with_end_and_marks_gone, "the access log is gone"),
    "26 deleted with its end and the checkpoints": (_with_end_and_checkpoints_gone, "the access log is gone"),
    "27 rewritten without its reads": (_without_reads, "not the one"),
    "28 rewritten, the checkpoints deleted": (_without_reads_and_checkpoints, "not the one"),
    "29 rewritten, checkpoints and marks deleted": (_without_reads_checkpoints_marks, "not the one"),
    "30 rewritten as if it had been restarted": (_with_a_restart_of_its_own, "not the one"),
    "41 of another vault with the same key": (_of_another_vault("state/access.jsonl"), "lacks entry|not the one"),
    "42 of another vault, with its end": (
        _of_another_vault("state/access.jsonl", "state/access.jsonl.end"),
        "lacks entry|not the one",
    ),
    "43 of another vault, with its end and its checkpoints": (
        _of_another_vault("state", "vault/log", without=("state/seen.jsonl",)),
        "is not the owner's: record 2 of log/",
    ),
    "44 line ends of another kind": (_with_crlf, "lacks entry|not the one"),
    "45 a byte order mark before it": (_with_a_mark, "broken at line 1: it is no entry"),
    "46 an empty line behind it": (_empty_line, "is no entry"),
    "47 its last hash in capitals": (_digests_in_capitals, "lacks entry|not the one|does not follow"),
    "48 its last entry written with blanks": (_with_blanks(-1), "lacks entry|not the one"),
    "49 an older entry written with blanks": (_with_blanks(2), "lacks entry|not the one"),
    "50 a member of an entry twice": (_member_twice, "lacks entry|not the one"),
}
_VERIFIED = {  # noticed by `envfs log verify`, which names the line, and by `envfs verify`
    "31 an entry before the last checkpoint changed": (_changed(2), "broken at line 4"),
    "32 two entries swapped": (_swapped, "broken at line 3"),
    "33 an entry numbered again": (_numbered_again, "broken at line 3"),
    "51 a hole in it": (_with_a_hole, "broken at line 2"),
}
_ENDS = {
    "34 negative": b"-1 " + b"0" * 64 + b" -1\n",
    "35 garbage": b"x y z\n",
    "36 too large a number": b"9" * 400 + b" " + b"0" * 64 + b" 5\n",
    "37 no integer": b"1.5 " + b"0" * 64 + b" 5\n",
    "38 bytes": b"\xff\xfe\0",
    "39 empty": b"",
    "40 ahead of the log": b"999 " + b"a" * 64 + b" 99999\n",
}
_KINDS = ("a pipe", "a folder", "a link")  # in the place of the remembered end


@pytest.mark.parametrize("look", BOTH_WAYS)
@pytest.mark.parametrize("harm", _REFUSED)
def test_a_log_that_is_not_the_one_that_was_left_is_named_and_nothing_is_served(
    logged: Home, harm: str, look: Noticed
) -> None:
    do, words = _REFUSED[harm]
    do(logged)
    said = look(logged)
    assert (said.get, said.verify > 0, said.log_verify) == (112, True, 122), said
    assert any(word in said.words for word in words.split("|")), said


def _ended_by(data: bytes) -> Harm:
    def do(home: Home) -> None:
        end_file(home).write_bytes(data)

    return do


_HEALED: dict[str, Harm] = {
    **{name: do for name, (do, _) in _REFUSED.items()},
    **{name: _ended_by(data) for name, data in _ENDS.items()},
    **{kind: lambda home, kind=kind: bending.replace_by(end_file(home), kind) for kind in _KINDS},
}


_READ = reading("/shop/prod", "DATABASE_URL")
_SOME = [pytest.param(name, marks=pytest.mark.soak if at % 4 else ()) for at, name in enumerate(_HEALED)]


@pytest.mark.parametrize("harm", _SOME)
def test_after_a_restart_all_is_served_again(logged: Home, harm: str) -> None:
    _HEALED[harm](logged)
    refused, restarted, read, verified = answers(
        logged, [_READ, {"type": "restart-log"}, _READ, {"type": "verify-log"}]
    )
    assert (refused.status, restarted.status) == (112, 0), (refused, restarted)
    assert logged.log()[0]["event"] == "restart"
    if "checkpoints" not in harm:  # these are the vault's, and so are not begun anew with the log
        assert (read.status, verified.status) == (0, 0), (read, verified)


@pytest.mark.soak
@pytest.mark.parametrize("harm", _HEALED)
def test_after_the_command_that_restarts_it_all_is_served_again(logged: Home, harm: str) -> None:
    _HEALED[harm](logged)
    logged.envfs("get", "/shop/prod", "DATABASE_URL", status=112)
    logged.envfs("log", "restart")
    if "checkpoints" not in harm:
        logged.envfs("get", "/shop/prod", "DATABASE_URL")
        logged.envfs("log", "verify")
    logged.settle()


@pytest.mark.parametrize("look", BOTH_WAYS)
@pytest.mark.parametrize("harm", _VERIFIED)
def test_an_old_entry_that_was_bent_is_named_by_its_line(logged: Home, harm: str, look: Noticed) -> None:
    do, words = _VERIFIED[harm]
    do(logged)
    said = look(logged)
    assert (said.verify, said.log_verify) == (110, 122), said
    assert words in said.words


@pytest.mark.parametrize("look", BOTH_WAYS)
@pytest.mark.parametrize("harm", _ENDS)
def test_a_remembered_end_that_is_none_is_named(logged: Home, harm: str, look: Noticed) -> None:
    end_file(logged).write_bytes(_ENDS[harm])
    said = look(logged)
    assert (said.get, said.log_verify) == (112, 122), said
    assert "remembered end" in said.words or "lacks entry 999" in said.words


@pytest.mark.parametrize("look", BOTH_WAYS)
@pytest.mark.parametrize("kind", _KINDS)
def test_a_remembered_end_that_is_no_file_is_named(logged: Home, kind: str, look: Noticed) -> None:
    bending.replace_by(end_file(logged), kind)
    said = look(logged)
    assert (said.get, said.log_verify) == (112, 122), said
    assert "remembered end" in said.words


def test_without_its_remembered_end_a_whole_log_goes_on(logged: Home) -> None:
    end_file(logged).unlink()
    assert notice(logged)[:3] == (0, 0, 0)


def test_a_state_folder_that_was_copied_and_put_back_goes_on(logged: Home) -> None:
    copy = logged.path / "copied"
    shutil.copytree(logged.state, copy)
    shutil.rmtree(logged.state)
    copy.rename(logged.state)
    assert notice(logged)[:3] == (0, 0, 0)


def test_a_well_made_entry_behind_the_end_is_taken_for_that_of_a_process_that_was_killed(logged: Home) -> None:
    """The threat model says why: nothing tells it from the entries of a daemon that a power cut ended."""
    body = {"seq": len(lines(logged)) + 1, "time": "2026-11-21T08:09:10.123456Z", "event": "read", "level": "/shop"}
    digest = hashlib.sha256(lines(logged)[-1]).hexdigest()
    with logged.log_file.open("ab") as file:
        file.write(json.dumps({**body, "prev": digest}, separators=(",", ":")).encode() + b"\n")
    assert notice(logged)[:3] == (0, 0, 0)


def test_a_name_more_for_the_file_is_no_harm(logged: Home) -> None:
    (logged.state / "copy").hardlink_to(logged.log_file)
    assert notice(logged)[:3] == (0, 0, 0)


def test_half_an_entry_after_the_end_is_dropped_and_told(logged: Home) -> None:
    with logged.log_file.open("ab") as file:
        file.write(b'{"seq":99,"ti')
    assert notice(logged)[:3] == (0, 0, 0)
    mended = [entry["rule"] for entry in logged.log() if entry["event"] == "mend"]
    assert len(mended) == 1
    assert "half an entry" in str(mended[0])


def test_a_log_that_was_begun_again_while_the_vault_was_locked_is_taken_and_signed_later(own: Home) -> None:
    knowing = own.knowing()
    for _ in range(2):
        own.envfs("get", "/app", "TOKEN", environ=knowing)
        own.settle()
        if not bending.saved(own, "vault").exists():
            bending.save(own)
    bending.put_back(own, "vault", "state")
    own.envfs("get", "/app", "TOKEN", environ=knowing, status=112)
    own.envfs("log", "restart")
    own.settle()
    assert [entry["event"] for entry in own.log()] == ["restart"]
    assert own.envfs("get", "/app", "TOKEN", environ=knowing).text == "tok-71-sentinel\n"
    own.settle()
    assert "signed checkpoint" in own.envfs("log", "verify", environ=knowing).text


# -- files that were rotated away --------------------------------------------------------------------------------------


def _rotated(home: Home) -> list[Path]:
    for _ in range(2):
        assert [each.status for each in answers(home, [{"type": "rotate-log"}, _READ])] == [0, 0]
    return sorted(home.state.glob("access.jsonl.0*"))


def test_entries_are_read_and_verified_over_all_files(logged: Home) -> None:
    kept = _rotated(logged)
    assert len(kept) == 2
    printed = [json.loads(line) for line in logged.envfs("log", "-n", "0", "--json").text.splitlines()]
    assert [entry["seq"] for entry in printed] == list(range(1, len(printed) + 1))
    assert [entry["event"] for entry in printed].count("rotate") == 2
    assert notice(logged)[:3] == (0, 0, 0)


@pytest.mark.parametrize(("which", "how"), [(0, "changed"), (1, "changed"), (1, "deleted")])
def test_a_kept_file_that_was_bent_is_named(logged: Home, which: int, how: str) -> None:
    kept = _rotated(logged)[which]
    if how == "deleted":
        kept.unlink()
    else:
        kept.write_bytes(kept.read_bytes().replace(b'"uid":0', b'"uid":7', 1))
    said = notice(logged)
    assert (said.get, said.verify, said.log_verify) == (0, 110, 122), said
    assert "broken at line" in said.words


def test_oldest_files_that_were_taken_away_are_missed_until_a_person_goes_on(logged: Home) -> None:
    for path in _rotated(logged):
        path.unlink()
    first = logged.log()[0]["seq"]
    said = notice(logged)
    assert said[:3] == (0, 110, 122), said
    assert f"vouched for from entry {first} of" in said.words
    assert "no entry says that they were removed" in said.words
    logged.envfs("log", "rotate")
    said = notice(logged)
    assert said[:3] == (0, 0, 0), said
    assert "are not here: a signed entry says" in said.words


def test_a_rotation_that_a_crash_broke_off_is_finished(logged: Home) -> None:
    count = len(lines(logged))
    logged.log_file.rename(logged.state / f"access.jsonl.00000001-{count:08d}")
    assert notice(logged)[:3] == (0, 0, 0)
    assert logged.log()[0]["event"] == "rotate"


@pytest.mark.parametrize("how", [_moved, _copied_and_emptied])
def test_a_file_that_another_program_moved_is_taken_back(logged: Home, how: Harm) -> None:
    how(logged)
    logged.envfs("log", "rotate")
    assert notice(logged)[:3] == (0, 0, 0)


def test_under_a_running_daemon_a_moved_file_is_taken_back_too(logged: Home) -> None:
    with logged.served():
        assert attempt(0, "read", logged.view("/shop")).how == "ok"
        _moved(logged)
        assert attempt(0, "read", logged.view("/shop")).how == "EIO"
        logged.envfs("log", "rotate")
        assert attempt(0, "read", logged.view("/shop")).how == "ok"
        assert logged.envfs("log", "verify").status == 0


# -- what signs --------------------------------------------------------------------------------------------------------


def test_an_entry_that_was_changed_under_a_running_daemon_is_never_signed(logged: Home) -> None:
    with logged.served():
        assert attempt(0, "read", logged.view("/shop")).how == "ok"
        data = logged.log_file.read_bytes()
        at = data.rindex(b'"event":"read"')
        with logged.log_file.open("r+b") as file:
            file.seek(at)
            file.write(b'"event":"read"'.replace(b"read", b"raed"))
        signed = len(checkpoints(logged))
    assert len(checkpoints(logged)) == signed
    assert notice(logged).log_verify == 122


def test_a_checkpoint_names_the_end_of_the_log_and_the_heads_of_the_vault(logged: Home) -> None:
    from envfs.core import checkpoint

    newest = max(checkpoints(logged), key=lambda path: path.stat().st_mtime_ns)  # a copied home has a stream of its own
    point = checkpoint.parse_checkpoint(newest.read_bytes())
    entry = lines(logged)[point.claim.entries - 1]
    assert point.claim.offset == sum(map(len, lines(logged)[: point.claim.entries]))
    assert json.loads(entry)["seq"] == point.claim.entries
    heads = checkpoint.parse_checkpoint(newest.with_name(f"@{point.claim.heads_in:08d}.json").read_bytes()).claim.heads
    assert {"level/shop/prod", "key/shop"} <= {head.stream for head in heads}

"""Whatever is done to a log of several segments while nothing runs, `log verify` notices it and names the place."""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from envfs.core.audit_settings import AuditSettings, Compression
from envfs.daemon.keyholder_process import KeyholderLink
from envfs.host.witnesses import Witness
from envfs.protocol import control
from envfs.service.keys.identity import load_identity
from tests.component.world import ME, World, run

SMALL = AuditSettings(segment_bytes=4096)


class Sealed(NamedTuple):
    """A home whose log has two closed segments and a third one, saved whole, and earlier in its life."""

    folder: Path
    link: KeyholderLink
    whole: Path
    earlier: Path
    pin: str

    @property
    def state(self) -> Path:
        return self.folder / "home" / "state"

    @property
    def log(self) -> Path:
        return self.state / "access.jsonl"

    def segments(self) -> list[Path]:
        return sorted(self.state.glob("access.jsonl.0*"))


async def work(world: World) -> None:
    for _ in range(12):
        reply = await world.ask(control.ReadView("/shop", "dotenv", "show"))
        assert isinstance(reply, control.ViewSent), reply
    await world.service.ledger.sign(world.keyholder)  # type: ignore[arg-type]


async def close_segment(world: World) -> None:
    await work(world)
    await world.service.keeping.keep(SMALL, ME)


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sealed]:
    folder, link = tmp_path_factory.mktemp("sealed"), KeyholderLink()
    whole, earlier = tmp_path_factory.mktemp("whole") / "home", tmp_path_factory.mktemp("earlier") / "home"
    world = World(folder, link)
    run(world.fill)
    run(lambda: close_segment(world))
    run(lambda: close_segment(world))
    run(lambda: work(world))
    world.close()
    shutil.copytree(folder / "home", earlier)
    world = World(folder, link)
    run(lambda: load_identity(world.service, ()))
    run(lambda: work(world))
    pin = run(lambda: world.ask(control.VerifyLog()))
    assert isinstance(pin, control.Checked), pin
    world.close()
    shutil.copytree(folder / "home", whole)
    yield Sealed(folder, link, whole, earlier, pin.pin)
    link.close()


@pytest.fixture
def home(sealed: Sealed) -> Sealed:
    """Give one test the home as it was left, its witnesses too."""
    put_back(sealed, sealed.whole)
    return sealed


def put_back(home: Sealed, saved: Path) -> None:
    shutil.rmtree(home.folder / "home")
    shutil.copytree(saved, home.folder / "home")


def verify(home: Sealed, pin: str = "") -> control.Checked | control.Failed:
    world = World(home.folder, home.link)
    try:
        run(lambda: load_identity(world.service, ()))
        reply = run(lambda: world.ask(control.VerifyLog(pin)))
        assert isinstance(reply, control.Checked | control.Failed), reply
        return reply
    finally:
        world.close()


def lines(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines(keepends=True)


Change = Callable[[list[bytes]], list[bytes]]
Harm = Callable[[Sealed], None]


def edited(line: bytes) -> bytes:
    return line.replace(b'"level":"/shop"', b'"level":"/blog"')


def in_log(change: Change) -> Harm:
    return lambda home: _rewrite(home.log, change)


def in_segment(number: int, change: Change) -> Harm:
    return lambda home: _rewrite(home.segments()[number], change)


def _rewrite(path: Path, change: Change) -> None:
    path.write_bytes(b"".join(change(lines(path))))


def _chained(made: list[bytes], start: int) -> list[bytes]:
    """Name the right hash in each line from `start` on, as somebody does who forges a log."""
    chain = made[:start]
    for line in made[start:]:
        body = json.loads(line)
        body["prev"] = hashlib.sha256(chain[-1]).hexdigest()
        body["seq"] = json.loads(chain[-1])["seq"] + 1
        chain.append(json.dumps(body, separators=(",", ":")).encode() + b"\n")
    return chain


def _with_end(home: Sealed) -> None:
    made = lines(home.log)
    digest, seq = hashlib.sha256(made[-1]).hexdigest(), json.loads(made[-1])["seq"]
    (home.state / "access.jsonl.end").write_text(f"{seq} {digest} {sum(map(len, made))} 0\n")


def _forged(home: Sealed) -> None:
    made = lines(home.log)
    made[4] = edited(made[4])
    home.log.write_bytes(b"".join(_chained(made, 5)))
    _with_end(home)


def _forged_without_what_vouches(home: Sealed) -> None:
    _forged(home)
    shutil.rmtree(home.folder / "home" / "vault" / "log")
    (home.state / "seen.jsonl").unlink()
    text = (home.folder / "home" / "vault" / "vault.toml").read_text()
    vault = text.partition('id = "')[2][:36]
    Witness(home.folder / "home" / "run" / "witness", f"{vault} {home.log}").put("-")


def _removed_with_a_forged_word(home: Sealed) -> None:
    first = home.segments()[0]
    last = lines(first)[-1]
    seq, digest = json.loads(last)["seq"], hashlib.sha256(last).hexdigest()
    first.unlink()
    drop = {"seq": 0, "time": "2026-11-29T20:00:00.000000Z", "event": "drop", "channel": "daemon"}
    drop |= {"rule": f"entries 1 to {seq} {digest}", "prev": ""}
    made = lines(home.log)
    home.log.write_bytes(b"".join(_chained([*made, json.dumps(drop).encode() + b"\n"], len(made))))
    _with_end(home)


def _exchanged(home: Sealed) -> None:
    first, second = home.segments()
    aside = first.with_name("aside")
    first.rename(aside)
    second.rename(first)
    aside.rename(second)


def _older_log(home: Sealed) -> None:
    shutil.copy2(home.earlier / "state" / "access.jsonl", home.log)


def _older_log_with_end(home: Sealed) -> None:
    _older_log(home)
    shutil.copy2(home.earlier / "state" / "access.jsonl.end", home.state / "access.jsonl.end")


def _older_vault_too(home: Sealed) -> None:
    put_back(home, home.earlier)


GARBAGE = b"no entry\n"
SEG = r"access\.jsonl\.0+1-0+\d+"
KINDS: dict[str, tuple[Harm, str]] = {
    "an entry of a closed segment edited": (
        in_segment(0, lambda made: [*made[:9], edited(made[9]), *made[10:]]),
        rf"line 11 of {SEG}: entry 10 was changed",
    ),
    "an entry edited": (
        in_log(lambda made: [*made[:4], edited(made[4]), *made[5:]]),
        r"line 6 of access.jsonl: entry \d+ was",
    ),
    "the last entry edited": (in_log(lambda made: [*made[:-1], made[-1].replace(b"T", b"t", 1)]), r"entry \d+"),
    "the hash in an entry edited": (
        in_log(lambda made: [*made[:4], made[4].replace(b'"prev":"', b'"prev":"0')[:-4] + b'"}\n', *made[5:]]),
        r"line 5 of access.jsonl: entry \d+ was changed",
    ),
    "an entry cut out": (in_segment(0, lambda made: made[:4] + made[5:]), rf"line 5 of {SEG}: entry 5 is missing"),
    "several entries cut out": (in_segment(0, lambda made: made[:4] + made[7:]), r"entries 5 to 7 are missing"),
    "the first entry cut off": (in_segment(0, lambda made: made[1:]), rf"line 1 of {SEG}: entry 1 is missing"),
    "the end of a closed segment cut off": (
        in_segment(0, lambda made: made[:-2]),
        r"line 1 of access\.jsonl\.0+19-0+\d+: entries 17 to 18 are missing",
    ),
    "the last entry cut off": (in_log(lambda made: made[:-1]), r"entry \d+"),
    "cut in the middle of an entry": (in_log(lambda made: [*made[:-1], made[-1][:30]]), r"entry \d+|line \d+ of"),
    "emptied": (in_log(lambda _: []), r"entry \d+"),
    "deleted": (lambda home: home.log.unlink(), r"it had \d+ entries"),
    "two entries exchanged": (
        in_segment(0, lambda made: [*made[:4], made[5], made[4], *made[6:]]),
        rf"line 5 of {SEG}: the entries from 5 to 6 are in another order",
    ),
    "an entry moved to a later place": (
        in_segment(0, lambda made: [*made[:4], *made[5:12], made[4], *made[12:]]),
        rf"line 5 of {SEG}: entry 5 is missing",
    ),
    "an entry doubled": (
        in_segment(0, lambda made: [*made[:5], made[4], *made[5:]]),
        rf"line 6 of {SEG}: entry 5 stands twice: entry 6 should be here",
    ),
    "an older entry put in again": (
        in_segment(0, lambda made: [*made[:9], made[2], *made[9:]]),
        rf"line 10 of {SEG}: entry 3 stands twice: entry 10 should be here",
    ),
    "a well-made entry put in": (
        in_segment(0, lambda made: [*_chained([*made[:5], made[4]], 5), *made[5:]]),
        rf"line 7 of {SEG}: a line was inserted as entry 6",
    ),
    "a line that is no entry put in": (
        in_segment(0, lambda made: [*made[:5], GARBAGE, *made[5:]]),
        rf"line 6 of {SEG}: it is no entry, and was inserted before entry 6",
    ),
    "an entry overwritten with no entry": (
        in_segment(0, lambda made: [*made[:5], GARBAGE, *made[6:]]),
        rf"line 6 of {SEG}: it is no entry",
    ),
    "an entry numbered otherwise": (
        in_segment(0, lambda made: [*made[:4], made[4].replace(b'"seq":5,', b'"seq":7,'), *made[5:]]),
        rf"line 5 of {SEG}: the number of entry 5 was changed to 7",
    ),
    "written again from an entry on, its end too": (_forged, r"entry \d+ of .* is missing or another|entry \d+"),
    "the same, and all that vouches for it gone": (
        _forged_without_what_vouches,
        r"not signed by the vault's owner: of the entries from \d+ to \d+ one was changed",
    ),
    "a closed segment in the middle deleted": (
        lambda home: home.segments()[1].unlink(),
        r"line 1 of access.jsonl: entries \d+ to \d+ are missing",
    ),
    "the first segment deleted": (
        lambda home: home.segments()[0].unlink(),
        r"entries 1 to \d+ of the access log are not here, and no entry says that they were removed",
    ),
    "the first segment deleted, with a forged word about it": (
        _removed_with_a_forged_word,
        r"entries 1 to \d+ of the access log are not here, and no entry says that they were removed",
    ),
    "two segments exchanged": (_exchanged, r"line 1 of access\.jsonl\.0+19-0+\d+: entry 1 is out of its order"),
    "an older log put back": (_older_log, r"entry \d+"),
    "an older log put back with its end": (_older_log_with_end, r"entry \d+ of .* is missing or another"),
}


def test_the_untouched_log_is_whole_and_has_its_pin(home: Sealed) -> None:
    reply = verify(home, home.pin)
    assert isinstance(reply, control.Checked), reply
    assert len(home.segments()) == 2


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_tampering_is_noticed_and_placed(home: Sealed, kind: str) -> None:
    do, place = KINDS[kind]
    do(home)
    reply = verify(home)
    assert isinstance(reply, control.Failed), reply
    assert re.search(place, reply.text), reply.text


def test_a_home_that_was_put_back_whole_is_noticed_by_the_pin(home: Sealed) -> None:
    _older_vault_too(home)
    text = (home.folder / "home" / "vault" / "vault.toml").read_text()
    Witness(home.folder / "home" / "run" / "witness", f"{text.partition('id = ')[2][1:37]} {home.log}").put("-")
    reply = verify(home, home.pin)
    assert isinstance(reply, control.Failed), reply
    assert f"before the pinned entry {home.pin.partition(':')[0]}" in reply.text


@pytest.mark.parametrize("pin", ["0:" + "a" * 64, "7", "x:" + "a" * 64, "7:" + "A" * 64, "7:" + "a" * 64 + "\n9"])
def test_a_pin_that_is_none_is_refused(home: Sealed, pin: str) -> None:
    reply = verify(home, pin)
    assert isinstance(reply, control.Failed), reply
    assert reply.code == "bad-request"


def test_a_line_of_the_journal_is_a_pin(home: Sealed) -> None:
    seq, _, digest = home.pin.partition(":")
    assert isinstance(
        verify(home, f"Nov 29 host envfs[1]: vault x log/y checkpoint 9: {seq} entries, {digest}"), control.Checked
    )
    assert isinstance(verify(home, f"checkpoint 9: {seq} entries, {'a' * 64}"), control.Failed)


def test_a_compressed_segment_is_as_good_as_the_other(home: Sealed) -> None:
    world = World(home.folder, home.link)
    run(lambda: load_identity(world.service, ()))
    run(lambda: world.service.keeping.keep(AuditSettings(compress=Compression.GZIP), ME))
    world.close()
    assert all(path.suffix == ".gz" for path in home.segments())
    os.rename(home.segments()[0], home.state / "aside")
    reply = verify(home)
    assert isinstance(reply, control.Failed)
    assert "entries 1 to" in reply.text

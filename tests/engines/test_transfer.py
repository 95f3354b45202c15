"""A vault goes to an engine and comes back by commands: nothing is overwritten, and an interrupted copy goes on."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from envfs.errors import BadRequest, Conflict
from envfs_cli.sharing.copying import check_copied
from envfs_cli.sharing.courier import EngineCourier
from envfs_cli.sharing.ssh_members import authorized_line
from envfs_cli.sharing.transfer import Transferred, transfer_records
from tests.engines.places import Place, Way
from tests.engines.servers.sshd import ENVFS, new_key
from tests.system.home import Home

RECORDS = {
    "vault.toml": b"id = 1",
    "member/@00000001.json": b"m",
    "key/shop/@00000001.age": b"k",
    **{f"level/shop/@{number:08d}.json": b"%d" % number for number in range(1, 101)},
    "level/blog/@00000001.json": b"",
}


class FakeCourier:
    """A courier whose engine is a dictionary. It can fail after so many records."""

    def __init__(self, records: dict[str, bytes], fails_after: int = 1 << 30) -> None:
        self.records = records
        self.halves: set[str] = set()  # records that are named and not given, until they are put again
        self.order: list[str] = []
        self._left = fails_after

    def list_keys(self, prefix: str = "") -> list[str]:
        return sorted(self.records)

    def get(self, keys: list[str]) -> dict[str, bytes]:
        return {key: self.records[key] for key in keys if key in self.records and key not in self.halves}

    def put_new(self, key: str, data: bytes) -> bool:
        self._left -= 1
        if self._left < 0:
            raise OSError("cut")
        self.halves.discard(key)
        if key in self.records:
            return False
        self.order.append(key)
        self.records[key] = data
        return True


def transfer(source: dict[str, bytes], target: FakeCourier) -> Transferred:
    return transfer_records(FakeCourier(source), target, lambda _place, _total: None)  # type: ignore[arg-type]


def test_members_and_keys_come_before_levels_and_the_description_last() -> None:
    target = FakeCourier({})
    report = transfer(RECORDS, target)
    assert report == Transferred(len(RECORDS), 0, 0, (), ())
    assert target.records == RECORDS
    kinds = list(dict.fromkeys(key.partition("/")[0] for key in target.order))
    assert kinds == ["member", "key", "level", "vault.toml"]
    shop = [key for key in target.order if key.startswith("level/shop/")]
    assert shop == sorted(shop)


def test_a_record_that_the_target_names_and_does_not_give_is_put_again() -> None:
    target = FakeCourier(dict(RECORDS))
    target.halves = {"level/shop/@00000007.json", "key/shop/@00000001.age"}
    assert transfer(RECORDS, target) == Transferred(2, len(RECORDS) - 2, 0, (), ())
    assert not target.halves


def test_a_record_that_the_source_names_and_does_not_give_is_named() -> None:
    source, target = FakeCourier(dict(RECORDS)), FakeCourier({})
    source.halves = {"level/shop/@00000007.json"}
    report = transfer_records(source, target, lambda _place, _total: None)  # type: ignore[arg-type]
    assert report == Transferred(len(RECORDS) - 1, 0, 0, (), (), ("level/shop/@00000007.json",))
    with pytest.raises(Conflict, match=r"level/shop/@00000007\.json"):
        check_copied(report)


def test_a_copy_that_was_cut_goes_on_and_half_a_copy_is_no_vault() -> None:
    records: dict[str, bytes] = {}
    for count in range(0, len(RECORDS), 17):
        with pytest.raises(OSError, match="cut"):
            transfer(RECORDS, FakeCourier(records, 17))
        assert len(records) == min(count + 17, len(RECORDS))
        assert "vault.toml" not in records
        if len(records) + 17 >= len(RECORDS):
            break
    report = transfer(RECORDS, FakeCourier(records))
    assert records == RECORDS
    assert report.copied + report.there == len(RECORDS)


def test_records_that_differ_are_named_and_stay() -> None:
    target = {"level/shop/@00000007.json": b"other", "level/shop/@00000008.json": b"", "level/x/@00000001.json": b"x"}
    report = transfer(RECORDS, FakeCourier(target))
    assert report.conflicts == ("level/shop/@00000007.json",)
    assert report.forgotten == ("level/shop/@00000008.json",)
    assert (report.copied, report.there, report.beyond) == (len(RECORDS) - 2, 0, 1)
    assert target["level/shop/@00000007.json"] == b"other"


def test_two_vaults_are_never_mixed() -> None:
    target = {"vault.toml": b"id = 2"}
    with pytest.raises(Conflict):
        transfer(RECORDS, FakeCourier(target))
    assert target == {"vault.toml": b"id = 2"}


def test_an_engine_that_loses_what_it_acknowledged_is_named() -> None:
    class Forgetful(FakeCourier):
        def put_new(self, key: str, data: bytes) -> bool:
            return key.endswith("7.json") or super().put_new(key, data)

    report = transfer(RECORDS, Forgetful({}))
    assert report.withheld == tuple(f"level/shop/@{number:08d}.json" for number in range(7, 101, 10))


@pytest.mark.soak
def test_records_go_through_an_engine_and_come_back_the_same(make_place: Callable[[], Place], tmp_path: Path) -> None:
    place = make_place()
    if place.way is not Way.DIRECT:
        pytest.skip("a courier is in the way already")
    for name in ("here", "back"):
        (tmp_path / name).mkdir()
    for key, data in RECORDS.items():
        (tmp_path / "here" / key).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "here" / key).write_bytes(data)
    for source, target in ((f"folder:{tmp_path}/here", place.address), (place.address, f"folder:{tmp_path}/back")):
        with EngineCourier(source) as reader, EngineCourier(target) as writer:
            report = transfer_records(reader.begin(), writer.begin(), lambda _place, _total: None)
        assert report == Transferred(len(RECORDS), 0, 0, (), ())
    assert {key: (tmp_path / "back" / key).read_bytes() for key in RECORDS} == RECORDS


@pytest.mark.system
def test_a_vault_is_pushed_and_pulled_and_opens_elsewhere(new_home: Callable[[], Home], tmp_path: Path) -> None:
    home = new_home()
    with home.served():
        for number in range(3):
            home.envfs("set", "/shop/prod", "A", given=f"value-{number}")
    shared, other = tmp_path / "shared", tmp_path / "other"
    init = home.envfs("store", "init", str(shared))
    assert "a second one of the same name was refused" in init.text
    assert json.loads(home.envfs("store", "push", str(shared), "--json").text)["copied"] >= 4
    assert not (shared / "log").exists()
    environment = {**os.environ, "ENVFS_HOME": str(other)}
    subprocess.run([ENVFS, "store", "pull", shared], env=environment, check=True, timeout=120)
    for path in (home.vault / "level").rglob("@*"):
        assert (other / "vault" / path.relative_to(home.vault)).read_bytes() == path.read_bytes()


# -- the line of a member ----------------------------------------------------------------------------------------------


def test_the_line_of_a_member_is_a_restricted_command_and_its_key(tmp_path: Path) -> None:
    new_key(tmp_path / "alice")
    text = (tmp_path / "alice.pub").read_text()
    kind, key, comment = text.split()
    line = authorized_line(text, "/srv/our vault", "/usr/bin/envfs", append_only=True)
    assert line.startswith(
        "command=\"/usr/bin/envfs store-serve --append-only '/srv/our vault'\",restrict ssh-ed25519 "
    )
    assert line.split()[-3:-1] == [kind, key]
    assert comment.replace("'", "-") == line.split()[-1]
    assert "--append-only" not in authorized_line(text, "/srv", "/usr/bin/envfs", append_only=False)
    with pytest.raises(BadRequest) as refused:
        authorized_line((tmp_path / "alice").read_text(), "/srv", "/usr/bin/envfs", append_only=True)
    assert "private" in refused.value.text


_GOOD = "ssh-ed25519 " + "A" * 68


@pytest.mark.parametrize(
    ("text", "folder"),
    [
        ("", "/srv"),
        (f"{_GOOD}\n{_GOOD}", "/srv"),
        (f'command="id" {_GOOD}', "/srv"),
        ("ssh-dss " + "A" * 68, "/srv"),
        ("ssh-ed25519 A", "/srv"),
        (_GOOD, '/srv"'),
        (_GOOD, "/srv\\"),
        (_GOOD, "/srv\nssh-rsa"),
        (_GOOD, "srv"),
    ],
)
def test_what_would_make_another_line_is_refused(text: str, folder: str) -> None:
    with pytest.raises(BadRequest):
        authorized_line(text, folder, "/usr/bin/envfs", append_only=True)


def test_a_comment_cannot_end_the_line() -> None:
    line = authorized_line(f'{_GOOD} alice",pty\x1b x', "/srv", "/usr/bin/envfs", append_only=True)
    assert line.endswith(" alice-pty-x")

"""A device with a new key: whatever is interrupted, the home opens, and the old key counts for nothing any more."""

import pytest

from envfs.errors import NotApproved, StoreUnavailable
from envfs.keyholder.crypto.identity import Identity, identity_line, lines_of
from envfs.protocol import control
from envfs.service.members import rotating
from envfs.service.members.listing import load_members
from envfs.service.members.rotating import rotate_device
from envfs.service.members.sealing import settle_keys
from tests.component.team import Team
from tests.component.world import ME, World, run


def _rotated(world: World) -> control.DeviceRotated:
    return run(lambda: rotate_device(world.service, ME, ()))


def _authors(world: World) -> list[str]:
    text = identity_line((world.folder / "identity.txt").read_bytes())
    return [Identity(line).author for line in lines_of(text)]


def _devices(team: Team, name: str) -> list[str]:
    members = run(lambda: load_members(team["ana"].service)).now.members
    return [device.author for member in members if member.name == name for device in member.devices]


def test_a_member_goes_on_with_a_new_key_and_gets_what_is_sealed_to_it(team: Team) -> None:
    ben, (old,) = team["ben"], _authors(team["ben"])
    assert _rotated(ben).notes
    team.carry("ben", "ana")
    fresh, former = _authors(ben)
    assert (former, _devices(team, "ben")) == (old, [fresh])
    assert "PAGER=on" in team.read("ben", "/shop/prod")
    run(lambda: settle_keys(team["ana"].service, ME))
    team.write("ana", "/shop/prod", "PAGER=new\n")
    team.carry("ana", "ben")
    assert "PAGER=new" in team.read("ben", "/shop/prod")
    alone = Identity(lines_of(identity_line((ben.folder / "identity.txt").read_bytes()))[0])
    alone.open(max((team.vault("ben") / "key" / "shop").iterdir()).read_bytes())  # by the new key without the old one
    team.write("ben", "/shop/prod", "PAGER=mine\n")
    team.carry("ben", "ana")
    assert "PAGER=mine" in team.read("ana", "/shop/prod")


@pytest.mark.soak
def test_the_old_key_opens_no_home_and_writes_nothing_that_counts(team: Team) -> None:
    file = team["ben"].folder / "identity.txt"
    before = file.read_bytes()
    _rotated(team["ben"])
    file.write_bytes(before)
    with pytest.raises(NotApproved, match="no member's name"):
        team.unlock("ben")


def test_the_owner_of_the_vault_gets_a_new_key_and_their_log_goes_on(team: Team) -> None:
    ana = team["ana"]
    assert not _rotated(ana).notes
    team.unlock("ana")
    team.write("ana", "/shop/prod", "PAGER=new\n")
    for _ in range(2):
        checked = run(lambda: ana.sent(control.VerifyLog())).reply
        assert isinstance(checked, control.Checked), checked
        _rotated(ana)
    team.carry("ana", "ben")
    team.unlock("ben")
    assert "PAGER=new" in team.read("ben", "/shop/prod")
    whole = run(lambda: ana.sent(control.VerifyVault())).reply
    assert isinstance(whole, control.Checked)
    assert whole.failed == 0


@pytest.mark.parametrize("step", [pytest.param("append_entry"), pytest.param("load_identity", marks=pytest.mark.soak)])
def test_a_rotation_that_broke_off_goes_on_when_it_is_begun_again(
    team: Team, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    ben = team["ben"]

    async def fail(*_: object, **__: object) -> None:
        raise StoreUnavailable("as the test wants it")

    with monkeypatch.context() as patch:
        patch.setattr(rotating, step, fail)
        with pytest.raises(StoreUnavailable):
            _rotated(ben)
    fresh, old = _authors(ben)
    team.unlock("ben")
    assert "PAGER=on" in team.read("ben", "/shop/prod")
    if step == "append_entry":
        assert _rotated(ben).device == fresh
    assert _authors(ben) == [fresh, old]
    team.carry("ben", "ana")
    assert _devices(team, "ben") == [fresh]

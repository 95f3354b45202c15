"""The address that an invitation tells: with the name and the files of the other member."""

import shlex

import pytest

from envfs.courier.address import parse_address
from envfs.protocol import control
from envfs_cli.sharing.inviting import their_address

_DEVICE = control.InviteMember("ana", device=True)
_PERSON = control.InviteMember("ben")


@pytest.mark.parametrize(
    ("engine", "invitation", "told"),
    [
        ("postgres://ana@db:5433/vault", _PERSON, "postgres://ben@db:5433/vault?ca=ca.crt&cert=ben.crt&key=ben.key"),
        ("postgres://ana@db/vault", _DEVICE, "postgres://ana@db/vault?ca=ca.crt&cert=ana.crt&key=ana.key"),
        ("etcd://a:2379,b:2379/v", _PERSON, "etcd://a:2379,b:2379/v?ca=ca.crt&cert=ben.crt&key=ben.key"),
        ("ssh://vault@server/srv/vault", _PERSON, "ssh://vault@server/srv/vault"),
        ("folder:/mnt/team", _PERSON, "folder:/mnt/team"),
    ],
)
def test_the_address_is_one_that_the_invited_member_can_paste(
    engine: str, invitation: control.InviteMember, told: str
) -> None:
    [word] = shlex.split(their_address(engine, invitation.name, invitation))
    assert word == told
    parse_address(word.replace("=", "=/"))  # the command makes the paths whole

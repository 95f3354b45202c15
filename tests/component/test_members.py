"""Shared vaults: the ways in which others failed with members who come and go. Each test is named after its story."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from envfs.core import record
from envfs.core.addresses import RecordAddress
from envfs.core.keyfile import Keys
from envfs.core.membership.entries import EntryKind, MemberEntry
from envfs.core.record import Point
from envfs.core.secret import Secret
from envfs.daemon.keyholder_process import KeyholderLink
from envfs.errors import (
    AlreadyExists,
    AuthenticationFailed,
    Conflict,
    EnvFSError,
    NoSuchLevel,
    NotApproved,
    RolledBack,
)
from envfs.host import clocks
from envfs.keyholder.crypto import age, sealing
from envfs.keyholder.crypto.identity import Identity, identity_line
from envfs.protocol import control
from envfs.protocol.keyholding import SealKeys
from envfs.service.members.checklist import readable_variables
from envfs.service.members.listing import load_members
from envfs.service.members.revoking import FINAL, former_member
from envfs.service.members.sealing import note_pending
from envfs.service.members.signing import append_entry
from tests.component.cheap import TIME
from tests.component.team import NAMES, Team, invitation, settled
from tests.component.world import ME, World, run

PROD = "level/shop/prod"


def entries_of(team: Team, name: str) -> int:
    return len(list((team.vault(name) / "member").iterdir()))


def refused(act: Callable[[], object], *kinds: type[EnvFSError]) -> EnvFSError:
    with pytest.raises(kinds) as caught:
        act()
    return caught.value


def test_members_read_and_write_what_they_may_and_no_more(team: Team) -> None:
    assert "PAGER=on" in team.read("ben", "/shop/prod")
    assert team.read("ben", "/blog") == "not-approved"
    team.write("ben", "/shop/prod", "PAGER=off\n")
    assert "may not write /blog" in refused(lambda: team.write("ben", "/blog", "A=1\n"), NotApproved).text
    team.carry("ben", "ana")
    team.carry("ben", "cai")
    for name in ("ana", "cai"):
        assert "PAGER=off" in team.read(name, "/shop/prod")
    rows = run(lambda: team["ana"].sent(control.ListHistory("/shop/prod"))).rows
    named = [row.author_name for row in rows if isinstance(row, control.VersionRow)]
    assert named[0] == "ben"
    for name in NAMES:
        sent = run(lambda name=name: team[name].sent(control.VerifyVault()))  # type: ignore[misc]
        checked = sent.reply
        assert isinstance(checked, control.Checked)
        assert checked.failed == 0, (name, sent.rows)


def test_a_new_key_of_another_machine_is_no_change_that_was_interrupted(team: Team) -> None:
    team.revoke("ana", "ben")
    team.carry("ana", "cai")
    before = sorted((team.vault("cai") / "key" / "shop").iterdir())[-2]
    assert before.stat().st_size  # the engine takes nothing away, so its bytes are here
    rows = run(lambda: team["cai"].sent(control.ListProjects())).rows
    projects = [row for row in rows if isinstance(row, control.ProjectRow)]
    assert projects
    assert not any(row.unfinished for row in projects)
    called = run(lambda: team["cai"].sent(control.ListAuthors())).rows
    assert {row.name for row in called if isinstance(row, control.AuthorRow)} >= {"ben", "cai"}


def test_story_01_a_removed_member_opens_nothing_that_is_written_later(team: Team) -> None:
    team.revoke("ana", "ben")
    team.write("ana", "/shop/prod", "PAGER=new\n")
    team.carry("ana", "ben")
    newest = max((team.vault("ben") / "key" / "shop").iterdir())
    identity = Identity(identity_line((team["ben"].folder / "identity.txt").read_bytes()))
    assert "does not open" in refused(lambda: identity.open(newest.read_bytes()), AuthenticationFailed).text


def test_story_02_a_revoke_says_that_what_was_read_stays_read(team: Team) -> None:
    member = former_member(run(lambda: load_members(team["ana"].service)), "ben")
    assert member is not None
    assert FINAL in team.revoke("ana", "ben")
    rows = run(lambda: readable_variables(team["ana"].service, member))
    listed = {(row.level, row.name) for row in rows}
    assert {("/shop", "DATABASE_URL"), ("/shop/prod", "PAGER"), ("/", "REGION")} <= listed
    assert not [row for row in rows if row.level == "/blog"]


def test_story_03_who_cannot_open_a_project_changes_none_of_its_keys(team: Team) -> None:
    before = files_of(team, "ben")
    for request in (
        control.RotateKey("blog"),
        control.ChangeCustody("blog", "zero-knowledge"),
        control.ChangeRecipients("blog", (), ()),
        control.Rollback("/blog", 1),
    ):
        reply = run(lambda request=request: team["ben"].ask(request, secret=b"a passphrase"))  # type: ignore[misc]
        assert isinstance(reply, control.Failed), request
    assert files_of(team, "ben") == before
    assert "TITLE=" in team.read("ana", "/blog")


def files_of(team: Team, name: str) -> dict[str, bytes]:
    vault = team.vault(name)
    tops = [vault / top for top in ("member", "key", "tombstone", "level")]
    return {str(path): path.read_bytes() for top in tops for path in top.rglob("*") if path.is_file()}


def test_story_04_no_verb_is_left_to_a_revoked_member(team: Team) -> None:
    team.revoke("ana", "ben")
    team.carry("ana", "ben")
    asked: tuple[NamedTuple, ...] = (
        control.ReadView("/shop/prod", "dotenv", "show"),
        control.ListVariables("/shop"),
        control.ListHistory("/shop/prod"),
        control.CompareLevels("/shop", other="/shop/prod"),
        control.UnsetVariable("/shop/prod", "PAGER"),
        control.Rollback("/shop/prod", 1),
        control.NewProject("wiki", "managed"),
        control.RotateKey("shop"),
        control.InviteMember("dov", "reader", ("/shop",), seconds=9),
    )
    for request in asked:
        reply = run(lambda request=request: team["ben"].ask(request, secret=b""))  # type: ignore[misc]
        assert isinstance(reply, control.Failed), request
    said = refused(lambda: team.unlock("ben"), NotApproved)
    assert "this device is in no member's name any more" in said.text


def test_story_05_a_member_who_is_out_has_no_plaintext_to_be_wiped(team: Team) -> None:
    assert "hunter3" in team.read("ben", "/shop/prod")
    team.revoke("ana", "ben")
    team.carry("ana", "ben")
    for path in team["ben"].folder.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert not any(word in data for word in (b"hunter3", b"hunter2", b"DATABASE_URL", b"PAGER")), path
    assert team.read("ben", "/shop/prod") in ("not-approved", "authentication-failed")


def test_story_06_nobody_loses_anything_by_an_act_of_their_own(team: Team) -> None:
    team.revoke("cai", "ben")
    assert "PAGER=on" in team.read("cai", "/shop/prod")
    assert (team["cai"].folder / "identity.txt").exists()


def test_story_07_a_key_file_for_one_recipient_more_is_refused(team: Team) -> None:
    keys, place = opened_keys(team, "ana")
    stranger = Identity(Secret(str(new_line())))
    planted(team, "ana", place, keys, (*keys.recipients, stranger.recipient))
    said = refused(lambda: team.write("ana", "/shop/prod", "A=1\n"), AuthenticationFailed)
    assert "1 too many, 0 too few" in said.text
    assert team.read("ana", "/shop/prod") == "authentication-failed"


def test_story_18_a_member_who_vanished_from_the_recipients_is_noticed(team: Team) -> None:
    keys, place = opened_keys(team, "ana")
    gone = recipient_of(team, "ben")
    planted(team, "ana", place, keys, tuple(recipient for recipient in keys.recipients if recipient != gone))
    said = refused(lambda: team.write("ana", "/shop/prod", "A=1\n"), AuthenticationFailed)
    assert "0 too many, 1 too few" in said.text
    reply = run(lambda: team["ana"].ask(control.RotateKey("shop")))  # an administrator makes a good one
    assert isinstance(reply, control.Done), reply
    team.carry("ana", "ben")
    assert "PAGER=on" in team.read("ben", "/shop/prod")


def test_a_key_file_of_a_writer_is_none(team: Team) -> None:
    keys, place = opened_keys(team, "ana")
    planted(team, "ben", place, keys, keys.recipients)
    assert team.read("ben", "/shop/prod") == "authentication-failed"


def test_story_08_a_list_that_was_put_back_before_the_revoke_is_noticed(team: Team) -> None:
    team.revoke("ana", "ben")
    newest = max((team.vault("ana") / "member").iterdir())
    team.write("ana", "/shop/prod", "PAGER=new\n")
    newest.unlink()
    refused(lambda: run(lambda: load_members(team["ana"].service)), RolledBack)
    team.carry("ana", "cai")  # who never saw the revoke, and sees a record that names it
    assert team.read("cai", "/shop/prod") == "authentication-failed"


def test_story_09_an_old_approval_lets_nobody_in_again(team: Team) -> None:
    approval = (team.vault("ana") / "member" / "@00000004.json").read_bytes()
    team.revoke("ana", "ben")
    place = team.vault("ana") / "member" / f"@{entries_of(team, 'ana') + 1:08d}.json"
    place.write_bytes(approval)
    said = refused(lambda: run(lambda: load_members(team["ana"].service)), AuthenticationFailed)
    assert "written for another place" in said.text


def test_story_10_two_lists_are_joined_by_one_later_write_and_noticed(team: Team) -> None:
    team.revoke("ana", "ben")
    run(lambda: append_entry(team["cai"].service, ME, lambda _: role_of(team, "ben", "reader")))
    team.write("cai", "/blog", "TITLE=x\n")
    team.carry("cai", "ana")
    assert team.read("ana", "/blog") == "authentication-failed"
    team.write("ana", "/shop/prod", "PAGER=new\n")
    team.carry("ana", "cai")
    assert team.read("cai", "/shop/prod") == "authentication-failed"


def test_story_11_what_a_revoked_member_wrote_offline_counts_for_nobody(team: Team) -> None:
    team.write("ben", "/shop/prod", "PAGER=late\n")
    team.revoke("ana", "ben", rekey=False)
    team.carry("ana", "cai")
    team.carry("ben", "ana")
    team.carry("ben", "cai")
    for name in ("ana", "cai"):
        assert "PAGER=on" in team.read(name, "/shop/prod")
    assert team.write("cai", "/shop/prod", "PAGER=again\n") == 3  # behind the one that holds its number
    team.carry("cai", "ana")
    assert "PAGER=again" in team.read("ana", "/shop/prod")
    rows = run(lambda: team["ana"].sent(control.VerifyVault())).rows
    assert [row.key for row in rows if isinstance(row, control.FaultRow)] == [f"{PROD}/@00000002.json"]


def test_a_revoke_that_races_with_a_write_leaves_the_level_readable(team: Team) -> None:
    team.revoke("ana", "ben")
    team.write("ben", "/shop/prod", "PAGER=raced\n")  # who has not heard of it
    team.carry("ben", "cai")
    team.carry("ana", "cai")
    assert "PAGER=on" in team.read("cai", "/shop/prod")


def test_what_a_revoked_member_wrote_before_counts_on(team: Team) -> None:
    team.write("ben", "/shop/prod", "PAGER=before\n")
    team.carry("ben", "ana")
    team.revoke("ana", "ben")
    assert "PAGER=before" in team.read("ana", "/shop/prod")


def test_story_12_two_administrators_at_once_the_first_number_wins(team: Team) -> None:
    members = run(lambda: load_members(team["cai"].service))
    cai, ana = (former_member(members, name) for name in ("cai", founder_name(team)))
    assert cai is not None
    assert ana is not None
    team.revoke("ana", "cai")
    team.carry("ana", "cai")
    entry = MemberEntry(EntryKind.REVOKE, member=ana.number, rekey=True)
    said = refused(lambda: run(lambda: append_entry(team["cai"].service, ME, lambda _: entry)), NotApproved, EnvFSError)
    assert said.code == "not-approved"
    assert [member.name for member in run(lambda: load_members(team["ana"].service)).now.members] == [
        founder_name(team),
        "ben",
    ]


def test_story_13_a_revoke_that_was_interrupted_freezes_writes_until_it_is_finished(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    ana = team["ana"]
    interrupted(ana, monkeypatch)
    refused(lambda: team.revoke("ana", "ben"), Conflict)
    monkeypatch.undo()
    assert set(run(lambda: note_pending(ana.service))) == {"/", "/shop"}
    assert any("a former member has the newest key of" in text for text in ana.service.problems())
    said = refused(lambda: team.write("ana", "/shop/prod", "A=1\n"), Conflict)
    assert "envfs member revoke 'ben'" in said.hint
    assert "PAGER=on" in team.read("ana", "/shop/prod")
    assert team.write("ana", "/blog", "TITLE=y\n") == 2
    assert "/shop has a new key" in team.revoke("ana", "ben")
    assert run(lambda: note_pending(ana.service)) == ()
    assert team.write("ana", "/shop/prod", "A=1\n")


def test_without_a_new_key_writes_go_on_and_it_is_said(team: Team) -> None:
    said = team.revoke("ana", "ben", rekey=False)
    assert any("the old keys stay in use" in sentence for sentence in said)
    assert team.write("ana", "/shop/prod", "A=1\n")
    assert "/shop has a new key" in team.revoke("ana", "ben")


def test_story_19_an_invitation_is_used_once_and_in_time(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    code = team.invited("ana", invitation("dov", "reader", "/blog"))
    for name in ("ben", "cai"):
        team.carry("ana", name)
        settled(team[name])
    refused(lambda: team.joined("ben", b"AAAAAA-AAAAAA-AAAAAA-AAAAAA"), EnvFSError)
    team.joined("ben", code)
    team.carry("ben", "cai")
    refused(lambda: team.joined("cai", code), AlreadyExists)
    team.carry("ben", "ana")
    assert team.waiting("ana") == ["dov"]
    assert team.revoke("ana", "dov") == ["the invitation of dov is taken back"]
    assert team.waiting("ana") == []
    late = team.invited("ana", invitation("eli", "reader", "/blog"))
    team.carry("ana", "cai")
    monkeypatch.setattr(clocks, "wall_time", lambda: "2099-01-01T00:00:00.000000Z")
    assert "has ended" in refused(lambda: team.joined("cai", late), NotApproved).text
    assert not (team["cai"].folder / "identity.txt").exists()


def test_a_join_leaves_an_identity_file_that_is_there_as_it_is(team: Team) -> None:
    code = team.invited("ana", invitation("dov", "reader", "/blog"))
    team.carry("ana", "ben")
    identity = team["ben"].folder / "identity.txt"
    before = identity.read_bytes()
    settled(team["ben"])
    identity.write_bytes(before)  # of another vault, say
    refused(lambda: team.joined("ben", code), AlreadyExists)
    assert identity.read_bytes() == before


def test_a_code_fits_no_other_vault(team: Team, links: dict[str, KeyholderLink], tmp_path: Path) -> None:
    code = team.invited("ana", invitation("dov", "reader", "/blog"))
    other = Team(tmp_path / "other", {"ana": links["ana"], "ben": links["ben"]})
    run(other["ana"].fill)
    other.invited("ana", invitation("dov", "reader", "/blog"))
    other.carry("ana", "ben")
    refused(lambda: other.joined("ben", code), NoSuchLevel)
    other.close()


def test_story_20_the_last_owner_stays(team: Team) -> None:
    name = founder_name(team)
    refused(lambda: team.revoke("ana", name), NotApproved)
    refused(lambda: team.revoke("cai", name), NotApproved)
    demotion = control.ChangeMember(name, "writer", ("/",))
    assert isinstance(run(lambda: team["ana"].ask(demotion)), control.Failed)


def test_a_home_that_joined_takes_no_other_founders_vault(team: Team) -> None:
    description = team.vault("ben") / "vault.toml"
    key = next(line for line in description.read_text().splitlines() if line.startswith("signing_key"))
    description.write_text(description.read_text().replace(key, f'signing_key = "{"A" * 43}"'))
    world = World(team["ben"].folder, team["ben"].keyholder._keyholder)  # type: ignore[arg-type]
    refused(lambda: Team.unlock(team_of(world), "ben"), AuthenticationFailed)
    world.close()


def team_of(world: World) -> Team:
    team = Team(world.folder.parent, {})
    team.worlds["ben"] = world
    return team


def founder_name(team: Team) -> str:
    return run(lambda: load_members(team["ana"].service)).rosters[0].members[0].name


def role_of(team: Team, name: str, role: str) -> MemberEntry:
    member = former_member(run_members(team), name)
    assert member is not None
    return MemberEntry(EntryKind.ROLE, member=member.number, role=role, levels=member.levels, rekey=False)


def run_members(team: Team):  # type: ignore[no-untyped-def]  # noqa: ANN201
    from envfs.core.membership.folding import fold_entries

    vault = team["cai"].open_vault.vault
    records: list[bytes] = []
    vault.add_members(records)
    return fold_entries(vault.description.signing_key, records)


def recipient_of(team: Team, name: str) -> str:
    return Identity(identity_line((team[name].folder / "identity.txt").read_bytes())).recipient


def new_line() -> str:
    from envfs.keyholder.crypto.identity import new_identity

    return new_identity().reveal()


def opened_keys(team: Team, name: str) -> tuple[Keys, RecordAddress]:
    identity = Identity(identity_line((team[name].folder / "identity.txt").read_bytes()))
    vault = team[name].open_vault.vault
    head = vault.key_head("/shop")  # type: ignore[arg-type]
    assert head is not None
    from envfs.core import keyfile

    return keyfile.parse_keys(identity.open(head.data)).keys, vault.next_place("key/shop")


def planted(team: Team, name: str, place: RecordAddress, keys: Keys, recipients: tuple[str, ...]) -> None:
    # by somebody who has a member's own key: an administrator's program that lies, or a writer's
    identity = Identity(identity_line((team[name].folder / "identity.txt").read_bytes()))
    vault = team[name].open_vault.vault
    head = vault.stream_head(record.MEMBERS)
    assert head is not None
    plain = sealing.sign_keys(identity, place, TIME, Keys(keys.keys, recipients, "", Point(head.seq, head.digest)))
    assert vault.append_key("/shop", place.seq, age.seal_to_recipients(plain, recipients))  # type: ignore[arg-type]


def interrupted(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    ask = world.keyholder.ask

    async def stops(request: NamedTuple, *arguments: object) -> object:
        if isinstance(request, SealKeys):
            raise Conflict("the process ends here")
        return await ask(request, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(world.keyholder, "ask", stops)

"""Grants decide: for one level and below, until they end or are taken back; and a person may edit the file."""

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Homes
from tests.system.home import FILES, Home, as_user, eventually
from tests.system.probing import attempt, attempts, reads

_DEPLOY = 1001


@pytest.fixture(scope="module")
def made(new_home: Homes, stocked: Home) -> Home:
    """Give a home where uid 1001 may read /shop/prod only. To be copied."""
    home = new_home(stocked)
    with home.served():
        home.envfs("import", "-", "/shop/staging", given="STAGE=1\n")
        home.envfs("import", "-", "/blog", given="BLOG=1\n")
        home.envfs("grant", "/shop/prod", "--uid", str(_DEPLOY))
    return home


@pytest.fixture
def for_prod(new_home: Homes, made: Home) -> Iterator[Home]:
    """Give one test a copy of it, mounted."""
    home = new_home(made)
    with home.served():
        yield home


def test_who_is_approved_for_one_level_reads_it_with_all_that_it_inherits(for_prod: Home) -> None:
    assert reads(_DEPLOY, for_prod.view("/shop/prod")) == for_prod.view("/shop/prod").read_text(encoding="utf-8")
    assert "COMPANY_NAME=" in reads(_DEPLOY, for_prod.view("/shop/prod"))
    assert for_prod.envfs("get", "/shop/prod", "S3_BUCKET", uid=_DEPLOY).text == "crane-shop-prod\n"


def test_who_is_approved_for_one_level_reads_none_above_and_none_beside(for_prod: Home) -> None:
    for level in ("/", "/shop", "/shop/staging", "/blog"):
        assert reads(_DEPLOY, for_prod.view(level)) == "EACCES", level
        assert attempt(_DEPLOY, "stat", for_prod.view(level)).how == "EACCES", level
        for_prod.envfs("export", level, uid=_DEPLOY, status=102)


def test_who_is_approved_for_one_level_sees_only_the_way_to_it(for_prod: Home) -> None:
    found = attempts(_DEPLOY, [["listdir", for_prod.mnt / place] for place in ("", "shop", "shop/prod")])
    assert [ended.found for ended in found] == [["shop"], ["prod"], sorted([*FILES, ".history"])]
    for place in ("blog", "shop/staging", ".history", "shop/.history", "shop/.history/1"):
        assert attempt(_DEPLOY, "listdir", for_prod.mnt / place).how == "EACCES", place
    listed = for_prod.envfs("ls", uid=_DEPLOY).text
    assert [line.split("\t")[0] for line in listed.splitlines()] == ["/", "/shop", "/shop/prod"]


def test_the_history_of_an_approved_level_is_approved_too(for_prod: Home) -> None:
    assert "STRIPE_API_KEY" in reads(_DEPLOY, for_prod.history_view("/shop/prod", 1))
    assert reads(_DEPLOY, for_prod.history_view("/shop", 1)) == "EACCES"


def test_a_grant_covers_levels_that_come_to_be_below_it_later(for_prod: Home) -> None:
    for_prod.envfs("set", "/shop/prod/eu", "REGION", given="eu")
    assert "REGION=eu" in reads(_DEPLOY, for_prod.view("/shop/prod/eu"))
    for_prod.envfs("set", "/shop/production", "NOT_BELOW", given="x")
    assert reads(_DEPLOY, for_prod.view("/shop/production")) == "EACCES"


def test_a_grant_by_user_name_is_a_grant_of_that_users_uid(for_prod: Home) -> None:
    for_prod.envfs("grant", "/blog", "--user", "daemon")
    assert (for_prod.rows("grants")[-1]["user"], for_prod.rows("grants")[-1]["uid"]) == ("daemon", 1)
    assert "BLOG=1" in reads(1, for_prod.view("/blog"))
    said = for_prod.envfs("grant", "/blog", "--user", "no-such-user-here", status=101)
    assert "there is no such user" in said.complaint


@pytest.mark.parametrize("uid", ["65534", "4294967295", "4294967296", "99999999999999999999"])
def test_a_uid_that_stands_for_nobody_in_particular_gets_no_grant(for_prod: Home, uid: str) -> None:
    for_prod.envfs("grant", "/blog", "--uid", uid, status=101)
    assert len(for_prod.rows("grants")) == 2


def test_a_grant_with_an_end_ends(for_prod: Home) -> None:
    for seconds in (2, 4, 8, 16, 32):  # a busy machine may take longer than that for the two commands
        begun = time.monotonic()
        for_prod.envfs("grant", "/blog", "--uid", "1002", "--ttl", f"{seconds}s")
        text, left = reads(1002, for_prod.view("/blog")), for_prod.rows("grants")[-1]
        if time.monotonic() - begun < seconds:
            break
    assert "BLOG=1" in text
    assert (left["uid"], 0 <= int(str(left["seconds_left"])) <= seconds) == (1002, True)
    eventually(lambda: reads(1002, for_prod.view("/blog")) == "EACCES", "it ends")
    assert time.monotonic() - begun >= seconds
    for_prod.envfs("get", "/blog", "BLOG", uid=1002, status=102)
    assert 1002 not in [row["uid"] for row in for_prod.rows("grants")]


def test_a_new_end_replaces_the_old_one(for_prod: Home) -> None:
    for_prod.envfs("grant", "/blog", "--uid", "1002", "--ttl", "1s")
    for_prod.envfs("grant", "/blog", "--uid", "1002")
    time.sleep(1.2)
    assert "BLOG=1" in reads(1002, for_prod.view("/blog"))
    assert [row["until"] for row in for_prod.rows("grants") if row["uid"] == 1002] == [""]


def test_revoke_works_at_once(for_prod: Home) -> None:
    assert attempt(_DEPLOY, "open", for_prod.view("/shop/prod")).how == "ok"
    for_prod.envfs("revoke", "/shop/prod", "--uid", str(_DEPLOY))
    assert reads(_DEPLOY, for_prod.view("/shop/prod")) == "EACCES"
    assert attempt(_DEPLOY, "listdir", for_prod.mnt).how == "EACCES"
    for_prod.envfs("exec", "/shop/prod", "--", "true", uid=_DEPLOY, status=102)
    said = for_prod.envfs("revoke", "/shop/prod", "--uid", str(_DEPLOY), status=103)
    assert "has no grant on /shop/prod" in said.complaint


def test_granting_and_revoking_are_on_the_log(for_prod: Home) -> None:
    for_prod.envfs("revoke", "/shop/prod", "--uid", str(_DEPLOY))
    changes = [entry for entry in for_prod.log() if entry["event"] in ("grant", "revoke")]
    told = [(entry["event"], entry["level"]) for entry in changes if str(entry["rule"]).endswith(f"uid {_DEPLOY}")]
    assert told == [("grant", "/shop/prod"), ("revoke", "/shop/prod")]


def test_a_hand_edit_counts_at_once(for_prod: Home) -> None:
    assert reads(1002, for_prod.view("/blog")) == "EACCES"
    text = for_prod.settings.read_text(encoding="utf-8")
    for_prod.edit_settings(f'{text}\n[[grant]]\nlevel = "/blog"\nuid = 1002\n')
    assert "BLOG=1" in reads(1002, for_prod.view("/blog"))
    for_prod.edit_settings(text)
    assert reads(1002, for_prod.view("/blog")) == "EACCES"


def test_a_persons_comments_survive_grant_and_revoke(for_prod: Home) -> None:
    text = for_prod.settings.read_text(encoding="utf-8")
    edited = text.replace("[identity]", "# where the key lies\n[identity]   # not in git!")
    edited = f'{edited}\n# for the backups, see ticket 71\n[[grant]]\nlevel = "/blog" # blog only\nuid = 1002\n'
    for_prod.edit_settings(edited)
    for_prod.envfs("grant", "/shop", "--uid", "1003", "--ttl", "1h")
    for_prod.envfs("revoke", "/shop", "--uid", "1003")
    for_prod.envfs("revoke", "/shop/prod", "--uid", str(_DEPLOY))
    after = for_prod.settings.read_text(encoding="utf-8")
    for comment in ("# where the key lies", "# not in git!", "# for the backups, see ticket 71", "# blog only"):
        assert comment in after
    assert "BLOG=1" in reads(1002, for_prod.view("/blog"))


@pytest.mark.parametrize("harm", ["mode 0666", "mode 0620", "another owner", "not TOML", "unknown key", "bad level"])
def test_settings_that_cannot_be_trusted_approve_nobody(for_prod: Home, harm: str) -> None:
    before = for_prod.settings.read_text(encoding="utf-8")
    _harm(for_prod, harm)
    for uid, status in ((0, 115), (_DEPLOY, 102)):
        assert reads(uid, for_prod.view("/shop/prod")) == "EACCES"
        said = for_prod.envfs("get", "/shop/prod", "S3_BUCKET", uid=uid, status=status)
        assert said.out == b""
        assert ("settings file" in said.complaint) == (uid == 0)  # what is wrong is for the owner to know
    assert "settings file" in for_prod.problems()
    said = for_prod.envfs("grant", "/shop", "--uid", "1003", status=115)
    assert "settings file" in said.complaint
    os.chown(for_prod.settings, 0, 0)
    for_prod.settings.chmod(0o600)
    for_prod.edit_settings(before)
    assert attempt(_DEPLOY, "read", for_prod.view("/shop/prod")).how == "ok"
    assert for_prod.problems() == ""


@pytest.mark.parametrize("harm", ["mode 0666", "another owner", "not TOML"])
def test_mount_says_so_when_the_settings_cannot_be_trusted(shop: Home, harm: str) -> None:
    _harm(shop, harm)
    said = shop.envfs("mount", status=115)
    assert f"envfs: error: the settings file {shop.settings} is " in said.complaint
    assert "envfs: hint: " in said.complaint
    shop.settle()


def _harm(home: Home, harm: str) -> None:
    text = home.settings.read_text(encoding="utf-8")
    match harm.split():
        case ["mode", mode]:
            home.settings.chmod(int(mode, 8))
        case ["another", "owner"]:
            os.chown(home.settings, 1002, 1002)
        case ["not", "TOML"]:
            home.settings.write_text(text + "[[grant\n", encoding="utf-8")
        case ["unknown", "key"]:
            home.settings.write_text(text + '[[grant]]\nlevel = "/"\nuid = 1\nallow = "all"\n', encoding="utf-8")
        case _:
            home.settings.write_text(text + '[[grant]]\nlevel = "/../x"\nuid = 1\n', encoding="utf-8")


def test_the_mount_point_is_listed_by_who_has_a_grant_and_as_long_as_that_lasts(for_prod: Home) -> None:
    for uid in ("1005", "1006"):
        assert attempt(int(uid), "listdir", for_prod.mnt).how == "EACCES"
        for_prod.envfs("grant", "/shop/prod", "--uid", uid)
        assert attempt(int(uid), "listdir", for_prod.mnt).found == ["shop"]
        assert attempt(int(uid), "stat", for_prod.mnt).how == "ok"
    for_prod.envfs("revoke", "/shop/prod", "--uid", "1005")
    assert [attempt(uid, "listdir", for_prod.mnt).how for uid in (1005, 1006)] == ["EACCES", "ok"]


def _edited(home: Home, text: str, uid: int) -> None:
    # by another file in its place, as editors do; the mount looks for such a change once a second. It lets `uid` in
    new = home.settings.with_suffix(".new")
    new.write_text(text, encoding="utf-8")
    new.chmod(0o600)
    new.replace(home.settings)
    eventually(lambda: attempt(uid, "listdir", home.mnt).how == "ok", "the mount looks at the settings")


def test_more_grants_than_an_access_list_has_room_for_shut_nobody_out(for_prod: Home) -> None:
    first, last = 20_000, 21_999
    rules = [f'[[grant]]\nlevel = "/shop/prod"\nuid = {uid}\n' for uid in range(first, last + 1)]
    _edited(for_prod, for_prod.settings.read_text(encoding="utf-8") + "".join(rules), first)
    for uid in (_DEPLOY, first, last):
        assert "COMPANY_NAME=" in reads(uid, for_prod.view("/shop/prod")), uid
    assert attempt(_DEPLOY, "listdir", for_prod.mnt).found == ["shop"]
    assert attempt(first, "listdir", for_prod.mnt).found == ["shop"]
    # the list is full: by name they go on, and they list what is below
    assert attempt(last, "listdir", for_prod.mnt).how == "EACCES"
    assert attempt(last, "listdir", for_prod.mnt / "shop").found == ["prod"]
    assert reads(last + 1, for_prod.view("/shop/prod")) == "EACCES"
    assert attempt(last + 1, "listdir", for_prod.mnt).how == "EACCES"


def test_a_note_says_when_the_list_of_the_mount_point_is_full(for_prod: Home) -> None:
    assert "may list" not in for_prod.envfs("grant", "/shop/prod", "--uid", "20000").complaint
    rules = [f'[[grant]]\nlevel = "/shop/prod"\nuid = {uid}\n' for uid in range(20_000, 20_600)]
    _edited(for_prod, for_prod.settings.read_text(encoding="utf-8") + "".join(rules), 20_001)
    assert "may list the mount point" in for_prod.envfs("grant", "/shop/prod", "--uid", "30000").complaint


@pytest.fixture
def bound(for_prod: Home, tmp_path: Path) -> Iterator[Path]:
    """Give a bind mount of /shop's folder that root made, as a container is given one."""
    place = for_prod.path / "bound"
    place.mkdir()
    for_prod.envfs("grant", "/shop", "--uid", "0")
    subprocess.run(["mount", "--bind", for_prod.mnt / "shop", place], check=True)
    yield place
    subprocess.run(["umount", "-l", place], check=True)


def test_a_bind_mount_of_a_folder_serves_each_user_by_its_own_grant(for_prod: Home, bound: Path) -> None:
    for_prod.envfs("grant", "/shop", "--uid", "1005")
    assert "COMPANY_NAME=" in reads(1005, bound / ".env")
    assert "prod" in str(attempt(1005, "listdir", bound).found)
    assert "STRIPE_API_KEY" in str(attempt(1005, "listdir", bound / "prod/.vars").found)
    assert (reads(_DEPLOY, bound / ".env"), attempt(_DEPLOY, "listdir", bound).how) == ("EACCES", "EACCES")
    assert "COMPANY_NAME=" in reads(_DEPLOY, bound / "prod/.env")
    assert {attempt(1006, what, bound / "prod").how for what in ("stat", "listdir")} == {"EACCES"}
    assert [attempt(1006, what, bound).how for what in ("listdir", "watch")] == ["EACCES", "EACCES"]
    for_prod.envfs("set", "/shop", "COMPANY_NAME", given="another")
    assert "COMPANY_NAME=another" in reads(1005, bound / ".env")
    for_prod.envfs("revoke", "/shop", "--uid", "1005")
    time.sleep(0.2)
    for what in ("listdir", "watch"):
        assert attempt(1005, what, bound).how == "EACCES"
    assert reads(1005, bound / ".env") == "EACCES"


def test_a_program_started_as_another_user_reads_where_it_stands_by_its_own_grant(for_prod: Home) -> None:
    for_prod.envfs("grant", "/shop", "--uid", "0")
    there = {}
    for uid in (_DEPLOY, 1006):
        words = [*as_user(uid), "cat", "prod/.env"]
        there[uid] = subprocess.run(words, cwd=for_prod.mnt / "shop", capture_output=True, text=True, check=False)
    assert "COMPANY_NAME=" in there[_DEPLOY].stdout
    assert (there[1006].stdout, there[1006].returncode) == ("", 1)

"""Rules about programs, reads and roles on a real mount: who reads by which, and what else they may do."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Homes
from tests.system.home import ENVFS, SECONDS, Home, as_user

_ONE, _TWO = 1001, 1002
_TEXT = "A=1\nB=2\n"


@pytest.fixture(scope="module")
def ruled(new_home: Homes) -> Home:
    """Give a served home that other users may reach, with a level that nobody else may read."""
    home = new_home()
    home.envfs("import", "-", "/shop", given=_TEXT)
    home.mount()
    return home


@pytest.fixture
def shop(ruled: Home) -> Iterator[Home]:
    """Give it without any rule but the owner's."""
    yield ruled
    for row in ruled.rows("grants"):
        if row["id"] != "g1":
            ruled.envfs("revoke", str(row["id"]))


@pytest.fixture
def printer(tmp_path: Path) -> Path:
    """Give a program of its own that prints files, as everybody may run it."""
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)
    path = tmp_path / "printer"
    shutil.copy("/bin/cat", path)
    path.chmod(0o755)
    return path


def by(uid: int, *words: object) -> str:
    """Run a program as a user; return what it prints."""
    line = [*as_user(uid), *map(str, words)]
    return subprocess.run(line, check=False, capture_output=True, text=True, timeout=SECONDS).stdout


def test_a_pinned_program_reads_until_it_changes_and_again_once_it_is_pinned_again(shop: Home, printer: Path) -> None:
    given = ("grant", "/shop", "--uid", str(_ONE), "--exe", str(printer))
    shop.envfs(*given)
    assert by(_ONE, printer, shop.view("/shop")) == _TEXT
    assert by(_ONE, "cat", shop.view("/shop")) == ""
    assert by(_TWO, printer, shop.view("/shop")) == ""
    changed = printer.with_suffix(".new")
    changed.write_bytes(printer.read_bytes() + b"\n")
    changed.chmod(0o755)
    changed.replace(printer)
    assert by(_ONE, printer, shop.view("/shop")) == ""
    rule = next(row for row in shop.rows("doctor") if row["check"] == "rules")
    assert "has changed since it was pinned" in str(rule["text"])
    assert f"`envfs {' '.join(given)}`" in str(rule["hint"])
    shop.envfs(*given)
    assert by(_ONE, printer, shop.view("/shop")) == _TEXT
    assert len(shop.rows("grants")) == 2


def test_reads_are_counted_by_process_and_over_a_restart(shop: Home) -> None:
    shop.envfs("grant", "/shop", "--uid", str(_ONE), "--max-reads", "2")
    view = shop.view("/shop")
    assert by(_ONE, "sh", "-c", f"for n in 1 2 3; do read line < {view} && echo $line; done") == "A=1\n" * 3
    assert by(_ONE, "cat", view) == _TEXT
    assert by(_ONE, "cat", view) == ""
    shop.envfs("unmount")
    shop.mount()
    assert by(_ONE, "cat", view) == ""
    assert [(row["reads"], row["max_reads"]) for row in shop.rows("grants")][-1] == (2, 2)


def test_a_user_that_may_see_names_sees_no_value_and_no_size(shop: Home) -> None:
    shop.envfs("grant", "/shop", "--uid", str(_ONE), "--can", "viewer")
    folder = shop.view("/shop").parent
    assert by(_ONE, "ls", "-A", folder) == ".env.example\n.vars\n"
    assert by(_ONE, "cat", folder / ".env.example") == "A=\nB=\n"
    assert by(_ONE, "ls", folder / ".vars") == "A\nB\n"
    for hidden in (".env", ".env.json", ".environ", ".vars/A", ".history", ".history/1/.env"):
        assert by(_ONE, "stat", "-c", "%s", folder / hidden) == "", hidden
    assert [row["name"] for row in shop.rows("show", "/shop")] == ["A", "B"]


def test_a_group_lists_the_mount_point_and_reads(shop: Home) -> None:
    shop.envfs("grant", "/shop", "--gid", str(_TWO))
    member = ("setpriv", "--reuid", str(_ONE), "--regid", str(_ONE), "--groups", str(_TWO))
    seen = subprocess.run([*member, "ls", shop.mnt], check=False, capture_output=True, text=True, timeout=SECONDS)
    assert seen.stdout == "shop\n"
    read = subprocess.run([*member, "cat", shop.view("/shop")], check=False, capture_output=True, timeout=SECONDS)
    assert read.stdout.decode() == _TEXT
    assert by(_ONE, "ls", shop.mnt) == ""


def test_a_program_of_the_owners_is_kept_out_of_everything_and_the_owner_is_not(shop: Home, tmp_path: Path) -> None:
    agent = tmp_path / "agent"
    shutil.copy("/bin/sh", agent)
    shop.envfs("grant", "/", "--under", str(agent), "--decision", "deny")
    denied = shop.rows("grants")[-1]["id"]
    commands = ("get /shop A", f"revoke {denied}", "grant / --uid 0", "grants")
    line = "; ".join([f"cat {shop.view('/shop')}", *(f"{ENVFS} {command}" for command in commands)])
    said = subprocess.run(
        [agent, "-c", f"{line}; true"],
        check=False,
        capture_output=True,
        text=True,
        timeout=3 * SECONDS,
        env=shop.environ(shop.knowing()),
    )
    assert said.stdout == ""
    assert "a rule denies `grant` at / to this program" in said.stderr
    assert shop.envfs("get", "/shop", "A").text == "1\n"
    assert shop.rows("grants")[-1]["id"] == denied


def test_a_token_of_a_session_serves_the_command_and_its_children_and_ends_with_it(shop: Home, tmp_path: Path) -> None:
    kept = tmp_path / "token"
    script = (
        f"env | grep ^ENVFS_TOKEN; cat $ENVFS_TOKEN_FILE >{kept}; "
        # a child of a program that hands on no descriptor, as most do
        f'python3 -c \'import subprocess; subprocess.run(["{ENVFS}", "get", "/shop", "A"], close_fds=True)\''
    )
    said = shop.envfs("exec", "/shop", "--session", "--only", "A", "--", "sh", "-c", script)
    named, value = said.text.splitlines()
    assert named.startswith("ENVFS_TOKEN_FILE=/proc/")
    assert value == "1"
    shop.envfs("get", "/shop", "A", environ={"ENVFS_TOKEN_FILE": str(kept)}, status=102)
    assert not shop.rows("token", "ls")


def test_a_session_has_the_limits_of_a_token(shop: Home) -> None:
    script = f"{ENVFS} get /shop B; {ENVFS} show /shop --json"
    words = ("--only", "A", "--can", "viewer", "--ttl", "1h", "--max-reads", "3", "--", "sh", "-c", script)
    said = shop.envfs("exec", "/shop", "--session", *words)
    assert "not-approved" not in said.text
    assert '"A"' in said.text
    assert '"B"' not in said.text
    assert said.complaint.count("envfs: error:") == 1
    shop.envfs("exec", "/shop", "--ttl", "1h", "--", "true", status=2)
    shop.envfs("exec", "/shop", "--session", "--max-reads", "0", "--", "true", status=101)

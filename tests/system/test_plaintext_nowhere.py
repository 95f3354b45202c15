"""Nothing is on disk but ciphertext: not one value, not one variable's name, whatever happens to the processes."""

import os
import signal
from pathlib import Path

import pytest

from tests.system import search
from tests.system.home import Daemon, Home, alive, eventually
from tests.system.samples import PROD, ROOT, SHOP

SOUGHT = search.needles(PROD, [*ROOT.values(), *SHOP.values(), *PROD.values()])


def _use(home: Home) -> None:
    """Go through every door that plaintext comes out of or goes in at."""
    for level in ("/", "/shop", "/shop/prod"):
        assert home.view(level).read_bytes()
        home.envfs("show", level, "--reveal")
    home.envfs("exec", "/shop/prod", "--", "true")
    home.envfs("get", "/shop/prod", "STRIPE_API_KEY")
    home.envfs("export", "/shop/prod", "-f", "json")
    home.envfs("set", "/shop/prod", "STRIPE_API_KEY", given=SHOP["STRIPE_API_KEY"])
    home.envfs("history", "/shop/prod")
    home.envfs("rollback", "/shop/prod", "1", "-y")
    home.envfs("import", "-", "/shop/prod", given="BROKEN_LINE='AKIAIOSFODNN7EXAMPLE\n", status=106)


def test_the_search_finds_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "a").write_text(f"x{PROD['STRIPE_API_KEY']}x", encoding="utf-8")
    (tmp_path / "STRIPE_API_KEY").mkdir()
    hidden = __import__("base64").b64encode(b"1" + PROD["DATABASE_URL"].encode())
    (tmp_path / "b").write_bytes(hidden)
    found = {text for _, text in search.in_folder(tmp_path, SOUGHT, tmp_path / "none")}
    assert {PROD["STRIPE_API_KEY"], "STRIPE_API_KEY", PROD["DATABASE_URL"]} <= found
    assert len(SOUGHT) > 100


def test_no_value_and_no_name_is_on_the_disk_while_everything_is_used(served: tuple[Home, Daemon]) -> None:
    home, _ = served
    _use(home)
    assert search.in_folder(home.path, SOUGHT, home.mnt) == set()


def test_no_value_is_in_what_the_two_processes_have_open(served: tuple[Home, Daemon]) -> None:
    home, daemon = served
    _use(home)
    with home.view("/shop/prod").open("rb") as reader:
        assert reader.read(1)
        assert search.in_process(daemon.pid, SOUGHT) == set()
        assert search.in_process(daemon.keyholder, SOUGHT) == set()


def test_nothing_is_left_on_the_disk_after_both_processes_are_killed(served: tuple[Home, Daemon]) -> None:
    home, daemon = served
    _use(home)
    with home.view("/shop/prod").open("rb") as reader:
        assert reader.read(1)
        for pid in (daemon.keyholder, daemon.pid):
            os.kill(pid, signal.SIGKILL)
        eventually(lambda: not alive(daemon.pid) and not alive(daemon.keyholder), "both are dead")
        assert search.in_folder(home.path, SOUGHT, home.mnt) == set()
    home.clear_mounts()
    assert list(home.mnt.iterdir()) == []


def test_nothing_is_on_the_disk_after_an_orderly_end(shop: Home) -> None:
    with shop.served():
        _use(shop)
    assert search.in_folder(shop.path, SOUGHT, shop.mnt) == set()
    assert list(shop.mnt.iterdir()) == []


@pytest.mark.parametrize("words", [("get", "/shop/prod", "STRIPE_API_KEY"), ("show", "/shop"), ("verify",)])
def test_a_command_without_a_daemon_leaves_nothing_either(shop: Home, words: tuple[str, ...]) -> None:
    shop.envfs(*words)
    shop.settle()
    assert search.in_folder(shop.path, SOUGHT, shop.mnt) == set()


def test_the_log_names_levels_and_versions_and_never_a_variable(served: tuple[Home, Daemon]) -> None:
    home, _ = served
    _use(home)
    text = home.log_file.read_bytes()
    assert b'"level":"/shop/prod"' in text
    assert search.in_bytes(text, SOUGHT) == set()


def test_what_is_made_is_for_the_owner_alone(served: tuple[Home, Daemon]) -> None:
    """Only the socket is for everybody, and the folders on the way to it and to the mount."""
    home, _ = served
    paths = [path for path in home.path.rglob("*") if home.mnt not in (path, *path.parents)]
    open_to_others = {str(path.relative_to(home.path)) for path in paths if path.lstat().st_mode & 0o077}
    assert open_to_others == {"run", "run/control.sock"}

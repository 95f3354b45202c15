"""A daemon's life: it starts once, ends cleanly, and what a crash leaves behind is cleared away."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.system.home import ENVFS, SECONDS, Daemon, Home, alive, eventually, mount_lines, mounts_below
from tests.system.probing import attempt
from tests.system.samples import PROD

_ENDED = "both processes end"


def _gone(daemon: Daemon) -> bool:
    return not alive(daemon.pid) and not alive(daemon.keyholder)


@contextmanager
def _reading(path: Path) -> Iterator[int]:
    reader = os.open(path, os.O_RDONLY)
    try:
        yield reader
    finally:
        with suppress(OSError):  # where the daemon is gone, `close` says so
            os.close(reader)


def test_mount_returns_when_the_views_can_be_read(shop: Home) -> None:
    with shop.mounted():
        assert PROD["STRIPE_API_KEY"] in shop.view("/shop/prod").read_text(encoding="utf-8")


def test_the_mount_says_what_it_is(shared: Home) -> None:
    line = next(line for line in mount_lines() if f" {shared.mnt} " in line)
    assert " fuse.envfs envfs " in line
    for option in ("nosuid", "nodev", "noexec"):
        assert option in line.split(" ")[5]
    assert "allow_other" in line


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_unmounts_and_ends_both_processes(shop: Home, number: signal.Signals) -> None:
    with shop.mounted() as daemon:
        shop.view("/shop").read_bytes()
        os.kill(daemon.pid, number)
        eventually(lambda: _gone(daemon), _ENDED)
        assert mounts_below(shop.path) == []
        assert not shop.socket.exists()
    assert [entry["event"] for entry in shop.log()][-2:] == ["stop", "checkpoint"]


def test_a_signal_ends_the_daemon_while_a_reader_holds_a_view_open(shop: Home) -> None:
    with shop.mounted() as daemon, _reading(shop.view("/shop")) as reader:
        assert os.read(reader, 1)
        os.kill(daemon.pid, signal.SIGTERM)
        eventually(lambda: _gone(daemon), _ENDED)
        assert mounts_below(shop.path) == []


def test_envfs_unmount_ends_both_processes_before_it_returns(shop: Home) -> None:
    with shop.mounted() as daemon:
        shop.envfs("unmount")
        assert _gone(daemon)
        assert mounts_below(shop.path) == []
        shop.envfs("unmount", status=116)


def test_an_unmount_from_outside_ends_the_daemon(shop: Home) -> None:
    with shop.mounted() as daemon:
        subprocess.run(["fusermount3", "-u", shop.mnt], check=True)
        eventually(lambda: _gone(daemon), _ENDED)
        assert not shop.socket.exists()


def test_a_mount_that_kill_9_left_is_cleared_by_the_next_mount(shop: Home) -> None:
    with shop.mounted() as first:
        os.kill(first.pid, signal.SIGKILL)
        eventually(lambda: _gone(first), "the keyholder dies with the daemon")
        assert attempt(0, "listdir", shop.mnt).how == "ENOTCONN"
        second = shop.mount()
        assert second.pid != first.pid
        assert mounts_below(shop.path) == [str(shop.mnt)]
        assert PROD["DATABASE_URL"] in shop.view("/shop/prod").read_text(encoding="utf-8")
        assert shop.problems() == ""


def test_status_after_kill_9_says_that_nothing_runs(shop: Home) -> None:
    with shop.mounted() as daemon:
        os.kill(daemon.pid, signal.SIGKILL)
        eventually(lambda: _gone(daemon), _ENDED)
        assert shop.status()["running"] is False


def test_exec_works_right_after_kill_9(shop: Home) -> None:
    with shop.mounted() as daemon:
        os.kill(daemon.pid, signal.SIGKILL)
        eventually(lambda: _gone(daemon), _ENDED)
        assert shop.envfs("get", "/shop/prod", "S3_BUCKET").text == "crane-shop-prod\n"


def test_a_reader_in_the_middle_is_let_go_when_the_daemon_is_killed(shop: Home) -> None:
    with shop.mounted() as daemon, _reading(shop.view("/shop/prod")) as reader:
        assert os.read(reader, 10)
        os.kill(daemon.pid, signal.SIGKILL)
        eventually(lambda: _gone(daemon), _ENDED)
        with pytest.raises(OSError, match=r"Transport endpoint|connected|abort"):
            os.read(reader, 10)


def test_views_say_enokey_when_the_keyholder_was_killed_and_the_daemon_lives_on(own: Home) -> None:
    daemon = own.mount(environ=own.knowing())  # under a passphrase: the next keyholder has nothing to serve with
    try:
        assert own.view("/app").read_bytes()
        os.kill(daemon.keyholder, signal.SIGKILL)
        eventually(lambda: own.status()["unlocked"] is False, "the daemon notices")
        for level in ("/", "/app"):
            assert attempt(0, "read", own.view(level)).how == "ENOKEY"
        assert "locked" in own.problems()
        assert alive(daemon.pid)
        assert attempt(0, "listdir", own.mnt).how == "ok"
    finally:
        own.end(own.daemon())


def test_a_keyholder_whose_identity_needs_no_passphrase_is_replaced(shop: Home) -> None:
    with shop.mounted() as daemon:
        os.kill(daemon.keyholder, signal.SIGKILL)
        eventually(lambda: shop.daemon().keyholder not in (0, daemon.keyholder), "the next keyholder is there")
        eventually(lambda: attempt(0, "read", shop.view("/shop")).how == "ok", "it serves")
        eventually(lambda: shop.problems() == "", "all is well")


def test_a_keyholder_lost_while_a_view_is_read_leaves_that_snapshot_whole(shop: Home) -> None:
    with shop.mounted() as daemon:
        whole = shop.view("/shop/prod").read_bytes()
        with shop.view("/shop/prod").open("rb", buffering=0) as reader:
            first = reader.read(10)
            os.kill(daemon.keyholder, signal.SIGKILL)
            eventually(lambda: shop.daemon().keyholder not in (0, daemon.keyholder), "the next keyholder is there")
            assert first + reader.read() == whole


def test_a_second_daemon_for_one_home_is_refused(shop: Home) -> None:
    with shop.mounted() as daemon:
        assert "runs here already" in shop.envfs("mount", status=118).complaint
        assert shop.daemon() == daemon


def test_a_folder_that_is_not_empty_is_not_mounted_over(shop: Home) -> None:
    folder = shop.path / "full"
    folder.mkdir()
    (folder / "precious").touch()
    assert "not empty" in shop.envfs("mount", str(folder), status=117).complaint
    assert (folder / "precious").exists()
    shop.settle()


def test_somebody_elses_mount_point_is_left_alone(shop: Home) -> None:
    folder = shop.path / "theirs"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "theirs", folder], check=True)
    assert "mount point of tmpfs" in shop.envfs("mount", str(folder), status=117).complaint
    assert str(folder) in mounts_below(shop.path)
    shop.settle()


def test_a_daemon_in_the_foreground_serves_until_it_is_told_to_end(shop: Home) -> None:
    words = [ENVFS, "mount", "--foreground"]
    with subprocess.Popen(words, env=shop.environ(), stderr=subprocess.PIPE, cwd="/") as child:
        eventually(shop.socket.exists, "it serves")
        eventually(lambda: attempt(0, "read", shop.view("/shop")).how == "ok", "it can be read")
        child.send_signal(signal.SIGTERM)
        assert child.wait(SECONDS) == 0
        assert child.stderr is not None
        assert child.stderr.read() == b""
    assert mounts_below(shop.path) == []


def test_a_mount_at_a_path_of_ones_own_can_be_read_by_others_who_are_approved(shop: Home) -> None:
    shop.envfs("grant", "/shop", "--uid", "1001")
    where = shop.path / "deep" / "er" / "mount"
    with shop.mounted(str(where)):
        assert shop.status()["mount"] == str(where)
        assert attempt(1001, "read", where / "shop" / ".env").how == "ok"
    assert where.is_dir()

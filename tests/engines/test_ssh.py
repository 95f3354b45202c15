"""A folder behind ssh: what a member's key may do there, and what a member is told when it does not work."""

import os
import signal
import subprocess
from contextlib import aclosing
from pathlib import Path

import pytest

from envfs.core.secret import Secret
from envfs.courier.address import parse_address
from envfs.courier.engine import EVERYTHING, Engine
from envfs.courier.engines.ssh.command import end_of_ssh, ssh_command
from envfs.errors import EnvFSError, NotApproved, StoreUnavailable
from envfs.service.sharing.courier_link import running_courier
from tests.engines.places import Place
from tests.engines.servers.sshd import ENVFS, Sshd
from tests.engines.using import run, use_one

KEY, SECOND = "level/shop/@00000001.json", "level/shop/@00000002.json"


def refused(address: str) -> EnvFSError:
    """Return the error of connecting to an address."""

    async def use(_: Engine) -> None:
        pytest.fail("it connects")

    with pytest.raises(EnvFSError) as error:
        use_one(Place(address), use)
    return error.value


def test_a_member_adds_reads_and_watches_through_a_courier_and_erases_nothing(sshd: Sshd) -> None:
    address = Secret(sshd.new_address(sshd.new_vault(), "--append-only"))

    async def use() -> None:
        async with running_courier(address) as engine, aclosing(engine.watch(("level/",))) as watch:
            assert await anext(watch) == EVERYTHING
            assert await engine.put_new(KEY, b"x") is True
            assert await engine.put_new(KEY, b"y") is False
            assert await engine.get([KEY]) == {KEY: b"x"}
            while await anext(watch) not in (EVERYTHING, "level/shop"):
                pass
            with pytest.raises(NotApproved):
                await engine.erase(KEY)

    run(use)


def test_a_members_key_runs_no_other_command(sshd: Sshd) -> None:
    vault = sshd.new_vault()
    address = parse_address(sshd.new_address(vault, "--append-only"))
    for words in (("-s", "sftp"), (f"envfs store-serve {vault}; id",)):
        done = subprocess.run(
            ssh_command(address, *words), stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=60
        )
        assert done.returncode == 101, (words, done)
        assert b"this key of ssh is for" in done.stderr or "-s" in words  # a subsystem has no standard error
        assert b"uid=" not in done.stdout


def test_a_members_key_forwards_nothing(sshd: Sshd) -> None:
    vault = sshd.new_vault()
    free = sshd.address("ssh", vault, sshd.new_member(""))
    for address, is_forwarded in ((free, True), (sshd.new_address(vault), False)):
        command = ssh_command(parse_address(address), "-W", f"127.0.0.1:{sshd.port}", "x")[:-1]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=60)
        assert (b"SSH-2.0" in done.stdout) is is_forwarded, done


@pytest.mark.soak
def test_a_member_without_append_only_may_erase(sshd: Sshd) -> None:
    async def use(engine: Engine) -> None:
        await engine.put_new(KEY, b"x")
        await engine.erase(KEY)
        assert await engine.get([KEY]) == {KEY: b""}
        assert await engine.put_new(KEY, b"y") is False

    use_one(Place(sshd.new_address(sshd.new_vault())), use)


def test_a_key_that_the_server_does_not_know_is_not_approved(sshd: Sshd, tmp_path: Path) -> None:
    known = sshd.new_address(sshd.new_vault())
    key = tmp_path / "stranger"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True, timeout=60)
    error = refused(known.replace(parse_address(known).option("identity"), str(key)))
    assert isinstance(error, NotApproved)
    assert "envfs store invite" in error.hint


def test_a_host_that_is_not_known_is_not_connected_to_and_nobody_is_asked(sshd: Sshd, tmp_path: Path) -> None:
    (tmp_path / "nobody").write_text("")
    known = sshd.new_address(sshd.new_vault())
    error = refused(known.replace(parse_address(known).option("known_hosts"), str(tmp_path / "nobody")))
    assert isinstance(error, StoreUnavailable)
    assert "compare the key" in error.hint


@pytest.mark.soak
@pytest.mark.parametrize(
    ("command", "text", "hint"),
    [
        ("nothing-of-this-name", "envfs is not installed on 127.0.0.1", "install it there"),
        ("echo good morning", "127.0.0.1 says something before it serves", ".bashrc"),
        ("exit 3", "127.0.0.1 cannot be reached by ssh", ""),
        (f"{ENVFS} store-serve --append-only /nonexistent", "is not there", ""),
    ],
)
def test_a_server_that_serves_no_vault_is_said_to_be_so(sshd: Sshd, command: str, text: str, hint: str) -> None:
    error = refused(sshd.address("ssh", Path("/nonexistent"), sshd.new_member(command)))
    assert isinstance(error, StoreUnavailable)
    assert text in error.text
    assert hint in error.hint


def test_a_port_on_which_nobody_listens_is_a_fault_at_once(sshd: Sshd) -> None:
    known = sshd.new_address(sshd.new_vault())
    error = refused(known.replace(f":{sshd.port}/", ":1/"))
    assert isinstance(error, StoreUnavailable)
    assert "refused" in error.text


def test_a_connection_that_was_cut_is_made_again_and_a_watch_goes_on_with_a_hint_for_everything(sshd: Sshd) -> None:
    async def use(engine: Engine) -> None:
        async with aclosing(engine.watch(("",))) as watch:  # type: ignore[type-var]
            assert await anext(watch) == EVERYTHING
            assert await engine.put_new(KEY, b"x")
            cut_connections(sshd)
            while await anext(watch) != EVERYTHING:
                pass
            assert await engine.put_new(SECOND, b"x")

    use_one(Place(sshd.new_address(sshd.new_vault())), use)


def cut_connections(sshd: Sshd) -> None:
    """End the server's processes for connections, and not the one that listens."""
    assert sshd._process is not None
    children = Path(f"/proc/{sshd._process.pid}/task/{sshd._process.pid}/children").read_text().split()
    for pid in children:
        os.kill(int(pid), signal.SIGKILL)


@pytest.mark.soak
def test_an_administrator_makes_a_folder_on_a_server_ready_and_a_member_does_not(sshd: Sshd) -> None:
    folder = sshd.folder / "new"
    key = sshd.new_member(f"{ENVFS} store init {folder}")  # as the server's own shell would find it
    done = subprocess.run(
        [ENVFS, "store", "init", sshd.address("ssh", folder, key)],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert "a second one of the same name was refused" in done.stdout
    assert folder.is_dir()
    member = [ENVFS, "store", "init", sshd.new_address(folder, "--append-only")]
    done = subprocess.run(member, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 113
    assert "for no other command" in done.stderr


@pytest.mark.parametrize(
    ("status", "words", "text"),
    [
        (255, b"alice@host: Permission denied (publickey).\r\n", "host does not admit this key of ssh"),
        (127, b"bash: envfs: command not found\n", "envfs is not installed on host, or not for this user"),
        (
            255,
            b"ssh: connect to host h port 22: No route\x1b[2J\n",
            "host cannot be reached by ssh: ssh: connect to host h port 22: No route?[2J",
        ),
        (101, b"envfs: error: this key is for x\n", "host refuses: this key is for x"),
        (255, b"", "host cannot be reached by ssh"),
        (None, b"", "host does not answer"),
    ],
)
def test_the_end_of_ssh_is_said_in_words_fit_for_a_terminal(status: int | None, words: bytes, text: str) -> None:
    assert end_of_ssh(parse_address("ssh://host/v"), status, words).text == text


def test_no_word_of_an_address_is_an_option_of_ssh() -> None:
    command = ssh_command(parse_address("ssh://alice@host:2222/v?identity=/k"), "words")
    assert command[-3:] == ["--", "host", "words"]
    assert command[command.index("-p") + 1] == "2222"
    assert "-p" not in ssh_command(parse_address("ssh://host/v"), "words")

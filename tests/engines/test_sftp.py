"""A folder behind a server that has SFTP alone: what its administrator is told, and what a member is."""

import getpass
import os
import pwd
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path

import pytest

from envfs.core.secret import Secret
from envfs.courier.address import parse_address
from envfs.courier.connecting import set_up_engine
from envfs.courier.engine import EVERYTHING, Engine
from envfs.courier.engines.sftp import files
from envfs.courier.engines.sftp.setting_up import DENIED
from envfs.errors import EnvFSError, NotApproved, StoreUnavailable
from envfs.service.sharing.courier_link import running_courier
from tests.engines.places import Place
from tests.engines.servers.processes import running
from tests.engines.servers.sshd import ENVFS, Sshd
from tests.engines.using import connected, run, use_one
from tests.system.home import eventually

KEY, SECOND = "level/shop/@00000001.json", "level/shop/@00000002.json"
CHANGED_SERVER = Path(__file__).parent / "servers" / "changed_sftp.py"
SFTP_SERVER = "/usr/lib/openssh/sftp-server"


def _in_soak(*values: object) -> list[pytest.ParameterSet]:
    return [pytest.param(value, marks=pytest.mark.soak) for value in values]


def set_up(address: str) -> str:
    """Make an engine ready, as `envfs store init` does."""
    return run(set_up_engine, parse_address(address), ())


def refused(address: str) -> EnvFSError:
    """Return the error of connecting to an address."""

    async def use(_: Engine) -> None:
        pytest.fail("it connects")

    with pytest.raises(EnvFSError) as error:
        use_one(Place(address), use)
    return error.value


async def fill(engine: Engine) -> None:
    assert await engine.put_new(KEY, b"x") is True
    assert await engine.put_new(KEY, b"y") is False
    assert await engine.get([KEY, SECOND]) == {KEY: b"x"}


# -- what an administrator does ----------------------------------------------------------------------------------------


def test_a_folder_is_made_for_its_user_alone_and_may_be_made_ready_again(sshd: Sshd) -> None:
    address = sshd.sftp_address(sshd.new_vault() / "team" / "vault")
    folder = Path(parse_address(address).path)
    assert isinstance(refused(address), StoreUnavailable)
    for _ in range(2):
        text = set_up(address)
        assert "asks for them every 5 s" in text
        assert f"internal-sftp -P {DENIED}" in text
        assert "power cut" not in text
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert not list(folder.iterdir())
    use_one(Place(address), fill)
    assert [path.name for path in (folder / "level" / "shop").iterdir()] == ["@00000001.json"]


def test_a_server_that_refuses_changes_is_said_to_enforce_that_and_does(sshd: Sshd) -> None:
    vault = sshd.new_vault()
    address = sshd.sftp_address(vault, f"-P {DENIED}")
    assert ("members add and read alone" in set_up(address)) is (os.geteuid() != 0)  # root may write to every file

    async def use(engine: Engine) -> None:
        await fill(engine)
        with pytest.raises(NotApproved):
            await engine.erase(KEY)
        assert await engine.get([KEY]) == {KEY: b"x"}

    use_one(Place(address), use)
    assert stat.S_IMODE((vault / KEY).stat().st_mode) & 0o222 == 0


@pytest.mark.soak
def test_a_server_without_fsync_is_said_to_be_one(sshd: Sshd) -> None:
    assert "power cut" in set_up(sshd.sftp_address(sshd.new_vault(), "-P fsync"))


@pytest.mark.parametrize("change", ["a link replaces", *_in_soak("a rename replaces", "a link is none")])
def test_story_17_a_server_that_gives_a_name_twice_is_refused_when_it_is_set_up(sshd: Sshd, change: str) -> None:
    vault = sshd.new_vault()
    key = sshd.new_member(f"{sys.executable} {CHANGED_SERVER} '{change}'")
    with pytest.raises(StoreUnavailable, match="gives a name twice"):
        set_up(sshd.address("sftp", vault, key))


@pytest.mark.soak
def test_a_folder_where_nothing_may_be_written_is_refused(sshd: Sshd) -> None:
    with pytest.raises(NotApproved):
        set_up(sshd.sftp_address(sshd.new_vault(), "-R"))


# -- what a member does ------------------------------------------------------------------------------------------------


@pytest.mark.soak
def test_a_member_adds_reads_and_is_told_of_changes_through_a_courier(sshd: Sshd) -> None:
    vault = sshd.new_vault()
    address = Secret(sshd.sftp_address(vault))

    async def use() -> None:
        async with running_courier(address) as engine, aclosing(engine.watch(("level/",))) as watch:
            assert await anext(watch) == EVERYTHING
            await fill(engine)
            while await anext(watch) not in (EVERYTHING, "level/shop"):
                pass
            await engine.erase(KEY)
            assert await engine.get([KEY]) == {KEY: b""}

    run(use)
    assert (vault / "tree" / "shop" / "@").exists()  # a folder that is filled in this way is a vault as well


@pytest.mark.soak
def test_a_member_who_may_read_alone_reads(sshd: Sshd) -> None:
    vault = sshd.new_vault()
    use_one(Place(sshd.sftp_address(vault)), fill)

    async def use(engine: Engine) -> None:
        assert await engine.get([KEY]) == {KEY: b"x"}
        with pytest.raises(NotApproved):
            await engine.put_new(SECOND, b"x")

    use_one(Place(sshd.sftp_address(vault, "-R")), use)


@pytest.mark.parametrize("options", ["", *_in_soak("-P posix-rename")])
def test_what_is_erased_is_nowhere_on_the_servers_disk(sshd: Sshd, options: str) -> None:
    vault = sshd.new_vault()

    async def use(engine: Engine) -> None:
        await engine.put_new(KEY, b"to be forgotten")
        os.link(vault / KEY, vault / "level" / "shop" / ".new-of-a-killed-writer")
        await engine.erase(KEY)

    use_one(Place(sshd.sftp_address(vault, options)), use)
    folder = vault / "level" / "shop"
    eventually(lambda: len(os.listdir(folder)) == 2, "the record is there, and what the writer left")
    assert not any(path.read_bytes() for path in folder.iterdir())


@pytest.mark.soak
def test_a_folder_that_is_gone_is_not_an_empty_one(sshd: Sshd) -> None:
    vault = sshd.new_vault()

    async def use(engine: Engine) -> None:
        await fill(engine)
        shutil.rmtree(vault)
        for ask in (lambda: engine.heads(""), lambda: engine.get([KEY]), lambda: engine.put_new(SECOND, b"x")):
            with pytest.raises(StoreUnavailable, match="is not there"):
                await ask()
        assert not vault.exists()

    use_one(Place(sshd.sftp_address(vault)), use)


@pytest.mark.soak
def test_two_ways_to_one_folder_see_the_same(sshd: Sshd) -> None:
    vault = sshd.new_vault()

    async def use() -> None:
        async with (
            connected(Place(sshd.sftp_address(vault))) as one,
            connected(Place(sshd.new_address(vault, "--append-only"))) as two,
        ):
            for number in range(1, 11):
                key = f"level/shop/@{number:08d}.json"
                writer, reader = (one, two) if number % 2 else (two, one)
                assert await writer.put_new(key, b"%d" % number)
                assert await reader.put_new(key, b"other") is False
                assert await reader.get([key]) == {key: b"%d" % number}
            assert await one.list("") == await two.list("")

    run(use)


# -- what a member is told ---------------------------------------------------------------------------------------------


def test_a_server_that_has_sftp_alone_is_named_where_ours_was_asked_for(sshd: Sshd) -> None:
    vault = sshd.new_vault()
    for command in ("internal-sftp", "echo This service allows sftp connections only.; exit 1", "no-such-program"):
        error = refused(sshd.address("ssh", vault, sshd.new_member(command)))
        assert isinstance(error, StoreUnavailable)
        assert "sftp://" in error.hint, command


@pytest.mark.soak
@pytest.mark.parametrize(
    ("command", "text"),
    [
        (f"echo good morning; {SFTP_SERVER}", "127.0.0.1 says something before it serves"),
        ("exit 3", "127.0.0.1 cannot be reached by ssh"),
        ("no-such-program", "127.0.0.1 has no SFTP for this user"),
    ],
)
def test_a_server_without_sftp_is_said_to_be_one(sshd: Sshd, command: str, text: str) -> None:
    error = refused(sshd.address("sftp", sshd.new_vault(), sshd.new_member(command)))
    assert isinstance(error, StoreUnavailable)
    assert text in error.text


@pytest.mark.soak
def test_a_key_that_the_server_does_not_know_is_not_approved(sshd: Sshd, tmp_path: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "key"], check=True, timeout=60)
    error = refused(sshd.address("sftp", sshd.new_vault(), tmp_path / "key"))
    assert isinstance(error, NotApproved)
    assert "authorized_keys" in error.hint
    assert "store invite" not in error.hint  # its line is for a server that has envfs


@pytest.mark.parametrize(
    "change",
    ["answers are cut", *_in_soak("answers are of another kind", "answers are long", "a folder has no end")],
)
def test_a_server_that_answers_nonsense_is_a_fault_in_bounded_time(
    sshd: Sshd, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "_MOST_NAMES", 1000)
    vault = sshd.new_vault()
    use_one(Place(sshd.sftp_address(vault)), fill)
    address = sshd.address("sftp", vault, sshd.new_member(f"{sys.executable} {CHANGED_SERVER} '{change}'"))
    with pytest.raises(StoreUnavailable):
        use_one(Place(address), lambda engine: engine.list(""))


# -- a real account: chroot, no shell, internal-sftp -------------------------------------------------------------------


@pytest.fixture
def jail(sshd: Sshd) -> Iterator[Path]:
    """Give a folder that a user without a shell is shut into by sshd. All above it has to be root's."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to serve another user")
    folder = Path(tempfile.mkdtemp(prefix="envfs-jail-", dir="/run"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def test_a_user_in_a_chroot_with_nothing_but_sftp_shares_a_vault(ground: Path, jail: Path) -> None:
    user = pwd.getpwnam("nobody")
    (jail / "vaults").mkdir()
    os.chown(jail / "vaults", user.pw_uid, user.pw_gid)
    server = Sshd(Path(tempfile.mkdtemp(prefix="chroot-", dir=ground)))
    server.make()
    with (server.folder / "config").open("a") as config:
        config.write(f"Match User nobody\n  ChrootDirectory {jail}\n  ForceCommand internal-sftp -P {DENIED}\n")
    key = server.new_member("")
    address = server.address("sftp", Path("/vaults/team"), key).replace(f"{getpass.getuser()}@", "nobody@")
    with running(server):
        done = subprocess.run(
            [ENVFS, "store", "init", address], capture_output=True, text=True, check=True, timeout=120
        )
        assert "members add and read alone" in done.stdout
        use_one(Place(address), fill)
        record = jail / "vaults" / "team" / KEY
        assert record.stat().st_uid == user.pw_uid
        assert "/run" not in done.stdout

"""A team on one vault over a server of ssh, set up as a person does it: one command for the founder, one to join."""

import subprocess
import tempfile
from pathlib import Path

from tests.conftest import Homes
from tests.engines.servers.sshd import ENVFS, Sshd, new_key
from tests.system.home import PASSPHRASE, Home, eventually
from tests.system.terminal import Terminal


def _refusal(home: Home, *words: str, status: int) -> str:
    return home.envfs(*words, status=status).complaint


def test_a_team_is_set_up_by_one_command_each_and_is_live(new_home: Homes, ground: Path, sshd: Sshd) -> None:
    ana, ben = new_home(), Home(Path(tempfile.mkdtemp(dir=ground, prefix="team-")))
    vault = Path(tempfile.mkdtemp(prefix="team-", dir=sshd.folder)) / "vault"
    any_command = f'PATH={Path(ENVFS).parent}:$PATH sh -c \\"$SSH_ORIGINAL_COMMAND\\"'
    founder = sshd.address("ssh", vault, sshd.new_member(any_command))
    key = vault.parent / "ben"
    new_key(key)
    address = sshd.address("ssh", vault, key)
    with ana.served():
        ana.envfs("set", "/shop/prod", "A", given="1")
        assert "made ready" in ana.envfs("sync", "start", founder).complaint
        assert f'engine = "{founder}"' in ana.settings.read_text()
        assert "another engine" in _refusal(ana, "sync", "start", f"folder:{ground}/other-engine", status=118)
        join = "member", "join", address, "--code-file", "/nowhere", "--identity-file", "/nowhere"
        invited = ana.envfs("member", "invite", "ben", "--level", "/shop")
        assert "`envfs member join ssh://" in invited.complaint
        assert f"envfs store invite KEY.pub {vault}" in _refusal(ben, *join, status=102)
        _let_onto_the_server(sshd, ben, key, vault)
        words = [ENVFS, "member", "join", address]
        with Terminal(words, ben.environ(), columns=80) as terminal:
            terminal.expect("code of the invitation: ")
            terminal.type(invited.text.strip())
            for prompt in ("new passphrase: ", "the same again: "):
                terminal.expect(prompt)
                terminal.type(PASSPHRASE)
            terminal.expect("waiting for the approval")
            eventually(lambda: "ben waits" in ana.envfs("member", "ls").complaint, "the join is there")
            fingerprint = ana.envfs("member", "ls").complaint.partition("fingerprint ")[2].partition(":")[0]
            assert fingerprint in terminal.shown
            ana.envfs("member", "approve", "ben", "-y")
            terminal.expect("you are in, as ben")
            assert terminal.end() == 0
            assert invited.text.strip() not in terminal.shown
            assert PASSPHRASE not in terminal.shown
        _write_both_ways(ana, ben)


def _let_onto_the_server(sshd: Sshd, home: Home, key: Path, vault: Path) -> None:
    said = subprocess.run(
        [ENVFS, "store", "invite", "-", vault],
        input=key.with_suffix(".pub").read_bytes(),
        capture_output=True,
        check=True,
        env=home.environ(),
        timeout=60,
    )
    with (sshd.folder / "authorized_keys").open("ab") as file:
        file.write(said.stdout)


def _write_both_ways(ana: Home, ben: Home) -> None:
    secret = ben.path / "passphrase"
    secret.write_text(PASSPHRASE)
    with ben.mounted("--passphrase-file", str(secret)):
        file = ben.view("/shop/prod")
        assert file.read_text() == "A=1\n"
        ana.envfs("set", "/shop/prod", "B", given="2")
        eventually(lambda: "B=2\n" in file.read_text(), "a change of the founder is there")
        ben.envfs("set", "/shop/prod", "C", given="3")
        eventually(lambda: "C=3\n" in ana.view("/shop/prod").read_text(), "a change of the member is there")
        for home in (ana, ben):
            assert "connected" in home.envfs("sync", "status").text

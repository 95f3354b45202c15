"""The certificates of a deployment: openssl itself judges them."""

import os
import ssl
import stat
import subprocess
import time
from pathlib import Path

import pytest

from envfs.errors import AlreadyExists, BadRequest, EnvFSError
from envfs_cli import deployment_ca

DAYS = 30


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = str(tmp_path_factory.mktemp("deployment") / "ca")
    assert deployment_ca.make_authority(path) is True
    return path


def verifies(folder: str, certificate: str, purpose: str, *words: str) -> bool:
    command = ["openssl", "verify", "-x509_strict", "-CAfile", f"{folder}/ca.crt", "-purpose", purpose, *words]
    return subprocess.run([*command, certificate], check=False, capture_output=True).returncode == 0


def test_an_authority_is_made_once(folder: str) -> None:
    before = Path(folder, "ca.crt").read_bytes()
    assert deployment_ca.make_authority(folder) is False
    assert Path(folder, "ca.crt").read_bytes() == before


def test_a_member_is_a_client_by_its_name_and_no_server(folder: str) -> None:
    issued = deployment_ca.issue_member(folder, "alice", DAYS)
    assert verifies(folder, issued.certificate, "sslclient")
    assert not verifies(folder, issued.certificate, "sslserver")
    ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(issued.certificate, issued.key)
    printed = subprocess.run(
        ["openssl", "x509", "-in", issued.certificate, "-noout", "-subject", "-fingerprint", "-sha256"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert "CN=alice\n" in printed.replace(" = ", "=")
    assert f"={issued.fingerprint}\n" in printed


def test_a_server_is_known_by_its_hosts_and_signs_nobody_in(folder: str) -> None:
    issued = deployment_ca.issue_server(folder, ["db.example.com", "10.0.0.5", "2001:db8::1"], DAYS)
    for words in (("-verify_hostname", "db.example.com"), ("-verify_ip", "10.0.0.5"), ("-verify_ip", "2001:db8::1")):
        assert verifies(folder, issued.certificate, "sslserver", *words)
    assert not verifies(folder, issued.certificate, "sslserver", "-verify_hostname", "other.example.com")
    subject = ["openssl", "x509", "-in", issued.certificate, "-noout", "-subject"]
    assert subprocess.run(subject, check=True, capture_output=True, text=True).stdout.strip() == "subject="


def test_a_member_vouches_for_nobody(folder: str, tmp_path: Path) -> None:
    member = deployment_ca.issue_member(folder, "mallory", DAYS)
    for name, source in (("ca.crt", member.certificate), ("ca.key", member.key)):
        (tmp_path / name).write_bytes(Path(source).read_bytes())
    forged = deployment_ca.issue_member(str(tmp_path), "admin", DAYS)
    assert not verifies(folder, forged.certificate, "sslclient", "-untrusted", member.certificate)


def test_keys_are_for_their_user_alone_and_nothing_else_is_left(folder: str) -> None:
    deployment_ca.issue_member(folder, "bob", DAYS)
    assert stat.S_IMODE(os.stat(folder).st_mode) == 0o700
    for name in os.listdir(folder):
        expected = {".key": 0o600, ".crt": 0o644}[Path(name).suffix]
        assert stat.S_IMODE(os.stat(f"{folder}/{name}").st_mode) == expected, name


def test_a_clock_that_is_a_day_behind_takes_a_new_certificate(folder: str) -> None:
    issued = deployment_ca.issue_member(folder, "behind", DAYS)
    for moment in (time.time() - 86400, time.time() + (DAYS - 1) * 86400):
        assert verifies(folder, issued.certificate, "sslclient", "-attime", str(int(moment)))
    late = int(time.time()) + (DAYS + 1) * 86400
    assert not verifies(folder, issued.certificate, "sslclient", "-attime", str(late))


def test_nothing_is_overwritten(folder: str) -> None:
    deployment_ca.issue_member(folder, "carol", DAYS)
    with pytest.raises(AlreadyExists):
        deployment_ca.issue_member(folder, "carol", DAYS)
    Path(folder, "dave.key").symlink_to("/nowhere")
    with pytest.raises(AlreadyExists):
        deployment_ca.issue_member(folder, "dave", DAYS)
    os.unlink(f"{folder}/dave.key")


@pytest.mark.parametrize("name", ["", "ca", "../x", "a/b", "-x", "a b", "a\n", "é", ".", "x" * 64, "a,CN=admin", "a=b"])
def test_names_that_would_mean_something_else_are_refused(folder: str, name: str) -> None:
    with pytest.raises(BadRequest):
        deployment_ca.issue_member(folder, name, DAYS)
    with pytest.raises(BadRequest):
        deployment_ca.issue_server(folder, [name], DAYS)
    with pytest.raises(BadRequest):
        deployment_ca.issue_server(folder, ["db.example.com", name], DAYS)


def test_without_openssl_it_says_so(folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(EnvFSError, match="openssl"):
        deployment_ca.issue_member(folder, "erin", DAYS)

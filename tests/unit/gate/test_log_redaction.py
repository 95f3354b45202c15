"""A program can be called by a credential, in any spelling: the entry is whole, and has its kind alone."""

import json
from pathlib import Path

import pytest

from envfs.core import events
from envfs.core.access.caller import Caller
from envfs.core.access.verdict import Decision, Verdict
from envfs.core.access_request import AccessRequest, Channel, Format
from envfs.core.events import Served
from envfs.gate.audit_log.log import AccessLog

_TOKEN = "ghp_" + "Ab1" * 12
_KEY = "-----BEGIN RSA PRIVATE " + "KEY-----"
_READ = events.read(
    AccessRequest("/shop", Channel.MOUNT, Format.DOTENV), Served(1), Verdict(Decision.ALLOW, "uid 1000 /")
)


@pytest.mark.parametrize(
    "name",
    [
        f"/tmp/{_KEY}",
        f'/tmp/{_KEY}MIIE\\"}} x',
        f"/tmp/\n{_TOKEN}",
        f"/tmp/{'x' * 250}/{_TOKEN}/{'y' * 250}",
        'postgres://app:hun"ter22\\@db/x ' + _TOKEN,
        "/tmp/\udcff" + _TOKEN,
    ],
)
def test_an_entry_is_whole_and_has_no_credential_whatever_stands_around_it(tmp_path: Path, name: str) -> None:
    log = AccessLog(tmp_path / "access.jsonl")
    log.append(_READ, Caller(1000, 1000, 42, name, cgroup=name))
    log.close()
    text = (tmp_path / "access.jsonl").read_text()
    entry = json.loads(text)
    assert {"[", "…"} & set(entry["executable"])
    assert entry["cgroup"] == entry["executable"]
    assert "Ab1Ab1" not in text
    assert "PRIVATE" not in text
    AccessLog(tmp_path / "access.jsonl").close()  # it opens again

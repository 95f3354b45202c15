"""Two homes share a vault by the commands that people type, and a copy of its folder."""

import shutil
import tempfile
from pathlib import Path

from tests.conftest import Homes
from tests.system.home import PASSPHRASE, Home


def _carry(source: Home, target: Home) -> None:
    # as a synchronised folder does: nothing that is there is replaced
    for path in sorted(source.vault.rglob("*")):
        place = target.vault / path.relative_to(source.vault)
        if path.is_file() and "log" not in place.parts and not place.exists():
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, place)


def test_a_member_comes_reads_writes_and_goes(new_home: Homes, ground: Path) -> None:
    ana, ben = new_home(), Home(Path(tempfile.mkdtemp(dir=ground, prefix="members-")))
    secret = ben.path / "passphrase"
    secret.write_text(PASSPHRASE)
    with ana.served():
        ana.envfs("set", "/shop/prod", "A", given="1")
        invited = ana.envfs("member", "invite", "ben", "--level", "/shop")
        assert "`envfs member approve ben`" in invited.complaint
        _carry(ana, ben)
        joined = ben.envfs("member", "join", "--code-file", "-", "--passphrase-file", str(secret), given=invited.text)
        _carry(ben, ana)
        assert f"with the fingerprint {joined.text.strip()}" in ana.envfs("member", "ls").complaint
        ana.envfs("member", "approve", "ben", "-y")
        _carry(ana, ben)
        assert ben.envfs("get", "/shop/prod", "A", "--passphrase-file", str(secret)).text == "1\n"
        ben.envfs("set", "/shop/prod", "B", "--passphrase-file", str(secret), given="2")
        _carry(ben, ana)
        assert ana.envfs("get", "/shop/prod", "B").text == "2\n"
        assert ana.rows("history", "/shop/prod")[0]["author_name"] == "ben"
        revoked = ana.envfs("member", "revoke", "ben", "-y")
        assert "/shop/prod\tB\tunknown\tenvfs rotate /shop/prod B\n" in revoked.text
        _carry(ana, ben)
        gone = ben.envfs("get", "/shop/prod", "A", "--passphrase-file", str(secret), status=102)
        assert "this device is in no member's name any more" in gone.complaint

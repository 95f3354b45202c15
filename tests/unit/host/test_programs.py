"""The content of a program is hashed if it is a file of a size that a rule can pin."""

import hashlib
import os
import tempfile
from pathlib import Path

from envfs.core import limits
from envfs.host.evidence.digests import Digests
from envfs.host.evidence.file_identity import identify_file
from envfs.host.programs import digest_at, digest_for_all


def test_a_program_has_its_digest_and_no_other_thing_has_one(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_bytes(b"x" * 100_000)
    (tmp_path / "link").symlink_to("program")
    os.mkfifo(tmp_path / "fifo")
    digest = hashlib.sha256(program.read_bytes()).hexdigest()
    assert digest_at(str(program)) == digest_at(str(tmp_path / "link")) == digest
    assert [digest_at(str(tmp_path / name)) for name in ("", "fifo", "nothing")] == ["", "", ""]


def test_a_program_that_is_too_large_to_be_pinned_is_read_by_nobody(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.touch()
    os.truncate(program, limits.PROGRAM_BYTES + 1)
    folder = os.open(tmp_path, os.O_RDONLY)
    try:
        assert digest_at(str(program)) == ""
        assert Digests().digest(folder, "program", identify_file(folder, "program")) == ""
    finally:
        os.close(folder)


def test_of_a_file_that_not_every_user_may_read_nothing_is_told_to_all(ground: Path) -> None:
    folder = Path(tempfile.mkdtemp(dir=ground))
    folder.chmod(0o755)
    program, link = folder / "program", folder / "link"
    program.write_bytes(b"x")
    program.chmod(0o755)
    link.symlink_to("program")
    assert digest_for_all(str(program)) == digest_for_all(str(link)) == digest_at(str(program)) != ""
    for what, mode in ((program, 0o750), (folder, 0o750)):
        before = what.stat().st_mode
        what.chmod(mode)
        assert (digest_for_all(str(program)), digest_for_all(str(link))) == ("", "")
        assert digest_at(str(program))
        what.chmod(before)
    os.mkfifo(folder / "fifo", 0o644)
    assert [digest_for_all(str(folder / name)) for name in ("", "fifo", "nothing")] == ["", "", ""]

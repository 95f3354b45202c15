"""The content of a program is hashed if it is a file of a size that a rule can pin."""

import hashlib
import os
from pathlib import Path

from envfs.core import limits
from envfs.host.evidence.digests import Digests
from envfs.host.evidence.file_identity import identify_file
from envfs.host.programs import digest_at


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

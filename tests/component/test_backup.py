"""The moment of a backup: what is written while the file is, is not in it."""

import json
import os
import tarfile
from pathlib import Path

import pytest
import trio

from envfs.service.maintenance import backup
from tests.component.world import World, run


def test_a_level_that_comes_to_be_while_the_file_is_written_is_left_out(
    world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    write = backup._write

    def write_after_a_change(moment: backup._Moment, handle: int) -> backup.BackupFacts:
        for level in ("/shop/later", "/shop/prod"):
            trio.from_thread.run(world.write, level, "A=1\n")
        return write(moment, handle)

    async def main() -> None:
        handle = os.open(tmp_path / "backup.tar", os.O_RDWR | os.O_CREAT)
        try:
            await backup.write_backup(world.service, handle)
        finally:
            os.close(handle)

    monkeypatch.setattr(backup, "_write", write_after_a_change)
    run(main)
    with tarfile.open(tmp_path / "backup.tar") as tar:
        entry = tar.extractfile(backup.INDEX)
        assert entry is not None
        files = json.loads(entry.read())["files"]
    assert not [name for name in files if "later" in name]
    numbers = {name.rpartition("/")[2] for name in files if name.startswith("vault/level/shop/prod/")}
    assert len(numbers) == 1

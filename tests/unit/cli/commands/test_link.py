"""`link` replaces a `.env` in one step, and nothing that is somebody else's."""

import os
from pathlib import Path

import pytest

from envfs.errors import AlreadyExists, EnvFSError
from envfs_cli.commands.link import _put_link, _stamp


def test_a_link_is_put_over_nothing_that_is_somebody_elses(tmp_path: Path) -> None:
    env, aside = tmp_path / ".env", tmp_path / f".envfs-link-{os.getpid()}"
    env.symlink_to("before")
    aside.write_text("mine")
    with pytest.raises(AlreadyExists):
        _put_link(str(env), "after", None)
    assert (aside.read_text(), os.readlink(env)) == ("mine", "before")
    aside.unlink()
    _put_link(str(env), "after", None)
    assert os.readlink(env) == "after"
    env.unlink()
    env.write_text("mine")
    with pytest.raises(AlreadyExists):
        _put_link(str(env), "after", None)
    with pytest.raises(EnvFSError, match="changed while it was imported"):
        _put_link(str(env), "after", (0,))
    assert (env.read_text(), aside.exists()) == ("mine", False)
    _put_link(str(env), "after", _stamp(str(env)))
    assert sorted(os.listdir(tmp_path)) == [".env"]

"""A `.envfs.toml` counts only where this user linked that folder, and only if nobody else could have written it."""

import os
import shutil
from pathlib import Path

import pytest

from envfs.errors import EnvFSError, UnsafeSettings
from envfs_cli.arguments import Mistake
from envfs_cli.folder_links import state, state_writer
from envfs_cli.folder_links.state import Linked

OTHER = 65_533


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a folder that is the current one and was linked to /shop."""
    monkeypatch.setenv("ENVFS_HOME", str(tmp_path / "home"))
    folder = tmp_path / "project"
    folder.mkdir()
    link(folder, "/shop")
    monkeypatch.chdir(folder)
    return folder


def link(folder: Path, level: str) -> None:
    state_writer.write_toml(str(folder), level)
    state_writer.remember_folder(str(folder), Linked(state.folder_number(str(folder)), level, "/mnt/x/.env"))


def refused(what: str) -> None:
    with pytest.raises(UnsafeSettings, match=what) as caught:
        state.linked_level()
    assert caught.value.hint


def test_the_level_is_that_of_the_nearest_linked_folder(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert state.linked_level() == "/shop"
    inner = project / "a" / "b"
    inner.mkdir(parents=True)
    monkeypatch.chdir(inner)
    assert state.linked_level() == "/shop"
    link(project / "a", "/web")
    assert state.linked_level() == "/web"


def test_where_nothing_is_linked_a_level_has_to_be_named(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Mistake) as caught:
        state.linked_level()
    assert "envfs link" in caught.value.hint


def test_a_file_that_came_with_a_repository_counts_for_nothing(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cloned = project / "cloned"
    cloned.mkdir()
    (cloned / ".envfs.toml").write_text('level = "/shop"\n')  # even the one that the folder above is linked to
    monkeypatch.chdir(cloned)
    refused("you did not link that folder")


def test_a_level_that_was_changed_behind_ones_back_counts_for_nothing(project: Path) -> None:
    (project / ".envfs.toml").write_text('level = "/bank"\n')
    refused("names /bank, but you linked that folder to /shop")


def test_another_folder_at_the_same_place_counts_for_nothing(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    aside = project.with_name("aside")
    project.rename(aside)
    project.mkdir()
    (project / ".envfs.toml").write_text('level = "/shop"\n')
    monkeypatch.chdir(project)
    refused("you did not link that folder")
    monkeypatch.chdir(aside)
    refused("you did not link that folder")


def test_a_folder_that_was_given_the_inode_of_a_removed_one_counts_for_nothing(project: Path) -> None:
    removed = state.folder_number(str(project))
    for _ in range(20):
        shutil.rmtree(project)
        project.mkdir()
        (project / ".envfs.toml").write_text('level = "/shop"\n')
        assert state.folder_number(str(project)) != removed
    os.chdir(project)
    refused("you did not link that folder")


@pytest.mark.parametrize("text", ['level="/shop"', '# mine\nlevel = "shop"\n', "level = '/shop/'\r\n"])
def test_a_file_written_by_hand_may_say_it_otherwise(project: Path, text: str) -> None:
    (project / ".envfs.toml").write_text(text)
    assert state.linked_level() == "/shop"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"level = /shop",
        b"level = 1",
        b'level = "/shop"\nrun = "x"\n',
        b'[level]\npath = "/shop"\n',
        b'level = "/a//b"',
        b'level = "../x"',
        b'level = "/shop\\u001b[2J"',
        b'level = "/shop"\nlevel = "/x"',
        b"\xff",
        b'level = "/shop"\n' + b"#" * 5000,
        b"a = " + b"[" * 4000,
    ],
)
def test_what_says_anything_but_a_level_is_refused(project: Path, data: bytes) -> None:
    (project / ".envfs.toml").write_bytes(data)
    refused(".envfs.toml")


@pytest.mark.parametrize("mode", [0o664, 0o646, 0o666, 0o777])
def test_what_others_may_write_is_refused(project: Path, mode: int) -> None:
    (project / ".envfs.toml").chmod(mode)
    refused("others may write")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_what_belongs_to_somebody_else_is_refused(project: Path) -> None:
    os.chown(project / ".envfs.toml", OTHER, OTHER)
    refused(f"belongs to uid {OTHER}")


def test_what_is_no_file_is_refused_without_waiting_for_it(project: Path) -> None:
    path = project / ".envfs.toml"
    text = path.rename(project / "elsewhere")
    path.symlink_to(text)
    refused("cannot read")
    path.unlink()
    os.mkfifo(path)
    path.chmod(0o600)
    refused("not a regular file")
    path.unlink()
    path.mkdir()
    refused("a folder, not a regular file")


def test_the_list_is_the_users_own(project: Path) -> None:
    path = project.parent / "home" / "state" / "linked.json"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    path.chmod(0o620)
    refused("others may write")
    path.chmod(0o600)
    target = path.rename(path.with_name("other"))
    path.symlink_to(target)
    refused("cannot read")


@pytest.mark.parametrize("data", [b"", b"[]", b"{", b'{"/x":1}', b'{"/x":[1,2,3]}', b'{"/x":["a","b"]}', b"[" * 9000])
def test_a_list_that_is_none_lets_nothing_count(project: Path, data: bytes) -> None:
    (project.parent / "home" / "state" / "linked.json").write_bytes(data)
    refused("no list of linked folders")


def test_what_is_forgotten_counts_no_more_and_the_others_still_do(project: Path) -> None:
    other = project / os.fsdecode(b"caf\xe9 \n")
    other.mkdir()
    link(other, "/web")
    assert state.remembered_folders()[str(other)].level == "/web"
    state_writer.forget_folder(str(project))
    refused("you did not link that folder")
    assert state.remembered_folders()[str(other)].level == "/web"


def test_many_who_remember_at_once_all_count(project: Path) -> None:
    children = []
    for number in range(8):
        child = os.fork()
        if child == 0:
            try:
                state_writer.remember_folder(f"/p{number}", Linked(str(number), "/x", ""))
            finally:
                os._exit(0)
        children.append(child)
    for child in children:
        os.waitpid(child, 0)
    assert {f"/p{number}" for number in range(8)} < set(state.remembered_folders())


def test_what_cannot_be_put_in_place_leaves_nothing_behind(project: Path) -> None:
    (project / ".envfs.toml").unlink()
    (project / ".envfs.toml").mkdir()
    with pytest.raises(EnvFSError, match="cannot write"):
        state_writer.write_toml(str(project), "/shop")
    assert os.listdir(project) == [".envfs.toml"]

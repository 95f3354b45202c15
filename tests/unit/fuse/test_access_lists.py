"""A folder's access list, as the kernel reads it: these uids may list, everybody may pass."""

import os
from pathlib import Path

import pytest

from envfs.fuse import access_lists


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    try:
        os.setxattr(tmp_path, access_lists.NAME, access_lists.access_list([1003, 1002, 1002]))
    except OSError:
        pytest.skip("this file system keeps no access lists")
    return tmp_path


def test_the_kernel_takes_the_list_and_gives_the_folder_the_mode(folder: Path) -> None:
    assert folder.stat().st_mode & 0o777 == access_lists.MODE
    assert os.getxattr(folder, access_lists.NAME) == access_lists.access_list([1002, 1003])


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to be somebody else")
@pytest.mark.parametrize(("uid", "may_list"), [(1002, True), (1003, True), (1004, False)])
def test_the_uids_of_the_list_may_read_and_everybody_may_pass(folder: Path, uid: int, may_list: bool) -> None:
    (folder / "below").mkdir(mode=0o755)
    for parent in folder.parents[:-2]:
        parent.chmod(parent.stat().st_mode | 0o011)
    child = os.fork()
    if child == 0:
        os.setgroups([])
        os.setgid(uid)
        os.setuid(uid)
        reads, passes = os.access(folder, os.R_OK), os.access(folder / "below", os.X_OK)
        os._exit(2 * reads + passes)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 2 * may_list + 1


@pytest.mark.parametrize(("uids", "listed"), [(0, 0), (100, 100), (507, 507), (508, 507), (60_000, 507)])
def test_a_list_is_never_longer_than_the_page_that_the_kernel_takes(uids: int, listed: int) -> None:
    made = access_lists.access_list(range(uids))
    assert len(made) == 4 + (4 + listed) * 8 <= 4096
    assert made == access_lists.access_list(range(listed))

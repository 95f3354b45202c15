"""`envfs link --hook`: each new work tree of git has its link, and nothing that is there is replaced."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.home import ENVFS, SECONDS, Home


@pytest.fixture(scope="module")
def mounted(new_home: object) -> Iterator[Home]:
    """Give a module a mounted home with levels for branches."""
    home: Home = new_home()  # type: ignore[operator]
    for level in ("/app", "/app/dev", "/app/feature-x"):
        home.envfs("import", "-", level, given=f"AT={level}\n")
    with home.mounted():
        yield home


@pytest.fixture
def project(tmp_path: Path, mounted: Home) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    _git(mounted, folder, "init", "-q", "-b", "main")
    (folder / ".gitignore").write_text(".env\n.envfs.toml\n")
    _git(mounted, folder, "add", ".")
    _git(mounted, folder, "commit", "-qm", "x")
    return folder


def _git(home: Home, folder: Path, *words: str) -> str:
    names = ("-c", "user.name=x", "-c", "user.email=x@example.com", "-c", "commit.gpgsign=false")
    environ = {**home.environ(), "PATH": f"{Path(ENVFS).parent}:/usr/bin:/bin", "HOME": str(folder)}
    command = ["git", *names, *words]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, timeout=3 * SECONDS, env=environ
    )
    assert done.returncode == 0, done
    return done.stderr


def _hook(home: Home, folder: Path, *words: str) -> None:
    home.envfs("link", "--hook", *words, cwd=folder, environ={"PATH": f"{Path(ENVFS).parent}:/usr/bin:/bin"})


def _level(tree: Path) -> str:
    return (tree / ".env").read_text().partition("\n")[0].removeprefix("AT=")


def test_a_new_work_tree_has_the_view_of_the_level(mounted: Home, project: Path) -> None:
    _hook(mounted, project, "/app/dev")
    tree = project.parent / "other"
    _git(mounted, project, "worktree", "add", "-q", str(tree), "-b", "other")
    assert (tree / ".env").readlink() == mounted.view("/app/dev")
    assert mounted.envfs("get", "AT", cwd=tree).text == "/app/dev\n"


def test_without_a_level_it_is_that_of_the_linked_folder(mounted: Home, project: Path) -> None:
    mounted.envfs("link", "/app", cwd=project)
    _hook(mounted, project)
    tree = project.parent / "other"
    _git(mounted, project, "worktree", "add", "-q", str(tree), "-b", "other")
    assert _level(tree) == "/app"


@pytest.mark.parametrize(
    ("template", "branch", "folder", "level"),
    [
        ("/app/{branch}", "feature/x", "a", "/app/feature-x"),
        ("/app/{branch}", "none/such", "a", "/app"),
        ("/app/{worktree}", "any", "dev", "/app/dev"),
        ("/app/{branch}", None, "dev", "/app/dev"),
    ],
)
def test_a_level_may_be_named_after_the_branch_or_the_folder(
    mounted: Home, project: Path, template: str, branch: str | None, folder: str, level: str
) -> None:
    _hook(mounted, project, template)
    tree = project.parent / folder
    _git(mounted, project, "worktree", "add", "-q", str(tree), *(["-b", branch] if branch else ["--detach"]))
    lines = (tree / ".env").read_text().splitlines()
    assert lines[-1] == f"AT={level}" or f"AT={level}" in lines


def test_what_is_there_stays(mounted: Home, project: Path) -> None:
    (project / ".gitignore").write_text("")
    (project / ".env").write_text("of=the repository\n")
    _git(mounted, project, "add", "-f", ".")
    _git(mounted, project, "commit", "-qm", "a file")
    _hook(mounted, project, "/app")
    tree = project.parent / "other"
    _git(mounted, project, "worktree", "add", "-q", str(tree), "-b", "other")
    assert (tree / ".env").read_text() == "of=the repository\n"
    _git(mounted, tree, "checkout", "-q", "-b", "third")
    assert (tree / ".env").read_text() == "of=the repository\n"


@pytest.mark.parametrize("level", ["/app/{user}", "/app/{branch", "/.."])
def test_a_level_that_can_be_none_is_refused(mounted: Home, project: Path, level: str) -> None:
    mounted.envfs("link", "--hook", level, cwd=project, status=105)
    assert not (project / ".git/hooks/post-checkout").exists()


def test_a_hook_of_its_own_is_replaced(mounted: Home, project: Path) -> None:
    _hook(mounted, project, "/app/dev")
    _hook(mounted, project, "/app/{branch}")
    hook = project / ".git/hooks/post-checkout"
    assert hook.read_text().count("link --worktree") == 1
    assert [file.name for file in hook.parent.iterdir() if "envfs" in file.name] == []
    tree = project.parent / "other"
    _git(mounted, project, "worktree", "add", "-q", str(tree), "-b", "feature-x")
    assert (tree / ".env").readlink() == mounted.view("/app/feature-x")


def test_a_hook_of_its_own_that_was_changed_stays(mounted: Home, project: Path) -> None:
    _hook(mounted, project, "/app/dev")
    hook = project / ".git/hooks/post-checkout"
    hook.write_text(text := hook.read_text() + "echo mine\n")
    said = mounted.envfs("link", "--hook", "/app", cwd=project, status=118)
    assert f"remove {hook} and try again" in said.complaint
    assert hook.read_text() == text


def test_git_knows_all_that_is_in_a_new_work_tree_and_removes_it(mounted: Home, project: Path) -> None:
    (project / ".gitignore").write_text("built\n")
    _git(mounted, project, "commit", "-qam", "nothing of EnvFS")
    _hook(mounted, project, "/app")
    trees = [project.parent / name for name in ("first", "second")]
    for tree in trees:
        _git(mounted, project, "worktree", "add", "-q", str(tree))
        assert (tree / ".gitignore").read_text() == "built\n"
    lines = (project / ".git/info/exclude").read_text().splitlines()
    assert [line for line in lines if not line.startswith("#")] == [".env", ".envfs.toml"]
    for tree in trees:
        _git(mounted, project, "worktree", "remove", str(tree))
        assert not tree.exists()

"""The hook of pre-commit, by the real pre-commit and git: a commit with a value of the vault is refused."""

import shutil
from pathlib import Path

import pytest

from tests.recipes.copied import RECIPES, ROOT, VALUES, fill, read_yaml, run, tool
from tests.system.home import Home

GIT = {
    "GIT_AUTHOR_NAME": "a",
    "GIT_AUTHOR_EMAIL": "a@example.org",
    "GIT_COMMITTER_NAME": "a",
    "GIT_COMMITTER_EMAIL": "a@example.org",
    "GIT_CONFIG_GLOBAL": "/dev/null",
}


def test_the_two_definitions_of_the_hook_are_the_same() -> None:
    import yaml

    (published,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    published.pop("description")
    repos: object = read_yaml(RECIPES / "pre-commit" / ".pre-commit-config.yaml")["repos"]
    assert isinstance(repos, list)
    assert repos[0]["hooks"] == [published]


@pytest.mark.soak
def test_a_commit_with_a_value_is_refused_and_another_one_is_not(home: Home, tmp_path: Path) -> None:
    pre_commit = tool("pre-commit")
    shutil.copy(RECIPES / "pre-commit" / ".pre-commit-config.yaml", tmp_path)
    fill(home)
    with home.served():
        run(["git", "init", "-q"], home, tmp_path, GIT)
        run([pre_commit, "install"], home, tmp_path, GIT)
        (tmp_path / "client.ts").write_text("const port = 8000\n", encoding="utf-8")
        run(["git", "add", "client.ts"], home, tmp_path, GIT)
        assert "Passed" in run(["git", "commit", "-m", "a port"], home, tmp_path, GIT)
        (tmp_path / "client.ts").write_text(f"const key = '{VALUES['STRIPE_KEY']}'\n", encoding="utf-8")
        run(["git", "add", "client.ts"], home, tmp_path, GIT)
        said = run(["git", "commit", "-m", "a key"], home, tmp_path, GIT, status=1)
    assert "client.ts:1:14" in said
    assert "STRIPE_KEY" in said
    assert VALUES["STRIPE_KEY"] not in said
    assert run(["git", "log", "--format=%s"], home, tmp_path, GIT) == "a port\n"


@pytest.mark.soak
def test_the_hook_is_taken_from_this_repository(home: Home, tmp_path: Path) -> None:
    pre_commit = tool("pre-commit")
    fill(home)
    source = tmp_path / "envfs"
    source.mkdir()
    shutil.copy(ROOT / ".pre-commit-hooks.yaml", source)
    for words in (["git", "init", "-q"], ["git", "add", "-A"], ["git", "commit", "-q", "-m", "hooks"]):
        run(words, home, source, GIT)
    project = tmp_path / "project"
    project.mkdir()
    run(["git", "init", "-q"], home, project, GIT)
    with home.served():
        (project / "a").write_text(VALUES["STRIPE_KEY"], encoding="utf-8")
        run(["git", "add", "a"], home, project, GIT)
        said = run([pre_commit, "try-repo", source, "envfs-scan"], home, project, GIT, status=1)
    assert "STRIPE_KEY" in said

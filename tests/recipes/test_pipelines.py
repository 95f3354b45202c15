"""The recipes for CI: their shell steps run as a runner runs them, with the vault in a checkout and no daemon."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.recipes.copied import LEVEL, RECIPES, VALUES, fill, read_yaml, run
from tests.system.home import Home

DEPLOY = '#!/bin/sh\nenv >"$OUT"\necho "goes to $DATABASE_URL"\n'


@pytest.fixture
def checkout(tmp_path: Path, home: Home) -> Path:
    """Give a checkout with the vault, and nothing else of the home, and a program that needs the values."""
    fill(home)
    home.settle()
    folder = tmp_path / "checkout"
    shutil.copytree(home.vault, folder / ".envfs" / "vault")
    (folder / "deploy").write_text(DEPLOY, encoding="utf-8")
    (folder / "deploy").chmod(0o755)
    return folder


def _identity(home: Home) -> str:
    lines = (home.path.parent / "identity.txt").read_text(encoding="utf-8").splitlines()
    return next(line for line in lines if line.startswith("AGE-SECRET-KEY-"))


def _variables(path: Path) -> dict[str, str]:
    return dict(line.split("=", 1) for line in path.read_text(encoding="utf-8").splitlines() if "=" in line)


def _steps() -> dict[str, dict[str, Any]]:
    action: Any = read_yaml(RECIPES / "github-actions" / "action.yml")
    return {step["name"]: step for step in action["runs"]["steps"]}


def _inputs(step: dict[str, Any], given: dict[str, str]) -> dict[str, str]:
    """Return the environment of a step, its expressions replaced as a runner does."""
    action: Any = read_yaml(RECIPES / "github-actions" / "action.yml")
    values = {name: str(about.get("default", "")) for name, about in action["inputs"].items()} | given
    environ = {}
    for name, text in step["env"].items():
        word = text.removeprefix("${{ inputs.").removesuffix(" }}")
        assert word in values, text
        environ[name] = values[word]
    return environ


def _act(home: Home, checkout: Path, given: dict[str, str], status: int = 0) -> str:
    step = _steps()["Run"]
    environ = _inputs(step, {"level": LEVEL, "run": "./deploy", **given})
    environ |= {"OUT": str(checkout / "out"), "ENVFS_HOME": "", "GITHUB_ACTIONS": "true"}
    return run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]], home, checkout, environ, status=status
    )


def test_the_action_gives_its_commands_the_values_and_hides_them_in_the_log(home: Home, checkout: Path) -> None:
    printed = _act(home, checkout, {"identity": _identity(home), "run": "echo begin\n./deploy\n"})
    found = _variables(checkout / "out")
    assert found["DATABASE_URL"] == VALUES["DATABASE_URL"]
    assert not {name for name in found if name.startswith("ENVFS_")} - {"ENVFS_HOME"}
    assert printed.startswith("begin\ngoes to postgres://")
    assert VALUES["DATABASE_URL"] not in printed


def test_the_action_gives_no_more_than_was_chosen_and_fails_as_its_commands_do(home: Home, checkout: Path) -> None:
    _act(home, checkout, {"identity": _identity(home), "only": "PORT", "run": "./deploy; exit 3"}, status=3)
    found = _variables(checkout / "out")
    assert found["PORT"] == "8000"
    assert not {"DATABASE_URL", "STRIPE_KEY"} & set(found)


def test_a_level_or_commands_with_signs_of_the_shell_run_nothing_else(home: Home, checkout: Path) -> None:
    step = _steps()["Run"]
    assert "${{" not in step["run"]
    _act(home, checkout, {"identity": _identity(home), "level": f"{LEVEL}; touch {checkout}/bad"}, status=105)
    assert not (checkout / "bad").exists()


def test_without_an_identity_the_action_says_what_it_needs(home: Home, checkout: Path) -> None:
    printed = _act(home, checkout, {}, status=102)
    assert "ENVFS_IDENTITY" in printed


def test_the_action_installs_nothing_where_envfs_is(home: Home, checkout: Path) -> None:
    step = _steps()["Install"]
    assert run(["bash", "-eo", "pipefail", "-c", step["run"]], home, checkout, _inputs(step, {})) == ""
    bare = {"PATH": "/usr/bin:/bin", **_inputs(step, {})}
    assert "::error::" in run(["/bin/bash", "-eo", "pipefail", "-c", step["run"]], home, checkout, bare, status=1)


def test_a_job_of_gitlab_has_the_values(home: Home, checkout: Path) -> None:
    template: Any = read_yaml(RECIPES / "gitlab-ci" / "envfs.yml")
    job: Any = read_yaml(RECIPES / "gitlab-ci" / ".gitlab-ci.yml")["deploy"]
    secret = checkout.parent / "secret"  # what GitLab makes of a variable of the type File
    secret.write_text(f"{_identity(home)}\n", encoding="utf-8")
    secret.chmod(0o600)
    variables = {**template[".envfs"]["variables"], **job["variables"], "ENVFS_LEVEL": LEVEL}
    environ = {name: text.replace("$CI_PROJECT_DIR", str(checkout)) for name, text in variables.items()}
    environ |= {"ENVFS_IDENTITY_FILE": str(secret), "OUT": str(checkout / "out")}
    script = "\n".join([*template[".envfs"]["before_script"], *job["script"]])
    printed = run(["bash", "-eo", "pipefail", "-c", script], home, checkout, environ)
    assert _variables(checkout / "out")["DATABASE_URL"] == VALUES["DATABASE_URL"]
    assert VALUES["DATABASE_URL"] not in printed

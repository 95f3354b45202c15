"""What other programs read is of the shape that they want: their own published schemas say so."""

from pathlib import Path

import pytest

from tests.recipes.copied import RECIPES, ROOT, run, tool
from tests.system.home import Home

pytestmark = pytest.mark.soak
SCHEMAS = {
    "github-actions/action.yml": "vendor.github-actions",
    "github-actions/deploy.yml": "vendor.github-workflows",
    "gitlab-ci/envfs.yml": "vendor.gitlab-ci",
    "gitlab-ci/.gitlab-ci.yml": "vendor.gitlab-ci",
    "compose/compose.yaml": "vendor.compose-spec",
    "compose/compose.env-file.yaml": "vendor.compose-spec",
    "compose/compose.secrets.yaml": "vendor.compose-spec",
}


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_file_is_of_its_schema(name: str, bare: Home, tmp_path: Path) -> None:
    words = [tool("check-jsonschema"), "--builtin-schema", SCHEMAS[name], RECIPES / name]
    assert "ok" in run(words, bare, tmp_path)


def test_a_file_with_a_mistake_is_not(bare: Home, tmp_path: Path) -> None:
    text = (RECIPES / "github-actions" / "action.yml").read_text(encoding="utf-8")
    (tmp_path / "action.yml").write_text(text.replace("using: composite", "using: nothing"), encoding="utf-8")
    run([tool("check-jsonschema"), "--builtin-schema", "vendor.github-actions", "action.yml"], bare, tmp_path, status=1)


def test_pre_commit_takes_both_of_its_files(bare: Home, tmp_path: Path) -> None:
    run([tool("pre-commit"), "validate-manifest", ROOT / ".pre-commit-hooks.yaml"], bare, tmp_path)
    run([tool("pre-commit"), "validate-config", RECIPES / "pre-commit" / ".pre-commit-config.yaml"], bare, tmp_path)

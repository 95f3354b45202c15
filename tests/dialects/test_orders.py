"""The orders of families against the tools themselves; `contrib/install dialects` brings them."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from envfs.core import names
from envfs.dotenv import merging
from envfs.dotenv.document import parse_document
from envfs_cli.importing import families
from tests.dialects.parsers import MODULES, first

FILES = {
    ".env.defaults": ("A", "B", "C", "D", "E"),
    ".env": ("A", "B", "C", "D"),
    ".env.local": ("A", "B", "E"),
    ".env.production": ("A", "C"),
    ".env.production.local": ("D",),
    ".env.test": ("A", "C"),
    ".env.test.local": ("D",),
}
SYMFONY = "/usr/share/php/Symfony/Component/Dotenv"
SCRIPTS = {
    "next": """
        const env = require(`${modules}/@next/env`);
        process.env.NODE_ENV = mode;
        env.loadEnvConfig('.', false, {info() {}, error() {}}, true);
        show(process.env);""",
    "dotenv-flow": """
        process.env.NODE_ENV = mode;
        require(`${modules}/dotenv-flow`).config({node_env: mode, silent: true});
        show(process.env);""",
    "vite": """
        import(`${modules}/vite/dist/node/index.js`).then((vite) => show(vite.loadEnv(mode, '.', '')));""",
}
HEAD = """
    const [modules, mode] = process.argv.slice(1);
    const show = (all) => console.log(JSON.stringify(Object.fromEntries('ABCDE'.split('').filter((n) => n in all)
        .map((n) => [n, all[n]]))));"""
PHP = f"""
    require '{SYMFONY}/autoload.php';
    (new Symfony\\Component\\Dotenv\\Dotenv())->loadEnv('.env');
    echo json_encode(array_intersect_key($_ENV, array_flip(['A', 'B', 'C', 'D', 'E'])));"""


def real(tool: str, mode: str, folder: Path) -> dict[str, str]:
    """Have a tool read the files of a folder."""
    environ = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(folder)}
    if tool == "symfony":
        command, environ = ["php", "-d", "variables_order=EGPCS", "-r", PHP], {**environ, "APP_ENV": mode}
        is_here = shutil.which("php") and Path(SYMFONY).exists()
    else:
        node = first(f"{MODULES}/node-20-*/bin/node")
        command = [node, "-e", HEAD + SCRIPTS[tool], str(MODULES), mode]
        is_here = node and (MODULES / {"next": "@next/env"}.get(tool, tool)).exists()
    if not is_here:
        pytest.skip(f"{tool} is not installed")
    done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, check=True, timeout=60)
    found: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.parametrize("mode", ["production", "test"])
@pytest.mark.parametrize("tool", ["next", "dotenv-flow", "vite", "symfony"])
def test_the_view_at_a_modes_local_level_is_what_the_tool_reads(tmp_path: Path, tool: str, mode: str) -> None:
    family = {file: "".join(f"{name}={file}\n" for name in listed) for file, listed in FILES.items()}
    for file, text in family.items():
        (tmp_path / file).write_text(text)
    members, _ = families.sort_family(family, tool)
    planned = families.plan_levels({file: parse_document(family[file]) for file in members}, tool)
    levels = {"/".join(("/app", *each.below)): parse_document(each.text) for each in planned}
    chain = [merging.Layer(level, levels[level]) for level in names.chain(f"/app/{mode}/local") if level in levels]
    assert merging.merge_layers(chain).variables == real(tool, mode, tmp_path)

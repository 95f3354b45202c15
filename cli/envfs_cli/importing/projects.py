"""The readers of a project's `.env` files, and their order, as the project's own files show them.

Law: these files are only looked at for names of packages; what cannot be read speaks for nothing.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from envfs.errors import EnvFSError
from envfs_cli.importing import families, json_trees
from envfs_cli.importing.trees import NamedItems


class ProjectEvidence(NamedTuple):
    """A reader, by its name in `readers.table` (empty: one that is not known there), its order of files, and why."""

    reader: str
    order: str
    why: str


# by file: the expression that finds a package, and of which packages in it which reader and order speak
_NPM: Final = (
    *((name, "expand", families.NEXT) for name in ("next", "@next/env")),
    ("react-scripts", "expand", families.NEXT),
    ("nuxt", "expand", families.NUXT),
    ("dotenv-flow", "node", families.FLOW),
    ("dotenv-flow-cli", "node", families.FLOW),
    ("vite", "vite", families.VITE),
    ("dotenv-expand", "expand", ""),
    ("c12", "expand", ""),
    ("@dotenvx/dotenvx", "expand", ""),
    ("dotenv", "node", ""),
    ("@nestjs/config", "node", ""),
    ("dotenv-cli", "expand", ""),
    ("dotenv-webpack", "node", ""),
    ("env-cmd", "", ""),
)
_PYPI: Final = (
    *((name, "python", "") for name in ("python-dotenv", "pydantic-settings", "environs", "dynaconf", "flask-dotenv")),
    *((name, "django-environ", "") for name in ("django-environ",)),
    *((name, "", "") for name in ("python-decouple", "honcho", "starlette")),
)
_GEMS: Final = (("dotenv-rails", "ruby", families.RAILS), ("dotenv", "ruby", families.RAILS), ("foreman", "", ""))
_COMPOSER: Final = (
    *(
        (name, "symfony", families.SYMFONY)
        for name in ("symfony/dotenv", "symfony/runtime", "symfony/framework-bundle")
    ),
    *((name, "phpdotenv", "") for name in ("vlucas/phpdotenv", "laravel/framework")),
)
_CARGO: Final = (("dotenvy", "", ""), ("dotenv", "", ""))
_GO: Final = (("github.com/joho/godotenv", "", ""), ("github.com/subosito/gotenv", "", ""))
_MIX: Final = (("dotenvy", "", ""), ("dotenv", "", ""), ("dotenv_parser", "", ""))
_COMPOSE_FILES: Final = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")
_SOURCED: Final = re.compile(r"^[ \t]*(?:set -a[; ]+)?(?:source|\.)[ \t]+(?:\./)?\.env\b", re.MULTILINE)
_DIRENV: Final = re.compile(r"^[ \t]*dotenv(?:_if_exists)?\b", re.MULTILINE)
_PYTHON_FILES: Final = ("pyproject.toml", "Pipfile", "setup.py", "setup.cfg", "environment.yml")
_PACKAGE_TABLES: Final = ("dependencies", "devDependencies", "require", "require-dev")


def is_telling(file: str) -> bool:
    """Tell whether a file of a project's folder may say who reads."""
    others = ("package.json", "composer.json", "Gemfile", "gems.rb", "Cargo.toml", "go.mod", "mix.exs", ".envrc")
    is_requirements = file.startswith("requirements") and file.endswith((".txt", ".in"))
    return file in (*others, *_PYTHON_FILES, *_COMPOSE_FILES) or is_requirements


def reader_evidence(files: Mapping[str, str]) -> tuple[ProjectEvidence, ...]:
    """Return what the telling files of a folder, by name, speak for. A reader once."""
    by_reader: dict[str, ProjectEvidence] = {}
    for file, content in files.items():
        for clue in _of_file(file, content):
            by_reader.setdefault(clue.reader or clue.why, clue)
    if "expand" in by_reader or "vite" in by_reader:
        by_reader.pop("node", None)  # dotenv-expand goes on from what dotenv read
    return tuple(by_reader.values())


def _of_file(file: str, content: str) -> Iterator[ProjectEvidence]:
    if file in ("package.json", "composer.json"):
        table = _NPM if file == "package.json" else _COMPOSER
        packages = _packages(content)
        yield from (
            ProjectEvidence(reader, order, f"{file} has {name}") for name, reader, order in table if name in packages
        )
        if file == "package.json" and "--env-file" in content:
            yield ProjectEvidence("node-env-file", "", f"{file} has --env-file")
    elif file in _COMPOSE_FILES:
        yield ProjectEvidence("compose", "", f"there is a {file}")
    elif file == ".envrc":
        if _SOURCED.search(content):
            yield ProjectEvidence("shell", "", f"{file} sources .env")
        if _DIRENV.search(content):
            yield ProjectEvidence("", "", f"{file} has dotenv")
    else:
        for name, reader, order in _table_of(file):
            if re.search(
                rf"(?<![A-Za-z0-9_/.-]){re.escape(name)}(?![A-Za-z0-9_/-])", _without_comments(content), re.IGNORECASE
            ):
                yield ProjectEvidence(reader, order, f"{file} has {name}")


def _table_of(file: str) -> tuple[tuple[str, str, str], ...]:
    fixed = {"Gemfile": _GEMS, "gems.rb": _GEMS, "Cargo.toml": _CARGO, "go.mod": _GO, "mix.exs": _MIX}
    return fixed.get(file, _PYPI)


def _without_comments(content: str) -> str:
    return re.sub(r"(?:^|\s)(?:#|//)[^\n]*", "", content)


def _packages(content: str) -> set[str]:
    try:
        tree = json_trees.parse_json(content)
    except EnvFSError:
        return set()
    tables = [tree.get(name) for name in _PACKAGE_TABLES] if isinstance(tree, NamedItems) else []
    return {name for table in tables if isinstance(table, NamedItems) for name, _ in table.pairs}

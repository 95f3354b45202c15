"""Who reads a project's files, and in which order, by what its own files say."""

import pytest

from envfs_cli.importing import families, projects


def npm(*packages: str) -> str:
    return '{"dependencies": {' + ", ".join(f'"{name}": "1"' for name in packages) + "}}"


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("package.json", npm("dotenv"), [("node", "")]),
        ("package.json", npm("next", "dotenv"), [("expand", families.NEXT)]),
        ("package.json", '{"devDependencies": {"vite": "8"}}', [("vite", families.VITE)]),
        ("package.json", npm("nuxt"), [("expand", families.NUXT)]),
        ("package.json", npm("dotenv-flow"), [("node", families.FLOW)]),
        ("package.json", '{"scripts": {"start": "node --env-file=.env ."}}', [("node-env-file", "")]),
        ("package.json", npm("env-cmd"), [("", "")]),
        ("package.json", npm("left-pad"), []),
        ("package.json", "{", []),
        ("requirements.txt", "Django==5\npython-dotenv>=1\n", [("python", "")]),
        ("requirements-dev.txt", "python_dotenv_fork\n", []),
        ("requirements.txt", "# python-dotenv\n", []),
        ("pyproject.toml", 'dependencies = ["pydantic-settings>=2"]\n', [("python", "")]),
        ("pyproject.toml", 'dependencies = ["django-environ"]\n', [("django-environ", "")]),
        ("Pipfile", 'environs = "*"\n', [("python", "")]),
        ("Gemfile", "gem 'dotenv-rails', groups: [:development]\n", [("ruby", families.RAILS)]),
        ("Gemfile", 'gem "dotenv"\n', [("ruby", families.RAILS)]),
        ("composer.json", '{"require": {"symfony/dotenv": "^7"}}', [("symfony", families.SYMFONY)]),
        ("composer.json", '{"require": {"laravel/framework": "^11"}}', [("phpdotenv", "")]),
        ("compose.yaml", "services: {}\n", [("compose", "")]),
        ("Cargo.toml", '[dependencies]\ndotenvy = "0.15"\n', [("", "")]),
        ("go.mod", "require github.com/joho/godotenv v1.5.1\n", [("", "")]),
        ("mix.exs", '{:dotenvy, "~> 0.8"}\n', [("", "")]),
        (".envrc", "set -a; source .env\n", [("shell", "")]),
        (".envrc", "dotenv\n", [("", "")]),
    ],
)
def test_a_package_speaks_for_its_reader(file: str, content: str, said: list[tuple[str, str]]) -> None:
    assert projects.is_telling(file)
    assert [(each.reader, each.order) for each in projects.reader_evidence({file: content})] == said


def test_several_files_speak_for_several_readers_and_each_says_why() -> None:
    found = projects.reader_evidence({"package.json": npm("dotenv"), "Gemfile": "gem 'dotenv'\n", "compose.yml": ""})
    assert [each.reader for each in found] == ["node", "ruby", "compose"]
    assert [each.why for each in found] == ["package.json has dotenv", "Gemfile has dotenv", "there is a compose.yml"]


@pytest.mark.parametrize("file", ["README.md", ".env", "package-lock.json", "main.py", "requirements.md"])
def test_no_other_file_is_looked_at(file: str) -> None:
    assert not projects.is_telling(file)


@pytest.mark.parametrize("file", ["package.json", "requirements.txt", "pyproject.toml", ".envrc", "go.mod"])
@pytest.mark.parametrize("sign", ["\n", " ", "#", ".", "a", "{", "["])
def test_a_long_file_of_a_project_is_looked_at_once(file: str, sign: str) -> None:
    # an expression that began anew at each line end took minutes for a megabyte
    assert projects.reader_evidence({file: sign * (1 << 20)}) == ()

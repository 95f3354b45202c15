"""`envfs scan`: each planted value is found where it lies, by its name, and nothing else; no value is in the output."""

import base64
import gzip
import io
import json
import random
import string
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.home import ENVFS, SECONDS, Home

_SOURCE = random.Random(20)
_SIGNS = string.ascii_letters + string.digits
_LEVELS = ("/app", "/app/dev", "/app/prod", "/bank")
_VALUES = {f"TOKEN_{n}": "".join(_SOURCE.choices(_SIGNS, k=_SOURCE.choice((8, 12, 20, 40, 64)))) for n in range(100)}
_ORDINARY = "NODE_ENV=production\nREGION=eu-central-1\nURL=https://api.example.com/v1\nPORT=8080\n"


def _level(number: int) -> str:
    return _LEVELS[number % len(_LEVELS)]


@pytest.fixture(scope="module")
def stocked_home(new_home: object) -> Iterator[Home]:
    """Give a module a mounted home with a hundred values at four levels."""
    home: Home = new_home()  # type: ignore[operator]
    for place, level in enumerate(_LEVELS):
        lines = [f"{name}={value}\n" for number, (name, value) in enumerate(_VALUES.items()) if number % 4 == place]
        home.envfs("import", "-", level, given=_ORDINARY + "".join(lines))
    with home.mounted():
        yield home


def _scan(home: Home, *words: str, cwd: Path, status: int = 1) -> list[dict[str, object]]:
    said = home.envfs("scan", *words, "--json", cwd=cwd, status=status)
    assert not any(value.encode() in said.out + said.err for value in _VALUES.values())
    rows: list[dict[str, object]] = json.loads(said.out)
    return rows


def _git(folder: Path, *words: str, status: int = 0, **environ: str) -> str:
    names = ("-c", "user.name=x", "-c", "user.email=x@example.com", "-c", "commit.gpgsign=false")
    done = subprocess.run(
        ["git", *names, *words],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=3 * SECONDS,
        env={"PATH": "/usr/bin:/bin", "HOME": str(folder), **environ},
    )
    assert done.returncode == status, done
    return done.stderr


def _tar(files: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return file.getvalue()


def _noise() -> bytes:
    return "".join(_SOURCE.choices(_SIGNS + "\n =", k=300)).encode()


def test_a_hundred_of_a_hundred_planted_values_are_found(stocked_home: Home, tmp_path: Path) -> None:
    names = list(_VALUES)
    plain, in_json, encoded, packed, layered = (names[at : at + 20] for at in range(0, 100, 20))
    tree, repository = tmp_path / "tree", tmp_path / "repository"
    for folder in (tree / "deep", repository):
        folder.mkdir(parents=True)
    (tree / ".env").symlink_to(stocked_home.view("/app"))  # the view is no copy
    for number in range(200):
        (tree / f"deep/noise-{number}").write_bytes(_noise())
    for name in plain:
        (tree / f"deep/{name}.txt").write_bytes(_noise() + b"\n" + _VALUES[name].encode() + b"\n" + _noise())
    (tree / "all.json").write_text(json.dumps({name: f"Bearer {_VALUES[name]}" for name in in_json}, indent=1))
    secrets = "".join(f"{name}: {base64.b64encode(_VALUES[name].encode()).decode()}\n" for name in encoded)
    (tree / "secret.yaml").write_text(secrets)
    _git(repository, "init", "-q")
    (repository / "leak").write_text("".join(f"{name}={_VALUES[name]}\n\n" for name in packed))
    _git(repository, "add", ".")
    _git(repository, "commit", "-qm", "a leak")
    (repository / "leak").write_text("removed\n")
    _git(repository, "commit", "-qam", "removed")
    _git(repository, "gc", "-q")
    layer = _tar({f"app/{name}": _noise() + _VALUES[name].encode() for name in layered})
    image = tmp_path / "image.tar"
    image.write_bytes(_tar({"manifest.json": b"[]", "blobs/sha256/abc": gzip.compress(layer)}))

    rows = _scan(stocked_home, str(tree), cwd=tmp_path)
    assert {(row["name"], row["level"], row["form"]) for row in rows} == {
        *((name, _level(names.index(name)), "plain") for name in (*plain, *in_json)),
        *((name, _level(names.index(name)), "base64") for name in encoded),
    }
    assert {row["path"] for row in rows} == {
        *(f"{tree}/deep/{name}.txt" for name in plain),
        f"{tree}/all.json",
        f"{tree}/secret.yaml",
    }
    rows = _scan(stocked_home, "--history", cwd=repository)
    assert sorted(str(row["name"]) for row in rows) == sorted(packed)
    assert {(row["path"], row["line"]) for row in rows} == {("leak", 2 * number + 1) for number in range(20)}
    assert len({row["commit"] for row in rows}) == 1
    rows = _scan(stocked_home, "--image", str(image), cwd=tmp_path)
    assert {(row["name"], *row["inside"]) for row in rows} == {  # type: ignore[misc]
        (name, "blobs/sha256/abc", f"app/{name}") for name in layered
    }


@pytest.mark.soak
def test_no_other_place_is_found_in_a_hundred_thousand_files(stocked_home: Home, tmp_path: Path) -> None:
    pieces = [path.read_bytes()[:3000] for path in sorted(Path(json.__file__).parents[1].glob("*.py"))]
    planted = dict(zip(_SOURCE.sample(range(100_000), len(_VALUES)), _VALUES.items(), strict=True))
    for number in range(100_000):
        folder = tmp_path / str(number % 100)
        folder.mkdir(exist_ok=True)
        name, value = planted.get(number, ("", ""))
        said = f"\n{name}={value}\n".encode() if value else b""
        random_text = base64.b64encode(_SOURCE.randbytes(90)) + b"\n" + _SOURCE.randbytes(40).hex().encode()
        (folder / f"{number}.py").write_bytes(random_text + _SOURCE.choice(pieces) + said)
    rows = _scan(stocked_home, ".", cwd=tmp_path)
    assert sorted((str(row["name"]), str(row["path"])) for row in rows) == sorted(
        (name, f"{number % 100}/{number}.py") for number, (name, _) in planted.items()
    )


def test_nothing_found_is_status_0_and_a_copy_of_env_is_found(stocked_home: Home, tmp_path: Path) -> None:
    (tmp_path / "file").write_text(_ORDINARY)
    assert _scan(stocked_home, cwd=tmp_path, status=0) == []
    (tmp_path / ".env.bak").write_text("A=1\n")
    (row,) = _scan(stocked_home, cwd=tmp_path)
    assert (row["path"], row["form"], row["level"]) == (".env.bak", "copy of .env", "")
    assert stocked_home.envfs("scan", "file", "--everything", cwd=tmp_path, status=1).text.count("plain") == 3


@pytest.mark.parametrize("words", [("nope",), ("there", "nope"), ("--image", "nope")])
def test_a_named_path_that_is_not_there_is_an_error(stocked_home: Home, tmp_path: Path, words: tuple[str, ...]) -> None:
    (tmp_path / "there").write_text(_ORDINARY)
    said = stocked_home.envfs("scan", *words, cwd=tmp_path, status=100)
    assert "error: cannot read nope: no such file or directory" in said.complaint


def test_what_else_is_named_is_scanned_all_the_same(stocked_home: Home, tmp_path: Path) -> None:
    (tmp_path / "there").write_text(_VALUES["TOKEN_1"])
    said = stocked_home.envfs("scan", "nope", "there", cwd=tmp_path, status=1)
    assert said.text.startswith("there:1:1\t")
    assert "error: cannot read nope" in said.complaint


def test_a_table_has_the_place_the_variable_and_the_form(stocked_home: Home, tmp_path: Path) -> None:
    (tmp_path / "a").write_text(f"x\n {_VALUES['TOKEN_1']}\n")
    said = stocked_home.envfs("scan", "a", cwd=tmp_path, status=1)
    assert said.text == "a:2:2\t/app/dev\tTOKEN_1\tplain\n"


def test_the_hook_stops_a_commit_with_a_value_and_no_other(stocked_home: Home, tmp_path: Path) -> None:
    environ = {**stocked_home.environ(), "PATH": f"{Path(ENVFS).parent}:/usr/bin:/bin"}
    _git(tmp_path, "init", "-q")
    for _ in range(2):  # the second time it is there
        stocked_home.envfs("scan", "--install-hook", cwd=tmp_path, environ=environ)
    (tmp_path / "a").write_text(f"key = {_VALUES['TOKEN_7']}\n")
    _git(tmp_path, "add", "a")
    _git(tmp_path, "commit", "-qm", "x", status=1, **environ)
    (tmp_path / "a").write_text("nothing\n")
    _git(tmp_path, "commit", "-qam", "x", **environ)


@pytest.mark.parametrize(
    ("others", "where"),
    [("hook", "there is a hook already"), ("husky", "add to .husky/pre-commit"), ("framework", "repo: local")],
)
def test_another_hook_is_never_replaced(stocked_home: Home, tmp_path: Path, others: str, where: str) -> None:
    _git(tmp_path, "init", "-q")
    hook = tmp_path / ".git/hooks/pre-commit"
    match others:
        case "hook":
            hook.write_text("#!/bin/sh\ntrue\n")
        case "husky":
            _git(tmp_path, "config", "core.hooksPath", ".husky/_")
        case _:
            (tmp_path / ".pre-commit-config.yaml").write_text("repos: []\n")
    said = stocked_home.envfs("scan", "--install-hook", cwd=tmp_path, status=118)
    assert where in said.complaint
    assert hook.exists() == (others == "hook")
    assert not (tmp_path / ".husky").exists()
    if others == "hook":
        assert hook.read_text() == "#!/bin/sh\ntrue\n"

"""`envfs import` of what people have: JSON, YAML, compose files, families of `.env` files; and what it would change."""

import json
import os
import re
import resource
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Homes
from tests.system.home import Home

NEEDLE = "hunter2-needle"
FAMILY = {
    ".env": "A=env\nB=env\nC=env\n",
    ".env.local": "A=local\nL=${A}\n",
    ".env.production": "A=production\nB=production\n",
    ".env.production.local": "C=production-local\n",
    ".env.test": "T=1\n",
    ".env.example": "A=\n",
}


@pytest.fixture
def home(home: Home) -> Iterator[Home]:
    """Give one test an empty vault that is served: what asks a running daemon starts none."""
    with home.served():
        yield home


@pytest.fixture(scope="module")
def shop(new_home: Homes, stocked: Home) -> Iterator[Home]:
    """Give the module the realistic files, served; each test has levels of its own."""
    home = new_home(stocked)
    with home.served():
        yield home


def written(folder: Path, files: dict[str, str]) -> str:
    folder.mkdir(parents=True)
    for name, text in files.items():
        (folder / name).write_text(text)
    return str(folder)


def view(home: Home, level: str) -> dict[str, str]:
    found: dict[str, str] = json.loads(home.envfs("export", level, "-f", "json").out)
    return found


def versions(home: Home) -> dict[str, int]:
    return {str(row["level"]): int(str(row["version"])) for row in home.rows("ls")}


# -- formats -----------------------------------------------------------------------------------------------------------


def test_what_json_yaml_and_compose_hold_comes_out_as_it_was_written(home: Home, ground: Path) -> None:
    home.envfs("import", "-", "/", given="TERM=wrong\nX=wrong\n")
    files = {
        "a.json": '{"V": 1.10, "D": "$TERM ${X} $(id)", "N": null}',
        "a.YAML": "V: 1.10\nD: '$TERM ${X} $(id)'\nN: ~\nNO: NO\n",
        "compose.yml": "services: {web: {environment: ['V=1.10', 'D=$$TERM $${X} $$(id)', 'R=${X:-y}']}}\n",
    }
    folder = written(ground / "formats", files)
    wanted = {"V": "1.10", "D": "$TERM ${X} $(id)"}
    for number, name in enumerate(files):
        home.envfs("import", f"{folder}/{name}", f"/p{number}")
        assert wanted.items() <= view(home, f"/p{number}").items()
        text = home.envfs("exec", f"/p{number}", "--", "printenv", "D").text
        assert text == "$TERM ${X} $(id)\n"
    assert view(home, "/p1")["NO"] == "NO"
    assert view(home, "/p2")["R"] == "wrong"  # in a compose file it is a reference: the level answers it
    said = home.envfs("import", "-", "/p3", "-f", "json", "--flatten", "__", "--json", given='{"A": {"B": [1, "x"]}}')
    assert json.loads(said.out)["notes"] == ["A__B: a list; it becomes its JSON text"]
    assert view(home, "/p3")["A__B"] == '[1,"x"]'


FLAT = ("--flatten", "_")
LISTS = "".join(f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 8)}]\n" for n in range(1, 30))
TABLES = "".join(f"a{n}: &a{n} {{x: *a{n - 1}, y: *a{n - 1}}}\n" for n in range(1, 40))
MERGES = "".join(f"a{n}: &a{n} {{<<: [{','.join([f'*a{n - 1}'] * 50)}]}}\n" for n in range(1, 50))
REFUSED: dict[str, tuple[str, str, tuple[str, ...], int]] = {
    "an object inside": ("a.json", f'{{"A": {{"{NEEDLE}": "{NEEDLE}"}}}}', (), 106),
    "half a text": ("a.json", f'{{"A": "{NEEDLE}', (), 106),
    "a bad name": ("a.json", f'{{"my-key": "{NEEDLE}"}}', (), 105),
    "deep JSON": ("a.json", "[" * 200_000, (), 107),
    "a large file": ("a.json", '{"A": "' + "x" * (1 << 20) + '"}', (), 107),
    "a long value": ("a.json", '{"A": "' + "x" * 200_000 + '"}', (), 107),
    "an alias of nothing": ("a.yaml", f"A: *{NEEDLE}\n", (), 106),
    "an object of Python": ("a.yaml", f"A: !!python/object/apply:os.system ['{NEEDLE}']\n", (), 106),
    "a list": ("a.yaml", f"A: [{NEEDLE}]\n", (), 106),
    "deep YAML": ("a.yaml", "[" * (1 << 20), FLAT, 107),
    "deep tables of YAML": ("a.yaml", "{a: " * (1 << 18), FLAT, 107),
    "many nodes": ("a.yaml", "a: b\n" * 200_000, (), 107),
    "a bomb of lists": ("a.yaml", f"a0: &a0 [x,x,x,x,x,x,x,x]\n{LISTS}", FLAT, 107),
    "a bomb of tables": ("a.yaml", f"a0: &a0 {{x: 1, y: 2}}\n{TABLES}", FLAT, 107),
    "a bomb of merges": (
        "a.yaml",
        f"a0: &a0 {{{','.join(f'k{n}: {n}' for n in range(2000))}}}\n{MERGES}",
        FLAT,
        107,
    ),
    "several services": ("a.yml", "services: {a: {}, b: {}}\n", (), 101),
    "no such service": ("a.yml", "services: {a: {environment: {X: 1}}}\n", ("--service", "nope"), 104),
    "a service of JSON": ("a.json", "{}", ("--service", "x"), 101),
    "a flat dotenv": ("a.env", "A=1\n", FLAT, 101),
    "an order for a file": ("a.env", "A=1\n", ("--order", "vite"), 101),
    "an open quote": ("a.env", f"A='{NEEDLE}\n", ("-n",), 106),
    "nothing at all": ("none.json", "", (), 106),
}


def _seconds_of_children() -> float:
    # of the processor: what a busy machine does besides does not count
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@pytest.mark.parametrize(("name", "text", "words", "status"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_imported_is_refused_at_once_and_without_a_value(
    shared: Home, tmp_path: Path, name: str, text: str, words: tuple[str, ...], status: int
) -> None:
    path = tmp_path / name
    path.write_text(text)
    before, started = versions(shared), _seconds_of_children()
    said = shared.envfs("import", str(path), "/shop/refused", *words, status=status)
    assert _seconds_of_children() - started < 5
    assert NEEDLE.encode() not in said.out + said.err
    assert "Traceback" not in said.complaint
    assert versions(shared) == before


# -- families ----------------------------------------------------------------------------------------------------------


def test_a_folder_becomes_levels_whose_views_are_what_the_tool_reads(home: Home, ground: Path) -> None:
    folder = written(ground / "family", FAMILY)
    said = home.envfs("import", folder, "/next")
    assert ".env.example is left out: an example" in said.complaint
    assert "in the order of next, as nothing says otherwise" in said.complaint
    wanted = {
        "/next": {"A": "env", "B": "env", "C": "env"},
        "/next/local": {"A": "local", "B": "env", "C": "env", "L": "local"},
        "/next/production": {"A": "production", "B": "production", "C": "env"},
        "/next/production/local": {"A": "local", "B": "production", "C": "production-local", "L": "local"},
        "/next/test": {"A": "env", "B": "env", "C": "env", "T": "1"},
    }
    assert {level: view(home, level) for level in wanted} == wanted
    assert set(versions(home)) == {"/", *wanted}
    (Path(folder) / "package.json").write_text('{"devDependencies": {"vite": "^6"}}')
    assert "in the order of vite, as package.json has vite" in home.envfs("import", folder, "/vite").complaint
    assert view(home, "/vite/production/local")["A"] == "production"
    assert view(home, "/vite/test/local")["A"] == "local"
    assert home.envfs("import", folder, "/flow", "--order", "dotenv-flow").complaint.count("order") == 0


def test_nothing_is_written_before_every_file_is_read(home: Home, ground: Path) -> None:
    folder = Path(written(ground / "halfway", FAMILY))
    (folder / ".env.test").write_text("A='open\n")
    said = home.envfs("import", str(folder), "/half", status=106)
    assert "error: .env.test: line 1, column 3: a quote is opened" in said.complaint
    (folder / ".env.test").write_text("my-name=1\n")
    said = home.envfs("import", str(folder), "/half", status=106)
    assert "error: .env.test: line 1, column 1: not a variable name" in said.complaint
    assert versions(home) == {"/": 0}


def test_what_was_written_when_a_later_level_fails_is_said(home: Home, ground: Path) -> None:
    folder = written(ground / "deep", {".env": "A=1\n", ".env.local": "B=1\n"})
    deep = "/" + "/".join("d" * 16)
    home.envfs("import", folder, deep, status=107)  # its child would be too deep: known before anything is written
    assert versions(home) == {"/": 0}
    # a level that is full takes no more: known only when it is tried
    full = "".join(f"X{number}={'x' * 100_000}\n" for number in range(10))
    home.envfs("import", "-", "/full/local", given=full)
    big = written(ground / "big", {".env": "A=1\n", ".env.local": f"B={'y' * 100_000}\n"})
    said = home.envfs("import", big, "/full", status=107)
    assert "note: written before that: /full\n" in said.complaint
    assert view(home, "/full") == {"A": "1"}


def test_special_files_of_a_folder_are_left_out_and_said(home: Home, ground: Path) -> None:
    folder = Path(written(ground / "special", {".env": "A=1\n"}))
    os.mkfifo(folder / ".env.pipe")
    (folder / ".env.folder").mkdir()
    (folder / ".env.gone").symlink_to("nowhere")
    said = home.envfs("import", str(folder), "/special")
    for name in (".env.pipe", ".env.folder", ".env.gone"):
        assert f"{name} is left out: not a file" in said.complaint
    assert set(versions(home)) == {"/", "/special"}
    home.envfs("import", str(ground / "special" / ".env.folder"), "/special", status=100)


def test_no_link_in_a_folder_chooses_among_the_users_other_files(home: Home, ground: Path) -> None:
    other = Path(written(ground / "others", {".env": f"BANK={NEEDLE}\n"}))
    folder = Path(written(ground / "cloned", {".env": "A=1\n", ".env.inside": "B=1\n"}))
    (folder / ".env.test").symlink_to(".env.inside")
    (folder / ".env.local").symlink_to("../others/.env")
    (folder / ".env.production").symlink_to(other / ".env")
    said = home.envfs("import", str(folder), "/cloned")
    for name in (".env.local", ".env.production"):
        assert f"{name} is left out: a link out of the folder" in said.complaint
    assert view(home, "/cloned/test") == {"A": "1", "B": "1"}
    assert not {"/cloned/local", "/cloned/production"} & set(versions(home))
    home.envfs("import", str(folder / ".env.local"), "/cloned")
    assert view(home, "/cloned") == {"A": "1", "BANK": NEEDLE}


# -- a dry run ---------------------------------------------------------------------------------------------------------


def test_a_dry_run_says_what_would_change_and_changes_nothing(home: Home, ground: Path) -> None:
    folder = written(ground / "dry", FAMILY)
    home.envfs("import", "-", "/dry", given=f"A=env\nB={NEEDLE}\nOLD=1\n")
    before = versions(home)
    said = home.envfs("import", folder, "/dry", "-n", "--replace")
    rows = {tuple(line.split("\t")[:3]): line.split("\t")[3] for line in said.text.splitlines()}
    assert rows[".env", "/dry", "A"] == "same"
    assert rows[".env", "/dry", "B"] == "changed"
    assert rows[".env", "/dry", "C"] == "added"
    assert rows["-", "/dry", "OLD"] == "removed"
    assert rows[".env.local", "/dry/production/local", "L"] == "added, refers to A"
    listed = home.rows("import", folder, "/dry", "--dry-run")
    assert [sorted(row) for row in listed] == [["file", "level", "name", "what"]] * len(listed)
    assert versions(home) == before
    assert {entry["level"] for entry in home.log() if entry.get("format") == "compare"} >= {"/dry", "/dry/local"}
    for value in (NEEDLE, "production-local"):
        assert value not in said.text.replace(".env.production.local", "") + said.complaint + str(listed)


def test_a_dry_run_shows_all_that_is_wrong_and_ends_as_the_import_would(shared: Home, tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_text(f'{{"my-key": "{NEEDLE}", "A": "x", "B": null, "C": "{NEEDLE}\\u0000"}}')
    said = shared.envfs("import", str(tmp_path / "bad.json"), "/shop", "-n", status=106)
    rows = [line.split("\t")[2:] for line in said.text.splitlines()]
    assert rows == [
        ["my-key", "no environment that EnvFS writes can have such a name: left out"],
        ["A", ""],
        ["B", "null; it becomes empty"],
        ["C", "the value has a character that no environment can hold"],
    ]
    assert NEEDLE.encode() not in said.out + said.err


def test_whoever_may_not_read_a_level_is_not_told_what_is_the_same_there(home: Home) -> None:
    home.envfs("import", "-", "/shop", given=f"A={NEEDLE}\n")
    home.envfs("revoke", "/", "--uid", "0")
    said = home.envfs("import", "-", "/shop", "--dry-run", given=f"A={NEEDLE}\n", status=102)
    assert said.text == ""
    assert home.refusals(0)[-1]["format"] == "compare"
    home.envfs("import", "-", "/shop", given="B=1\n")  # the owner may write all the same


def test_a_dry_run_of_a_new_project_leaves_no_trace_in_the_vault(new_home: Homes) -> None:
    home = new_home()

    def stored() -> list[Path]:
        return [path for path in sorted(home.vault.rglob("*")) if home.vault / "log" not in path.parents]

    before = stored()
    assert home.envfs("import", "-", "/brand/new", "-n", given="A=1\n").text == "-\t/brand/new\tA\tadded\n"
    home.settle()
    assert stored() == before


def test_no_file_with_a_value_is_left_behind(new_home: Homes, ground: Path) -> None:
    home = new_home()
    folder = written(ground / "left", {"a.yaml": f"A: {NEEDLE}\n", ".env": f"B={NEEDLE}\n"})
    home.envfs("import", f"{folder}/a.yaml", "/a")
    home.envfs("import", folder, "/b")
    home.settle()
    for path in home.path.rglob("*"):
        if stat.S_ISREG(path.lstat().st_mode):
            assert NEEDLE.encode() not in path.read_bytes(), path


# -- as its own reader reads it ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "content", "text", "value"),
    [
        ("package.json", '{"dependencies": {"dotenv": "16"}}', "A=`x y`\n", "x y"),
        ("package.json", '{"dependencies": {"dotenv": "16"}}', "A=x#y\n", "x"),
        ("requirements.txt", "python-dotenv\n", "A='${UNSET_HERE:-d}'\n", "d"),
        ("Gemfile", "gem 'dotenv'\n", 'A="a\\nb"\n', "a\\nb"),
        ("composer.json", '{"require": {"symfony/dotenv": "7"}}', "A=x'y'\n", "xy"),
        (".envrc", "source .env\n", "A=x'y'\"z\"\n", "xyz"),
    ],
)
def test_a_file_is_read_as_the_reader_of_its_project_does(
    shop: Home, tmp_path: Path, file: str, content: str, text: str, value: str
) -> None:
    (tmp_path / file).write_text(content)
    (tmp_path / ".env").write_text(text)
    said = shop.envfs("import", str(tmp_path / ".env"), "/own")
    assert re.search(rf"^envfs: note: A: read as .* reads it \({re.escape(file)} ", said.complaint, re.MULTILINE)
    assert shop.envfs("exec", "/own", "--", "printenv", "A").text == f"{value}\n"
    said = shop.envfs("import", str(tmp_path), "/family")
    assert "note: .env: A: read as" in said.complaint
    assert shop.envfs("exec", "/family", "--", "printenv", "A").text == f"{value}\n"
    said = shop.envfs("import", str(tmp_path / ".env"), "/portable", "--as", "portable")
    assert "read as" not in said.complaint


def test_where_nothing_says_who_reads_what_divides_readers_is_named(shop: Home) -> None:
    said = shop.envfs("import", "-", "/nobody", given=f"A=`{NEEDLE}`\n")
    assert (
        "note: A: backtick quotes, read differently by node's dotenv and shells: `--as node` or `--as shell`"
        in said.complaint
    )
    assert NEEDLE not in said.complaint
    said = shop.envfs("import", "-", "/nobody", "--as", "node", given=f"A=`{NEEDLE}`\n")
    assert shop.envfs("get", "/nobody", "A").text == f"{NEEDLE}\n"
    shop.envfs("import", "a.json", "/nobody", "--as", "node", status=101)
    shop.envfs("import", "-", "/nobody", "--as", "perl", given="A=1\n", status=2)


def test_a_text_asks_for_the_dialect_that_its_reader_needs(shop: Home, tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text('{"dependencies": {"next": "16"}}')
    (tmp_path / ".env").write_text("A=\\$x\nB='\\$HOME'\n")
    said = shop.envfs("import", str(tmp_path / ".env"), "/dialect")
    assert "written in the dialect expand" in said.complaint
    assert shop.envfs("export", "/dialect").text.endswith("A='\\$x'\nB='\\$HOME'\n")


def test_a_symfony_projects_folder_is_imported_in_its_order(shop: Home, tmp_path: Path) -> None:
    (tmp_path / "composer.json").write_text('{"require": {"symfony/dotenv": "^7.0"}}')
    for file, text in (
        (".env", "A=e\nB=e\n"),
        (".env.local", "A=l\nB=l\n"),
        (".env.dev", "A=d\n"),
        (".env.test", "C=t\n"),
    ):
        (tmp_path / file).write_text(text)
    said = shop.envfs("import", str(tmp_path), "/sf")
    assert "the files count in the order of symfony, as composer.json has symfony/dotenv" in said.complaint
    assert shop.envfs("export", "/sf/dev/local").text.endswith("\nA=d\nB=l\n")
    assert shop.envfs("export", "/sf/test").text.endswith("\nA=e\nB=e\nC=t\n")
    shop.envfs("export", "/sf/test/local", status=103)


def test_a_compose_service_that_only_passes_names_on_is_a_level_of_its_own(shop: Home, tmp_path: Path) -> None:
    shop.envfs("import", "-", "/app", given="APP_KEY=k\n")
    file = tmp_path / "compose.yml"
    file.write_text("services:\n  w:\n    environment:\n      - APP_KEY\n      - node.name=es\n")
    said = shop.envfs("import", str(file), "/app/w")
    assert "APP_KEY: has no value in the file" in said.complaint
    assert "node.name: no environment that EnvFS writes can have such a name: left out" in said.complaint
    assert shop.envfs("exec", "/app/w", "--", "printenv", "APP_KEY").text == "k\n"


def test_a_dotenv_file_is_imported_without_the_names_that_no_environment_can_have(shop: Home, tmp_path: Path) -> None:
    (tmp_path / "es.env").write_text(f"# es\nnode.name={NEEDLE}\nES_HEAP=1g\nmy-key='{NEEDLE}'\n")
    said = shop.envfs("import", str(tmp_path / "es.env"), "/es")
    assert "note: my-key, node.name: no environment that EnvFS writes can have such a name: left out" in said.complaint
    assert shop.envfs("export", "/es").text.endswith("ES_HEAP=1g\n")
    assert NEEDLE not in said.complaint
    shop.envfs("import", "-", "/es", given="node.name=1\n", status=106)
    shop.envfs("import", "-", "/es", given="A=1\nnode.name=1\nno assignment\n", status=106)

"""`envfs link`: a project's `.env` is the view of a level, no file is lost, and no repository chooses a level."""

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.system.home import ENVFS, OWNER, SECONDS, Home

TEXT = "KEY=value-one\nURL=http://${KEY}/\n# a comment\n"
STRANGER = 65_000


@pytest.fixture(scope="module")
def mounted(new_home: object) -> Iterator[Home]:
    """Give a module a mounted home with /app and /bank."""
    home: Home = new_home()  # type: ignore[operator]
    home.envfs("import", "-", "/app", given="KEY=of-app\n")
    home.envfs("import", "-", "/bank", given="KEY=of-bank\n")
    with home.served():
        yield home


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


def git(folder: Path, *words: str, status: int = 0) -> str:
    names = ["-c", "user.name=x", "-c", "user.email=x@example.com"]
    done = subprocess.run(
        ["git", *names, *words], cwd=folder, capture_output=True, text=True, check=False, timeout=SECONDS
    )
    assert done.returncode == status, done
    return done.stdout


# -- the link ----------------------------------------------------------------------------------------------------------


def test_a_project_without_a_file_gets_the_view_and_commands_know_its_level(mounted: Home, project: Path) -> None:
    mounted.envfs("link", "/app", cwd=project)
    assert (project / ".env").read_text() == "KEY=of-app\n"
    assert (project / ".env").readlink() == mounted.view("/app")
    assert (project / ".envfs.toml").read_text() == 'level = "/app"\n'
    assert sorted(os.listdir(project)) == [".env", ".envfs.toml"]
    (project / "src").mkdir()
    for folder in (project, project / "src"):
        assert mounted.envfs("exec", "--", "printenv", "KEY", cwd=folder).text == "of-app\n"
        assert mounted.envfs("get", "KEY", cwd=folder).text == "of-app\n"
        assert mounted.envfs("show", cwd=folder).text == "KEY\t/app\n"
        assert mounted.envfs("export", "-f", "json", cwd=folder).text
        mounted.envfs("explain", "KEY", cwd=folder)
        mounted.envfs("check", cwd=folder)
        mounted.envfs("history", cwd=folder)
    assert mounted.envfs("get", "/bank", "KEY", cwd=project).text == "of-bank\n"
    mounted.envfs("set", "NEW", cwd=project, given="1")
    assert mounted.envfs("get", "/app", "NEW").text == "1\n"
    mounted.envfs("unset", "NEW", cwd=project)
    mounted.envfs("link", "/app", cwd=project)  # again is the same
    mounted.envfs("link", str(project), "/bank")
    assert mounted.envfs("get", "KEY", cwd=project).text == "of-bank\n"
    assert (project / ".env").read_text() == "KEY=of-bank\n"
    mounted.envfs("link", "--remove", cwd=project)
    assert os.listdir(project) == ["src"]
    mounted.envfs("get", "KEY", cwd=project, status=2)


def test_the_shells_own_level_wins(mounted: Home, project: Path) -> None:
    mounted.envfs("link", "/app", cwd=project)
    said = mounted.envfs("shell", cwd=project, given="cd /bank\nget KEY\nexec -- printenv KEY\nshow\n")
    assert said.text == "of-bank\nof-bank\nKEY\t/bank\n"


def test_without_a_mount_the_link_leads_to_where_one_will_be(home: Home, project: Path) -> None:
    home.envfs("import", "-", "/app", given="A=1\n")
    said = home.envfs("link", "/app", cwd=project)
    assert "note: nothing is mounted now" in said.complaint
    assert not (project / ".env").exists()
    assert home.envfs("exec", "--", "printenv", "A", cwd=project).text == "1\n"
    with home.served():
        assert (project / ".env").read_text() == "A=1\n"
    other = project / "other"
    home.settings.write_text(f'{home.settings.read_text()}\n[mount]\npath = "{other}"\n')
    home.envfs("link", "/app", cwd=project)
    assert (project / ".env").readlink() == other / "app" / ".env"


def test_a_level_that_is_not_there_and_a_folder_that_is_not_are_refused(mounted: Home, project: Path) -> None:
    mounted.envfs("link", "/nope", cwd=project, status=103)
    mounted.envfs("link", str(project / "none"), "/app", status=100)
    mounted.envfs("link", "a//b", cwd=project, status=105)
    mounted.envfs("link", cwd=project, status=2)
    mounted.envfs("link", "--remove", cwd=project, status=100)
    assert os.listdir(project) == []


# -- a real .env -------------------------------------------------------------------------------------------------------


def test_a_real_file_is_refused_and_stays(mounted: Home, project: Path) -> None:
    (project / ".env").write_text(TEXT)
    said = mounted.envfs("link", "/app", cwd=project, status=118)
    assert f"envfs import {project}/.env /app" in said.complaint
    assert (project / ".env").read_text() == TEXT
    assert os.listdir(project) == [".env"]


def test_a_real_file_is_imported_and_replaced_when_the_view_gives_it_back(mounted: Home, project: Path) -> None:
    (project / ".env").write_text(TEXT)
    mounted.envfs("link", "/imported", "--import", cwd=project)
    assert (project / ".env").is_symlink()
    assert (project / ".env").read_text() == "KEY=value-one\nURL=http://value-one/\n"
    assert mounted.envfs("exec", "--", "printenv", "URL", cwd=project).text == "http://value-one/\n"


def test_a_real_file_stays_where_the_view_gives_something_else(mounted: Home, project: Path) -> None:
    mounted.envfs("import", "-", "/else/where", given="A=1\n")
    text = "WHO=${KEY_OF_PARENT:-nobody}\nSAME=1\n"
    mounted.envfs("import", "-", "/else", given="KEY_OF_PARENT=secret-parent\n")
    (project / ".env").write_text(text)
    said = mounted.envfs("link", "/else/where", "--import", cwd=project, status=100)
    assert "gives other values for WHO\n" in said.complaint
    assert "secret-parent" not in said.complaint
    assert (project / ".env").read_text() == text
    assert not (project / ".env").is_symlink()
    assert not (project / ".envfs.toml").exists()


def test_an_empty_file_becomes_a_level_of_its_own(mounted: Home, project: Path) -> None:
    (project / ".env").touch()
    mounted.envfs("link", "/empty", "--import", cwd=project)
    assert (project / ".env").read_text() == ""
    mounted.envfs("set", "A", given="1", cwd=project)
    assert (project / ".env").read_text() == "A=1\n"


def test_nothing_is_imported_for_a_folder_that_cannot_be_written(mounted: Home, project: Path) -> None:
    (project / ".env").write_text("A=1\n")
    subprocess.run(["mount", "--bind", project, project], check=True)
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", project], check=True)
        said = mounted.envfs("link", "/read/only", "--import", cwd=project, status=100)
    finally:
        subprocess.run(["umount", "--lazy", project], check=True)
    assert "cannot be written" in said.complaint
    mounted.envfs("show", "/read/only", status=103)


def test_a_file_that_cannot_be_imported_stays(mounted: Home, project: Path) -> None:
    (project / ".env").write_text("A='open\n")
    mounted.envfs("link", "/app", "--import", cwd=project, status=106)
    (project / ".env").write_text("my-key=1\n")
    mounted.envfs("link", "/app", "--import", cwd=project, status=106)
    assert (project / ".env").read_text() == "my-key=1\n"


def test_what_is_neither_a_file_nor_the_link_is_refused(mounted: Home, project: Path) -> None:
    (project / ".env").symlink_to("elsewhere")
    mounted.envfs("link", "/app", cwd=project, status=118)
    mounted.envfs("link", "/app", "--import", cwd=project, status=118)
    (project / ".env").unlink()
    (project / ".env").mkdir()
    mounted.envfs("link", "/app", cwd=project, status=118)
    assert (project / ".env").is_dir()


def test_undoing_removes_nothing_that_link_did_not_make(mounted: Home, project: Path) -> None:
    mounted.envfs("link", "/app", cwd=project)
    (project / ".env").unlink()
    (project / ".env").write_text(TEXT)
    said = mounted.envfs("link", "--remove", cwd=project)
    assert "stays: it is not the link that was made" in said.complaint
    assert (project / ".env").read_text() == TEXT
    assert not (project / ".envfs.toml").exists()
    (project / ".env").unlink()
    mounted.envfs("link", "/app", cwd=project)
    (project / ".envfs.toml").write_text("mine = 1\n")
    mounted.envfs("link", "--remove", cwd=project, status=115)
    assert (project / ".envfs.toml").read_text() == "mine = 1\n"


def test_undoing_touches_nothing_in_a_folder_that_came_in_the_place_of_the_linked_one(
    mounted: Home, project: Path
) -> None:
    mounted.envfs("link", "/app", cwd=project)
    shutil.rmtree(project)
    project.mkdir()
    (project / ".envfs.toml").write_text('level = "/app"\n')
    mounted.envfs("exec", "--", "true", cwd=project, status=115)
    said = mounted.envfs("link", "--remove", cwd=project)
    assert "is not the folder that was linked: its content stays" in said.complaint
    assert os.listdir(project) == [".envfs.toml"]
    mounted.envfs("link", "--remove", cwd=project, status=100)


def test_the_files_of_a_linked_folder_are_imported_without_its_link(mounted: Home, project: Path) -> None:
    mounted.envfs("link", "/app", cwd=project)
    (project / ".env.local").write_text("L=1\n")
    said = mounted.envfs("import", str(project), "/family")
    assert ".env is left out: a link to a view" in said.complaint
    assert mounted.envfs("export", "/family/local").text == "L=1\n"


# -- whose choice it is ------------------------------------------------------------------------------------------------


def test_a_cloned_repository_chooses_nothing(mounted: Home, tmp_path: Path, project: Path) -> None:
    origin = tmp_path / "origin"
    origin.mkdir()
    git(origin, "init", "-q")
    (origin / ".envfs.toml").write_text('level = "/bank"\n')
    (origin / "steal").write_text("")
    git(origin, "add", ".")
    git(origin, "commit", "-qm", "x")
    git(tmp_path, "clone", "-q", str(origin), "cloned")
    cloned = tmp_path / "cloned"
    said = mounted.envfs("exec", "--", "sh", "-c", "env > stolen", cwd=cloned, status=115)
    assert f"hint: `envfs link {cloned} /bank`" in said.complaint
    assert not (cloned / "stolen").exists()
    # nor by being put where a folder was linked, nor by a change of the file
    mounted.envfs("link", "/app", cwd=project)
    (project / ".envfs.toml").write_text('level = "/bank"\n')
    mounted.envfs("exec", "--", "true", cwd=project, status=115)
    shutil.rmtree(project)
    shutil.copytree(cloned, project)
    mounted.envfs("exec", "--", "true", cwd=project, status=115)


def test_one_users_link_is_no_other_users(user_home: Home, home: Home, ground: Path) -> None:
    folder = ground / "users-project"
    folder.mkdir()
    os.chown(folder, OWNER, OWNER)
    user_home.envfs("import", "-", "/mine", given="A=1\n")
    user_home.envfs("link", "/mine", cwd=folder)
    assert user_home.envfs("exec", "--", "printenv", "A", cwd=folder).text == "1\n"
    assert (user_home.state / "linked.json").stat().st_mode & 0o777 == 0o600
    said = home.envfs("exec", "--", "true", cwd=folder, status=115)
    assert f"belongs to uid {OWNER}" in said.complaint
    os.chown(folder / ".envfs.toml", STRANGER, STRANGER)
    assert f"belongs to uid {STRANGER}" in user_home.envfs("show", cwd=folder, status=115).complaint
    os.chown(folder / ".envfs.toml", 0, 0)
    user_home.envfs("show", cwd=folder)


# -- git ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, b".env\n"),
        (b"", b".env\n"),
        (b"node_modules\n", b"node_modules\n.env\n"),
        (b"node_modules", b"node_modules\n.env\n"),
        (b"a\r\nb\r\n", b"a\r\nb\r\n.env\r\n"),
        (b"a\r\nb", b"a\r\nb\r\n.env\r\n"),
        (b"caf\xe9\n!.env\n", b"caf\xe9\n!.env\n.env\n"),
        (b".env/\n", b".env/\n.env\n"),
        (b".env*\n", b".env*\n"),
        (b".env\n", b".env\n"),
    ],
)
def test_git_is_told_to_ignore_the_link(mounted: Home, project: Path, before: bytes | None, after: bytes) -> None:
    git(project, "init", "-q")
    if before is not None:
        (project / ".gitignore").write_bytes(before)
    said = mounted.envfs("link", "/app", cwd=project)
    assert (project / ".gitignore").read_bytes() == after
    assert ("added to .gitignore" in said.complaint) == (before != after)
    git(project, "check-ignore", "-q", ".env")
    mounted.envfs("link", "/app", cwd=project)
    assert (project / ".gitignore").read_bytes() == after


def test_a_rule_further_up_is_enough_and_outside_of_git_nothing_is_made(mounted: Home, project: Path) -> None:
    git(project, "init", "-q")
    (project / ".gitignore").write_text(".env\n")
    (project / "web").mkdir()
    mounted.envfs("link", "web", "/app", cwd=project)
    assert sorted(os.listdir(project / "web")) == [".env", ".envfs.toml"]
    shutil.rmtree(project / ".git")
    (project / ".gitignore").unlink()
    mounted.envfs("link", "/app", cwd=project)
    assert not (project / ".gitignore").exists()


def test_a_file_that_git_tracks_is_said_with_the_way_out_of_it(mounted: Home, project: Path) -> None:
    git(project, "init", "-q")
    (project / ".env").write_text("TRACKED=1\n")
    git(project, "add", ".env")
    git(project, "commit", "-qm", "x")
    said = mounted.envfs("link", "/tracked", "--import", cwd=project)
    assert "`git rm --cached .env`" in said.complaint
    assert "history still has the values" in said.complaint
    git(project, "rm", "-q", "--cached", ".env")
    assert "git tracks" not in mounted.envfs("link", "/tracked", cwd=project).complaint


def test_no_program_of_the_repositorys_choosing_is_run(mounted: Home, project: Path) -> None:
    git(project, "init", "-q")
    hook = project / "hook"
    hook.write_text(f"#!/bin/sh\ntouch {project}/ran\n")
    hook.chmod(0o755)
    for name in ("core.fsmonitor", "core.pager", "core.sshCommand", "core.hooksPath"):
        git(project, "config", name, str(hook))
    mounted.envfs("link", "/app", cwd=project)
    assert not (project / "ran").exists()


def test_nothing_is_fetched_for_a_repository_that_lacks_objects(mounted: Home, project: Path) -> None:
    git(project, "init", "-q")
    (project / "d").mkdir()
    (project / "d" / "f").write_text("x\n")
    (project / ".gitignore").write_text(".env\n")
    git(project, "add", ".")
    git(project, "commit", "-qm", "x")
    git(project, "sparse-checkout", "set", "--cone", "--sparse-index", "elsewhere")
    lacking = git(project, "rev-parse", "HEAD:d").strip()
    (project / ".git" / "objects" / lacking[:2] / lacking[2:]).unlink()
    program = project / "program"
    program.write_text(f"#!/bin/sh\ntouch {project}/ran\n")
    program.chmod(0o755)
    for name, value in (
        ("core.repositoryformatversion", "1"),
        ("extensions.partialClone", "origin"),
        ("remote.origin.url", str(project)),
        ("remote.origin.promisor", "true"),
        ("remote.origin.uploadpack", str(program)),
        ("protocol.file.allow", "always"),
    ):
        git(project, "config", name, value)
    mounted.envfs("link", "/app", cwd=project)
    assert not (project / "ran").exists()
    subprocess.run(["git", "-C", str(project), "ls-files", "--", ".env"], capture_output=True, check=False)
    assert (project / "ran").exists(), "this git does not fetch what an index lacks"


def test_without_git_a_person_is_told_to_look(mounted: Home, project: Path) -> None:
    git(project, "init", "-q")
    said = mounted.envfs("link", "/app", cwd=project, environ={"PATH": "/nowhere"})
    assert "git cannot say whether it ignores .env here" in said.complaint
    assert not (project / ".gitignore").exists()


def test_a_gitignore_that_is_a_link_is_not_followed(mounted: Home, project: Path) -> None:
    git(project, "init", "-q")
    (project / "elsewhere").write_text("")
    (project / ".gitignore").symlink_to("elsewhere")
    said = mounted.envfs("link", "/app", cwd=project)
    assert "add .env to it" in said.complaint
    assert (project / "elsewhere").read_text() == ""
    assert (project / ".env").is_symlink()


# -- folders that move -------------------------------------------------------------------------------------------------


def moved(project: Path, to: Path) -> Path:
    project.rename(to)
    return to


def copied(project: Path, to: Path) -> Path:
    subprocess.run(["cp", "-a", str(project), str(to)], check=True)
    return to


def cloned_again(project: Path, _to: Path) -> Path:
    (project / ".gitignore").write_text(".env\n")
    git(project, "init", "-q")
    git(project, "add", ".")
    git(project, "commit", "-qm", "x")
    project.rename(project.with_name("origin"))
    git(project.parent, "clone", "-q", "origin", str(project))
    return project


def made_again(project: Path, _to: Path) -> Path:
    toml = (project / ".envfs.toml").read_text()
    shutil.rmtree(project)
    project.mkdir()
    (project / ".envfs.toml").write_text(toml)
    return project


def made_again_with_a_file(project: Path, to: Path) -> Path:
    made_again(project, to)
    (project / ".env").write_text("KEY=of-app\n")
    return project


def a_work_tree(project: Path, to: Path) -> Path:
    git(project, "init", "-q")
    (project / ".gitignore").write_text(".env\n")
    git(project, "add", ".")
    git(project, "commit", "-qm", "x")
    git(project, "worktree", "add", "-q", "-b", "other", str(to))
    return to


MOVES = (moved, copied, cloned_again, made_again, made_again_with_a_file, a_work_tree)


@pytest.mark.parametrize("name", ["elsewhere", "with a blank, a ' and a $"])
@pytest.mark.parametrize("move", MOVES, ids=[move.__name__ for move in MOVES])
def test_a_folder_that_moved_chooses_nothing_until_it_is_linked_by_the_hint(
    mounted: Home, project: Path, move: Callable[[Path, Path], Path], name: str
) -> None:
    mounted.envfs("link", "/app", cwd=project)
    folder = move(project, project.with_name(name))
    said = mounted.envfs("get", "KEY", cwd=folder, status=115)
    hint = re.findall(r"hint: `(envfs .*)` does$", said.complaint, re.MULTILINE)[0]
    environ = mounted.environ({"PATH": f"{Path(ENVFS).parent}:{os.environ['PATH']}"})
    subprocess.run(["sh", "-c", hint], env=environ, check=True, capture_output=True, timeout=SECONDS)
    assert mounted.envfs("get", "KEY", cwd=folder).text == "of-app\n"
    assert (folder / ".env").readlink() == mounted.view("/app")
    mounted.envfs("link", "--remove", cwd=folder)
    assert not (folder / ".env").is_symlink()


def test_where_a_folder_was_moved_from_is_said_and_forgotten_when_it_is_linked_again(
    mounted: Home, project: Path
) -> None:
    mounted.envfs("link", "/app", cwd=project)
    folder = moved(project, project.with_name("elsewhere"))
    assert f"it was moved from {project}\n" in mounted.envfs("show", cwd=folder, status=115).complaint
    mounted.envfs("link", "/app", cwd=folder)
    assert str(project) not in (mounted.state / "linked.json").read_text()


def test_a_copy_can_be_cleared_without_being_linked(mounted: Home, project: Path) -> None:
    mounted.envfs("link", "/app", cwd=project)
    folder = copied(project, project.with_name("copy"))
    mounted.envfs("link", "--remove", cwd=folder)
    assert os.listdir(folder) == []
    assert mounted.envfs("get", "KEY", cwd=project).text == "of-app\n"


def test_a_folder_is_itself_through_a_link_to_it(mounted: Home, project: Path) -> None:
    (project.parent / "other-way").symlink_to(project)
    mounted.envfs("link", str(project.parent / "other-way"), "/app")
    for folder in (project, project.parent / "other-way"):
        assert mounted.envfs("get", "KEY", cwd=folder).text == "of-app\n"


def test_a_bind_mount_of_a_folder_is_linked_by_itself(mounted: Home, project: Path, bound: Path) -> None:
    mounted.envfs("link", "/app", cwd=project)
    subprocess.run(["mount", "--bind", str(project), str(bound)], check=True)
    mounted.envfs("get", "KEY", cwd=bound, status=115)
    mounted.envfs("link", "/app", cwd=bound)
    assert mounted.envfs("get", "KEY", cwd=bound).text == "of-app\n"
    assert mounted.envfs("get", "KEY", cwd=project).text == "of-app\n"


@pytest.fixture
def bound(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "bound"
    folder.mkdir()
    yield folder
    subprocess.run(["umount", str(folder)], check=False, capture_output=True)


def test_a_link_to_what_is_no_view_of_this_user_is_kept_in_a_copy(mounted: Home, project: Path) -> None:
    (project / ".envfs.toml").write_text('level = "/app"\n')
    (project / ".env").symlink_to("/etc/hostname")
    mounted.envfs("link", "/app", cwd=project, status=118)
    mounted.envfs("link", "--remove", cwd=project, status=100)
    assert (project / ".env").readlink() == Path("/etc/hostname")


# -- who reads the file that is replaced -------------------------------------------------------------------------------


def test_a_file_is_replaced_when_its_projects_reader_gets_the_same_from_the_view(mounted: Home, project: Path) -> None:
    (project / "package.json").write_text('{"dependencies": {"dotenv": "16"}}')
    (project / ".env").write_text("A=`x y`\nB='it\"s $5'\n")
    said = mounted.envfs("link", "/node", "--import", cwd=project)
    assert "A: read as node's dotenv reads it (package.json has dotenv)" in said.complaint
    assert (project / ".env").is_symlink()
    assert mounted.envfs("get", "A", cwd=project).text == "x y\n"


def test_compose_gets_from_the_view_what_it_got_from_the_file(mounted: Home, project: Path) -> None:
    (project / "compose.yaml").write_text("services: {app: {image: x, env_file: .env}}\n")
    (project / ".env").write_text('COLOR=#fff\nPASSWORD=pa$$word\nTAB="a\\tb"\n')
    said = mounted.envfs("link", "/composed", "--import", cwd=project)
    assert "COLOR, PASSWORD, TAB: read as docker compose reads it" in said.complaint
    values = {name: mounted.envfs("get", name, cwd=project).text for name in ("COLOR", "PASSWORD", "TAB")}
    assert values == {"COLOR": "#fff\n", "PASSWORD": "pa$word\n", "TAB": "a\tb\n"}


@pytest.mark.parametrize(
    ("file", "content"),
    [("package.json", '{"dependencies": {"dotenv": "16"}}'), ("requirements.txt", "python-dotenv\n")],
)
def test_a_key_without_quotes_is_neither_lost_nor_shown(mounted: Home, project: Path, file: str, content: str) -> None:
    text = "KEY=-----BEGIN KEY-----\nhunter2/abc+x==\nhunter2/x\n-----END KEY-----\n"
    (project / file).write_text(content)
    (project / ".env").write_text(text)
    said = mounted.envfs("link", "/key", "--import", cwd=project, status=100)
    assert "reads nothing there" in said.complaint
    assert "hunter2" not in said.complaint
    assert (project / ".env").read_text() == text
    assert "hunter2" not in mounted.envfs("import", str(project / ".env"), "/key").complaint


@pytest.mark.parametrize(
    ("file", "content", "text"),
    [
        ("README", "", "A=`x`\nB=1\n"),  # nothing says who reads
        ("README", "", "A=$HOME/x\nB=1\n"),  # the portable form has no reference
        ("Cargo.toml", '[dependencies]\ndotenvy = "0"\n', "A=`x`\nB=1\n"),  # nobody knows how it reads
        (".envrc", "source .env\n", "A=$(date)\nB=1\n"),
        ("Gemfile", "gem 'dotenv'\n", "A=${UNSET_ANYWHERE}\n"),  # the portable form has no reference
        ("go.mod", "require github.com/joho/godotenv v1\n", 'A="^\\d$"\nB=1\n'),  # as ruby's, from which it came
        ("package.json", '{"scripts": {"start": "node --env-file=.env ."}}', "A=\t1\nB=1\n"),  # its releases differ
        ("package.json", '{"devDependencies": {"vite": "8"}}', 'A="{\\"a\\": 1}"\nB=1\n'),
    ],
)
def test_a_file_that_its_reader_would_read_otherwise_from_the_view_stays(
    mounted: Home, project: Path, file: str, content: str, text: str
) -> None:
    (project / file).write_text(content)
    (project / ".env").write_text(text)
    said = mounted.envfs("link", f"/stays/{project.parent.name}", "--import", cwd=project, status=100)
    assert "would read something else from the view for A" in said.complaint
    assert (project / ".env").read_bytes() == text.encode()
    hint = re.findall(r"`(envfs link [^`]*--as portable)`", said.complaint)[0]
    environ = mounted.environ({"PATH": f"{Path(ENVFS).parent}:{os.environ['PATH']}"})
    subprocess.run(["sh", "-c", hint], env=environ, check=True, capture_output=True, timeout=SECONDS)
    assert (project / ".env").is_symlink()


def test_files_beside_the_one_that_is_replaced_are_named(mounted: Home, project: Path) -> None:
    for file in (".env", ".env.local", ".env.production", ".env.example", ".env.bak"):
        (project / file).write_text("A=1\n")
    said = mounted.envfs("link", "/beside", "--import", cwd=project)
    assert "note: unencrypted beside the link: .env.local, .env.production. " in said.complaint
    assert "note: unencrypted beside the link, and nothing that EnvFS imports: .env.bak\n" in said.complaint
    assert f"`envfs import {project} /beside`" in said.complaint
    mounted.envfs("import", str(project), "/beside")
    assert mounted.envfs("export", "/beside/production/local").text == "A=1\n"


@pytest.mark.parametrize("reader", ["shell", "compose", "python", "expand"])
def test_a_reference_to_the_readers_environment_stays_one_for_a_reader_that_answers_it(
    mounted: Home, project: Path, reader: str
) -> None:
    (project / ".env").write_text("B=1\nA=${UNSET_ANYWHERE}/x\n")
    said = mounted.envfs("link", f"/refers/{reader}", "--import", "--as", reader, cwd=project)
    assert "written in the dialect" in said.complaint
    assert (project / ".env").read_text() == 'B=1\nA="${UNSET_ANYWHERE}/x"\n'


def test_a_file_with_a_name_that_would_be_lost_stays(mounted: Home, project: Path) -> None:
    (project / ".env").write_text("A=1\nnode.name=2\n")
    said = mounted.envfs("link", "/lost", "--import", "--as", "portable", cwd=project, status=100)
    assert "no environment can have the name node.name" in said.complaint
    assert (project / ".env").read_text() == "A=1\nnode.name=2\n"
    mounted.envfs("export", "/lost", status=103)

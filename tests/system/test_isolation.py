"""Neither a project nor Python's own variables change what `envfs` runs; its command gets them untouched."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.system.home import ENVFS, SECONDS, Home

# modules that the client, the interpreter's start or the daemon import; the project's would tell on themselves
MODULES = (
    *(
        "_collections_abc",
        "codecs",
        "ctypes",
        "encodings",
        "enum",
        "envfs",
        "envfs_cli",
        "io",
        "json",
        "os",
        "posixpath",
    ),
    *("re", "secrets", "select", "signal", "site", "sitecustomize", "socket", "stat", "subprocess", "termios", "trio"),
    *("types", "typing", "usercustomize", "warnings", "zipimport"),
)
VERSION = f"python{sys.version_info[0]}.{sys.version_info[1]}"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Give a folder with modules that leave a mark where they are imported."""
    for folder in (tmp_path / "project", tmp_path / f".local/lib/{VERSION}/site-packages"):
        folder.mkdir(parents=True)
        for module in MODULES:
            (folder / f"{module}.py").write_text(f"open({str(tmp_path / 'mark')!r}, 'w').close()\n")
    environment = tmp_path / "project"
    (environment / "bin").mkdir()
    (environment / "bin/python").symlink_to(sys.executable)
    (environment / "pyvenv.cfg").write_text(f"home = {Path(sys.executable).resolve().parent}\n")
    packages = environment / f"lib/{VERSION}/site-packages"
    packages.mkdir(parents=True)
    (packages / "evil.pth").write_text(f"import os; open({str(tmp_path / 'mark')!r}, 'w').close()\n")
    return environment


def variables(project: Path) -> dict[str, dict[str, str]]:
    """Return environments that change what a Python runs, by name."""
    startup = str(project / "os.py")
    return {
        "none": {},
        "PYTHONPATH": {"PYTHONPATH": str(project)},
        "PYTHONHOME": {"PYTHONHOME": "/nonexistent"},
        "PYTHONSTARTUP": {"PYTHONSTARTUP": startup, "PYTHONINSPECT": "1"},
        "PYTHONWARNINGS": {"PYTHONWARNINGS": "error", "PYTHONDEVMODE": "1"},
        "PYTHONSAFEPATH": {"PYTHONSAFEPATH": "", "PYTHONPATH": "::.", "PYTHONUSERBASE": str(project)},
        "PYTHONEXECUTABLE": {"PYTHONEXECUTABLE": str(project / "bin/python")},
        "__PYVENV_LAUNCHER__": {"__PYVENV_LAUNCHER__": str(project / "bin/python")},
        "PYTHONIOENCODING": {"PYTHONIOENCODING": "no-such-codec", "PYTHONUTF8": "x", "PYTHONCOERCECLOCALE": "warn"},
        "HOME": {"HOME": str(project.parent)},
        "VIRTUAL_ENV": {"VIRTUAL_ENV": str(project), "PYTHONPLATLIBDIR": "nowhere", "PYTHONBREAKPOINT": "os.abort"},
    }


@pytest.mark.parametrize("which", variables(Path()))
def test_none_of_pythons_variables_changes_the_client_and_all_reach_its_command(
    which: str, project: Path, shared: Home, shop: Home
) -> None:
    environ = variables(project)[which]
    for home in (shared, shop):
        value = home.envfs("get", "/shop", "COMPANY_NAME", environ=environ, cwd=project)
        assert (value.text, value.complaint) == ("Crane & Sons, Ltd.\n", "")
    listed = shared.envfs("exec", "/shop", "--", "env", environ=environ, cwd=project)
    assert listed.complaint == ""
    assert {f"{name}={text}" for name, text in environ.items()} <= set(listed.text.splitlines())
    assert shared.envfs("ls", "--json", environ=environ, cwd=project).out.startswith(b"[{")
    shop.settle()
    shop.envfs("mount", environ=environ, cwd=project)
    shop.envfs("unmount", environ=environ, cwd=project)
    assert not (project.parent / "mark").exists()


@pytest.mark.parametrize("name", ["PYTHONEXECUTABLE", "__PYVENV_LAUNCHER__"])
def test_the_mark_is_there_where_python_obeys_a_variable_with_isolation_too(name: str, project: Path) -> None:
    environ = {name: str(project / "bin/python")}
    subprocess.run([sys.executable, "-I", "-c", ""], env=environ, cwd="/", check=False, timeout=SECONDS)
    assert (project.parent / "mark").exists()


def test_the_mark_is_there_where_the_interpreter_is_not_isolated(project: Path) -> None:
    subprocess.run([sys.executable, "-c", "import secrets"], cwd=project, check=False, timeout=SECONDS)
    assert (project.parent / "mark").exists()


@pytest.mark.parametrize("flags", [["-I"], ["-E"], []])
def test_the_client_is_also_a_module_that_isolates_itself(flags: list[str], shared: Home) -> None:
    words = [sys.executable, *flags, "-m", "envfs_cli", "get", "/shop", "COMPANY_NAME"]
    done = subprocess.run(words, env=shared.environ(), cwd="/", capture_output=True, check=False, timeout=SECONDS)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"Crane & Sons, Ltd.\n", b"")


def test_the_program_is_reached_by_a_link_and_outside_of_an_environment(shared: Home, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(ENVFS)
    alone = tmp_path / "bin"
    alone.mkdir()
    shutil.copy(ENVFS, alone / "envfs")
    words = ("get", "/shop", "COMPANY_NAME")
    for program in (link, alone / "envfs"):
        if program != link:  # as an installer writes it where there is no environment
            (alone / "envfs-python").write_text(f"#!{sys.executable}\nimport envfs_cli\n")
        done = subprocess.run(
            [program, *words], env=shared.environ(), capture_output=True, check=False, timeout=SECONDS
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, b"Crane & Sons, Ltd.\n", b"")


def test_the_program_works_without_proc_where_a_daemon_runs(shared: Home) -> None:
    words = ["unshare", "--mount", "sh", "-c", 'mount -t tmpfs none /proc && exec "$@"', "-"]
    for command, out in (("get", b"Crane & Sons, Ltd.\n"), ("exec", b"")):
        ours = [ENVFS, command, "/shop", *(["--", "true"] if command == "exec" else ["COMPANY_NAME"])]
        done = subprocess.run(
            [*words, *ours], env=shared.environ(), cwd="/", capture_output=True, check=False, timeout=SECONDS
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, out, b"")


def test_a_python_that_does_not_find_envfs_is_no_traceback(tmp_path: Path) -> None:
    shutil.copy(ENVFS, tmp_path / "envfs")
    (tmp_path / "envfs-python").write_text(f"#!{Path(sys.executable).resolve()}\n")
    done = subprocess.run([tmp_path / "envfs", "ls"], capture_output=True, text=True, check=False, timeout=SECONDS)
    assert done.returncode == 100
    assert done.stderr.startswith("envfs: error: Python does not find EnvFS\nenvfs: hint: install it with pipx")


@pytest.mark.parametrize("first", [None, "", "#!/nonexistent/python\n", "#!relative\n", "x" * 9000])
def test_without_a_python_the_program_says_so(first: str | None, tmp_path: Path) -> None:
    shutil.copy(ENVFS, tmp_path / "envfs")
    if first is not None:
        (tmp_path / "envfs-python").write_text(first)
    done = subprocess.run([tmp_path / "envfs", "ls"], capture_output=True, text=True, check=False, timeout=SECONDS)
    assert done.returncode == 100
    assert done.stderr == "envfs: error: there is no Python beside this program: install EnvFS again\n"


def test_a_python_that_only_another_user_may_run_is_named_as_that(tmp_path: Path) -> None:
    shutil.copy(ENVFS, tmp_path / "envfs")
    (tmp_path / "python").touch(mode=0o600)
    (tmp_path / "envfs-python").write_text(f"#!{tmp_path}/python\n")
    done = subprocess.run([tmp_path / "envfs", "ls"], capture_output=True, text=True, check=False, timeout=SECONDS)
    assert done.returncode == 100
    assert done.stderr.startswith(
        "envfs: error: the Python of this installation may not be run by this user\nenvfs: hint:"
    )

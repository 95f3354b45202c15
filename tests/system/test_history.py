"""Every change is a version: listed, readable in the mount with its ancestors as they were, and brought back."""

import os
import subprocess
from collections.abc import Iterator

import pytest

from tests.conftest import Homes
from tests.system.home import SECONDS, Home
from tests.system.peer import Body, Peer, memory
from tests.system.probing import attempt


@pytest.fixture(scope="module")
def made(new_home: Homes) -> Home:
    """Give a home with four versions of /app/web between versions of / and /app. To be copied."""
    home = new_home()
    with home.served():
        home.envfs("import", "-", "/", given="COLOUR=red\nOWNER=root\n")
        home.envfs("import", "-", "/app/web", given="# the site\nPORT=80\nHOST=a.example\n")  # 1
        home.envfs("set", "/", "COLOUR", given="green")
        home.envfs("set", "/app", "APP", given="one")
        home.envfs("set", "/app/web", "PORT", given="81")  # 2
        home.envfs("set", "/app", "APP", given="two")
        home.envfs("unset", "/app/web", "HOST")  # 3
        home.envfs("set", "/", "COLOUR", given="blue")
        home.envfs("set", "/app/web", "TLS", given="yes")  # 4
    return home


@pytest.fixture(scope="module")
def kept(new_home: Homes, made: Home) -> Iterator[Home]:
    """Give the module a copy of it, mounted; its tests leave it as it is."""
    home = new_home(made)
    with home.served():
        yield home


@pytest.fixture
def grown(new_home: Homes, made: Home) -> Iterator[Home]:
    """Give one test a copy of it, mounted."""
    home = new_home(made)
    with home.served():
        yield home


_AS_IT_WAS = {
    1: {"COLOUR": "red", "OWNER": "root", "PORT": "80", "HOST": "a.example"},
    2: {"COLOUR": "green", "OWNER": "root", "APP": "one", "PORT": "81", "HOST": "a.example"},
    3: {"COLOUR": "green", "OWNER": "root", "APP": "two", "PORT": "81"},
    4: {"COLOUR": "blue", "OWNER": "root", "APP": "two", "PORT": "81", "TLS": "yes"},
}


def _values(text: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in text.splitlines())


def test_each_version_can_be_read_in_the_mount_with_its_ancestors_as_they_were(kept: Home) -> None:
    found = {n: _values(kept.history_view("/app/web", n).read_text(encoding="utf-8")) for n in (3, 1, 4, 2, 1)}
    assert found == _AS_IT_WAS
    assert _values(kept.view("/app/web").read_text(encoding="utf-8")) == _AS_IT_WAS[4]


def test_each_version_can_be_read_by_command_as_in_the_mount(kept: Home) -> None:
    for version, values in _AS_IT_WAS.items():
        number = str(version)
        assert _values(kept.envfs("export", "/app/web", "--version", number).text) == values
        assert kept.envfs("get", "/app/web", "PORT", "--version", number).text.strip() == values["PORT"]
        assert {row["name"] for row in kept.rows("show", "/app/web", "--version", number)} == set(values)
    kept.envfs("get", "/app/web", "TLS", "--version", "1", status=104)
    kept.envfs("get", "/app/web", "TLS", "--version", "5", status=103)


def test_an_old_view_has_its_true_size_and_the_versions_are_listed(kept: Home) -> None:
    for version in _AS_IT_WAS:
        path = kept.history_view("/app/web", version)
        assert path.stat().st_size == len(path.read_bytes()) > 0
    assert attempt(0, "listdir", kept.mnt / "app" / "web" / ".history").found == ["1", "2", "3", "4"]
    assert attempt(0, "listdir", kept.mnt / ".history").found == ["1", "2", "3"]
    forms = [".env", ".env.example", ".env.json", ".environ", ".vars"]
    assert attempt(0, "listdir", kept.mnt / "app" / "web" / ".history" / "2").found == forms


def test_programs_that_compare_folders_compare_versions_in_the_mount(kept: Home) -> None:
    old, new = kept.history_view("/app/web", 1).parent, kept.history_view("/app/web", 2).parent
    for words in (
        ["diff", "-r", str(old), str(new)],
        ["git", "diff", "--no-index", "--no-color", "--no-ext-diff", str(old), str(new)],
    ):
        done = subprocess.run(words, capture_output=True, text=True, timeout=SECONDS, check=False)
        assert (done.returncode, done.stderr) == (1, "")
        lines = done.stdout.splitlines()
        assert [line for line in lines if line.replace(" ", "") in ("<PORT=80", "-PORT=80", ">PORT=81", "+PORT=81")]
        same = subprocess.run([*words[:-1], str(old)], capture_output=True, timeout=SECONDS, check=False)
        assert (same.returncode, same.stdout, same.stderr) == (0, b"", b"")


def test_history_lists_the_newest_first_with_the_names_that_each_changed(kept: Home) -> None:
    rows = kept.rows("history", "/app/web")
    changes = [(row["version"], row["added"], row["changed"], row["removed"]) for row in rows]
    assert changes == [
        (4, ["TLS"], [], []),
        (3, [], [], ["HOST"]),
        (2, [], ["PORT"], []),
        (1, ["PORT", "HOST"], [], []),
    ]
    times = [str(row["time"]) for row in rows]
    assert times == sorted(times, reverse=True)
    assert len({row["author"] for row in rows}) == 1
    assert [row["version"] for row in kept.rows("history", "/app/web", "-n", "2")] == [4, 3]


def test_rollback_writes_a_new_version_with_the_old_text_to_the_letter(grown: Home) -> None:
    grown.envfs("rollback", "/app/web", "1", "-y")
    expected = {"COLOUR": "blue", "OWNER": "root", "APP": "two", "PORT": "80", "HOST": "a.example"}
    assert _values(grown.view("/app/web").read_text(encoding="utf-8")) == expected
    row = grown.rows("history", "/app/web")[0]
    assert (row["version"], row["added"], row["changed"], row["removed"]) == (5, ["HOST"], ["PORT"], ["TLS"])
    said = grown.envfs("import", "-", "/app/web", "--replace", given="# the site\nPORT=80\nHOST=a.example\n")
    assert "nothing changed" in said.complaint
    grown.envfs("rollback", "/app/web", "4", "-y")
    assert _values(grown.view("/app/web").read_text(encoding="utf-8")) == _AS_IT_WAS[4]
    assert attempt(0, "listdir", grown.mnt / "app" / "web" / ".history").found == ["1", "2", "3", "4", "5", "6"]


@pytest.mark.parametrize("version", ["0", "5", "99999999999"])
def test_rollback_to_a_version_that_never_was_is_refused(kept: Home, version: str) -> None:
    kept.envfs("rollback", "/app/web", version, "-y", status=103)
    assert len(kept.rows("history", "/app/web")) == 4


def test_rollback_asks_back_where_nobody_said_yes(kept: Home) -> None:
    said = kept.envfs("rollback", "/app/web", "1", status=100)
    assert "nothing was changed" in said.complaint
    assert len(kept.rows("history", "/app/web")) == 4


def test_setting_what_is_set_already_makes_no_version(kept: Home) -> None:
    said = kept.envfs("set", "/app/web", "TLS", given="yes")
    assert "nothing changed" in said.complaint
    assert len(kept.rows("history", "/app/web")) == 4


def test_comments_and_order_stay_under_set_and_unset(grown: Home) -> None:
    text = "# top\n\nB='2' # two\nA=1\n# end\n"
    grown.envfs("import", "-", "/letters", given=text)
    grown.envfs("set", "/letters", "B", given="3")
    grown.envfs("set", "/letters", "C", given="4")
    grown.envfs("unset", "/letters", "C")
    said = grown.envfs("import", "-", "/letters", "--replace", given=text.replace("'2'", "'3'"))
    assert "nothing changed" in said.complaint


def test_a_variable_that_only_an_ancestor_sets_cannot_be_unset_below(kept: Home) -> None:
    kept.envfs("unset", "/app/web", "COLOUR", status=104)
    kept.envfs("unset", "/none", "COLOUR", status=103)
    assert "COLOUR=blue" in kept.view("/app/web").read_text(encoding="utf-8")


@pytest.mark.parametrize("version", [5, 10**300, -4])
def test_no_entry_of_the_log_names_a_version_that_is_not_there(kept: Home, version: int) -> None:
    # it would count as seen: from then on `verify` would miss it, and after a kill nothing would be served
    questions: tuple[Body, ...] = (
        {"type": "describe-view"},
        {"type": "list-variables"},
        {"type": "read-view", "format": "dotenv", "channel": "export"},
        {"type": "read-view", "format": "own", "channel": "export"},
    )
    with Peer(kept.socket) as peer:
        for question in questions:
            assert peer.ask(question | {"level": "/app/web", "version": version})["type"] == "failed"
    assert [entry for entry in kept.log() if entry.get("version") == version] == []
    assert kept.envfs("verify").text.endswith(" 0 failed\n")


def test_a_long_history_is_listed_whole(home: Home) -> None:
    with home.served():
        with Peer(home.socket) as peer:
            for number in range(1, 71):
                value = memory(str(number).encode())
                written = peer.ask({"type": "set-variable", "level": "/long", "name": "N", "trim": False}, (value,))
                assert written["version"] == number
                os.close(value)
        assert [row["version"] for row in home.rows("history", "/long", "-n", "0")] == list(range(70, 0, -1))
        assert len(home.rows("history", "/long")) == 20
        assert home.history_view("/long", 37).read_text(encoding="utf-8") == "N=37\n"

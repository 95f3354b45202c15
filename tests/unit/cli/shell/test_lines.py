"""A line of the shell: its words, its level, and whether it is remembered."""

import stat
from pathlib import Path

import pytest

from envfs.errors import BadName
from envfs_cli import level_paths
from envfs_cli.arguments import Mistake
from envfs_cli.grammar import Command
from envfs_cli.shell import builtins, lines
from envfs_cli.shell.history import History

LEVELS = ("/", "/shop", "/shop/dev", "/shop/prod", "/shop/prod/eu", "/web")


def command(name: str) -> Command:
    found = builtins.find_builtin(name)
    assert found is not None
    return found


def exists(level: str) -> bool:
    return level in LEVELS


# -- levels ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("current", "text", "level"),
    [
        ("/", "shop", "/shop"),
        ("/shop", "prod", "/shop/prod"),
        ("/shop", "prod/", "/shop/prod"),
        ("/shop", "./prod", "/shop/prod"),
        ("/shop/prod", "..", "/shop"),
        ("/shop/prod", "../dev", "/shop/dev"),
        ("/shop/prod", "../..", "/"),
        ("/shop", "../../..", "/"),
        ("/shop", ".", "/shop"),
        ("/shop", "/", "/"),
        ("/shop", "/web", "/web"),
        ("/shop", "/web/../shop/./prod", "/shop/prod"),
    ],
)
def test_a_level_is_written_like_a_path(current: str, text: str, level: str) -> None:
    assert level_paths.resolve_level(current, text) == level


@pytest.mark.parametrize("text", ["", "//", "a//b", "...", "a b", ".hidden", "ä", "-", "a\nb", "$x"])
def test_what_is_no_level_is_refused(text: str) -> None:
    with pytest.raises(BadName):
        level_paths.resolve_level("/shop", text)


@pytest.mark.parametrize(
    ("current", "typed", "found"),
    [
        ("/", "", ["shop/", "web"]),
        ("/", "/", ["/shop/", "/web"]),
        ("/", "s", ["shop/"]),
        ("/", "shop/", ["shop/dev", "shop/prod/"]),
        ("/", "shop/p", ["shop/prod/"]),
        ("/shop", "", ["dev", "prod/"]),
        ("/shop", "../", ["../shop/", "../web"]),
        ("/shop/dev", "../prod/", ["../prod/eu"]),
        ("/web", "", []),
        ("/", "nope/", []),
    ],
)
def test_a_level_goes_on_one_component_at_a_time(current: str, typed: str, found: list[str]) -> None:
    assert level_paths.levels_below(LEVELS, current, typed) == found


# -- lines -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("get API_KEY", "/shop API_KEY"),
        ("get prod API_KEY", "/shop/prod API_KEY"),
        ("get ../web API_KEY", "/web API_KEY"),
        ("get --version 3 API_KEY", "/shop --version 3 API_KEY"),
        ("get --ver 3 prod API_KEY", "--ver 3 /shop/prod API_KEY"),
        ("get prod@3 API_KEY", "/shop/prod@3 API_KEY"),
        ("get @-1 API_KEY", "/shop@-1 API_KEY"),
        ("show ..@2026-11-01T10:00", "/@2026-11-01T10:00"),
        ("generate --words", "--words"),
        ("generate --set prod A", "--set /shop/prod A"),
        ("generate A --set=../web", "A --set=/web"),
        ("generate A --set", "A --set"),
        ("rotate A", "/shop A"),
        ("rotate prod A --finish", "/shop/prod A --finish"),
        ("stale", "/shop"),
        ("stale ..", "/"),
        ("diff", "/shop"),
        ("diff @3 @5", "/shop @3 @5"),
        ("diff 3", "/shop 3"),
        ("diff prod ../web --names", "/shop/prod /web --names"),
        ("diff prod@2 @3", "/shop/prod@2 @3"),
        ("set API_KEY", "/shop API_KEY"),
        ("set prod API_KEY", "/shop/prod API_KEY"),
        ("set ./new API_KEY", "/shop/new API_KEY"),
        ("set new/ API_KEY", "/shop/new API_KEY"),
        ("show", "/shop"),
        ("show --json", "/shop --json"),
        ("check", "/shop"),
        ("check /", "/"),
        ("check .. --json", "/ --json"),
        ("exec -- env -i", "/shop -- env -i"),
        ("exec prod --only A -- env", "/shop/prod --only A -- env"),
        ("exec --only A -- env", "/shop --only A -- env"),
        ("import a.env", "a.env /shop"),
        ("import --replace -", "--replace - /shop"),
        ("import a.env prod", "a.env /shop/prod"),
        ("rollback 7", "/shop 7"),
        ("rollback prod 7 -y", "/shop/prod 7 -y"),
        ("grant --user deploy", "/shop --user deploy"),
        ("grant prod --uid 5 --ttl 1h", "/shop/prod --uid 5 --ttl 1h"),
        ("log verify", "verify"),
        ("mount /mnt/x", "/mnt/x"),
        ("status", ""),
        ("get", ""),
    ],
)
def test_the_level_is_put_where_the_grammar_wants_it(line: str, words: str) -> None:
    first, *rest = line.split()
    assert lines.words_in_place(command(first), rest, "/shop", exists) == words.split()


@pytest.mark.parametrize("line", ["set API_KEY hunter2", "set API_KEY a/b", "set --from-file f API_KEY hunter2"])
def test_a_value_given_to_set_is_not_taken_for_a_name(line: str) -> None:
    first, *rest = line.split()
    with pytest.raises(Mistake) as caught:
        lines.line_values(command(first), rest, "/shop", exists)
    assert "hunter2" not in caught.value.text + caught.value.hint
    assert "API_KEY" not in caught.value.text + caught.value.hint


@pytest.mark.parametrize("line", ["set API_KEY=hunter2", "get /shop 1X", "exec --only A,2B -- env", "get a//b X"])
def test_names_and_levels_are_judged_before_anything_is_asked(line: str) -> None:
    first, *rest = line.split()
    with pytest.raises(BadName):
        lines.line_values(command(first), rest, "/shop", exists)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("get  A", ["get", "A"]),
        ("envfs get A", ["get", "A"]),
        ("envfs", ["envfs"]),
        ("# a remark", []),
        ("  ", []),
        ("exec -- sh -c 'echo \"a b\" # c'", ["exec", "--", "sh", "-c", 'echo "a b" # c']),
    ],
)
def test_words_are_split_as_in_a_shell(text: str, words: list[str]) -> None:
    assert lines.split_line(text) == words


@pytest.mark.parametrize("line", ["get A | jq", "export > f", "set A <<EOF", "ls && pwd", "set A <<< hunter2", "ls ;"])
def test_what_the_systems_shell_would_act_on_is_a_mistake_here(line: str) -> None:
    with pytest.raises(Mistake, match="system's shell") as caught:
        lines.split_line(line)
    assert "hunter2" not in str(caught.value)


def test_what_stands_behind_the_dashes_is_the_commands_own() -> None:
    assert lines.split_line("exec -- sh -c 'a | b' | c") == ["exec", "--", "sh", "-c", "a | b", "|", "c"]


def test_an_assignment_at_the_prompt_is_answered_by_what_asks_for_it() -> None:
    with pytest.raises(Mistake) as caught:
        lines.named_command("API_KEY=hunter2")
    assert "hunter2" not in caught.value.text + caught.value.hint
    assert "`set NAME`" in caught.value.hint


@pytest.mark.parametrize("text", ["get 'A", "get A\nget B", 'x"'])
def test_an_open_quote_or_a_second_line_is_a_mistake(text: str) -> None:
    with pytest.raises(Mistake):
        lines.split_line(text)


def test_an_unknown_command_is_not_quoted_but_the_nearest_is_named() -> None:
    with pytest.raises(Mistake) as caught:
        lines.named_command("shwo")
    assert (caught.value.text, caught.value.hint) == ("there is no such command", "did you mean `show`?")


# -- history -----------------------------------------------------------------------------------------------------------


def test_history_comes_back_and_stays_private(tmp_path: Path) -> None:
    path = tmp_path / "h"
    path.write_text("ls\n")
    path.chmod(0o644)
    History(str(path)).remember("pwd")
    History(str(path)).remember("pwd")
    assert History(str(path)).lines == ["ls", "pwd"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_history_does_not_follow_a_link_and_needs_no_folder(tmp_path: Path) -> None:
    target = tmp_path / "target"
    (tmp_path / "h").symlink_to(target)
    for path in (tmp_path / "h", tmp_path / "none" / "h"):
        history = History(str(path))
        history.remember("ls")
        assert history.lines == ["ls"]
    assert not target.exists()


def test_a_long_history_is_shortened(tmp_path: Path) -> None:
    path = tmp_path / "h"
    path.write_text("".join(f"get VARIABLE_{number:06}\n" for number in range(30_000)))
    assert History(str(path)).lines[-1] == "get VARIABLE_029999"
    assert len(path.read_text().splitlines()) == len(History(str(path)).lines) == 1000

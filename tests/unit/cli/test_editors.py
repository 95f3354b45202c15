"""Each editor is told the place, and told to keep no copies; one that edits elsewhere is refused."""

from pathlib import Path

import pytest

from envfs.errors import EnvFSError
from envfs_cli.editing import editors


@pytest.mark.parametrize(
    ("word", "options", "place"),
    [
        ("/x/vim", ["-n", "-i", "NONE"], "+call cursor(3,5)"),
        ("/x/nvim", ["-n", "-i", "NONE"], "+call cursor(3,5)"),
        ("/x/gvim", ["-f", "-n", "-i", "NONE"], "+call cursor(3,5)"),
        ("/x/nano", ["--ignorercfiles"], "+3,5"),
        ("/x/emacs", ["--eval"], "+3:5"),
    ],
)
def test_an_editor_keeps_no_copies_and_begins_at_the_place(word: str, options: list[str], place: str) -> None:
    command = editors.editor_command([word, "--mine"], "/m/a.env", 3, 5)
    assert command[: 2 + len(options)] == [word, "--mine", *options]
    assert command[-2:] == [place, "/m/a.env"]


def test_a_link_to_an_editor_is_that_editor(tmp_path: Path) -> None:
    (tmp_path / "vim.basic").touch(mode=0o755)
    (tmp_path / "vi").symlink_to("vim.basic")
    assert "-i" in editors.editor_command([str(tmp_path / "vi")], "/m/a.env")


def test_an_unknown_editor_gets_the_file_alone_and_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert editors.editor_command(["my-editor", "-x"], "/m/a.env", 3, 5) == ["my-editor", "-x", "/m/a.env"]
    assert "whether my-editor keeps copies elsewhere is not known" in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize("word", ["code --wait", "/usr/bin/codium", "emacsclient -t", "subl -w"])
def test_an_editor_of_another_process_is_refused(monkeypatch: pytest.MonkeyPatch, word: str) -> None:
    monkeypatch.setenv("VISUAL", word)
    with pytest.raises(EnvFSError, match="another process"):
        editors.wanted_editor()


def test_visual_comes_before_editor_and_without_both_a_usual_one_is_taken(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("EDITOR", "ed -s")
    assert editors.wanted_editor() == ["ed", "-s"]
    monkeypatch.setenv("VISUAL", "vim")
    assert editors.wanted_editor() == ["vim"]
    for name in ("VISUAL", "EDITOR"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EnvFSError, match="there is no editor"):
        editors.wanted_editor()
    (tmp_path / "vi").touch(mode=0o755)
    assert editors.wanted_editor() == ["vi"]

"""What stays open for a reader's environment, and how the client completes it: as a shell would, and nothing twice."""

import subprocess

import pytest

from envfs.dotenv import dialects, merging, residues, writing
from envfs.dotenv.document import parse_document
from envfs.errors import Malformed
from envfs.protocol import jsontext
from envfs_cli.process import environment_references

ENVIRON = {"HOME": "/home/x", "EMPTY": "", "ODD": 'a $HOME `id` "q" it\'s \\ ${HOME}'}


def merged(*texts: str) -> merging.MergedView:
    layers = [merging.Layer("/" + "/".join("abc"[:depth]), parse_document(text)) for depth, text in enumerate(texts)]
    return merging.merge_layers(layers, lenient=True)


def completed(view: merging.MergedView, environ: dict[str, str] | None = None) -> dict[str, str]:
    given = {name.encode(): value.encode() for name, value in (environ or {}).items()}
    opened = jsontext.encode_json(residues.residue_json(view.opened))
    entries = environment_references.complete_entries(writing.environ_bytes(view.variables), opened, given).split(
        b"\0"
    )[:-1]
    return dict(entry.decode().split("=", 1) for entry in entries)


WORDS = (
    *("$HOME", "${HOME}", "${NOPE}", "${EMPTY}", "${ODD}", "${HOME}/a b", "${HOME}${ODD}${NOPE}", "100%${HOME}!x"),
    *(f"${{{name}{operator}word}}" for name in ("HOME", "EMPTY", "NOPE") for operator in ("-", ":-", "+", ":+")),
    *("${NOPE:-${HOME}/y}", "${NOPE:-${EMPTY:-${HOME}}}", "${HOME:+${ODD}}", "${HOME?m}", "${HOME:?m}", "${EMPTY?m}"),
)


@pytest.mark.parametrize("word", WORDS)
def test_a_command_gets_what_a_shell_would_make_of_it(word: str) -> None:
    script = f'A="{word}"; printf %s "$A"'
    shell = subprocess.run(["dash", "-c", script], env=ENVIRON, capture_output=True, check=True).stdout.decode()
    assert completed(merged(f'A="{word}"\n'), ENVIRON)["A"] == shell


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize(
    "shell", [("bash",), ("dash",), ("mksh",), ("zsh", "-f"), ("busybox", "sh")], ids=lambda it: it[0]
)
def test_a_text_for_shells_keeps_the_reference(shell: tuple[str, ...], word: str) -> None:
    view = merged(f'A="{word}"\n')
    script = dialects.dialect_text(view.variables, "shell", view.opened) + 'printf %s "$A"'
    said = subprocess.run([*shell, "-c", script], env=ENVIRON, capture_output=True, check=True).stdout.decode()
    assert said == completed(view, ENVIRON)["A"]


def test_a_shell_gets_text_beside_a_reference_as_it_is() -> None:
    view = merged(f'A="{writing.escape_value(ENVIRON["ODD"])}\nline ${{HOME}}"\n')
    script = dialects.dialect_text(view.variables, "shell", view.opened) + 'printf %s "$A"'
    said = subprocess.run(["bash", "-c", script], env=ENVIRON, capture_output=True, check=True).stdout.decode()
    assert said == ENVIRON["ODD"] + "\nline /home/x"


@pytest.mark.parametrize("dialect", ["portable", "docker", "systemd", "python", "node"])
def test_a_dialect_without_references_has_the_value_with_nothing_set(dialect: str) -> None:
    view = merged("A=${HOME}/x\n")
    assert dialects.dialect_text(view.variables, dialect, view.opened) == "A=/x\n"


@pytest.mark.parametrize(
    ("dialect", "text", "line"),
    [
        ("expand", "A=${A}/x\n", "A=/x\n"),  # dotenv-expand up to 10 would go round for ever
        ("expand", "A=${HOME:+x}\n", "A=\n"),
        ("expand", "A=${NOPE:-a}/x\n", 'A="${NOPE:-a}/x"\n'),
        ("python-interpolating", "A=${NOPE:-${HOME}}\n", "A=\n"),
        ("python-interpolating", "A=${HOME}/x\n", 'A="${HOME}/x"\n'),
        ("compose", "A=${NOPE:-${HOME}}\n", 'A="${NOPE:-${HOME}}"\n'),
    ],
)
def test_what_a_dialects_readers_do_not_know_is_written_with_nothing_set(dialect: str, text: str, line: str) -> None:
    view = merged(text)
    assert dialects.dialect_text(view.variables, dialect, view.opened) == line


def test_a_value_of_a_level_or_of_the_environment_is_never_expanded_again() -> None:
    view = merged("LITERAL='${HOME} $ODD'\nA=${LITERAL}${ODD}${HOME}\n")
    assert completed(view, ENVIRON)["A"] == "${HOME} $ODD" + ENVIRON["ODD"] + "/home/x"


def test_what_a_level_sets_is_not_asked_of_the_environment() -> None:
    view = merged("A=${HOME}:${LATER}\nLATER=of-the-level\n", "HOME=below\n")
    assert completed(view, {"HOME": "outside", "LATER": "outside"})["A"] == "below:"
    assert not view.opened


def test_what_refers_to_something_open_is_open() -> None:
    view = merged("A=${HOME}\nB=$A/b\nC=${A:-none}\nD=${B:+some}\nE=${A}${NOPE}\nF=${E:-empty}\nG=${E:+full}\n")
    assert completed(view, ENVIRON) == {
        "A": "/home/x",
        "B": "/home/x/b",
        "C": "/home/x",
        "D": "some",
        "E": "/home/x",
        "F": "/home/x",
        "G": "full",
    }
    assert completed(view)["C"] == "none"
    assert completed(view)["F"] == "empty"
    assert completed(view)["G"] == ""
    assert view.variables == completed(view)


def test_what_is_required_may_come_from_the_environment_and_is_an_error_without() -> None:
    view = merged("A=${NEEDED:?why}\n")
    assert completed(view, {"NEEDED": "$x"})["A"] == "$x"
    with pytest.raises(Malformed, match=r"^A requires NEEDED, which is empty$"):
        completed(view, {"NEEDED": ""})
    with pytest.raises(Malformed, match=r"^A requires a variable that is not set$"):
        completed(view, {})
    with pytest.raises(Malformed, match=r"^A requires a variable that is not set: line 1, column 3 of its text$"):
        merging.merge_layers([merging.Layer("/", parse_document("A=${NEEDED:?why}\n"))])


def test_what_is_nested_too_deeply_or_too_large_is_closed_and_work_is_bounded() -> None:
    chain = "".join(f"V{n}=${{X:-${{V{n - 1}}}}}\n" for n in range(1, 5000))
    assert completed(merged("V0=end\n" + chain))["V4999"] == "end"
    doubling = "".join(f"V{n}=${{V{n - 1}}}${{V{n - 1}}}\n" for n in range(1, 60))
    assert completed(merged("V0=${X}\n" + doubling))["V59"] == ""


def test_no_value_is_shown() -> None:
    view = merged("A=${X:-hunter2}${Y:+hunter2}\nB=${A:-hunter2}\n")
    assert "hunter2" not in repr(view)
    assert "hunter2" not in repr([piece for piece in view.opened["A"] if not isinstance(piece, str)])

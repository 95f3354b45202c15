"""The portable form: what is written is read back, by us and by others."""

import io
import random
import string
import subprocess
from pathlib import Path

import pytest
from dotenv import dotenv_values

from envfs.dotenv import writing
from envfs.dotenv.document import parse_document
from envfs.errors import BadName, Malformed

PEM = "-----BEGIN SAMPLE KEY-----\nMIIBVgIBADANBg+/8=\nabc==\n-----END SAMPLE KEY-----\n"
EVERYDAY = {
    "word": "value",
    "empty": "",
    "number": "-12.5e3",
    "url": "postgres://user:p%40ss@db.example.org:5432/app",
    "query": "https://example.org/a?b=1&c=2;d#top",
    "base64": "bm90IGEgc2VjcmV0IQ==",
    "equals_first": "=x",
    "inner_spaces": "hello big world",
    "outer_spaces": "  x  ",
    "tabs": "\ta\tb\t",
    "hash_inside": "a#b",
    "hash_first": "#fff",
    "hash_after_space": "a # b",
    "shell": "a;b|c&d>e<f(g)",
    "glob": "*?[a]{b,c}!~",
    "tilde": "~/x",
    "apostrophe": "it's",
    "quotes": 'say "hi"',
    "windows": "C:\\Users\\new",
    "json": '{"a": 1, "b": ["x y", null]}',
    "json_lines": '{\n  "a": 1\n}\n',
    "dollar": "pa$$w0rd $HOME",
    "bcrypt": "$2b$10$abcdefghijklmnopqrstuv",
    "command": "$(echo pwned)",
    "backtick": "`echo pwned`",
    "pem": PEM,
    "lines": "one\n# two\nTHREE=3\n",
    "unicode": "naïve 日本 🦊",
    "separators": "a\u2028b\u0085c\u00a0",
    "control": "\x1b[1m\x07",
}
HARD = {
    "cr": "a\rb",
    "crlf": "a\r\nb\r\n",
    "cr_backslash": "\r\\",
    "backslash_last": "C:\\dir\\",
    "backslashes_last": "x\\\\",
    "backslash_only": "\\",
    "every_quote": "'\"`",
    "apostrophe_dollar": "it's $HOME ${x} $(y) `z`",
    "apostrophe_lines": 'it\'s\n"x"\n',
    "lines_all": "'\n\"\n`\n$(x)\n\\\n",
    "line_end_only": "\n",
    "quoted_whole": '"x"',
    "mark": "\ufeff",
}


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ("", "K=\n"),
        ("a.b/c:d@e%f+g,h^i-j=", "K=a.b/c:d@e%f+g,h^i-j=\n"),
        ("=a", "K='=a'\n"),
        ("~", "K='~'\n"),
        ("a\n", 'K="a\n"\n'),
        ("a b", "K='a b'\n"),
        ("a\r\nb", 'K="a\\r\\nb"\n'),
        ("a\r\\", 'K="a\\r\\\\"\n'),
        ("a\\", 'K="a\\\\"\n#"x\n'),
        ("it's", 'K="it\'s"\n'),
        ("'\"\\$`\n", 'K="\'\\"\\\\\\$\\`\n"\n'),
        ("a\n$b", 'K="a\n\\$b"\n'),
        ("a\n$(b)", "K='a\n$(b)'\n"),
        ('a\n"b"', "K='a\n\"b\"'\n"),
        ("$a", "K='$a'\n"),
    ],
)
def test_each_kind_of_value_has_its_form(value: str, line: str) -> None:
    assert writing.assignment_line("K", value) == line


def test_everything_is_read_back() -> None:
    variables = EVERYDAY | HARD
    assert parse_document(writing.portable_text(variables)).variables() == variables


def test_what_is_written_has_no_fault_and_no_duplicate() -> None:
    document = parse_document(writing.portable_text(EVERYDAY | HARD))
    assert (document.faults, document.duplicates()) == ((), ())


def test_names_outside_the_grammar_are_left_out_and_told() -> None:
    variables = {"a.b": "1", "C": "2", "d-e": "3", "4f": "4", "G" * 300: "5"}
    assert writing.portable_text(variables) == "C=2\n"
    assert writing.unportable_names(variables) == ("a.b", "d-e", "4f", "G" * 300)


@pytest.mark.parametrize("value", ["a\0", "\ud800"])
def test_a_value_that_no_environment_holds_is_refused(value: str) -> None:
    with pytest.raises(Malformed):
        writing.portable_text({"A": value})
    with pytest.raises(Malformed):
        writing.environ_bytes({"A": value})


def test_one_assignment_insists_on_the_grammar() -> None:
    with pytest.raises(BadName):
        writing.assignment_line("a.b", "1")


def test_environ_is_entries_ended_by_nul() -> None:
    assert writing.environ_bytes({"A": "1", "b.c": "é\n=x", "D": ""}) == b"A=1\0b.c=\xc3\xa9\n=x\0D=\0"


@pytest.mark.parametrize("name", ["", "A=B", "A\0"])
def test_environ_refuses_a_name_that_would_be_read_as_another(name: str) -> None:
    with pytest.raises(BadName):
        writing.environ_bytes({name: "1"})


def random_values(seed: int) -> dict[str, str]:
    """Make values as people have them: words, passwords, tokens, sentences, JSON."""
    pick = random.Random(seed)
    alphabets = [
        string.ascii_letters + string.digits,
        string.ascii_letters + string.digits + "+/=",
        string.ascii_letters + string.digits + "!#%&()*+,-./:;<=>?@[]^_{|}~ ",
        string.ascii_letters + '"{}[]:, ',
        string.ascii_letters + " '.,;:#\n",
        "äöüßéñ日本語 🦊-",
    ]
    return {f"V{n}": "".join(pick.choices(pick.choice(alphabets), k=pick.randint(0, 40))) for n in range(200)}


def python_dotenv(text: str) -> dict[str, str | None]:
    return dict(dotenv_values(stream=io.StringIO(text), interpolate=False))


def bash(text: str, folder: Path) -> dict[str, str]:
    """Let bash read the text as a file, and return what its children would see."""
    file = folder / "file.env"
    file.write_bytes(text.encode())
    command = ["bash", "--norc", "-c", 'set -a; . "$1"; env -0', "bash", str(file)]
    output = subprocess.run(command, env={"PATH": "/usr/bin:/bin"}, check=True, capture_output=True, timeout=60)
    pairs = (pair.partition("=") for pair in output.stdout.decode().split("\0") if pair)
    return {name: value for name, _, value in pairs if name not in {"PATH", "PWD", "SHLVL", "_", "OLDPWD"}}


@pytest.mark.parametrize("seed", range(5))
def test_python_dotenv_reads_values_made_at_random(seed: int) -> None:
    variables = random_values(seed)
    assert python_dotenv(writing.portable_text(variables)) == variables


def test_python_dotenv_reads_everyday_values() -> None:
    assert python_dotenv(writing.portable_text(EVERYDAY)) == EVERYDAY


@pytest.mark.parametrize("seed", range(5))
def test_bash_reads_values_made_at_random(seed: int, tmp_path: Path) -> None:
    variables = random_values(seed)
    assert bash(writing.portable_text(variables), tmp_path) == variables


def test_bash_reads_every_value_without_cr_and_runs_nothing(tmp_path: Path) -> None:
    variables = {name: value for name, value in (EVERYDAY | HARD).items() if "\r" not in value}
    assert bash(writing.portable_text(variables), tmp_path) == variables


@pytest.mark.parametrize("hard", [value for value in HARD.values() if "\r" not in value])
def test_a_hard_value_harms_no_neighbour_in_python_dotenv(hard: str) -> None:
    around = {"A": "1", "Z": "#x 'y'", "Y": 'it\'s "z"'}
    got = python_dotenv(writing.portable_text({"A": "1", "HARD": hard, "Z": "#x 'y'", "Y": 'it\'s "z"'}))
    assert {name: got.get(name) for name in around} == around

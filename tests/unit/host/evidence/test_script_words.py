"""The script of a command line: told where it is certain, and not told in every other case."""

import pytest

from envfs.host.evidence.script_words import Told, script_word

PYTHON, BASH, DASH, NODE = b"/usr/bin/python3.11", b"/usr/bin/bash", b"/usr/bin/dash", b"/usr/bin/node"
RUBY, PERL, PHP, DENO, LUA = b"/usr/bin/ruby3.1", b"/usr/bin/perl", b"/usr/bin/php8.2", b"/opt/deno", b"/usr/bin/lua5.4"


def told(program: bytes, line: str) -> bytes | Told:
    """Ask about the words of a line behind the program's own name."""
    return script_word(program, [b"any", *line.encode().split()])


@pytest.mark.parametrize(
    ("program", "line", "script"),
    [
        (PYTHON, "app.py", b"app.py"),
        (PYTHON, "/srv/app.py --port 80", b"/srv/app.py"),
        (PYTHON, "-I -S -u /srv/app.py", b"/srv/app.py"),
        (PYTHON, "-OO -Wd -X dev -W error -Xutf8 app.py -c", b"app.py"),
        (PYTHON, "-uX dev app.py", b"app.py"),
        (BASH, "-eu deploy.sh", b"deploy.sh"),
        (BASH, "-euo pipefail deploy.sh", b"deploy.sh"),
        (BASH, "--norc -O extglob deploy.sh", b"deploy.sh"),
        (DASH, "deploy.sh", b"deploy.sh"),
        (NODE, "server.js", b"server.js"),
        (NODE, "--enable-source-maps --no-warnings server.js", b"server.js"),
        (RUBY, "-w app.rb", b"app.rb"),
        (PERL, "-wT app.pl", b"app.pl"),
        (PHP, "artisan serve", b"artisan"),
        (DENO, "run --allow-net main.ts", b"main.ts"),
        (LUA, "main.lua", b"main.lua"),
    ],
)
def test_a_script_is_told(program: bytes, line: str, script: bytes) -> None:
    assert told(program, line) == script


@pytest.mark.parametrize(
    ("program", "line"),
    [
        (PYTHON, "-c pass app.py"),
        (PYTHON, "-m app app.py"),
        (PYTHON, "-Ic app.py"),
        (PYTHON, "- app.py"),
        (PYTHON, "--check-hash-based-pycs always app.py"),
        (PYTHON, "-X"),
        (PYTHON, "-Z app.py"),
        (BASH, "-c true app.sh"),
        (BASH, "-euc true app.sh"),
        (BASH, "-s app.sh"),
        (BASH, "-- app.sh"),
        (BASH, "+x app.sh"),
        (BASH, "--rcfile evil.sh app.sh"),
        (NODE, "-r ./evil.js server.js"),
        (NODE, "--require ./evil.js server.js"),
        (NODE, "--import=./evil.mjs server.js"),
        (NODE, "-e 1 server.js"),
        (NODE, "--title server.js evil.js"),
        (NODE, "--inspect=0.0.0.0 server.js"),
        (RUBY, "-r./evil app.rb"),
        (RUBY, "-e 1 app.rb"),
        (PERL, "-MEvil app.pl"),
        (PERL, "-ne 1 app.pl"),
        (PHP, "-r 1 app.php"),
        (PHP, "-d auto_prepend_file=evil app.php"),
        (DENO, "eval main.ts"),
        (DENO, "run --preload evil.ts main.ts"),
        (DENO, ""),
        (LUA, "-l evil main.lua"),
    ],
)
def test_what_may_run_other_code_is_not_told(program: bytes, line: str) -> None:
    assert told(program, line) is Told.CANNOT_TELL


def test_an_empty_word_is_no_script() -> None:
    assert script_word(PYTHON, [b"python3", b"", b"app.py"]) is Told.CANNOT_TELL


@pytest.mark.parametrize(
    "program", [b"/usr/bin/cat", b"/usr/bin/python3-config", b"/x/notpython3", b"", b"/", b"/usr/bin/env"]
)
def test_a_program_that_runs_no_scripts_has_none(program: bytes) -> None:
    assert told(program, "app.py") is Told.NO_SCRIPT


def test_an_interpreter_that_reads_a_terminal_has_none() -> None:
    for program in (PYTHON, BASH, NODE):
        assert script_word(program, [b"any"]) is Told.NO_SCRIPT
        assert script_word(program, []) is Told.CANNOT_TELL

"""Users, groups, programs and namespaces, through every door, under every rule: each gets what the rules mean."""

import hashlib
import json
import re
import secrets
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from envfs.dotenv.placeholders.masking import FIRST_LINE
from envfs.protocol import wire
from tests.component.requesting import CASES, READS
from tests.conftest import Homes
from tests.selection import spread
from tests.system import access_matrix
from tests.system.access_matrix import (
    DOORS,
    GROUPS,
    PROGRAMS,
    RULES,
    SEVERAL,
    SPACES,
    TEAM,
    USERS,
    Cell,
    Condition,
    Persona,
)
from tests.system.home import SECONDS, Home, as_user
from tests.system.peer import HELLO, Peer
from tests.system.probing import attempt
from tests.system.test_strangers import apart

PROBE = Path(__file__).with_name("matrix_probe.py").read_text(encoding="utf-8")
_ANYBODYS = (*READS, "use a token")
OWNERS = [wire.to_body(case.request) for name, case in CASES.items() if name not in _ANYBODYS]
_PAST_END = "2001-01-01T00:00:00.000000Z"


class Ground(NamedTuple):
    """A mount with one level for each rule, the secret of each, and the programs that are rules' and are not."""

    home: Home
    secrets: dict[str, str]
    programs: Path

    def script(self, name: str) -> Path:
        """Return where a script is."""
        return self.programs / "scripts" / f"{name}.py"

    def path(self, program: str) -> Path:
        """Return where a program is. `parent` is a shell."""
        return self.programs / program / ("sh" if program == "parent" else "python3")


@pytest.fixture(scope="module")
def matrix(new_home: Homes, own_ground: Path) -> Iterator[Ground]:
    """Give the module the mount, with all rules in force."""
    made = Ground(new_home(), {rule: secrets.token_hex(16) for rule in RULES}, own_ground / "programs")
    _put_programs(made)
    with made.home.served():
        with Peer(made.home.socket) as peer:
            assert peer.ask(HELLO)["type"] == "hello"
            for rule, secret in made.secrets.items():
                request = {"type": "set-variable", "level": f"/{rule}", "name": _variable(rule), "trim": False}
                assert peer.ask_all(request, (secret,))[1]["type"] == "written"
        made.home.envfs("revoke", "/", "--uid", "0")
        head = made.home.settings.read_text(encoding="utf-8").partition("[[grant]]")[0]
        tables = [_table(made, rule, each) for rule, conditions in RULES.items() for each in conditions]
        made.home.edit_settings("\n".join([head, *tables]))
        yield made


def _variable(rule: str) -> str:
    return f"NAME_{rule.replace('-', '_').upper()}"


def _put_programs(made: Ground) -> None:
    for program in ("approved", "other", "twin", "parent", "scripts"):
        (made.programs / program).mkdir(parents=True)
    made.programs.chmod(0o755)
    for program in ("approved", "other", "twin"):
        shutil.copy(Path(sys.executable).resolve(), made.path(program))
    with made.path("other").open("ab") as file:
        file.write(b"another one")
    shutil.copy(Path("/bin/sh").resolve(), made.path("parent"))
    for script in ("approved", "other"):
        made.script(script).write_text(f"{PROBE}# {script}\n", encoding="utf-8")


def _table(made: Ground, rule: str, condition: Condition) -> str:
    script, pinned = (made.script(name) for name in (condition.script, condition.script_pinned))
    fields: dict[str, object] = {
        "uid": condition.uid,
        "gid": condition.gid,
        "exe": condition.exe and str(made.path(condition.exe)),
        "exe_sha256": condition.exe_pinned and _digest(made.path(condition.exe_pinned)),
        "script": condition.script and str(script),
        "script_sha256": condition.script_pinned and _digest(pinned),
        "under": condition.under and str(made.path(condition.under)),
        "cgroup": condition.cgroup,
        "birth": condition.birth,
        "until": condition.ended and _PAST_END,
        "decision": condition.decision,
        "can": sorted(condition.can),
        "only": [condition.only] if condition.only else [],
    }
    named = {name: value for name, value in fields.items() if value or (name == "uid" and value == 0)}
    lines = [f"{name} = {json.dumps(value)}" for name, value in named.items()]
    return "\n".join(["[[grant]]", f'level = "/{rule}"', *lines, ""])


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _words(made: Ground, persona: Persona, argument: str) -> Sequence[str]:
    code = [str(made.script(persona.script))] if persona.script else ["-c", PROBE]
    words = [str(made.path(persona.path)), "-I", "-S", *code, argument]
    if persona.space == "user":
        words = ["unshare", "--user", "--", *words]
    groups = ["--groups", str(TEAM)] if persona.group == "also" else ["--clear-groups"]
    gid = TEAM if persona.group == "first" else persona.uid
    words = ["setpriv", "--reuid", str(persona.uid), "--regid", str(gid), *groups, "--", *words]
    if persona.space == "mount":
        line = f'mount --bind {made.path("other")} {made.path("approved")} && exec "$@"'
        words = ["unshare", "--mount", "sh", "-c", line, "-", *words]
    if persona.space == "pid":
        words = ["unshare", "--pid", "--fork", "--", *words]
    if persona.program == "under":
        words = [str(made.path("parent")), "-c", f"{shlex.join(words)}; true"]
    return words


def _answers(made: Ground, persona: Persona) -> dict[str, dict[str, list[str]]]:
    asked = {
        "mount": str(made.home.mnt),
        "socket": str(made.home.socket),
        "levels": {f"/{rule}": _variable(rule) for rule in RULES},
        "owner": [] if persona.user == "root" else OWNERS,
    }
    return _probed(_words(made, persona, json.dumps(asked)))


def _probed(words: Sequence[str]) -> dict[str, dict[str, list[str]]]:
    done = subprocess.run(words, capture_output=True, check=False, timeout=6 * SECONDS, cwd="/")
    assert not done.returncode, done.stderr
    answers: dict[str, dict[str, list[str]]] = json.loads(done.stdout)
    return answers


@pytest.mark.parametrize(("user", "group", "program", "space"), spread(list(USERS), GROUPS, PROGRAMS, SPACES))
def test_each_caller_gets_through_each_door_what_the_rules_mean(
    matrix: Ground, user: str, group: str, program: str, space: str
) -> None:
    persona = Persona(user, group, program, space)
    answers = _answers(matrix, persona)
    refused = answers.pop("")
    assert {name: how for name, (how, _) in refused.items() if how != "not-approved"} == {}
    wrong = []
    for level, by_door in answers.items():
        rule, placeholders = level[1:], set[str]()
        assert set(by_door) == {*DOORS, *SEVERAL}
        for door, (how, text) in by_door.items():
            cell = access_matrix.expected(persona, rule, door)
            # which version is meant, a caller with the history hears before all else
            knows = (
                door == "socket.moment" and access_matrix.expected(persona, rule, "socket.history") is not Cell.REFUSED
            )
            if (how == "ok") != (cell is not Cell.REFUSED) or (
                how != "ok" and (how not in _REFUSALS or (text and not knows))
            ):
                wrong.append((rule, door, how, cell))
            elif how == "ok" and (fault := _fault(matrix, rule, door, cell, text, placeholders)):
                wrong.append((rule, door, fault, cell))
            others = (other for other, secret in matrix.secrets.items() if secret in text and other != rule)
            wrong += [(rule, door, "leak", other) for other in others]
        if by_door["socket.history"][0] == "ok":
            told = access_matrix.expected(persona, rule, "socket.variables") in (Cell.TRUE, Cell.MASKED)
            if (_variable(rule) in by_door["socket.history"][1]) is not told:
                wrong.append((rule, "socket.history", "names", told))
        sizes = {door: by_door[f"{door}.stat"][1] for door in ("env", "value") if by_door[f"{door}.read"][0] == "ok"}
        wrong += [
            (rule, door, "size", size) for door, size in sizes.items() if size != str(len(by_door[f"{door}.read"][1]))
        ]
        if len(placeholders) > 1:
            wrong.append((rule, "", "several placeholders", placeholders))
    assert wrong == [], persona


_REFUSALS = ("EACCES", "ENOENT", "not-approved", "no-such-variable", "absent")
_OF_VALUES = ("value.read", "past.value")
_OF_NAMES = ("vars.list", "past.vars", "example.read", "past.example", "socket.variables", "socket.facts")


def _fault(made: Ground, rule: str, door: str, cell: Cell, text: str, placeholders: set[str]) -> str:
    """Say what is wrong with a text that came through a door, if anything. Placeholders in it are collected."""
    name, secret = _variable(rule), made.secrets[rule]
    if access_matrix.READ not in access_matrix.needs(door) or door.partition(".")[2] in _WITHOUT_TEXT:
        is_named = name in text if door in _OF_NAMES else cell is not Cell.HIDDEN
        return "secret" if secret in text else "" if is_named == (cell is not Cell.HIDDEN) else "name"
    if cell is Cell.TRUE:
        return "" if secret in text else "no value"
    if secret in text:
        return "secret"
    if cell is Cell.HIDDEN:
        return "name" if name in text else ""
    if door in ("env.read", "past.read") and not text.startswith(FIRST_LINE):
        return "no word about the mask"
    found = _PLACEHOLDER.findall(text)
    placeholders.update(found)
    return "" if len(found) == 1 and (name in text or door in (*_OF_VALUES, "socket.value")) else "no placeholder"


_WITHOUT_TEXT = ("stat", "access", "statvfs", "watch")
_PLACEHOLDER = re.compile(r"[0-9a-f]{32}")  # in the place of a value of 32 hexadecimal digits


_READING = """
import os, sys
path, secret, times = sys.argv[1], sys.argv[2], int(sys.argv[3])
faces = {}
for _ in range(times):
    try:
        size, text = os.stat(path).st_size, open(path).read()
        face = "of another size" if size != len(text) else "secret" if secret in text else "masked" if text else "empty"
    except PermissionError:
        face = "refused"
    faces[face] = faces.get(face, 0) + 1
print(faces)
"""


@pytest.mark.parametrize(
    "times", [pytest.param(150, id="some"), pytest.param(2_500, id="many", marks=pytest.mark.soak)]
)
def test_readers_at_the_same_moment_get_each_its_own_face(matrix: Ground, times: int) -> None:
    path, secret = str(matrix.home.view("/mask-but")), matrix.secrets["mask-but"]
    callers = [
        ("secret", "alice", "approved"),
        ("masked", "alice", "other"),
        ("masked", "alice", "twin"),
        ("refused", "bob", "approved"),
    ]
    running = [
        subprocess.Popen(
            [*as_user(USERS[user]), str(matrix.path(program)), "-ISc", _READING, path, secret, str(times)],
            stdout=subprocess.PIPE,
            text=True,
        )
        for _, user, program in callers
    ]
    for (face, _, _), process in zip(callers, running, strict=True):
        assert process.communicate(timeout=30 * SECONDS)[0].strip() == str({face: times})


def test_a_caller_outside_the_daemons_process_namespace_gets_through_no_door(shop: Home) -> None:
    with apart(shop) as (mnt, _):
        levels = dict.fromkeys(("/shop", "/shop/prod", "/none"), "NOTHING")
        asked = {"mount": str(mnt), "socket": str(shop.socket), "levels": levels, "owner": OWNERS}
        answers = _probed([sys.executable, "-I", "-S", "-c", PROBE, json.dumps(asked)])
        # the rest of the mount point is told by the kernel, by its own memory and by the access list
        assert {attempt(0, question, mnt).how for question in ("statvfs", "listdir", "open")} == {"EACCES"}
    for by_door in answers.values():
        for how, text in by_door.values():
            assert (how in ("EACCES", "not-approved", "absent"), text) == (True, "")
    assert len({json.dumps(answers[level]) for level in levels}) == 1  # whether there is such a level or not
